"""Drawings of a declaration: areas as circles, fibers as arrows, regions as frames."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Polygon

from brainsim._arguments import checked
from brainsim.declare.brain import Brain
from brainsim.declare.fiber import Fiber
from brainsim.declare.vector_area import VectorArea
from brainsim.plots._axes import axes
from brainsim.plots._text import draw_as_they_are

if TYPE_CHECKING:
    from brainsim.declare.area import Area

_RADIUS = 0.24
_PLASTIC, _FIXED, _MESSAGE = "tab:orange", "0.5", "tab:purple"
_FRAME, _INSIDE = "tab:blue", "#eaf2f9"
_FRAME_WIDTH = 78  # points: the circle of an area, and a margin
_GAP = 0.5  # beside a region, in distances between areas


@checked()
def draw_brain(brain: Brain, *, ax: Axes | None = None) -> Axes:
    """Draw areas on a circle and fibers as arrows; a frame surrounds each region.

    Plastic fibers are orange, fixed ones grey, and those that carry messages between vector areas purple.
    """
    side = max(6.0, 0.45 * len(brain.areas))  # inches; in less, the circles of neighbours overlap
    ax = axes(ax, side, side)
    places = _places(list(brain.areas.values()))
    for name, region in brain.regions.items():
        _frame(ax, name, np.array([places[area.name] for area in region.areas.values()]))
    for fiber in brain.fibers:
        _arrow(ax, fiber, places[fiber.source.name], places[fiber.target.name])
    for name, area in brain.areas.items():
        x, y = places[name]
        ax.scatter([x], [y], s=2600, color="white", edgecolors="tab:blue", linewidths=2, zorder=3)
        label = f"{_label(area)}\nn={area.n:,}\nk={area.k:,}{_dim(area)}"
        ax.text(x, y, label, ha="center", va="center", fontsize="x-small", zorder=4)
    ax.plot([], [], color=_PLASTIC, label="plastic")
    ax.plot([], [], color=_FIXED, label="fixed")
    if any(fiber.message is not None for fiber in brain.fibers):
        ax.plot([], [], color=_MESSAGE, label="carries messages")
    ax.legend(loc="upper right", fontsize="x-small")
    room = 0.15 if brain.regions else 0.0  # for their names
    ax.set_xlim(-1.5 - room, 1.5 + room)
    ax.set_ylim(-1.55 - room, 1.55 + room)
    ax.set_aspect("equal")
    ax.set_axis_off()
    draw_as_they_are(ax)
    return ax


def _places(areas: list[Area]) -> dict[str, np.ndarray]:
    """Return a place on a circle for each area, clockwise from the top, with a gap at each end of a region."""
    following = [*areas[1:], *areas[:1]]
    steps = [1.0 if area.region is after.region else 1.0 + _GAP for area, after in zip(areas, following, strict=True)]
    angles = np.pi / 2 - 2 * np.pi * np.cumsum([0.0, *steps[:-1]]) / max(sum(steps), 1.0)
    return {area.name: np.array((np.cos(a), np.sin(a))) for area, a in zip(areas, angles, strict=False)}


def _label(area: Area) -> str:
    """Return the name of an area within its region; the frame of the region shows the rest of the name."""
    return area.name if area.region is None else area.name.removeprefix(f"{area.region.name}.")


def _dim(area: Area) -> str:
    """Return the size of the vectors that an area holds, on a separate line."""
    return f"\ndim={area.dim:,}" if isinstance(area, VectorArea) else ""


def _frame(ax: Axes, name: str, places: np.ndarray) -> None:
    """Surround neighbouring areas on the circle with a polygon that has a wide outline.

    All areas lie on one circle, so a polygon of some of them contains no other.
    """
    outline = np.vstack([places, places[:1] + 1e-3])  # a single point would have no outline
    for width, colour in ((_FRAME_WIDTH + 3, _FRAME), (_FRAME_WIDTH, _INSIDE)):
        ax.add_patch(Polygon(outline, color=colour, lw=width, joinstyle="round", capstyle="round", zorder=0))
    x, y = _outside(places) * 1.47
    across = "center" if abs(x) < 0.4 else "left" if x > 0 else "right"
    ax.text(x, y, name, ha=across, va="center", fontsize="small", color=_FRAME, zorder=4)


def _outside(places: np.ndarray) -> np.ndarray:
    """Return the direction of some places from the middle; that of the first one if they are all around it."""
    middle = places.mean(axis=0)
    distance = float(np.linalg.norm(middle))
    return np.asarray(middle / distance if distance > 0.01 else places[0])


def _arrow(ax: Axes, fiber: Fiber, start: np.ndarray, end: np.ndarray) -> None:
    colour = _FIXED if fiber.plasticity is None else _PLASTIC
    colour = _MESSAGE if fiber.message is not None else colour
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


@checked()
def brain_svg(brain: Brain) -> str:
    """Return the drawing as SVG, for notebooks."""
    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    draw_brain(brain, ax=figure.subplots())
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()
