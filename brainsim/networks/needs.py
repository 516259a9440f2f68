"""The packages that networks need in addition to brainsim."""

from __future__ import annotations

from importlib.util import find_spec

from brainsim.errors import BrainsimError


class TorchMissingError(BrainsimError, ImportError):
    """PyTorch, or safetensors, is not installed."""


def require_torch() -> None:
    """Raise an error that says how to install PyTorch, if it is not.

    Raises
    ------
    TorchMissingError
        Naming the packages that are missing and the command that installs them.
    """
    missing = [package for package in ("torch", "safetensors") if find_spec(package) is None]
    if missing:
        raise TorchMissingError(f"networks need {' and '.join(missing)}; pip install 'brainsim[torch]'")
