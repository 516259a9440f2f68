"""Scores with their intervals over seeds, controls and chance levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bokeh.models import ColumnDataSource, HoverTool, Range1d

from brainsim.studies.metrics import ADDED
from brainsim.studies.reporting.drawing import (
    INK,
    MARKERS,
    colours,
    finished,
    harmless,
    keyed,
    named_ticks,
    new_figure,
    themed,
)
from brainsim.studies.reporting.grouped import Measured, scores
from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Cell, Figure, Key, Missing, Section, Table, without_empty

_GROUPS = (*ADDED, "by_seed", "controls", "chance", "intervals_95", "curve", "labels", "ranges")
_MOST_DRAWN = 30
_MOST_LISTED = 300
_CHANCE = "chance level"

Scores = Mapping[str, Mapping[str, Measured]]


def section(material: Material) -> Section | Missing:
    """Return the scores of a run."""
    metrics = material.metrics
    if metrics is None:
        return Missing(
            "Scores: an experiment returns them as metrics when it finishes, as docs/howto/run_folder.md says."
        )
    found, chance = scores(metrics), _mapping(metrics.get("chance"))
    fractions = {test: each for test, each in found.items() if _fractions(each)}
    others = [(name, value) for name, value in _numbers("", metrics) if name not in found]
    tables = [_table(found, chance, _mapping(metrics.get("labels")))] if found else []
    tables += [Table("Other metrics", ("name", "value"), others[:_MOST_LISTED], folded=bool(found))] if others else []
    more = [f"{len(others) - _MOST_LISTED:,} more numbers are in metrics.json."] if len(others) > _MOST_LISTED else []
    more += [f"Chance level of {name}: {_shown(level)}." for name, level in chance.items() if name not in found]
    if not tables:
        return Missing(
            "Scores: the metrics of this run hold no numbers; docs/howto/run_folder.md says which are shown."
        )
    lead = (
        "Means over seeds with 95 % intervals (Student's t), limited to the possible range of a score. "
        "Controls must fail; chance is the score of guessing."
    )
    return Section(
        "scores",
        "Scores",
        lead=lead if found else "",
        figures=[_figure(fractions, chance)] if fractions else [],
        tables=tables,
        notes=more,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _fractions(found: Mapping[str, Measured]) -> bool:
    return all(0 <= each.mean <= 1 for each in found.values())


def _table(found: Scores, chance: Mapping[str, Any], labels: Mapping[str, Any]) -> Table:
    conditions = _conditions(found)
    rows: list[list[Cell]] = [
        [
            str(labels.get(test, test.replace("_", " "))),
            *(str(each.get(name, "")) for name in conditions),
            _shown(chance.get(test)),
            max(one.seeds for one in each.values()),
        ]
        for test, each in found.items()
    ]
    return without_empty(Table("Scores", ("score", *conditions, "chance", "seeds"), rows))


def _conditions(found: Scores) -> list[str]:
    return list(dict.fromkeys(name for each in found.values() for name in each))


def _shown(value: Any) -> Cell:
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, int | str) else None


def _numbers(prefix: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    """Yield the other numbers in the metrics, by their paths."""
    for name, value in node.items():
        path = f"{prefix}.{name}" if prefix else str(name)
        if not prefix and name in _GROUPS:
            continue
        if isinstance(value, Mapping):
            yield from _numbers(path, value)
        elif isinstance(value, int | float | str) or value is None:
            yield path, _shown(value)


def _figure(found: Scores, chance: Mapping[str, Any]) -> Figure:
    """Return a row for each score, with a mark for each condition and a line at chance."""
    tests, conditions = list(found)[:_MOST_DRAWN], _conditions(found)
    rows = len(tests)
    made = new_figure(
        90 + max(34, 14 * len(conditions)) * rows,
        x_range=Range1d(-0.03, 1.03),
        y_range=Range1d(rows - 0.5, -0.5),
        x_axis_label="score",
    )
    keys, tips = [], []
    for at, (condition, colour) in enumerate(zip(conditions, colours(len(conditions)), strict=True)):
        shift = 0.7 * ((at + 0.5) / len(conditions) - 0.5)
        source = ColumnDataSource(_points(found, tests, condition, shift), name=f"scores-{at}")
        lines = made.segment("low", "y", "high", "y", source=source, line_width=2)
        dots = made.scatter("mean", "y", source=source, size=9, marker=MARKERS[at % len(MARKERS)])
        themed(lines.glyph, line_color=colour)
        themed(dots.glyph, line_color=colour, fill_color=colour)
        for renderer in (lines, dots):
            keyed(renderer, condition)
        keys.append(Key(condition, colour))
        tips.append(
            HoverTool(
                renderers=[dots],
                tooltips=[
                    ("score", "@test"),
                    ("condition", "@condition"),
                    ("mean [95 %]", "@text"),
                    ("seeds", "@seeds"),
                ],
            )
        )
    keys += _draw_chance(made, tests, chance)
    named_ticks(made.yaxis[0], [test.replace("_", " ") for test in tests])
    made.ygrid.visible = False
    finished(made, *tips)
    alt = f"Scores of {', '.join(conditions)} for {', '.join(tests)}; the table below holds the same numbers."
    return Figure("scores-means", made, alt, keys=keys, structure=repr((tests, conditions, sorted(chance))))


def _points(found: Scores, tests: Sequence[str], condition: str, shift: float) -> dict[str, Any]:
    chosen = [(at, test, found[test][condition]) for at, test in enumerate(tests) if condition in found[test]]
    return {
        "y": [at + shift for at, *_ in chosen],
        "mean": [each.mean for *_, each in chosen],
        "low": [each.interval[0] if each.interval else each.mean for *_, each in chosen],
        "high": [each.interval[1] if each.interval else each.mean for *_, each in chosen],
        "test": [harmless(test) for _, test, _ in chosen],
        "condition": [harmless(condition)] * len(chosen),
        "text": [str(each) for *_, each in chosen],
        "seeds": [each.seeds for *_, each in chosen],
    }


def _draw_chance(made: Any, tests: Sequence[str], chance: Mapping[str, Any]) -> list[Key]:
    levels = {at: chance[test] for at, test in enumerate(tests) if isinstance(chance.get(test), int | float)}
    if not levels:
        return []
    source = ColumnDataSource(
        {"x": list(levels.values()), "low": [at - 0.42 for at in levels], "high": [at + 0.42 for at in levels]}
    )
    lines = made.segment("x", "low", "x", "high", source=source, line_width=2, line_dash="dashed")
    themed(lines.glyph, line_color=INK)
    keyed(lines, _CHANCE)
    return [Key(_CHANCE, INK, "dashed")]
