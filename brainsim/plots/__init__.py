"""Pictures.  Every function draws on ``ax`` (a new figure's by default) and returns it; none shows or restyles."""

from brainsim.plots.curve import Curve, learning_curve
from brainsim.plots.graph import brain_svg, draw_brain
from brainsim.plots.overlap import overlap_heatmap
from brainsim.plots.raster import raster

__all__ = ["Curve", "brain_svg", "draw_brain", "learning_curve", "overlap_heatmap", "raster"]
