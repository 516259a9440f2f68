"""Drawings of a declaration: areas as circles, fibers as arrows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from brainsim.declare.fiber import Fiber
from brainsim.plots._axes import axes

if TYPE_CHECKING:
    from brainsim.declare.brain import Brain

_RADIUS = 0.24
_PLASTIC, _FIXED = "tab:orange", "0.5"


def draw_brain(brain: Brain, *, ax: Axes | None = None) -> Axes:
    """Draw areas on a circle and fibers as arrows: orange if plastic, grey if fixed."""
    ax = axes(ax, 6.0, 6.0)
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(brain.areas)) / max(len(brain.areas), 1)
    places = {name: np.array((np.cos(a), np.sin(a))) for name, a in zip(brain.areas, angles, strict=True)}
    for fiber in brain.fibers:
        _arrow(ax, fiber, places[fiber.source.name], places[fiber.target.name])
    for name, area in brain.areas.items():
        x, y = places[name]
        ax.scatter([x], [y], s=2600, color="white", edgecolors="tab:blue", linewidths=2, zorder=3)
        ax.text(x, y, f"{name}\nn={area.n:,}\nk={area.k:,}", ha="center", va="center", fontsize="x-small", zorder=4)
    ax.plot([], [], color=_PLASTIC, label="plastic")
    ax.plot([], [], color=_FIXED, label="fixed")
    ax.legend(loc="upper right", fontsize="x-small")
    ax.set_xlim(-1.5, 1.5)
    ax.set_ylim(-1.4, 1.55)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _arrow(ax: Axes, fiber: Fiber, start: np.ndarray, end: np.ndarray) -> None:
    colour = _FIXED if fiber.plasticity is None else _PLASTIC
    if fiber.source is fiber.target:
        side = np.array((-start[1], start[0])) * 0.13
        start, end, bend = start * 1.2 - side, start * 1.2 + side, "arc3,rad=1.6"
    else:
        way = (end - start) / np.linalg.norm(end - start)
        start, end, bend = start + way * _RADIUS, end - way * _RADIUS, "arc3,rad=0.14"
    ax.add_patch(
        FancyArrowPatch(
            tuple(start), tuple(end), arrowstyle="-|>", mutation_scale=12, color=colour, lw=1.3, connectionstyle=bend
        )
    )


def brain_svg(brain: Brain) -> str:
    """Return the drawing as SVG, for notebooks."""
    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    draw_brain(brain, ax=figure.subplots())
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()
