"""Histograms of weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from brainsim._arguments import checked
from brainsim._validation import integer
from brainsim.errors import DeclarationError
from brainsim.plots._axes import axes
from brainsim.plots._colours import distinct
from brainsim.plots._legend import legend
from brainsim.plots._text import draw_as_they_are

_MARKERS = "os^DvP*X"


@checked("weights")
def weight_histogram(weights: Mapping[str, npt.ArrayLike], *, bins: int = 30, ax: Axes | None = None) -> Axes:
    """Draw the number of synapses by weight, a line for each fiber, on a logarithmic scale of counts.

    Each point is a bin that holds a synapse.

    Parameters
    ----------
    weights : mapping of str to array_like of float
        The weights by the name of their fiber, as ``sim.connectome(fiber).learned()`` has them.
    bins : int
        Bins of equal width, from the smallest weight of all fibers to the largest.
    ax : Axes, optional
        Where to draw.

    Raises
    ------
    DeclarationError
        If there is no weight, or ``weights`` is something else.

    Examples
    --------
    >>> ax = plots.weight_histogram({"Phon->Lex": [1.1, 1.1, 1.21], "Lex->Lex": [1.1]}, bins=4)
    >>> ax.get_xlabel()
    'weight'
    """
    arrays = {name: items for name, items in _arrays(weights).items() if len(items)}
    if not arrays:
        raise DeclarationError("weight_histogram: needs at least one weight (got none)")
    bins = integer("weight_histogram.bins", bins, 1, 100_000)
    ax = axes(ax)
    edges = np.histogram_bin_edges(np.concatenate([*arrays.values()]), bins)
    lines: list[Line2D] = []
    middles = (edges[1:] + edges[:-1]) / 2
    for number, (items, colour) in enumerate(zip(arrays.values(), distinct(len(arrays)), strict=True)):
        counts, _ = np.histogram(items, edges)
        some = counts > 0
        marker = _MARKERS[number % len(_MARKERS)]
        lines += ax.plot(middles[some], counts[some], color=colour, lw=1, marker=marker, ms=5, alpha=0.85)
    ax.set_yscale("log")
    ax.set_ylim(bottom=0.7)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else ""))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("weight")
    ax.set_ylabel("synapses")
    names = [f"{name}\n{len(w):,} synapses, {w.min():.3g} to {w.max():.3g}" for name, w in arrays.items()]
    legend(ax, lines, names)
    draw_as_they_are(ax)
    return ax


def _arrays(weights: Mapping[str, npt.ArrayLike]) -> dict[str, npt.NDArray[np.float64]]:
    allowed = "a mapping of names of fibers to arrays of finite numbers"
    try:
        arrays = {name: np.asarray(items, dtype=float).ravel() for name, items in weights.items()}
    except (AttributeError, TypeError, ValueError):
        raise DeclarationError(where="weight_histogram.weights", value=weights, allowed=allowed) from None
    if not all(isinstance(name, str) and np.isfinite(items).all() for name, items in arrays.items()):
        raise DeclarationError(where="weight_histogram.weights", value=weights, allowed=allowed)
    return arrays
