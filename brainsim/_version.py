"""The version of brainsim."""

__version__ = "0.1.0"
