"""HDF5 files of assemblies and recordings, for analysis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim._validation import text
from brainsim._version import __version__
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError, DumpError
from brainsim.simulate.hdf5.files import TEXT, create, opened
from brainsim.simulate.hdf5.texts import to_link, to_text
from brainsim.simulate.recordings.recording import Recorded, Recording
from brainsim.simulate.recordings.stored import loaded, names_in, open_recordings, refuse_state, stored

__all__ = ["open_recordings", "read_about", "read_assemblies", "read_recordings", "write_assemblies"]


_PARTS = {
    "assemblies": "assemblies/<area>/<label>: neuron indices, ascending",
    "recordings": "recordings/<name>/<area>/neurons: the neurons that fired, round after round; offsets: where each "
    "round begins; drives: of each of these neurons; marks_round, marks_label: labels on the time axis",
}
"""The groups of a file, and what their datasets mean."""


@checked()
def write_assemblies(
    path: str | Path,
    assemblies: Iterable[Assembly],
    recordings: Mapping[str, Recorded] | None = None,
    *,
    about: Mapping[str, Any] | None = None,
    descriptions: Mapping[str, str] | None = None,
) -> None:
    """Write labelled assemblies, and recordings by name, to one HDF5 file, whole or not at all.

    Layout: ``/assemblies/<area>/<label>`` holds neuron indices (int64); ``/recordings/<name>/<area>/neurons`` all
    winners in a row with ``offsets`` (rounds + 1) where each round begins, and, if they were recorded, ``drives``
    (float64), one for each of them; ``marks_round`` and ``marks_label`` the time axis.  The file describes itself: its
    attribute ``about`` says what made it, and every group and dataset has a ``description``.

    Parameters
    ----------
    path : str or Path
        The file; one that exists is replaced.
    assemblies : iterable of Assembly
        Each with a label of its own in its area: any text (see `brainsim.simulate.hdf5.texts` for '/' and others).
    recordings : mapping of str to Recording, optional
        Recordings, in memory or in files, by name: any text.
    about : mapping, optional
        The origin of the file, as JSON data: seed, parameters, experiment.  The version of brainsim is added.
    descriptions : mapping of str to str, optional
        The meaning of a part of the file, by path: ``"assemblies"``, ``"assemblies/Lex"``, ``"recordings/words"``, or
        the label of assemblies in any area.

    Raises
    ------
    DumpError
        If an assembly has no label, two of one area have the same label, a name is not text, or the file cannot be
        written; no partial file is left.

    Examples
    --------
    >>> import tempfile
    >>> dog = Assembly("Lex", [1, 2, 3], "dog")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_assemblies(f"{folder}/dump.h5", [dog], about={"seed": 7}, descriptions={"dog": "after ten rounds"})
    ...     read_assemblies(f"{folder}/dump.h5")["Lex"]["dog"]
    ...     read_about(f"{folder}/dump.h5")["seed"]
    <Assembly 'dog' of Lex: 3 neurons [1, 2, 3]>
    7
    """
    with create(path) as file:
        file.attrs["about"] = _about(path, about or {})
        group = file.create_group("assemblies", track_order=True)
        for assembly in assemblies:
            _write_assembly(path, group, assembly)
        if recordings:
            named = file.create_group("recordings", track_order=True)
            for name, recording in recordings.items():
                _write_recording(named.create_group(to_link(_name(path, name))), recording)
        meanings = {part: meaning for part, meaning in _PARTS.items() if part in file}
        _describe(path, file, {**meanings, **(descriptions or {})})


def _write_assembly(path: str | Path, group: h5py.Group, assembly: Assembly) -> None:
    name, label = to_link(assembly.area), assembly.label
    area = group[name] if name in group else group.create_group(name, track_order=True)
    if label is None or to_link(label) in area:
        raise DumpError(
            f"{path}: assemblies need labels, each once in its area (got {assembly!r}); "
            "assembly.labelled('dog') gives one a label"
        )
    area.create_dataset(to_link(label), data=assembly.neurons)


def _name(path: str | Path, name: object) -> str:
    try:
        return text("name of a recording", name)
    except DeclarationError as error:
        raise DumpError(f"{path}: {error}", where=error.where, value=error.value, allowed=error.allowed) from None


def _about(path: str | Path, about: Mapping[str, Any]) -> str:
    try:
        return json.dumps({**about, "brainsim": __version__}, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise DumpError(f"{path}: about: must be JSON data ({error})", where="about", value=about) from None


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)  # arrays; paths and others by their text


def _describe(path: str | Path, file: h5py.File, descriptions: Mapping[str, str]) -> None:
    """Write descriptions of parts: of a path, or of all assemblies with a label."""
    for name, meaning in descriptions.items():
        areas = file["assemblies"].values()
        parts = [area[to_link(name)] for area in areas if to_link(name) in area]
        if name in _PARTS or name.startswith(tuple(f"{part}/" for part in _PARTS)):
            parts += [file[name]] if name in file else []
        if not parts:
            raise DumpError(f"{path}: descriptions: {name!r} is no part of the file, and no label of an assembly")
        for part in parts:
            part.attrs["description"] = to_text(text(f"description of {name!r}", meaning))


def _write_recording(group: h5py.Group, recording: Recorded) -> None:
    if recording.seed is not None:
        group.attrs["seed"] = np.uint64(recording.seed)
    group.create_dataset("marks_round", data=np.array([mark.round for mark in recording.marks], np.int64))
    group.create_dataset("marks_label", data=[to_text(mark.label) for mark in recording.marks], dtype=TEXT)
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


@checked()
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
        return assemblies_in(file)


def assemblies_in(file: h5py.File) -> dict[str, dict[str, Assembly]]:
    """Return the assemblies of an open file by area and label: none if it is a history."""
    named = names_in(file)
    return {
        named(area): {
            named(label): Assembly(named(area), _neurons(data), named(label)) for label, data in labels.items()
        }
        for area, labels in file.get("assemblies", {}).items()
    }


def _neurons(data: h5py.Dataset) -> npt.NDArray[np.int64]:
    """Return neuron indices after a check: 64 bits, ascending, each once."""
    found: npt.NDArray[np.int64] = data[:]
    if found.dtype != np.int64 or found.ndim != 1 or (found[:1] < 0).any() or (found[1:] <= found[:-1]).any():
        raise ValueError(f"{data.name!r} must hold neuron indices in ascending order, each once")
    return found


@checked()
def read_about(path: str | Path) -> dict[str, Any]:
    """Return the origin of a file as given to `write_assemblies`, with the version of brainsim.

    Raises
    ------
    DumpError
        If the file cannot be read.
    """
    with opened(path) as file:
        return about_in(file)


def about_in(file: h5py.File) -> dict[str, Any]:
    """Return the origin of an open file; empty if the file does not name it."""
    found = json.loads(file.attrs.get("about", "{}"))
    if not isinstance(found, dict):
        raise TypeError("about must be a mapping")
    return found


@checked()
def read_recordings(path: str | Path) -> dict[str, Recording]:
    """Return the recordings of a file by name.

    Raises
    ------
    DumpError
        If the file cannot be read, or is a saved state.
    """
    with opened(path, live=True) as file:
        refuse_state(path, file)
        return {name: loaded(recording) for name, recording in stored(file).items()}
