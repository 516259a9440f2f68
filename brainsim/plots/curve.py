"""Learning curves, with their controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from brainsim._arguments import check_record, checked
from brainsim.plots._axes import axes
from brainsim.plots._legend import legend
from brainsim.plots._text import draw_as_they_are


@dataclass(frozen=True)
class Curve:
    """One line of a learning curve.

    Attributes
    ----------
    name : str
        For the legend.
    steps : sequence of float
        Where it was measured.
    values : array_like, shape (seeds, steps)
        What was measured.
    control : bool
        Controls are drawn thin, grey and dashed.
    """

    name: str
    steps: Sequence[float]
    values: npt.ArrayLike
    control: bool = False

    def __post_init__(self) -> None:
        check_record(self)


@checked()
def learning_curve(
    curves: Sequence[Curve],
    *,
    chance: float | None = None,
    criterion: float | None = None,
    xlabel: str = "sentences heard",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw means over seeds (shaded: range), dashed controls, and lines for chance and criterion.

    Parameters
    ----------
    curves : sequence of Curve
        What was learned, and the controls beside it.
    chance, criterion : float, optional
        Levels to mark.
    xlabel, ylabel : str
        Axis labels.
    ax : Axes, optional
        Where to draw.
    """
    ax = axes(ax)
    lines: list[Line2D] = []
    names: list[str] = []
    styles = iter(("--", ":", "-.", (0, (1, 3)), (0, (6, 2, 1, 2))))
    for curve in curves:
        values = np.atleast_2d(np.asarray(curve.values, dtype=float))
        style = {"color": "0.4", "ls": next(styles, "--"), "lw": 1.4} if curve.control else {"lw": 2.2}
        names.append(f"control: {curve.name}" if curve.control else curve.name)
        (line,) = ax.plot(curve.steps, values.mean(axis=0), **style)
        lines.append(line)
        ax.fill_between(curve.steps, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.15, lw=0)
    for level, name, colour in ((chance, "chance", "tab:red"), (criterion, "criterion", "tab:green")):
        if level is not None:
            ax.axhline(level, color=colour, lw=1)
            ax.annotate(
                f"{name} {level:.3g}",
                (1, level),
                xycoords=("axes fraction", "data"),
                xytext=(-4, 3),
                textcoords="offset points",
                color=colour,
                ha="right",
                fontsize="small",
            )
    ax.set_ylim(-0.03, 1.05)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    legend(ax, lines, names, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    draw_as_they_are(ax)
    return ax
