"""Metrics as JSON data: the results of an experiment, and the entries that brainsim adds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brainsim.errors import ExperimentError

if TYPE_CHECKING:
    from brainsim.studies.statistics import Range

ADDED = ("seed", "parameters", "jobs", "peak_rss_mb", "seconds", "versions")
"""The entries that brainsim adds to ``metrics.json``."""


def declared_range(metrics: Mapping[str, Any], name: str) -> Range | None:
    """Return the possible range of a score that the entry ``ranges`` of metrics declares, ``None`` without one."""
    declared = metrics.get("ranges")
    found = declared.get(name) if isinstance(declared, Mapping) else None
    if not isinstance(found, list | tuple) or len(found) != 2:
        return None
    least, most = found
    return (least, most) if all(end is None or isinstance(end, int | float) for end in found) else None


def plain(metrics: Any) -> tuple[dict[str, Any], list[str]]:
    """Return metrics as JSON data, and the names of numbers that JSON does not have (NaN, infinity; they become null).

    Raises
    ------
    ExperimentError
        If the metrics are not a mapping, have a name that brainsim uses, or cannot be written as JSON.
    """
    if not isinstance(metrics, Mapping):
        raise ExperimentError(f"experiment: must return its metrics as a mapping (got {metrics!r})")
    taken = [name for name in ADDED if name in metrics]
    if taken:
        raise ExperimentError(
            f"metrics: must not be named {', '.join(ADDED)}, which brainsim adds itself (got {taken[0]!r}); rename it"
        )
    missing: list[str] = []
    return {name: _plain(str(name), value, missing) for name, value in _named(metrics, "metrics").items()}, missing


def _named(mapping: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """Return a mapping by names: numbers and truth values may name something, too."""
    named: dict[str, Any] = {}
    for key, value in mapping.items():
        if not isinstance(key, str | int | float | bool):
            raise ExperimentError(f"{where}: must be named by text or numbers (got {key!r})")
        if str(key) in named:
            raise ExperimentError(f"{where}: two items are named {str(key)!r}; rename one")
        named[str(key)] = value
    return named


def _plain(where: str, value: Any, missing: list[str]) -> Any:
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(f"{where}.{key}", each, missing) for key, each in _named(value, where).items()}
    if isinstance(value, list | tuple):
        return [_plain(f"{where}[{at}]", each, missing) for at, each in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        missing.append(where)
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ExperimentError(
        f"metrics: {where} cannot be written as JSON (got {value!r}); use numbers, text, lists and mappings"
    )
