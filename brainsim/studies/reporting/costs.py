"""The costs of a run: time, memory, disk space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Cell, Missing, Section, Table

_PARTS = "parts/"
_TIMES = ("seconds", "_seconds", "_per_second")


def section(material: Material) -> Section | Missing:
    """Return times, memory and the sizes of files."""
    if not material.is_run:
        return Missing("Memory and timings: a run folder has them; of a simulator, sim.memory() and sim.timings().")
    header, metrics = material.header, material.metrics or {}
    rows: list[tuple[Cell, ...]] = [
        ("wall-clock time, seconds", header["seconds"]),
        ("processes", header.get("jobs")),
        ("threads of each", header.get("threads")),
        ("peak memory of all processes, MiB", metrics.get("peak_rss_mb")),
        *_times("", metrics),
    ]
    found = [(name, _shown(value)) for name, value in rows if value is not None]
    return Section(
        "costs",
        "Memory and timings",
        tables=[
            Table("Memory and timings", ("", ""), found),
            Table("Files", ("name", "bytes"), _sizes(material.files), folded=True),
        ],
    )


def _times(prefix: str, node: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in node.items():
        if isinstance(value, Mapping) and name not in ("parameters", "by_seed", "intervals_95"):
            yield from _times(f"{prefix}{name} ", value)
        elif name.endswith(_TIMES) and isinstance(value, int | float) and (prefix or name != "seconds"):
            yield (prefix + name).replace("_", " "), value


def _shown(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _sizes(files: Mapping[str, int]) -> list[tuple[Cell, ...]]:
    """Return the size of each file; finished parts share one row."""
    parts = [size for name, size in files.items() if name.startswith(_PARTS)]
    rows: list[tuple[Cell, ...]] = [(name, size) for name, size in files.items() if not name.startswith(_PARTS)]
    return [*rows, (f"{_PARTS}* ({len(parts)} files)", sum(parts))] if parts else rows
