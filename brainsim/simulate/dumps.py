"""HDF5 files of assemblies and recordings, for analysis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.errors import DumpError
from brainsim.simulate.hdf5 import TEXT, count, create, opened
from brainsim.simulate.recording import Recording

Array = npt.NDArray[Any]


def write_assemblies(
    path: str | Path, assemblies: Iterable[Assembly], recordings: Mapping[str, Recording] | None = None
) -> None:
    """Write labelled assemblies, and recordings by name, to one HDF5 file, whole or not at all.

    Layout: ``/assemblies/<area>/<label>`` holds neuron indices (int64); ``/recordings/<name>/<area>/neurons`` all
    winners in a row with ``offsets`` (rounds + 1) where each round begins, and, if they were recorded, ``drives``
    (float64), one for each of them; ``marks_round`` and ``marks_label`` the time axis.

    Raises
    ------
    DumpError
        If an assembly has no label, or two of one area share theirs; nothing is written.
    """
    with create(path) as file:
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
    group.create_dataset("marks_label", data=[mark.label for mark in recording.marks], dtype=TEXT)
    for position, area in enumerate(recording.areas):
        rounds = recording.winners(area)
        part = group.create_group(area.name)
        part.attrs["position"] = position
        part.attrs["n"], part.attrs["k"] = area.n, area.k
        part.create_dataset("offsets", data=np.cumsum([0, *map(len, rounds)]))
        part.create_dataset("neurons", data=np.concatenate([np.empty(0, np.int64), *rounds]), compression="gzip")
        if recording.has_drives:
            drives = np.concatenate([np.empty(0), *recording.drives(area)])
            part.create_dataset("drives", data=drives, compression="gzip")


def read_assemblies(path: str | Path) -> dict[str, dict[str, Assembly]]:
    """Return the assemblies of a file by area and label.

    Raises
    ------
    DumpError
        If the file cannot be read or holds no assemblies.
    """
    with opened(path) as file:
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
    with opened(path) as file:
        return {name: _read_recording(group) for name, group in file.get("recordings", {}).items()}


def _read_recording(group: h5py.Group) -> Recording:
    areas = [
        Area(name, count(part.attrs["n"]), count(part.attrs["k"]))
        for name, part in group.items()
        if name not in ("marks_round", "marks_label")
    ]
    areas.sort(key=lambda area: count(group[area.name].attrs["position"]))
    rounds = {area.name: _rounds(area, group[area.name]) for area in areas}
    drives = {area.name: _drives(area, group[area.name]) for area in areas if "drives" in group[area.name]}
    marks = list(zip(group["marks_round"][:].tolist(), group["marks_label"].asstr()[:], strict=True))
    recording = Recording(areas, drives=bool(drives))
    length = max(map(len, rounds.values()), default=0)
    for number in range(length + 1):
        for _, label in (mark for mark in marks if mark[0] == number):
            recording.mark(label)
        if number < length:
            recording.append(_round(rounds, number), _round(drives, number))
    recording.stop()
    return recording


def _round(by_name: Mapping[str, Sequence[Array]], number: int) -> dict[str, Array]:
    return {name: rounds[number] for name, rounds in by_name.items()}


def _rounds(area: Area, part: h5py.Group) -> list[npt.NDArray[np.int64]]:
    neurons, offsets = part["neurons"][:], part["offsets"][:]
    whole = neurons.dtype == offsets.dtype == np.int64 and neurons.ndim == offsets.ndim == 1
    whole = whole and [0, len(neurons)] == offsets[[0, -1]].tolist() and bool((np.diff(offsets) >= 0).all())
    if not whole or (len(neurons) and not 0 <= neurons.min() <= neurons.max() < area.n):
        raise ValueError(f"winners of area {area.name!r} do not fit their offsets, or the area")
    return [neurons[start:end] for start, end in pairwise(offsets.tolist())]


def _drives(area: Area, part: h5py.Group) -> list[npt.NDArray[np.float64]]:
    drives, offsets = part["drives"][:], part["offsets"][:]
    if drives.dtype != np.float64 or drives.shape != part["neurons"].shape:
        raise ValueError(f"drives of area {area.name!r} do not fit its winners")
    return [drives[start:end] for start, end in pairwise(offsets.tolist())]
