"""Scores and curves of a run, grouped for tables and figures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from brainsim.studies import tables
from brainsim.studies.metrics import declared_range
from brainsim.studies.reporting.material import FinishedPart
from brainsim.studies.statistics import COUNT, Range, interval_95

_OWN = ("condition", "seed", "step", "test", "value")
_TIMES = ("_seconds", "_per_second")


@dataclass(frozen=True)
class Measured:
    """The mean of a score over seeds, its 95 % interval (``None`` for one seed), and the number of seeds."""

    mean: float
    interval: tuple[float, float] | None
    seeds: int

    def __str__(self) -> str:
        spread = f" [{self.interval[0]:.4g}, {self.interval[1]:.4g}]" if self.interval else ""
        return f"{self.mean:.4g}{spread}"


def measured(values: Sequence[float], bounded: bool | Range = False) -> Measured:
    """Return the mean of values with its interval, which is limited to their possible range."""
    found = interval_95(values, bounded=bounded)
    return Measured(fmean(values), None if found is None else (found[0], found[1]), len(values))


def range_of(test: str, metrics: Mapping[str, Any], values: Collection[float]) -> bool | Range:
    """Return the possible range of a score.

    The entry ``ranges`` of the metrics declares it, by the whole name of the test or by its last part; ``null`` means
    no limit.  Without an entry, a time is not negative, and a score whose values all lie in [0, 1], in every condition,
    is taken for a fraction.
    """
    name = test.partition(", ")[0]
    found = declared_range(metrics, name) or declared_range(metrics, name.rpartition(".")[2])
    if found is None and not name.endswith(_TIMES):
        return all(0 <= value <= 1 for value in values)
    found = found or COUNT
    least, most = found
    inside = all((least is None or least <= value) and (most is None or value <= most) for value in values)
    return found if inside else False


def name_of(row: Mapping[str, Any]) -> str:
    """Return the name of the test in a row of a table, with the values of the columns that it was swept over."""
    swept = [f"{name}={value}" for name, value in row.items() if name not in _OWN]
    return ", ".join([str(row["test"]), *swept])


def scores(metrics: Mapping[str, Any]) -> dict[str, dict[str, Measured]]:
    """Return scores by test and condition."""
    values: dict[str, dict[str, list[float]]] = {}
    for row in tables.scores(metrics):
        if row["value"] is not None:
            by_condition = values.setdefault(name_of(row), {})
            by_condition.setdefault(str(row["condition"]), []).append(row["value"])
    return {test: _all_measured(test, metrics, found) for test, found in values.items()}


def _all_measured(test: str, metrics: Mapping[str, Any], found: Mapping[str, Sequence[float]]) -> dict[str, Measured]:
    bounded = range_of(test, metrics, [value for values in found.values() for value in values])
    return {key: measured(values, bounded) for key, values in found.items()}


Curve = dict[float, Measured]


def curves(metrics: Mapping[str, Any]) -> dict[str, dict[str, Curve]]:
    """Return learning curves by test and condition: the measured score at each step."""
    values: dict[str, dict[str, dict[float, list[float]]]] = {}
    for row in tables.curves(metrics):
        if isinstance(row["value"], int | float) and isinstance(row["step"], int | float):
            by_step = values.setdefault(name_of(row), {}).setdefault(str(row["condition"]), {})
            by_step.setdefault(row["step"], []).append(row["value"])
    return {test: _measured_curves(test, metrics, by_condition) for test, by_condition in values.items()}


def _measured_curves(
    test: str, metrics: Mapping[str, Any], by_condition: Mapping[str, Mapping[float, Sequence[float]]]
) -> dict[str, Curve]:
    every = [value for by_step in by_condition.values() for values in by_step.values() for value in values]
    bounded = range_of(test, metrics, every)
    return {
        name: {step: measured(values, bounded) for step, values in sorted(by_step.items())}
        for name, by_step in by_condition.items()
    }


def unfinished(parts: Sequence[FinishedPart]) -> dict[str, Any]:
    """Return the curves of finished parts in the form of metrics, for a run without metrics.

    The name of a part is ``condition-seed`` in the studies of this repository.
    """
    found: dict[str, list[Any]] = {}
    for part in parts:
        curve = part.result.get("curve") if isinstance(part.result, Mapping) else None
        if isinstance(curve, list):
            found.setdefault(part.key.rpartition("-")[0] or part.key, []).append(curve)
    return {"seed": 0, "curve": found}


def step_name(metrics: Mapping[str, Any]) -> str:
    """Return the name of the steps of curves: the first item of a point, for example ``sentences``."""
    node: Any = metrics.get("curve")
    while isinstance(node, Mapping | list) and node:
        if isinstance(node, Mapping) and all(isinstance(each, int | float | None) for each in node.values()):
            return str(next(iter(node)))
        node = next(iter(node.values())) if isinstance(node, Mapping) else node[0]
    return "step"
