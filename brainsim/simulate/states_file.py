"""Saved states: HDF5 files that a simulator continues from.

Format 5, whose files are sealed (`brainsim.simulate.hdf5.seal`): attributes ``brainsim_format``, ``graph_version``,
``ties_version`` and ``seed``; datasets ``identity`` (JSON, see `brainsim.simulate.identity`) and ``note``; for each
kind of state of the backend ``<kind>/<owner>/<column>`` (int64; float32 tables, one row for each node or edge, for what
holds vectors), and for each kind of the brain a dataset of names, a count, locks as text (JSON pairs of owner and
lock), or the values of modulators as text (JSON).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from brainsim.declare.brain import Brain
from brainsim.errors import DumpError
from brainsim.kernels.law.graph import GRAPH_VERSION
from brainsim.kernels.law.selection import TIES_VERSION
from brainsim.kernels.program import Program
from brainsim.kernels.state import KINDS, NO_SYNAPSES, THRESHOLDS, WEIGHTS, WINNERS, Synapses
from brainsim.kernels.state_kind import StateKind
from brainsim.simulate import locks, modulator_values
from brainsim.simulate.hdf5.files import TEXT, count, create, names, opened, text
from brainsim.simulate.hdf5.texts import from_text, to_text
from brainsim.simulate.identity import declaration, difference, identity, read_identity
from brainsim.simulate.state import BRAIN_KINDS, BrainKind, Snapshot
from brainsim.simulate.synapses_file import WORTH_COMPRESSING, Stored, read_pieces, write_synapses


@dataclass(frozen=True)
class SavedState:
    """Content of a file: the identity, the state, the note saved with it, and versions.

    ``ties_version`` is ``None`` in files of formats 1 and 2, which do not say it.
    """

    seed: int
    identity: dict[str, Any] | None
    declaration: str | None
    snapshot: Snapshot
    note: str
    format: int
    graph_version: int
    ties_version: int | None

    def mismatch(self, brain: Brain, program: Program, seed: int) -> str | None:
        """Return how the file's brain or seed differs from these, ``None`` if they are the same."""
        if self.seed != seed:
            return f"seed {self.seed}, here {seed}"
        if self.identity is not None:
            return difference(self.identity, identity(program, brain))
        return None if self.declaration == declaration(brain) else "its declaration differs"


def write_state(
    path: str | Path,
    brain: Brain,
    program: Program,
    seed: int,
    snapshot: Snapshot,
    note: str,
    stored: Callable[[int], Stored],
) -> None:
    """Write a state, completely or not at all; ``stored`` returns the stored synapses of a fiber."""
    with create(path) as file:
        file.attrs["graph_version"] = GRAPH_VERSION
        file.attrs["ties_version"] = TIES_VERSION
        file.attrs["seed"] = np.uint64(seed)
        file.create_dataset("identity", data=json.dumps(identity(program, brain), sort_keys=True), dtype=TEXT)
        file.create_dataset("note", data=to_text(note), dtype=TEXT)
        for name, index in WEIGHTS.named(program).items():
            write_synapses(file, f"{WEIGHTS.name}/{name}", stored(index))
        for kind in KINDS:
            for owner, value in snapshot.values.get(kind.name, {}).items():
                for column, items in zip(kind.columns, value, strict=True):
                    _write_column(file, f"{kind.name}/{owner}/{column.name}", items)
        for each in BRAIN_KINDS:
            value = snapshot.brain[each.name]
            if each.of == "rounds":
                file.create_dataset(each.name, data=value)
            elif each.of == "modulators":
                file.create_dataset(each.name, data=modulator_values.to_text(value), dtype=TEXT)
            elif each.locks:
                file.create_dataset(each.name, data=locks.to_text(value), dtype=TEXT)
            else:
                file.create_dataset(each.name, data=list(value), dtype=TEXT)


def _write_column(file: h5py.File, name: str, items: Any) -> None:
    # Learned vectors and weights use all their bits: compression takes seconds and saves little.
    worth = len(items) > WORTH_COMPRESSING and items.dtype.kind == "i"
    file.create_dataset(name, data=items, compression="gzip" if worth else None)


def read_state(path: str | Path) -> SavedState:
    """Read what `write_state` wrote, or an earlier format, to look at it and not to continue from it.

    Versions of the graph and of ties do not matter, and what a file of an earlier format leaves out stays out.

    Raises
    ------
    DumpError
        If the file cannot be read or holds no state.
    """
    with opened(path) as file:
        version = _version(path, file)
        return _saved(file, version, {kind.name: _values(file, kind, None, version) for kind in KINDS})


@contextmanager
def continuing(
    path: str | Path, program: Program, *, lazy: bool
) -> Iterator[tuple[SavedState, Callable[[str], Iterator[Synapses]]]]:
    """Open a state to continue from it: its content, with no stored synapses, and what yields those of a fiber.

    With ``lazy``, they may be too many for the memory of this process.

    Raises
    ------
    DumpError
        If the file cannot be read, holds no state, or was written for another version of the random graph or of the
        rule that breaks ties; also inside the block, if it is damaged.
    """
    with opened(path, lazy=lazy) as file:
        version = _version(path, file)
        _check_versions(path, file, old=version < 3)
        _check_contents(file, program, version)
        values = {kind.name: _values(file, kind, program, version) for kind in KINDS if kind is not WEIGHTS}
        groups = dict(file.get(WEIGHTS.name, {}).items())
        owners = {*groups, *_left_out(WEIGHTS, program, version)}
        values[WEIGHTS.name] = dict.fromkeys(owners, NO_SYNAPSES)
        yield (
            _saved(file, version, values),
            lambda name: read_pieces(groups[name]) if name in groups else iter([NO_SYNAPSES]),
        )


def _version(path: str | Path, file: h5py.File) -> int:
    version = int(file.attrs["brainsim_format"])
    if ("declaration" if version < 3 else "identity") not in file:
        raise DumpError(f"{path}: holds no simulator state; write one with Simulator.save")
    return version


def _saved(file: h5py.File, version: int, values: Mapping[str, Mapping[str, Any]]) -> SavedState:
    old, note = version < 3, text(file["note"])
    return SavedState(
        seed=count(file.attrs["seed"]),
        identity=None if old else read_identity(text(file["identity"]), version),
        declaration=text(file["declaration"]) if old else None,
        snapshot=Snapshot(values, {kind.name: _brain_value(file, kind, version) for kind in BRAIN_KINDS}),
        note=from_text(note) if version >= 5 else note,
        format=version,
        graph_version=count(file.attrs["graph_version"]),
        ties_version=count(file.attrs["ties_version"]) if "ties_version" in file.attrs else None,
    )


def _check_versions(path: str | Path, file: h5py.File, *, old: bool) -> None:
    """Refuse a state of another random graph or rule of ties; files of earlier formats do not say by which rule."""
    wanted = {"graph": GRAPH_VERSION} if old else {"graph": GRAPH_VERSION, "ties": TIES_VERSION}
    for name, here in wanted.items():
        found = count(file.attrs[f"{name}_version"])
        if found != here:
            raise DumpError(
                f"{path}: belongs to {name} version {found}, here {here}; load it with the version that wrote it"
            )


_PARTS = {"identity", "note", *(kind.name for kind in KINDS), *(kind.name for kind in BRAIN_KINDS)}
_ATTRIBUTES = {"brainsim_format", "graph_version", "ties_version", "seed"}


def _check_contents(file: h5py.File, program: Program, version: int) -> None:
    """Refuse, before they are read, parts that a state does not have and more items than a brain can have."""
    if version >= 5:
        unknown = {*(set(file) - _PARTS), *(set(file.attrs) - _ATTRIBUTES)}
        if unknown:
            raise ValueError(f"holds {min(unknown)!r}, which a state of format {version} does not have")
    for kind in KINDS:
        owners, found = kind.named(program), file.get(kind.name, {})
        for name in owners.keys() & set(found):  # those of another brain are named as such later
            where = f"{kind.name} of {kind.owner} {name!r}"
            for column in found[name] if version >= 3 else ():
                most, size = kind.most(program, owners[name]), found[name][column].size
                if column not in (each.name for each in kind.columns) or size > most:
                    raise ValueError(f"{where}: must have columns of at most {most:_} items ({column!r} has {size:_})")


def _values(file: h5py.File, kind: StateKind, program: Program | None, version: int) -> Mapping[str, Any]:
    """Return the values of a kind by owner."""
    found = dict(file.get(kind.name, {}).items())
    empty = {} if program is None else dict.fromkeys(_left_out(kind, program, version), kind.empty)
    return {**empty, **{owner: _value(kind, group, old=version < 3) for owner, group in found.items()}}


def _left_out(kind: StateKind, program: Program, version: int) -> list[str]:
    """Return the owners that a file of an earlier format may leave out.

    Format 1 or 2: of thresholds all, of weights what never learns.  Formats before 4: all of a kind that they do not
    know.
    """
    if kind is WEIGHTS and version < 3:
        return [fiber.name for fiber in program.fibers if fiber.stores and not fiber.learns]
    unknown = (kind is THRESHOLDS and version < 3) or (kind not in (WINNERS, WEIGHTS, THRESHOLDS) and version < 4)
    return list(kind.named(program)) if unknown else []


def _value(kind: StateKind, group: h5py.Group | h5py.Dataset, *, old: bool) -> Any:
    if old and kind is WINNERS:  # a dataset without columns
        return kind.record(group[:])
    return kind.record(*(group[column.name][:] for column in kind.columns))


_BEFORE_LOCKS = {"area_locks": "inhibited", "fiber_locks": "inhibited_fibers"}


def _brain_value(file: h5py.File, kind: BrainKind, version: int) -> Any:
    if kind.of == "rounds":
        return count(file.attrs["rounds"] if version < 3 else file[kind.name][()])
    if kind.of == "modulators":
        return modulator_values.from_text(text(file[kind.name])) if version >= 4 else {}
    if kind.locks and version < 4:
        return tuple((name, locks.DEFAULT) for name in names(file[_BEFORE_LOCKS[kind.name]]))
    return locks.from_text(text(file[kind.name])) if kind.locks else names(file[kind.name])
