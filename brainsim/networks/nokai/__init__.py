"""A network whose attention is routed by a thalamus: the model, its routing, its limbic part and its sizes."""

from brainsim.networks.nokai.model import CortexLayer, HippocampalCompletion, LayerNorm, Nokai, NokaiConfig

__all__ = ["CortexLayer", "HippocampalCompletion", "LayerNorm", "Nokai", "NokaiConfig"]
