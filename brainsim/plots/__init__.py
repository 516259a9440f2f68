"""Pictures.  Every function draws on ``ax`` (by default of a new figure) and returns it; none shows or restyles it."""

from brainsim.plots.convergence import convergence_curve, support_curve
from brainsim.plots.curve import Curve, learning_curve
from brainsim.plots.dot import brain_dot
from brainsim.plots.graph import brain_svg, draw_brain
from brainsim.plots.overlap import overlap_heatmap
from brainsim.plots.raster import raster
from brainsim.plots.weights import weight_histogram

__all__ = [
    "Curve",
    "brain_dot",
    "brain_svg",
    "convergence_curve",
    "draw_brain",
    "learning_curve",
    "overlap_heatmap",
    "raster",
    "support_curve",
    "weight_histogram",
]
