"""Open and create HDF5 files of brainsim: written completely or not at all, sealed, and checked when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from brainsim._files import whole
from brainsim.errors import BackendError, BrainsimError, DumpError, SimulationError, UnwrittenError
from brainsim.kernels.interrupts import uninterrupted
from brainsim.simulate.hdf5 import apart, structure
from brainsim.simulate.hdf5.places import being_written, file_path
from brainsim.simulate.hdf5.seal import BLOCK, checked, mark_open, seal
from brainsim.simulate.hdf5.sink import Sink

FORMAT = 5
READABLE = (1, 2, 3, 4, FORMAT)
"""Format 1 has no thresholds; formats 1 and 2 hold the declaration as text; formats 1 to 3 have no drives, and one
lock; formats 1 to 4 have no seal."""

TEXT = h5py.string_dtype()

GROWING = ("v110", "v110")
"""The format of files that are read while they grow: the oldest of HDF5 that can, so that old readers know it."""

# What h5py, NumPy, json and the declarations raise where a name, a type, a shape or a value is not what was written.
_SIGNS_OF_DAMAGE = (LookupError, AttributeError, TypeError, ValueError, ArithmeticError, RuntimeError)


@contextmanager
def opened(path: str | Path, *, live: bool = False, lazy: bool = False) -> Iterator[h5py.File]:
    """Open a file of brainsim for reading; whatever is wrong with it becomes a `DumpError`.

    The seal is verified before HDF5 sees the file.  A file that has none is read in a child process first.  Then the
    structure of the file is checked (`brainsim.simulate.hdf5.structure`), before any data are read.

    Parameters
    ----------
    path : str or Path
        The file.
    live : bool
        Whether it may be a history that is still being written, or whose writer was killed.
    lazy : bool
        Whether only parts of it are read, so that it may be larger than memory.

    Raises
    ------
    DumpError
        If the file cannot be read, is damaged, or was not written by brainsim.
    """
    place = file_path(path, "read")
    with naming(place):
        standing = checked(place)
        if standing == "open" and not live:
            raise DumpError(f"{place}: is a history that is still being written, or whose writer was killed")
        if standing != "sealed":
            apart.look(place, live=standing == "open")
        with structure.reading(place, live=standing == "open") as file:
            _check_format(place, file, sealed=standing != "none")
            size, free = structure.check(file, place, live=standing == "open"), structure.available_memory()
            if free is not None and size > free and not lazy:
                raise DumpError(f"{place}: its data take {size:_} bytes in memory, where {free:_} are free")
            yield file


@contextmanager
def naming(place: str | Path) -> Iterator[None]:
    """Turn whatever is raised where a file is read into a `DumpError` that names the file."""
    try:
        yield
    except (DumpError, SimulationError, BackendError):  # the last two are of a rank, or of the backend
        raise
    except OSError as error:
        raise DumpError(f"{place}: cannot be read ({error.strerror or error})") from error
    except MemoryError as error:
        raise DumpError(f"{place}: is damaged, or does not fit into memory ({error})") from error
    except _SIGNS_OF_DAMAGE as error:
        what = error.args[0] if isinstance(error, KeyError) else error  # which would be shown in quotes
        raise DumpError(f"{place}: is damaged: {what}") from error


def _check_format(path: Path, file: h5py.File, *, sealed: bool) -> None:
    found = file.attrs.get("brainsim_format", "none")
    if not isinstance(found, np.integer) or found not in READABLE:
        raise DumpError(f"{path}: must be a brainsim file of format 1 to {FORMAT} (got {found})")
    if sealed != (found == FORMAT):
        raise DumpError(f"{path}: is damaged (files of format {found} have {'a' if found == FORMAT else 'no'} seal)")


@contextmanager
def create(path: str | Path, *, growing: bool = False) -> Iterator[h5py.File]:
    """Create a sealed file, or with ``growing`` an open one that will grow, completely or not at all.

    HDF5 writes into a temporary file through a `Sink`, so that no error, such as a full disk, keeps it from closing.
    Only a whole and sealed file that has reached the disk is moved into its place.  Ctrl-C waits until then.

    Raises
    ------
    UnwrittenError
        If the file cannot be written; then no partial file is left.
    DumpError
        If the path is not that of a file.
    """
    with foreign(
        path, userblock_size=BLOCK, libver=GROWING if growing else None, finish=mark_open if growing else seal
    ) as file:
        file.attrs["brainsim_format"] = FORMAT
        yield file


@contextmanager
def foreign(path: str | Path, finish: Callable[[Path], None] | None = None, **options: Any) -> Iterator[h5py.File]:
    """Create an HDF5 file of any format, completely or not at all, and finish it before it appears; see `create`."""
    place = file_path(path, "written")
    if being_written(place):
        raise DumpError(f"{place}: is being written by a history; stop that one before, or choose another path")
    try:
        with uninterrupted(), whole(place) as partial:
            with partial.open("x+b", buffering=0) as raw:
                sink = Sink(raw)
                try:
                    with h5py.File(sink, "w", **options) as file:
                        yield file
                finally:
                    sink.check()
            if finish is not None:
                finish(partial)
    except BrainsimError:
        raise
    except OSError as error:
        raise UnwrittenError(f"{place}: cannot be written ({error.strerror or error})") from error


def count(value: object) -> int:
    """Return a whole number that was read as such."""
    if not isinstance(value, np.integer):
        raise TypeError(f"a whole number is missing (got {value!r})")
    return int(value)


def text(dataset: h5py.Dataset) -> str:
    """Return a text."""
    value = dataset.asstr()[()]
    if not isinstance(value, str):
        raise TypeError(f"{dataset.name} must be one text")
    return value


def names(dataset: h5py.Dataset) -> tuple[str, ...]:
    """Return a list of names."""
    found: list[str] = dataset.asstr()[:].tolist()
    return tuple(found)
