"""Figures in Bokeh that fit a light and a dark page, any width, and readers with colour-vision deficiency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.models import Axis, FixedTicker, HoverTool, Model, PlainText, WheelZoomTool
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

from brainsim.plots._text import shortened
from brainsim.studies.reporting.page import Colour

INK, FAINT, PANEL = Colour("#1f2328", "#e6e8eb"), Colour("#d5d9de", "#3b424c"), Colour("#f6f7f9", "#1d2127")
"""Colours of text, of grid lines, and of the background of a figure."""

OTHERS = Colour("#767b82", "#8d949e")
"""Colour of neurons that belong to no named assembly."""

# The hues of Okabe & Ito (2008), without yellow, at lightnesses for which tests/support/vision.py finds that readers
# with any colour-vision deficiency can distinguish each from the others and from the page.
FEW = (
    Colour("#004b99", "#166db9"),
    Colour("#a18600", "#f4c800"),
    Colour("#0f8156", "#0fffa1"),
    Colour("#c24b90", "#a1597d"),
    Colour("#2e90f4", "#97c9f8"),
    Colour("#804619", "#de642b"),
    Colour("#000000", "#ffffff"),
)
DASHES = ("solid", "dashed", "dotted", "dotdash", "dashdot")
MARKERS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex", "star")


def colours(count: int) -> list[Colour]:
    """Return ``count`` colours: up to seven from a standard palette; for more, steps of rising lightness."""
    if count <= len(FEW):
        return list(FEW[:count])
    steps = [at / (count - 1) for at in range(count)]
    return [Colour(Viridis256[int(205 * step)], Viridis256[int(50 + 205 * step)]) for step in steps]


def themed(model: Model, **attributes: Colour) -> None:
    """Give a model its light and dark colours; the page uses those of the reader's system."""
    light = {name: colour.light for name, colour in attributes.items()}
    dark = {name: colour.dark for name, colour in attributes.items()}
    model.update(**light)
    earlier: dict[str, Any] = next((tag for tag in model.tags if isinstance(tag, dict) and "light" in tag), {})
    others = [tag for tag in model.tags if tag is not earlier]
    themes = {"light": {**earlier.get("light", {}), **light}, "dark": {**earlier.get("dark", {}), **dark}}
    model.tags = [*others, themes]


def keyed(model: Model, key: str) -> None:
    """Let the entry ``key`` of the legend show and hide a model."""
    model.tags = [*model.tags, {"key": key}]


def plain(text: object) -> PlainText:
    """Return a text of any origin for an axis, drawn literally; long texts are shortened in the middle."""
    return PlainText(text=shortened(str(text)))


def harmless(text: object) -> str:
    r"""Return text of any origin for a glyph or tooltip, where Bokeh takes ``$$…$$`` and ``\(…\)`` for formulas."""
    return shortened(str(text)).replace("$$", "$\u200b$").replace("\\(", "\\\u200b(").replace("\\[", "\\\u200b[")


def new_figure(height: int, **options: Any) -> figure:
    """Return an empty figure that takes the width of the page; `finished` must be called when it is drawn."""
    made = figure(
        height=height,
        sizing_mode="stretch_width",
        min_width=220,
        tools="",
        toolbar_location=None,
        background_fill_alpha=1.0,
        border_fill_alpha=0.0,
        outline_line_alpha=0.0,
        **options,
    )
    made.toolbar.logo = None
    return made


def finished(made: figure, *tips: HoverTool, tools: str = "") -> figure:
    """Give a figure its tools and the colours of the page."""
    made.add_tools(*tips)
    if tools:
        made.add_tools(*tools.split(","))
        made.toolbar_location = "above"
        for wheel in made.select(type=WheelZoomTool):
            wheel.zoom_on_axis = False
    themed(made, background_fill_color=PANEL)
    for axis in made.axis:
        _axis(axis)
    for grid in made.grid:
        themed(grid, grid_line_color=FAINT)
    return made


def _axis(axis: Axis) -> None:
    names = ("axis_label_text_color", "major_label_text_color", "axis_line_color", "major_tick_line_color")
    themed(axis, **dict.fromkeys(names, INK))
    axis.minor_tick_line_alpha = 0.0
    axis.axis_label_text_font_style = "normal"
    axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"


def named_ticks(axis: Axis, names: Sequence[object], at: Sequence[float] | None = None) -> None:
    """Label places of an axis by names, by default 0, 1, 2, and so on."""
    places = list(range(len(names))) if at is None else list(at)
    axis.ticker = FixedTicker(ticks=places)
    axis.major_label_overrides = {place: plain(name) for place, name in zip(places, names, strict=True)}
