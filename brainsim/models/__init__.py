"""Published models, each in a module or package of its own."""

from brainsim.models import lazy, nemo

__all__ = ["lazy", "nemo"]
