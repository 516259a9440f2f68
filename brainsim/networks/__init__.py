"""Networks trained by gradient, and where they meet a brain.  They need PyTorch: ``pip install 'brainsim[torch]'``.

PyTorch is imported when a network is first used, never by ``import brainsim`` or ``import brainsim.networks``.
"""
