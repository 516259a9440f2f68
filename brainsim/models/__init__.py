"""Published models, each in a module or package of its own."""

from brainsim.models import cascade, language, lazy, nemo

__all__ = ["cascade", "language", "lazy", "nemo"]
