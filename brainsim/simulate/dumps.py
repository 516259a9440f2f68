"""HDF5 files of assemblies and recordings, for analysis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py
import numpy as np

from brainsim.declare.assembly import Assembly
from brainsim.errors import DumpError
from brainsim.simulate.hdf5 import TEXT, create, opened
from brainsim.simulate.recording import Recorded, Recording
from brainsim.simulate.stored import StoredRecording, loaded, open_recordings

__all__ = ["open_recordings", "read_assemblies", "read_recordings", "write_assemblies"]


def write_assemblies(
    path: str | Path, assemblies: Iterable[Assembly], recordings: Mapping[str, Recorded] | None = None
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


def _write_recording(group: h5py.Group, recording: Recorded) -> None:
    if recording.seed is not None:
        group.attrs["seed"] = np.uint64(recording.seed)
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
    with opened(path, live=True) as file:
        return {name: loaded(StoredRecording(file, name)) for name in file.get("recordings", {})}
