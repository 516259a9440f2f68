"""With which versions a file was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsim.simulate.hdf5 import opened


@dataclass(frozen=True)
class Versions:
    """The format of a file, and of a state the versions of the random graph and of the rule that breaks ties."""

    format: int
    graph: int | None
    ties: int | None


_VERSIONS = ("brainsim_format", "graph_version", "ties_version")


def about(path: Path) -> dict[str, Any]:
    """Return what a file says of itself beside its versions, as plain data.

    Raises
    ------
    DumpError
        If it cannot be read.
    """
    with opened(path) as file:
        found = {name: value for name, value in file.attrs.items() if name not in _VERSIONS}
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in found.items()}


def versions_of(path: Path) -> Versions:
    """Return the versions of a file.

    Raises
    ------
    DumpError
        If it cannot be read.
    """
    with opened(path) as file:
        found = {name: file.attrs.get(name) for name in _VERSIONS}
    format_, graph, ties = (None if value is None else int(value) for value in found.values())
    return Versions(int(format_ or 0), graph, ties)
