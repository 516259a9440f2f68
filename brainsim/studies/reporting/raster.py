"""The raster: which neurons fired in which round, to zoom and to scrub through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    CDSView,
    ColumnDataSource,
    HoverTool,
    IndexFilter,
    NumeralTickFormatter,
    Range1d,
    RangeTool,
    Span,
)

from brainsim.declare.assembly import Assembly
from brainsim.studies.reporting.drawing import (
    FAINT,
    INK,
    OTHERS,
    finished,
    harmless,
    keyed,
    named_ticks,
    new_figure,
    themed,
)
from brainsim.studies.reporting.firings import Band, Firings, band
from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Colour, Figure, Key, Missing, Scrub, Section, Table
from brainsim.studies.reporting.palette import Palette, palette

MOST_DRAWN = 200_000
"""Largest number of firings that a page shows; if there are more, every second, third … neuron is drawn."""

_MOST_RECORDINGS = 6
_MOST_MARKS = 5_000
_OVERVIEW = 4_000
_GAP = 0.12
_NONE = "in no assembly"


@dataclass(frozen=True)
class _Drawn:
    """A recording as it is drawn: its bands from top to bottom, and the step between the neurons that are drawn."""

    firings: Firings
    bands: tuple[Band, ...]
    names: dict[str, Colour]
    assemblies: dict[str, list[Assembly]]
    step: int


def section(material: Material, most: int = MOST_DRAWN) -> Section | Missing:
    """Return the rasters of the recordings of a run or a file."""
    recordings = [each for each in material.recordings if each.areas]
    if not recordings:
        return Missing(
            "Raster: record rounds with part.record(sim, area, to='rounds.h5') in an experiment, or with "
            "sim.record(area, to='rounds.h5')."
        )
    chosen = recordings[:_MOST_RECORDINGS]
    step = max(1, -(-sum(each.count for each in chosen) // most))
    names = palette(material)
    drawn = [_drawn(each, names, step) for each in chosen]
    others = [f"{each.name} of {each.file}" for each in recordings[_MOST_RECORDINGS:]]
    notes = [note for each in drawn for note in _notes(each)]
    notes += [f"These recordings are not drawn: {', '.join(others)}."] if others else []
    return Section(
        "raster",
        "Raster",
        lead="Each dot is a neuron that fires in a round. Neurons are sorted by assembly, from the bottom of a band "
        "up; those in no assembly are above, in the order in which they first fired.",
        figures=[_figure(number, each) for number, each in enumerate(drawn)],
        tables=[_table(each) for each in drawn],
        notes=notes,
    )


def _drawn(firings: Firings, names: Palette, step: int) -> _Drawn:
    assemblies = {area.name: list(names.leaders.get(area.name, ())) for area in firings.areas}
    labels = dict.fromkeys(str(each.label) for own in assemblies.values() for each in own)
    bands = tuple(band(area, assemblies[area.name]) for area in firings.areas)
    return _Drawn(firings, bands, {label: names.colours[label] for label in labels}, assemblies, step)


def _notes(drawn: _Drawn) -> list[str]:
    firings, found = drawn.firings, []
    if firings.first:
        found.append(f"{firings.name}: the rounds from {firings.first:,} on are shown; earlier ones are in the file.")
    if drawn.step > 1:
        found.append(
            f"{firings.name}: one neuron in {drawn.step} is drawn of {firings.count:,} firings; --firings allows more."
        )
    if len(firings.marks) > _MOST_MARKS:
        found.append(f"{firings.name}: the first {_MOST_MARKS:,} of {len(firings.marks):,} marks are drawn.")
    return found


def _table(drawn: _Drawn) -> Table:
    rows = [
        (each.area.name, each.area.n, each.area.k, len(each.area.rounds), each.support, len(drawn.assemblies[name]))
        for name, each in zip(drawn.assemblies, drawn.bands, strict=True)
    ]
    headings = ("area", "n", "k", "firings", "different neurons", "assemblies")
    return Table(f"Areas of {drawn.firings.name} ({drawn.firings.file})", headings, rows, folded=True)


def _figure(number: int, drawn: _Drawn) -> Figure:
    firings, name = drawn.firings, f"raster-{number}"
    first, end = firings.first - 0.5, max(firings.length, firings.first + 1) - 0.5
    areas = len(drawn.bands)
    window = Range1d(first, end, bounds=(first, end), min_interval=4, name=name)
    top = areas * (1 + _GAP)
    made = new_figure(
        min(110 + 130 * areas, 720),
        x_range=window,
        y_range=Range1d(-_GAP, top + _GAP * 0.4 + 0.14, bounds=(-_GAP, top + 0.5)),
        x_axis_label="round",
        output_backend="webgl",
    )
    tips = [tip for at, each in enumerate(drawn.bands) for tip in _draw_band(made, name, at, each, drawn)]
    _draw_marks(made, name, firings, top)
    bottoms = [_bottom(at, areas) for at in range(areas)]
    named_ticks(made.yaxis[0], [each.area.name for each in drawn.bands], [bottom + 0.5 for bottom in bottoms])
    for bottom in bottoms[:-1]:
        line = Span(location=bottom - _GAP / 2, dimension="width", line_width=1)
        themed(line, line_color=FAINT)
        made.add_layout(line)
    made.grid.visible = False  # the lines show marks
    made.xaxis.formatter = NumeralTickFormatter(format="0,0")
    finished(made, *tips, tools="pan,xwheel_zoom,box_zoom,reset")
    made.toolbar.active_scroll = None
    structure = repr((firings.file, firings.name, [each.area.name for each in drawn.bands], drawn.names))
    keys = [Key(label, colour) for label, colour in drawn.names.items()] + [Key(_NONE, OTHERS)] * bool(drawn.names)
    names = ", ".join(each.area.name for each in drawn.bands)
    alt = f"Raster of {names} over {firings.length:,} rounds; the controls below move and widen the window."
    model = column(made, _overview(name, drawn, window, (first, end)), sizing_mode="stretch_width")
    scrub = Scrub(name, firings.first, max(firings.length, firings.first + 1))
    return Figure(name, model, alt, f"{firings.name} ({firings.file})", "", keys, scrub, structure)


def _bottom(at: int, areas: int) -> float:
    """Return the bottom of a band; the first area of a recording is at the top."""
    return (areas - 1 - at) * (1 + _GAP)


def _draw_band(made: Any, name: str, at: int, drawn: Band, of: _Drawn) -> list[HoverTool]:
    """Draw the neurons of each assembly in its colour; the tooltip has its name and that of the area."""
    area, assemblies = drawn.area, of.assemblies[drawn.area.name]
    shown = drawn.rank % of.step == 0
    renderers = []
    for group in range(-1, len(assemblies)):
        chosen = shown & (drawn.group == group)
        label = _NONE if group < 0 else str(assemblies[group].label)
        source = ColumnDataSource(
            {
                "x": area.rounds[chosen].astype(np.int32),
                "y": (_bottom(at, len(of.bands)) + drawn.height[chosen]).astype(np.float32),
                "neuron": area.neurons[chosen].astype(np.int32),
            },
            name=f"{name}-{at}-{group}",
        )
        dots = made.scatter(
            "x", "y", source=source, size=3.5, marker="square", line_alpha=0, name=harmless(f"{label} ({area.name})")
        )
        themed(dots.glyph, fill_color=OTHERS if group < 0 else of.names[label])
        keyed(dots, label)
        renderers.append(dots)
    tips = [("assembly (area)", "$name"), ("neuron", "@neuron"), ("round", "@x")]
    return [HoverTool(renderers=renderers, tooltips=tips, limit=3)]


def _draw_marks(made: Any, name: str, firings: Firings, top: float) -> None:
    """Draw a line where each mark begins, and its label; the page hides labels that would overlap."""
    marks = firings.marks[:_MOST_MARKS]
    source = ColumnDataSource(
        {
            "x": [max(mark.round, firings.first) - 0.5 for mark in marks],
            "top": [top] * len(marks),
            "label": [harmless(mark.label) for mark in marks],
        },
        name=f"{name}-marks",
    )
    lines = made.vspan("x", source=source, line_width=1)
    themed(lines.glyph, line_color=FAINT)
    lines.level = "underlay"
    texts = made.text(
        "x", "top", "label", source=source, x_offset=3, text_baseline="bottom", text_font_size="11px",
        view=CDSView(filter=IndexFilter([])),
    )  # fmt: skip
    themed(texts.glyph, text_color=INK)
    texts.tags = [{"marks": name}]


def _overview(name: str, drawn: _Drawn, window: Range1d, ends: tuple[float, float]) -> Any:
    """Return a small raster of all rounds, in which the window can be dragged."""
    made = new_figure(70, x_range=Range1d(*ends, name=f"{name}-all"), y_range=Range1d(0, len(drawn.bands) * (1 + _GAP)))
    rounds = np.concatenate([each.area.rounds for each in drawn.bands])
    bands = enumerate(drawn.bands)
    heights = np.concatenate([_bottom(at, len(drawn.bands)) + each.height for at, each in bands])
    step = max(1, len(rounds) // _OVERVIEW)
    places = np.random.default_rng(0).permutation(len(rounds))[: len(rounds) // step]  # a regular step would alias
    source = ColumnDataSource(
        {"x": rounds[places].astype(np.int32), "y": heights[places].astype(np.float32)}, name=f"{name}-overview"
    )
    dots = made.scatter("x", "y", source=source, size=2, line_alpha=0)
    themed(dots.glyph, fill_color=OTHERS)
    made.yaxis.visible = False
    made.grid.visible = False
    made.xaxis.formatter = NumeralTickFormatter(format="0,0")
    tool = RangeTool(x_range=window)
    tool.overlay.update(fill_alpha=0.22, line_width=2)
    themed(tool.overlay, fill_color=Colour("#0072B2", "#56B4E9"), line_color=Colour("#0072B2", "#56B4E9"))
    made.add_tools(tool)
    return finished(made)
