"""The content of an HDF5 file of brainsim, read on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py

from brainsim.declare.assembly import Assembly
from brainsim.errors import DumpError
from brainsim.simulate.dumps import about_in, assemblies_in
from brainsim.simulate.hdf5.files import opened
from brainsim.simulate.recordings import blocks
from brainsim.simulate.recordings.recording import pieces
from brainsim.simulate.recordings.stored import StoredRecording, stored


@dataclass(frozen=True)
class Held:
    """The content of an open file.

    Attributes
    ----------
    kind : {"state", "dump", "history", "model"}
        What it is; a state is read by `brainsim.simulate.states_file.read_state`, a model by `CascadeModel.load`.
    format : int
        The format of the file.
    about : mapping
        What made the file.
    descriptions : mapping
        What parts of the file mean, by path.
    assemblies : mapping
        By area and label.
    recordings : mapping
        By name.
    growing : bool
        Whether it is a history that is still being written, or whose writer was killed.
    """

    kind: Literal["state", "dump", "history", "model"]
    format: int
    about: Mapping[str, Any]
    descriptions: Mapping[str, str]
    assemblies: Mapping[str, Mapping[str, Assembly]]
    recordings: Mapping[str, StoredRecording]
    growing: bool


@contextmanager
def held(path: Path) -> Iterator[Held]:
    """Open a file, which may be larger than memory, and yield its content.

    Raises
    ------
    DumpError
        If the file cannot be read or is damaged; also when a damaged part is read.
    """
    with ExitStack() as opening:
        content = _content(opening.enter_context(opened(path, live=True, lazy=True)))
        still_open = opening.pop_all()
    try:
        yield content
    finally:
        still_open.close()  # an error of the block is no sign of damage


def _content(file: h5py.File) -> Held:
    about = {name: _plain(value) for name, value in file.attrs.items() if name != "about"}
    descriptions: dict[str, str] = {}
    file.visititems(lambda name, part: descriptions.update(_described(name, part)))
    return Held(
        kind=_kind(file),
        format=about.pop("brainsim_format"),
        about={**about, **about_in(file)},
        descriptions=descriptions,
        assemblies=assemblies_in(file),
        recordings=stored(file),
        growing=bool(file.swmr_mode),
    )


def _kind(file: h5py.File) -> Literal["state", "dump", "history", "model"]:
    if "identity" in file or "declaration" in file:
        return "state"
    return "model" if "cascade" in file else "history" if blocks.TABLES in file else "dump"


def _described(name: str, part: h5py.Group | h5py.Dataset) -> dict[str, str]:
    described = part.attrs.get("description")
    return {name: described} if isinstance(described, str) else {}


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def whole_rounds(recording: StoredRecording) -> int:
    """Return the number of leading rounds that are intact, which are all that can be read."""
    for start, stop in pieces(recording):
        if not _readable(recording, start, stop):
            # Data are verified in blocks, so what is readable ends at some round and begins again nowhere in a block.
            good, bad = start, stop
            while bad - good > 1:
                middle = (good + bad) // 2
                good, bad = (middle, bad) if _readable(recording, start, middle) else (good, middle)
            return good
    return len(recording)


def _readable(recording: StoredRecording, start: int, stop: int) -> bool:
    try:
        for area in recording.areas:
            recording.winners(area, start, stop)
            if recording.has_drives:
                recording.drives(area, start, stop)
    except DumpError:
        return False
    return True
