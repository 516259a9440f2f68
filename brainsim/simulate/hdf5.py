"""Opening and creating HDF5 files of brainsim."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from brainsim._files import whole
from brainsim.errors import DumpError

FORMAT = 4
READABLE = (1, 2, 3, FORMAT)
"""Format 1 has no thresholds; formats 1 and 2 hold the declaration as text; formats 1 to 3 have no drives, and one
lock."""

TEXT = h5py.string_dtype()

# What h5py, NumPy, json and the declarations raise where a name, a type, a shape or a value is not what was written.
_SIGNS_OF_DAMAGE = (LookupError, AttributeError, TypeError, ValueError, ArithmeticError, RuntimeError)


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """Open a file of brainsim for reading; whatever is wrong with it becomes a `DumpError`."""
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get("brainsim_format", "none")
            if not isinstance(found, np.integer) or found not in READABLE:
                raise DumpError(f"{path}: must be a brainsim file of format 1 to {FORMAT} (got {found})")
            yield file
    except OSError as error:
        raise DumpError(f"{path}: cannot be read as HDF5 ({error})") from error
    except MemoryError as error:
        raise DumpError(f"{path}: is damaged, or does not fit into memory ({error})") from error
    except DumpError:
        raise
    except _SIGNS_OF_DAMAGE as error:
        what = error.args[0] if isinstance(error, KeyError) else error  # which would be shown in quotes
        raise DumpError(f"{path}: is damaged: {what}") from error


@contextmanager
def create(path: str | Path) -> Iterator[h5py.File]:
    """Create a file, whole or not at all."""
    try:
        with whole(path) as partial, h5py.File(partial, "w") as file:
            file.attrs["brainsim_format"] = FORMAT
            yield file
    except OSError as error:
        raise DumpError(f"{path}: cannot be written ({error})") from error


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
