"""The progress of a run: parts that have finished, and parts that have a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brainsim.studies.reporting.material import FinishedPart, Material
from brainsim.studies.reporting.page import Cell, Section, Table

_SCORES = 5
"""Number of values of a part's result that the table shows."""


def section(material: Material) -> Section | None:
    """Return the parts of a run and their states; nothing for a file or for a run without parts."""
    stands = material.standing
    going = [state for state in material.states if state.file.startswith("parts/")]
    if stands is None or not (material.parts or going):
        return None
    running = [(state.file.removeprefix("parts/").removesuffix(".h5"), state.rounds) for state in going]
    tables = [Table("Unfinished parts, at their last checkpoints", ("part", "rounds"), running)] if running else []
    if material.parts:
        done = stands.status == "finished"
        tables.append(Table(f"Finished parts ({len(material.parts)})", *_numbers(material.parts), folded=done))
    notes = [f"Continue the run with: {stands.resume}"] if stands.resume else []
    notes += [f"The run cannot be continued: {stands.hindrance}."] if stands.hindrance and not stands.resume else []
    return Section("progress", "Progress", lead=f"The run is {stands.status}.", tables=tables, notes=notes)


def _numbers(parts: list[FinishedPart]) -> tuple[list[str], list[list[Cell]]]:
    """Return headings and rows: for each part, the numbers that most parts have."""
    found = [_scores(part.result) for part in parts]
    names = list(dict.fromkeys(name for each in found for name in each))[:_SCORES]
    return ["part", *names], [[part.key, *map(each.get, names)] for part, each in zip(parts, found, strict=True)]


def _scores(result: Any) -> dict[str, float]:
    """Return the numbers of a result; for a curve, those of its last point."""
    if isinstance(result, int | float) and not isinstance(result, bool):
        return {"result": result}
    if not isinstance(result, Mapping):
        return {}
    curve = result.get("curve")
    last = curve[-1] if isinstance(curve, list) and curve else None
    own = {name: value for name, value in result.items() if name != "curve"}
    both = {**(last if isinstance(last, Mapping) else {}), **own}
    return {name: v for name, v in both.items() if isinstance(v, int | float) and not isinstance(v, bool)}
