"""Tidy tables of a run: ``scores.csv``, a row a condition, seed and test, and ``curve.csv``, a row a step besides.

Both are made from the metrics, so experiments need no code for them:

* ``by_seed`` holds lists of one number per seed, by the name of the test;
* ``controls`` holds metrics by control, each with its own ``by_seed``;
* ``curve`` holds, by condition, a list of one curve per seed; a curve is a list of points, and a point is a mapping
  whose first item is the step and whose others are tests.

Mappings may be nested.  A key ``name=value`` on the way gives the table a column ``name``; other keys make up the name
of the test, with dots between them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

TRAINED = "trained"
"""The condition of scores that no control has."""

Row = dict[str, Any]
_OWN = ("seed", "step", "test", "value")


@dataclass(frozen=True)
class _Place:
    """The place of a number in the metrics: the columns and the names that lead to it."""

    columns: Mapping[str, Any]
    names: tuple[str, ...] = field(default=())

    def below(self, key: str) -> _Place:
        name, equals, value = key.partition("=")
        if equals and name and name not in _OWN:
            return replace(self, columns={**self.columns, name: value})
        return replace(self, names=(*self.names, key))

    def row(self, value: Any, *names: str, **columns: Any) -> Row:
        plain = int(value) if isinstance(value, bool) else value
        return {**self.columns, **columns, "test": ".".join((*self.names, *names)), "value": plain}


def scores(metrics: Mapping[str, Any]) -> list[Row]:
    """Return the scores of each condition, seed and test, as rows.

    Parameters
    ----------
    metrics : mapping
        The metrics of a run as JSON data, with its ``seed``.

    Returns
    -------
    list of dict
        Each with ``condition``, the columns of the mappings that it was in, ``seed``, ``test`` and ``value``.

    Examples
    --------
    >>> from brainsim.studies.tables import scores
    >>> for row in scores({"seed": 4, "by_seed": {"p=0.1": {"accuracy": [0.5, 1.0]}}}):
    ...     print(row)
    {'condition': 'trained', 'p': '0.1', 'seed': 4, 'test': 'accuracy', 'value': 0.5}
    {'condition': 'trained', 'p': '0.1', 'seed': 5, 'test': 'accuracy', 'value': 1.0}
    """
    controls = metrics.get("controls")
    by_condition = {TRAINED: metrics, **(controls if isinstance(controls, Mapping) else {})}
    return [
        place.row(value, seed=metrics["seed"] + at)
        for condition, found in by_condition.items()
        if isinstance(found, Mapping) and isinstance(found.get("by_seed"), Mapping)
        for place, values in _lists(found["by_seed"], _Place({"condition": condition}))
        for at, value in enumerate(values)
        if _is_score(value)
    ]


def curves(metrics: Mapping[str, Any]) -> list[Row]:
    """Return the points of each curve, condition, seed and test, as rows.

    Parameters
    ----------
    metrics : mapping
        The metrics of a run as JSON data, with its ``seed``.

    Returns
    -------
    list of dict
        Each with ``condition``, the columns of the mappings that it was in, ``seed``, ``step``, ``test`` and ``value``.
    """
    by_condition = metrics.get("curve")
    if not isinstance(by_condition, Mapping):
        return []
    return [
        place.row(value, name, seed=metrics["seed"] + at, step=step)
        for condition, found in by_condition.items()
        for place, seeds in _lists(found, _Place({"condition": condition}))
        for at, curve in enumerate(seeds)
        for step, name, value in _tests(curve)
    ]


def _lists(node: Any, place: _Place) -> Iterator[tuple[_Place, Sequence[Any]]]:
    if isinstance(node, Mapping):
        for key, each in node.items():
            yield from _lists(each, place.below(key))
    elif isinstance(node, list):
        yield place, node


def _tests(curve: Any) -> Iterator[tuple[Any, str, Any]]:
    for point in curve if isinstance(curve, list) else ():
        if isinstance(point, Mapping) and point:
            step, *tests = point.items()
            yield from ((step[1], name, value) for name, value in tests if _is_score(value))


def _is_score(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)


def write(path: Path, rows: Sequence[Row], *, step: bool = False) -> None:
    """Write rows to a CSV file whose first line names the columns; ``None`` becomes an empty cell."""
    ends = ["seed", *(["step"] if step else []), "test", "value"]
    swept = dict.fromkeys(name for row in rows for name in row if name not in (*ends, "condition"))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["condition", *swept, *ends], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
