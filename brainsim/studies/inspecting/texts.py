"""The results of `check`, `show` and `diff` as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import Any

from brainsim.studies.inspecting.checking import Checked
from brainsim.studies.inspecting.comparison import Comparison
from brainsim.studies.inspecting.folder import Standing
from brainsim.studies.inspecting.showing import ShownDump, ShownRecording, ShownRun, ShownState, ShownSweep
from brainsim.studies.inspecting.table import aligned, counted, titled

PARTS = "parts/"
_MANY = {PARTS: ("json", "finished part"), "runs/": ("run", "finished run")}
"""What folders hold in numbers; what is whole of it takes one row."""

_MOST_DIFFERENCES = 40
_MOST = 12
"""How many items of a long list are written."""


@singledispatch
def text(record: Any) -> str:
    """Return the result of a function of `brainsim.studies.inspecting` as plain text with aligned columns."""
    raise TypeError(f"no text for {record!r}")


@text.register
def _(checked: Checked) -> str:
    names = {each.path[len(checked.path) + 1 :]: each for each in checked.files}
    groups = {where: [n for n, each in names.items() if n.startswith(where) and _is_done(each)] for where in _MANY}
    grouped = {name for many in groups.values() for name in many}
    rows = [(name, each.kind, _verdict(each)) for name, each in names.items() if name not in grouped]
    for where, many in groups.items():
        kind, noun = _MANY[where]
        rows += [(f"{where}*", kind, f"whole: {counted(len(many), noun)}")] if many else []
    return "\n".join([f"{checked.path}: {_verdict(checked)}", *aligned(rows), *_resuming(checked.run)])


def _is_done(checked: Checked) -> bool:
    return checked.kind in ("json", "run") and checked.condition == "whole"


def _verdict(checked: Checked) -> str:
    detail = checked.detail
    if checked.condition == "damaged":  # which the verdict says already
        detail = re.sub(r"^is damaged(?:: | \((.*)\)$)", r"\1", detail, flags=re.DOTALL)
    if checked.condition == "whole" and checked.kind in ("state", "dump", "history", "model"):
        detail = f"{checked.kind}, {detail}"
    return f"{checked.condition}: {detail}" if detail else checked.condition


def _resuming(run: Standing | None) -> list[str]:
    if run is None or run.status == "finished":
        return []
    return [f"continue it with: {run.resume}" if run.resume else f"it cannot be continued: {run.hindrance}"]


@text.register
def _(state: ShownState) -> str:
    versions = state.versions
    head = [
        ("seed", str(state.seed)),
        ("note", state.note),
        ("versions", f"format {versions.format}, graph {versions.graph}, ties {versions.ties or 'unknown'}"),
        *((name.replace("_", " "), _listed(value)) for name, value in state.brain.items()),
    ]
    areas, fibers = state.areas, state.fibers
    modulators = [("name", "description")] + [(name, _listed(part)) for name, part in state.modulators.items()]
    return "\n".join(
        [
            f"{state.path}: state after {counted(state.rounds, 'round')}",
            *aligned([row for row in head if row[1]]),
            *titled(counted(len(areas), "area"), _area_rows(state)),
            *titled(counted(len(fibers), "fiber"), _fiber_rows(state)),
            *titled(counted(len(state.modulators), "modulator"), modulators),
            *(state.declaration or "").splitlines(),
        ]
    )


def _area_rows(state: ShownState) -> list[tuple[object, ...]]:
    kinds = [kind for kind in state.kinds if kind.owner == "area"]
    return [("name", "n", "k", "activation", "refraction", *(kind.name for kind in kinds))] + [
        (
            area.name,
            area.n,
            area.k,
            area.activation,
            f"{area.refraction:g}" if area.refraction else "",
            *(kind.items.get(area.name, 0) for kind in kinds),
        )
        for area in state.areas
    ]


def _fiber_rows(state: ShownState) -> list[tuple[object, ...]]:
    kinds = [kind for kind in state.kinds if kind.owner == "fiber"]
    names = tuple(kind.name for kind in kinds)
    return [("name", "graph", "weight", "rule", "more", *names, "weights")] + [
        (
            fiber.name,
            fiber.graph,
            f"{fiber.base:g}",
            fiber.rule,
            fiber.more,
            *(kind.items.get(fiber.name, 0) for kind in kinds),
            "{:.4g} to {:.4g}".format(*fiber.weights) if fiber.weights else "",
        )
        for fiber in state.fibers
    ]


@text.register
def _(dump: ShownDump) -> str:
    assemblies = [("area", "assemblies", "neurons", "labels")] + [
        (area, len(labels), _range(labels.values()), _listed(list(labels))) for area, labels in dump.assemblies.items()
    ]
    recordings = [line for recording in dump.recordings for line in _recording(recording)]
    return "\n".join(
        [
            f"{dump.path}: {dump.kind} of format {dump.format}{', still growing or cut off' if dump.growing else ''}",
            *aligned([(name, _listed(value)) for name, value in dump.about.items()]),
            *titled("assemblies", assemblies),
            *recordings,
            *titled("what parts mean", [("part", "meaning"), *_meanings(dump.descriptions)]),
        ]
    )


def _meanings(descriptions: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the meanings of parts, of a long list the first ones; those that all such files have are left out."""
    rows = [(part, meaning) for part, meaning in descriptions.items() if "/" in part]
    more = [("…", f"{len(rows):,} in all; --json lists them")] if len(rows) > _MOST else []
    return rows[:_MOST] + more


def _recording(recording: ShownRecording) -> list[str]:
    rows = [("area", "n", "k", "winners a round", "support")] + [
        (area.name, area.n, area.k, f"{area.winners / max(recording.rounds, 1):g}", area.support)
        for area in recording.areas
    ]
    marks = _listed([f"{label} (round {number})" for number, label in recording.marks])
    held = [counted(recording.rounds, "round"), *(["with drives"] if recording.drives else [])]
    held += [] if recording.seed is None else [f"seed {recording.seed}"]
    title = f"recording {recording.name!r}: {', '.join(held)}"
    return [*titled(title, rows), *([f"  marks: {marks}"] if marks else [])]


@text.register
def _(sweep: ShownSweep) -> str:
    header = sweep.header
    head = [
        ("command", header.get("command", "")),
        ("experiment", header["experiment"]),
        ("seeds", _listed(list(header["seeds"]))),
        ("runs", ", ".join(f"{header.get(status, 0)} {status}" for status in ("finished", "failed"))),
        ("brainsim", header.get("brainsim_version", "")),
    ]
    grid = [("name", "values"), *((name, _listed(list(values))) for name, values in header["grid"].items())]
    return "\n".join(
        [
            f"{sweep.path}: sweep, {sweep.run.status}",
            *aligned([row for row in head if row[1]]),
            *_resuming(sweep.run),
            *titled("grid", grid),
            *titled("files", [("name", "bytes"), *sweep.files.items()]),
        ]
    )


@text.register
def _(run: ShownRun) -> str:
    header = run.header
    head = [
        ("command", header["command"]),
        ("experiment", header["experiment"]),
        ("seed", str(header["seed"])),
        ("started", header.get("started", "")),
        ("took", f"{header['seconds']:g} s"),
        ("on", f"backend {header.get('backend')}, threads {header.get('threads')}"),
        ("brainsim", header["brainsim_version"]),
        *(("note", note) for note in header.get("notes", ())),
    ]
    return "\n".join(
        [
            f"{run.path}: run, {run.run.status}",
            *aligned(head),
            *_resuming(run.run),
            *titled(
                "parameters", [("name", "value"), *((name, str(v) or "''") for name, v in header["parameters"].items())]
            ),
            *titled("files", _file_rows(run)),
        ]
    )


def _file_rows(run: ShownRun) -> list[tuple[object, ...]]:
    """Return the files of a run, its parts in one row."""
    parts = [size for name, size in run.files.items() if name.startswith(PARTS)]
    rows: list[tuple[object, ...]] = [
        ("name", "bytes"),
        *((name, size) for name, size in run.files.items() if not name.startswith(PARTS)),
    ]
    return [*rows, (f"{PARTS}* ({counted(len(parts), 'file')})", sum(parts))] if parts else rows


@text.register
def _(comparison: Comparison) -> str:
    lines = [f"equal {comparison.kind}: {comparison.a} and {comparison.b}"]
    if not comparison.equal:
        more = len(comparison.differences) - _MOST_DIFFERENCES
        lines = [f"a: {comparison.a}", f"b: {comparison.b}", *map(str, comparison.differences[:_MOST_DIFFERENCES])]
        lines += [f"… and {counted(more, 'difference')} more; --json lists all"] if more > 0 else []
    return "\n".join([*lines, *(f"note: {note}" for note in comparison.notes)])


def _listed(value: object) -> str:
    """Return a list or mapping as text; of a long one, the first items."""
    if isinstance(value, Mapping):
        items = [f"{name} {each}" if not isinstance(each, int) or name else str(name) for name, each in value.items()]
    elif isinstance(value, Iterable) and not isinstance(value, str):
        items = [" ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in value]
    else:
        return str(value)
    more = [f"… ({len(items):,} in all)"] if len(items) > _MOST else []
    return ", ".join(items[:_MOST] + more)


def _range(sizes: Iterable[int]) -> str:
    low, high = min(sizes, default=0), max(sizes, default=0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
