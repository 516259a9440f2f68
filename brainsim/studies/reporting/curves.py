"""Learning curves: each score over the steps of training, by condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bokeh.models import ColumnDataSource, DataRange1d, HoverTool, Span

from brainsim.studies.reporting.drawing import (
    DASHES,
    INK,
    MARKERS,
    colours,
    finished,
    harmless,
    keyed,
    new_figure,
    themed,
)
from brainsim.studies.reporting.grouped import Curve, curves, step_name, unfinished
from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Colour, Figure, Key, Missing, Section

_MOST = 12


def section(material: Material) -> Section | Missing:
    """Return the learning curves of a run, or those of its finished parts if it has no metrics yet."""
    metrics = material.metrics if material.metrics is not None else unfinished(material.parts)
    found, chance = curves(metrics), metrics.get("chance")
    if not found:
        return Missing("Learning curves: return metrics with the name `curve`, as docs/howto/run_folder.md says.")
    levels = chance if isinstance(chance, Mapping) else {}
    step = step_name(metrics)
    figures = [
        _figure(at, test, by_condition, step, levels.get(test))
        for at, (test, by_condition) in enumerate(list(found.items())[:_MOST])
    ]
    more = [f"{len(found) - _MOST} more curves are in curve.csv."] if len(found) > _MOST else []
    lead = "Means over seeds; the shaded bands are 95 % intervals (Student's t), limited to the possible range."
    return Section("curves", "Learning curves", lead=lead, figures=figures, notes=more)


def _figure(number: int, test: str, by_condition: Mapping[str, Curve], step: str, chance: Any) -> Figure:
    points = [each for curve in by_condition.values() for each in curve.values()]
    highs = [each.interval[1] if each.interval else each.mean for each in points]
    ranged = {"y_range": (-0.03, 1.03)} if all(0 <= each.mean <= 1 for each in points) else {}
    made = new_figure(
        260,
        x_range=DataRange1d(range_padding=0.03),
        x_axis_label=step.replace("_", " "),
        y_axis_label="score" if ranged or max(highs, default=1) <= 1 else "value",
        **ranged,
    )
    keys, tips = [], []
    for at, (condition, colour) in enumerate(zip(by_condition, colours(len(by_condition)), strict=True)):
        tips.append(_draw(made, f"curve-{number}-{at}", condition, by_condition[condition], at, colour))
        keys.append(Key(condition, colour, DASHES[at % len(DASHES)]))
    if isinstance(chance, int | float):
        line = Span(location=chance, dimension="width", line_dash="dotted", line_width=2)
        themed(line, line_color=INK)
        keyed(line, "chance level")
        made.add_layout(line)
        keys.append(Key("chance level", INK, "dotted"))
    finished(made, *tips, tools="xpan,xwheel_zoom,box_zoom,reset")
    made.toolbar.active_scroll = None
    alt = f"Curves of {test} over {step} for {', '.join(by_condition)}."
    title = test.replace("_", " ")
    return Figure(f"curve-{number}", made, alt, title, keys=keys, structure=repr((test, list(by_condition), chance)))


def _draw(made: Any, name: str, condition: str, curve: Curve, at: int, colour: Colour) -> HoverTool:
    source = ColumnDataSource(
        {
            "step": list(curve),
            "mean": [each.mean for each in curve.values()],
            "low": [each.interval[0] if each.interval else each.mean for each in curve.values()],
            "high": [each.interval[1] if each.interval else each.mean for each in curve.values()],
            "text": [str(each) for each in curve.values()],
            "condition": [harmless(condition)] * len(curve),
        },
        name=name,
    )
    spread = made.varea("step", "low", "high", source=source, fill_alpha=0.16)
    line = made.line("step", "mean", source=source, line_width=2, line_dash=DASHES[at % len(DASHES)])
    dots = made.scatter("step", "mean", source=source, size=6, marker=MARKERS[at % len(MARKERS)])
    themed(spread.glyph, fill_color=colour)
    themed(line.glyph, line_color=colour)
    themed(dots.glyph, line_color=colour, fill_color=colour)
    for renderer in (spread, line, dots):
        keyed(renderer, condition)
    return HoverTool(
        renderers=[dots], tooltips=[("condition", "@condition"), ("step", "@step"), ("mean [95 %]", "@text")]
    )
