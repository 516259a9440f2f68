"""Opening and creating HDF5 files of brainsim."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from brainsim._files import whole
from brainsim.errors import DumpError

FORMAT = 3
READABLE = (1, 2, FORMAT)
"""Format 1 has no thresholds; formats 1 and 2 hold the declaration as text."""

TEXT = h5py.string_dtype()


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """Open a file of brainsim for reading; whatever is wrong with it becomes a `DumpError`."""
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get("brainsim_format", "none")
            if found not in READABLE:
                raise DumpError(f"{path}: must be a brainsim file of format 1 to {FORMAT} (got {found})")
            yield file
    except OSError as error:
        raise DumpError(f"{path}: cannot be read as HDF5 ({error})") from error
    except (KeyError, AttributeError) as error:
        raise DumpError(f"{path}: is damaged: {error.args[0]}") from error


@contextmanager
def create(path: str | Path) -> Iterator[h5py.File]:
    """Create a file, whole or not at all."""
    try:
        with whole(path) as partial, h5py.File(partial, "w") as file:
            file.attrs["brainsim_format"] = FORMAT
            yield file
    except OSError as error:
        raise DumpError(f"{path}: cannot be written ({error})") from error
