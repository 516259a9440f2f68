"""What the figures share: colours, a plain frame, and files that are the same each time they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

BLUE, ORANGE, GREEN, PINK, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#BBBBBB",
)  # Okabe & Ito (2008), and a grey
HERE = Path(__file__).parent


def figure(width: float, height: float, columns: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure in inches and its axes, side by side."""
    drawn = Figure(figsize=(width, height), layout="constrained")
    return drawn, drawn.subplots(1, columns, squeeze=False)[0]


def bare(ax: Axes, width: float, height: float, title: str = "") -> None:
    """Make an axes a sheet of paper of a size."""
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    ax.set_title(title, fontsize=10, loc="left")


def box(ax: Axes, at: tuple[float, float], size: tuple[float, float], text: str = "", colour: str = "white") -> None:
    """Draw a box with a text in its middle."""
    ax.add_patch(Rectangle(at, *size, facecolor=colour, edgecolor="#444444", linewidth=0.8))
    ax.text(at[0] + size[0] / 2, at[1] + size[1] / 2, text, ha="center", va="center", fontsize=8)


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = "#444444") -> None:
    """Draw an arrow."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "shrinkA": 0, "shrinkB": 0})


def label(ax: Axes, at: tuple[float, float], text: str, *, right: bool = False, colour: str = "black") -> None:
    """Write a small text."""
    ax.text(*at, text, fontsize=8, va="center", ha="right" if right else "left", color=colour)


def write(drawn: Figure, name: str) -> None:
    """Write ``name.svg`` beside this file, without a date and with the same identifiers each time."""
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        drawn.savefig(HERE / f"{name}.svg", metadata={"Date": None})
