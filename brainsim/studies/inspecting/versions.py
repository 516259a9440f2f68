"""With which versions a file was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brainsim.simulate.hdf5 import opened


@dataclass(frozen=True)
class Versions:
    """The format of a file, and of a state the versions of the random graph and of the rule that breaks ties."""

    format: int
    graph: int | None
    ties: int | None


def versions_of(path: Path) -> Versions:
    """Return the versions of a file.

    Raises
    ------
    DumpError
        If it cannot be read.
    """
    with opened(path) as file:
        found = {name: file.attrs.get(name) for name in ("brainsim_format", "graph_version", "ties_version")}
    format_, graph, ties = (None if value is None else int(value) for value in found.values())
    return Versions(int(format_ or 0), graph, ties)
