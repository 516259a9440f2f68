"""A plain decoder, and the parts that all networks share: `brainsim.networks.transformer.blocks`."""

from brainsim.networks.transformer.decoder import Block, Transformer, TransformerConfig

__all__ = ["Block", "Transformer", "TransformerConfig"]
