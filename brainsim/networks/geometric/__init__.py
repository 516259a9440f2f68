"""A network whose weights are modulated by coordinates: the model, its banks of pairs, and uses of coordinates."""

from brainsim.networks.geometric.model import MODULATED, Geometric, GeometricCache, GeometricConfig, coordinate_groups

__all__ = ["MODULATED", "Geometric", "GeometricCache", "GeometricConfig", "coordinate_groups"]
