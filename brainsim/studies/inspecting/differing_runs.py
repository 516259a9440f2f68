"""Differences between two run folders: settings, metrics, dumps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from brainsim.studies.inspecting.comparison import Difference, of_mappings
from brainsim.studies.inspecting.folder import header_of, metrics_of, standing
from brainsim.studies.inspecting.kinds import HDF5
from brainsim.studies.metrics import ADDED

_DECISIVE = ("experiment", "source_sha256", "seed", "quick", "inputs", "graph_version", "ties_version")
_OTHERS = ("brainsim_version", "backend", "threads", "versions")


def settings(a: Path, b: Path) -> Iterator[Difference]:
    """Yield the differences in the settings that determine the results of two runs, and in how they ended."""
    first, second = header_of(a), header_of(b)
    status = [standing(each).status for each in (a, b)]
    if status[0] != status[1]:
        yield Difference("status", *status)
    yield from of_mappings("", *({name: each.get(name) for name in _DECISIVE} for each in (first, second)))
    yield from of_mappings("parameter", first["parameters"], second["parameters"])


def others(a: Path, b: Path) -> list[str]:
    """Return the other differences, which should not change results: versions, backend, threads."""
    first, second = ({name: each.get(name) for name in _OTHERS} for each in (header_of(a), header_of(b)))
    return [str(each) for each in of_mappings("", first, second)]


def metrics(a: Path, b: Path) -> Iterator[Difference]:
    """Yield the metrics that differ, except measurements of time and memory."""
    first, second = (metrics_of(each) for each in (a, b))
    if first is None or second is None:
        if first is not second:
            yield Difference("metrics.json", *("written" if each is not None else None for each in (first, second)))
        return
    yield from of_mappings("metrics", *(_timeless(each) for each in (first, second)))


def _timeless(content: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in content.items() if name not in ADDED}
    return {name: _without_times(value) for name, value in own.items() if not _is_time(name)}


def _without_times(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_times(each) for name, each in value.items() if not _is_time(name)}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def _is_time(name: str) -> bool:
    return name in ("seconds", "peak_rss_mb") or name.endswith(("_seconds", "_per_second"))


def dumps(a: Path, b: Path) -> tuple[list[str], list[Difference]]:
    """Return the HDF5 files that both runs left, without checkpoints, and those that only one has as differences."""
    names = [{path.name for path in folder.iterdir() if path.suffix in HDF5 and path.is_file()} for folder in (a, b)]
    common, lonely = sorted(names[0] & names[1]), sorted(names[0] ^ names[1])
    return common, [Difference(name, *("written" if name in each else None for each in names)) for name in lonely]
