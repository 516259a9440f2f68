"""The kind of a file or folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from brainsim.errors import DumpError, RunFolderError
from brainsim.studies.settings import HEADER
from brainsim.studies.sweeping import folder as sweep_folder

Kind = Literal["hdf5", "run", "sweep", "partial", "json", "csv", "text", "picture", "other"]

HDF5 = (".h5", ".hdf5")
_BY_ENDING: dict[str, Kind] = {
    **dict.fromkeys((".json",), "json"),
    **dict.fromkeys((".csv",), "csv"),
    **dict.fromkeys((".md", ".txt"), "text"),
    **dict.fromkeys((".png", ".svg", ".pdf"), "picture"),
}
# What `brainsim._files.whole` calls a file that is not yet in its place.
_PARTIAL = re.compile(r"\.brainsim-\d+-\d+(\..*)?")


def kind_of(path: Path) -> Kind:
    """Return the kind of a file or folder; HDF5 files are determined further when they are opened.

    Raises
    ------
    DumpError
        If there is no such file, or it cannot be read.
    RunFolderError
        If it is a folder that holds neither a run nor a sweep.
    """
    if path.is_dir():
        if (path / HEADER).exists():
            return "run"
        if (path / sweep_folder.HEADER).exists():
            return "sweep"
        without = f"{HEADER} or {sweep_folder.HEADER}"
        raise RunFolderError(f"{path}: is a folder without {without}, so no run; give a run folder, or a file in it")
    if not path.exists():
        raise DumpError(f"{path}: no such file or folder")
    if not path.is_file():
        return "other"  # a device or a pipe, whose reading may never end
    if _PARTIAL.fullmatch(path.name):
        return "partial"
    if path.suffix.lower() in HDF5 or looks_like_hdf5(path):
        return "hdf5"
    return _BY_ENDING.get(path.suffix.lower(), "other")


def looks_like_hdf5(path: Path) -> bool:
    """Return whether a file begins as HDF5 files do, with or without a block of text before."""
    try:
        with path.open("rb") as file:
            beginning = file.read(520)
    except OSError as error:
        raise DumpError(f"{path}: cannot be read ({error.strerror or error})") from error
    return b"\x89HDF\r\n\x1a\n" in (beginning[:8], beginning[512:]) or beginning.startswith(b"brainsim ")
