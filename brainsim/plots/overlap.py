"""Heat maps of how much assemblies share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from brainsim._arguments import checked
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError
from brainsim.plots._axes import axes
from brainsim.plots._text import draw_as_they_are, every, shortened, size_in_points

_WITH_NUMBERS = 10
_LIGHT = 0.6  # of viridis, which is lighter above


@checked()
def overlap_heatmap(
    rows: Sequence[Assembly],
    columns: Sequence[Assembly] | None = None,
    *,
    chance: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the overlap of every row assembly with every column assembly, 0 to 1.

    Parameters
    ----------
    rows, columns : sequence of Assembly
        Of one area; ``columns`` are the rows by default.
    chance : float, optional
        Overlap of two random assemblies, ``k / n``; marked on the colour bar.
    ax : Axes, optional
        Where to draw.

    Raises
    ------
    DeclarationError
        If there is no assembly to draw.

    Notes
    -----
    With at most ten assemblies, each cell shows its overlap.  With many, only every second, third … label is drawn, so
    that labels can be read.  Labels of more than 20 letters are shortened in the middle.
    """
    columns = rows if columns is None else columns
    if not rows or not columns:
        raise DeclarationError("overlap_heatmap: needs at least one assembly (got none)")
    ax = axes(ax, 5.5, 4.8)
    shared = np.array([[row.overlap(column) for column in columns] for row in rows])
    image = ax.imshow(shared, vmin=0, vmax=1, cmap="viridis", aspect="equal")
    width, height = size_in_points(ax)
    places, labels = _ticks(columns, width)
    ax.set_xticks(places, labels, rotation=90)
    ax.set_yticks(*_ticks(rows, height))
    if max(shared.shape) <= _WITH_NUMBERS:
        _write(ax, shared)
    draw_as_they_are(ax)
    figure = ax.get_figure()
    if figure is not None:
        bar = figure.colorbar(image, ax=ax, label="overlap", shrink=0.85)
        if chance is not None:
            bar.ax.axhline(chance, color="red", lw=2, clip_on=False)
            bar.ax.text(-0.3, chance, f"chance {chance:.2g}", color="red", ha="right", va="center", fontsize="small")
    return ax


def _write(ax: Axes, shared: npt.NDArray[np.float64]) -> None:
    """Write each overlap into its cell, dark on light or light on dark."""
    for (row, column), value in np.ndenumerate(shared):
        colour = "black" if value > _LIGHT else "white"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize="small", color=colour)


def _ticks(assemblies: Sequence[Assembly], room: float) -> tuple[list[int], list[str]]:
    """Return where labels stand, and the labels."""
    places = list(range(0, len(assemblies), every(len(assemblies), room)))
    return places, [shortened(str(assemblies[at].label or at)) for at in places]
