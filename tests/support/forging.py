"""Files of brainsim that are changed and sealed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from brainsim.simulate.hdf5.seal import seal


@contextmanager
def forged(path: str | Path) -> Iterator[h5py.File]:
    """Open a file to change it; seal it again afterwards."""
    with h5py.File(path, "r+") as file:
        yield file
    seal(path)
