"""Learned weights of saved states: the number of synapses by weight."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool

from brainsim.studies.reporting.drawing import (
    DASHES,
    MARKERS,
    colours,
    finished,
    harmless,
    keyed,
    new_figure,
    themed,
)
from brainsim.studies.reporting.material import Material, State
from brainsim.studies.reporting.page import Colour, Figure, Key, Missing, Section, Table

_MOST = 4
_BINS = 40


def section(material: Material) -> Section | Missing:
    """Return the weights of the states in a run folder, or of a file."""
    learned = [state for state in material.states if state.weights]
    if not learned:
        return Missing("Weights: save a state, as in sim.save(part.folder / 'state.h5') at the end of a part.")
    rows = [
        (state.file, fiber, len(weights), f"{weights.min():.4g}", f"{np.median(weights):.4g}", f"{weights.max():.4g}")
        for state in learned
        for fiber, weights in state.weights.items()
    ]
    headings = ("state", "fiber", "learned synapses", "smallest", "median", "largest")
    more = [f"{len(learned) - _MOST} more states are in the table alone."] if len(learned) > _MOST else []
    return Section(
        "weights",
        "Weights",
        lead="Synapses whose weight learning has changed; all others have the base weight of their fiber.",
        figures=[_figure(number, state) for number, state in enumerate(learned[:_MOST])],
        tables=[Table("Weights by fiber", headings, rows, folded=True)],
        notes=more,
    )


def _figure(number: int, state: State) -> Figure:
    edges = np.histogram_bin_edges(np.concatenate(list(state.weights.values())), _BINS)
    made = new_figure(280, x_axis_label="weight", y_axis_label="synapses", y_axis_type="log")
    keys, tips = [], []
    for at, ((fiber, weights), colour) in enumerate(
        zip(state.weights.items(), colours(len(state.weights)), strict=True)
    ):
        tips.append(_draw(made, f"weights-{number}-{at}", fiber, np.histogram(weights, edges)[0], edges, at, colour))
        keys.append(Key(fiber, colour, DASHES[at % len(DASHES)]))
    finished(made, *tips)
    alt = f"Numbers of synapses by weight for {', '.join(state.weights)}; the table below has their ranges."
    title = f"{state.file}, after {state.rounds:,} rounds"
    return Figure(f"weights-{number}", made, alt, title, keys=keys, structure=repr((state.file, list(state.weights))))


def _draw(made: Any, name: str, fiber: str, counts: Any, edges: Any, at: int, colour: Colour) -> HoverTool:
    some = counts > 0
    low, high = edges[:-1][some], edges[1:][some]
    source = ColumnDataSource(
        {
            "weight": (low + high) / 2,
            "count": counts[some],
            "range": [f"{a:.3g} to {b:.3g}" for a, b in zip(low, high, strict=True)],
            "fiber": [harmless(fiber)] * int(some.sum()),
        },
        name=name,
    )
    line = made.line("weight", "count", source=source, line_width=2, line_dash=DASHES[at % len(DASHES)])
    dots = made.scatter("weight", "count", source=source, size=7, marker=MARKERS[at % len(MARKERS)])
    themed(line.glyph, line_color=colour)
    themed(dots.glyph, line_color=colour, fill_color=colour)
    for renderer in (line, dots):
        keyed(renderer, fiber)
    tips = [("fiber", "@fiber"), ("weight", "@range"), ("synapses", "@count{0,0}")]
    return HoverTool(renderers=[dots], tooltips=tips)
