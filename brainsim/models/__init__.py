"""Published models, each in a module or package of its own."""

from brainsim.models import cascade, lazy, nemo

__all__ = ["cascade", "lazy", "nemo"]
