"""The settings of the run: command, parameters, versions, and its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Cell, Section, Table

_VERSIONS = ("brainsim_version", "graph_version", "ties_version")


def section(material: Material) -> Section:
    """Return command, parameters and versions of a run, or the properties of a file."""
    if not material.is_run:
        return _of_file(material)
    header = material.header
    parameters: list[tuple[Cell, ...]] = [(name, _text(value)) for name, value in header["parameters"].items()]
    versions = header.get("versions")
    found = versions if isinstance(versions, Mapping) else {name: header.get(name) for name in _VERSIONS}
    rows = [
        ("command", header["command"]),
        ("experiment", header["experiment"]),
        ("seed", header["seed"]),
        ("started", header.get("started")),
        ("backend", header.get("backend")),
        ("SHA-256 of the experiment", header["source_sha256"]),
        *((f"SHA-256 of {path}", digest) for path, digest in header["inputs"].items()),
    ]
    return Section(
        "settings",
        "Parameters and versions",
        tables=[
            Table("Run", ("", ""), [(name, _text(value)) for name, value in rows if value is not None]),
            Table("Parameters", ("name", "value"), parameters),
            Table("Versions", ("package", "version"), [(name, _text(v)) for name, v in found.items()], folded=True),
        ],
        notes=[str(note) for note in header.get("notes", ())],
    )


def _of_file(material: Material) -> Section:
    rows: list[tuple[Cell, ...]] = [("file", str(material.path)), ("bytes", sum(material.files.values()))]
    rows += [("rounds", state.rounds) for state in material.states]
    seeds = [each.seed for each in material.states]
    seeds += [each.seed for each in material.recordings if each.seed is not None]
    rows += [("seed", str(seed)) for seed in dict.fromkeys(seeds)]
    return Section("settings", "File", tables=[Table("File", ("", ""), rows)])


def _text(value: Any) -> str:
    return "yes" if value is True else "no" if value is False else "" if value is None else str(value)
