"""The material of a report: all that a run folder or a file contains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.declare.assembly import Assembly
from brainsim.errors import BrainsimError, DumpError, RunFolderError
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.state import WEIGHTS
from brainsim.simulate.states_file import read_state
from brainsim.studies import sealed_json
from brainsim.studies.inspecting.folder import Standing, header_of, metrics_of, standing
from brainsim.studies.inspecting.kinds import HDF5, kind_of
from brainsim.studies.inspecting.parts import ShownArea, ShownFiber, areas_of, fibers_of
from brainsim.studies.inspecting.reading import held
from brainsim.studies.reporting.firings import MOST_READ, Firings, read

_PARTIAL = ".brainsim-"


@dataclass(frozen=True)
class FinishedPart:
    """A finished part of a run: its name, its result, and the brains that it simulated."""

    key: str
    result: Any
    brains: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class State:
    """A saved state: the brain, its age in rounds, and the learned weights by fiber."""

    file: str
    seed: int
    rounds: int
    areas: tuple[ShownArea, ...]
    fibers: tuple[ShownFiber, ...]
    weights: Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Dump:
    """A dump or a history: its assemblies by area, what parts of it mean, and its recordings."""

    file: str
    growing: bool
    assemblies: Mapping[str, tuple[Assembly, ...]]
    descriptions: Mapping[str, str]
    recordings: tuple[Firings, ...]


@dataclass
class Material:
    """The material of a report.

    Attributes
    ----------
    path : Path
        The run folder, or the file.
    standing : Standing or None
        The state of the run.
    header : mapping
        The content of ``run.json``; empty for a file.
    metrics : mapping or None
        The metrics, if there are any yet.
    parts, states, dumps : list
        The contents of the HDF5 and JSON files.
    files : mapping
        The size of each file in bytes.
    faults : list of str
        What could not be read, a line each.
    """

    path: Path
    standing: Standing | None = None
    header: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] | None = None
    parts: list[FinishedPart] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    dumps: list[Dump] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def is_run(self) -> bool:
        """Whether this is a run folder."""
        return self.standing is not None

    @property
    def recordings(self) -> list[Firings]:
        """All recordings."""
        return [recording for dump in self.dumps for recording in dump.recordings]

    def assemblies(self, area: str) -> list[Assembly]:
        """Return all assemblies of an area."""
        return [each for dump in self.dumps for each in dump.assemblies.get(area, ())]


def gathered(path: str | Path, most: int = MOST_READ) -> Material:
    """Return the content of a run folder, a state, a dump or a history.

    If a file of a run folder cannot be read, it is left out and named in ``faults``.

    Parameters
    ----------
    path : str or Path
        The folder or file.
    most : int
        How many firings of each recording are read.

    Raises
    ------
    RunFolderError
        If the folder holds no run, or its ``run.json`` is damaged.
    DumpError
        If the file cannot be read, or was not written by brainsim.
    """
    place = Path(path)
    kind = kind_of(place)
    if kind == "run":
        return _run(place, most)
    if kind == "sweep":
        raise RunFolderError(f"{path}: is a sweep; give one of its runs, such as a folder in {place / 'runs'}")
    if kind != "hdf5":
        raise DumpError(f"{path}: is no run folder, no state, no dump and no history of brainsim; give one of these")
    material = Material(place, files={place.name: place.stat().st_size})
    _add(material, place, place.name, most)
    return material


def _run(folder: Path, most: int) -> Material:
    material = Material(folder, standing(folder), header_of(folder))
    try:
        material.metrics = metrics_of(folder)
    except RunFolderError as error:
        material.faults.append(f"{_of(folder, error)}; write it again with: brainsim run --resume --out {folder}")
    wrong: dict[str, list[str]] = {}
    for path in _files(folder):
        name = str(path.relative_to(folder))
        try:
            material.files[name] = path.stat().st_size
            if path.suffix.lower() in HDF5:
                _add(material, path, name, most)
            elif path.parent.name == "parts" and path.suffix == ".json":
                material.parts.append(_part(path))
        except FileNotFoundError:  # a checkpoint of a run that continues
            continue
        except (BrainsimError, OSError, ValueError, TypeError) as error:
            said = str(error).splitlines()[0].removeprefix(f"{path}: ")
            wrong.setdefault(said, []).append(name)
    for said, names in wrong.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        material.faults.append(f"{names[0]}{others}: {said}; left out. `brainsim check {folder}` says what is whole")
    return material


def _of(folder: Path, error: Exception) -> str:
    return str(error).removeprefix(f"{folder}: ")


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a run that are in their places."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith((_PARTIAL, ".")):
            yield path


def _part(path: Path) -> FinishedPart:
    content = sealed_json.read(path)
    if "result" not in content:
        raise ValueError("holds no result, as those of another version may")
    brains = content.get("brains")
    return FinishedPart(path.stem, content["result"], tuple(brains) if isinstance(brains, list) else ())


def _add(material: Material, path: Path, name: str, most: int) -> None:
    """Add the content of an HDF5 file."""
    with held(path) as content:
        if content.kind != "state":
            material.dumps.append(
                Dump(
                    name,
                    content.growing,
                    {area: tuple(labels.values()) for area, labels in content.assemblies.items()},
                    content.descriptions,
                    tuple(read(name, each, recorded, most) for each, recorded in content.recordings.items()),
                )
            )
            return
    material.states.append(_state(path, name))


def _state(path: Path, name: str) -> State:
    saved = read_state(path)
    identity = saved.identity or {}
    stored = saved.snapshot.values[WEIGHTS.name].items()
    return State(
        file=name,
        seed=saved.seed,
        rounds=saved.snapshot.brain["rounds"],
        areas=areas_of(identity),
        fibers=fibers_of(identity, saved.snapshot),
        weights={fiber: value.weight / ONE for fiber, value in stored if len(value.weight)},
    )
