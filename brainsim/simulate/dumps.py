"""HDF5 files: assemblies and recordings for analysis, and whole states to continue from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from brainsim._files import whole
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.errors import DumpError
from brainsim.kernels.backend import Synapses, Thresholds
from brainsim.kernels.law.graph import GRAPH_VERSION
from brainsim.simulate.recording import Recording
from brainsim.simulate.state import Snapshot

_FORMAT = 2
_READABLE = (1, _FORMAT)  # format 1 has no thresholds
_TEXT = h5py.string_dtype()
_NAMES = ("held", "inhibited", "inhibited_fibers", "opened", "fired")


def write_assemblies(
    path: str | Path, assemblies: Iterable[Assembly], recordings: Mapping[str, Recording] | None = None
) -> None:
    """Write labelled assemblies, and recordings by name, to one HDF5 file, whole or not at all.

    Layout: ``/assemblies/<area>/<label>`` holds neuron indices (int64); ``/recordings/<name>/<area>/neurons`` all
    winners in a row with ``offsets`` (rounds + 1) where each round begins; ``marks_round`` and ``marks_label`` the
    time axis.

    Raises
    ------
    DumpError
        If an assembly has no label, or two of one area share theirs; nothing is written.
    """
    with _create(path) as file:
        group = file.create_group("assemblies", track_order=True)
        for assembly in assemblies:
            if assembly.area not in group:
                group.create_group(assembly.area, track_order=True)
            label = assembly.label
            if not isinstance(label, str) or "/" in label or not label.strip(".") or label in group[assembly.area]:
                raise DumpError(
                    f"{path}: assemblies need labels without '/', each once in its area (got {assembly!r}); "
                    "assembly.labelled('dog') gives one a label"
                )
            group[assembly.area].create_dataset(label, data=assembly.neurons)
        for name, recording in (recordings or {}).items():
            _write_recording(file.create_group(f"recordings/{name}"), recording)


def _write_recording(group: h5py.Group, recording: Recording) -> None:
    group.create_dataset("marks_round", data=np.array([mark.round for mark in recording.marks], np.int64))
    group.create_dataset("marks_label", data=[mark.label for mark in recording.marks], dtype=_TEXT)
    for position, area in enumerate(recording.areas):
        rounds = recording.winners(area)
        part = group.create_group(area.name)
        part.attrs["position"] = position
        part.attrs["n"], part.attrs["k"] = area.n, area.k
        part.create_dataset("offsets", data=np.cumsum([0, *map(len, rounds)]))
        part.create_dataset("neurons", data=np.concatenate([np.empty(0, np.int64), *rounds]), compression="gzip")


def read_assemblies(path: str | Path) -> dict[str, dict[str, Assembly]]:
    """Return the assemblies of a file by area and label.

    Raises
    ------
    DumpError
        If the file cannot be read or holds no assemblies.
    """
    with _open(path) as file:
        if "assemblies" not in file:
            raise DumpError(f"{path}: holds no assemblies; write them with write_assemblies")
        return {
            area: {label: Assembly(area, data[:], label) for label, data in labels.items()}
            for area, labels in file["assemblies"].items()
        }


def read_recordings(path: str | Path) -> dict[str, Recording]:
    """Return the recordings of a file by name.

    Raises
    ------
    DumpError
        If the file cannot be read.
    """
    with _open(path) as file:
        return {name: _read_recording(group) for name, group in file.get("recordings", {}).items()}


def _read_recording(group: h5py.Group) -> Recording:
    areas = [
        Area(name, int(part.attrs["n"]), int(part.attrs["k"])) for name, part in group.items() if "offsets" in part
    ]
    areas.sort(key=lambda area: int(group[area.name].attrs["position"]))
    rounds = {a.name: _rounds(group[a.name]) for a in areas}
    marks = list(zip(group["marks_round"][:].tolist(), group["marks_label"].asstr()[:], strict=True))
    recording = Recording(areas)
    length = max(map(len, rounds.values()), default=0)
    for number in range(length + 1):
        for _, label in (mark for mark in marks if mark[0] == number):
            recording.mark(label)
        if number < length:
            recording.append({name: winners[number] for name, winners in rounds.items()})
    recording.stop()
    return recording


def _rounds(part: h5py.Group) -> list[npt.NDArray[np.int64]]:
    neurons, offsets = part["neurons"][:], part["offsets"][:].tolist()
    return [neurons[start:end] for start, end in pairwise(offsets)]


def save_snapshot(path: str | Path, snapshot: Snapshot) -> None:
    """Write the state of a simulation, whole or not at all (`Simulator.save`)."""
    header = asdict(snapshot)
    del header["winners"], header["learned"], header["thresholds"]
    with _create(path) as file:
        file.attrs["graph_version"] = GRAPH_VERSION
        file.attrs["seed"] = np.uint64(snapshot.seed)
        file.attrs["rounds"] = snapshot.rounds
        file.create_dataset("declaration", data=snapshot.declaration, dtype=_TEXT)
        file.create_dataset("note", data=snapshot.note, dtype=_TEXT)
        for name in _NAMES:
            file.create_dataset(name, data=list(header[name]), dtype=_TEXT)
        for area, neurons in snapshot.winners.items():
            file.create_dataset(f"winners/{area}", data=neurons)
        for group, parts in (("learned", snapshot.learned), ("thresholds", snapshot.thresholds)):
            for name, part in parts.items():
                for column, values in part._asdict().items():
                    file.create_dataset(f"{group}/{name}/{column}", data=values, compression="gzip")


def load_snapshot(path: str | Path) -> Snapshot:
    """Read what `save_snapshot` wrote.

    Raises
    ------
    DumpError
        If the file cannot be read, holds no state, or was written for another version of the random graph.
    """
    with _open(path) as file:
        if "declaration" not in file:
            raise DumpError(f"{path}: holds no simulator state; write one with Simulator.save")
        if file.attrs["graph_version"] != GRAPH_VERSION:
            raise DumpError(f"{path}: belongs to graph version {file.attrs['graph_version']}, here {GRAPH_VERSION}")
        return Snapshot(
            declaration=file["declaration"].asstr()[()],
            note=file["note"].asstr()[()],
            seed=int(file.attrs["seed"]),
            rounds=int(file.attrs["rounds"]),
            **{name: tuple(file[name].asstr()[:]) for name in _NAMES},
            winners={area: data[:] for area, data in file["winners"].items()},
            learned={
                fiber: Synapses(columns["pre"][:], columns["post"][:], columns["weight"][:])
                for fiber, columns in file.get("learned", {}).items()
            },
            thresholds={
                area: Thresholds(columns["neurons"][:], columns["amount"][:])
                for area, columns in file.get("thresholds", {}).items()
            },
        )


@contextmanager
def _open(path: str | Path) -> Iterator[h5py.File]:
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get("brainsim_format", "none")
            if found not in _READABLE:
                raise DumpError(f"{path}: must be a brainsim file of format 1 or {_FORMAT} (got {found})")
            yield file
    except OSError as error:
        raise DumpError(f"{path}: cannot be read as HDF5 ({error})") from error
    except (KeyError, AttributeError) as error:
        raise DumpError(f"{path}: is damaged: {error.args[0]}") from error


@contextmanager
def _create(path: str | Path) -> Iterator[h5py.File]:
    try:
        with whole(path) as partial, h5py.File(partial, "w") as file:
            file.attrs["brainsim_format"] = _FORMAT
            yield file
    except OSError as error:
        raise DumpError(f"{path}: cannot be written ({error})") from error
