"""A file that grows while other processes read it."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py

from brainsim.simulate.hdf5 import seal
from brainsim.simulate.hdf5.files import GROWING

_SLACK = 2**16


class GrowingFile:
    """An HDF5 file in the mode *single writer, multiple readers* (SWMR), which readers can open at any moment.

    HDF5 brings a dataset to the file only after what it refers to, so that a reader, also one that comes after the
    writer was killed, finds a consistent file.

    HDF5 cannot close a file that it cannot write, and takes Python down with it.  So room on the disk is reserved
    before HDF5 writes.  Where something else fails, the descriptor that HDF5 holds is pointed to memory, where it can
    write what is left and close; the file keeps what it had.

    Parameters
    ----------
    path : Path
        A file that `brainsim.simulate.hdf5.files.create` has begun.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = h5py.File(path, "r+", libver=GROWING, locking="best-effort")
        self._identity = _identity(path)
        self._reserved = 0
        self._failed = False
        _written.add(self._identity)

    def share(self) -> None:
        """Let others read from now on; no dataset can be added any more."""
        self.file.swmr_mode = True

    @contextmanager
    def writing(self, size: int) -> Iterator[None]:
        """Let HDF5 write up to ``size`` bytes more; if that fails, it will never write again.

        Raises
        ------
        OSError
            If the disk has no room for them; then HDF5 has not begun.
        """
        self._reserve(size)
        try:
            yield
        except BaseException:
            self._failed = True
            self._redirect()
            raise

    def _reserve(self, size: int) -> None:
        end = self.file.id.get_filesize()
        if end + size <= self._reserved:
            return
        wanted = size + _SLACK
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self.file.id.get_vfd_handle(), end, wanted)
            self._reserved = end + wanted
        elif shutil.disk_usage(self.path.parent).free < wanted:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def flush(self) -> None:
        """Hand everything to the system, in an order that readers can follow."""
        self.file.flush()

    def close(self) -> None:
        """Close the file, and seal it if it is sound and still stands at its path."""
        _written.discard(self._identity)
        if self._failed:
            with suppress(OSError, RuntimeError):
                self.file.close()
            return
        if self._reserved:  # all was flushed, so HDF5 has allocated what it will write
            os.ftruncate(self.file.id.get_vfd_handle(), self.file.id.get_filesize())
        self.file.close()
        if _identity(self.path) == self._identity:
            seal.seal(self.path)

    def _redirect(self) -> None:
        with suppress(AttributeError, OSError):  # where a system has no files in memory, HDF5 has to cope
            memory = os.memfd_create("brainsim")
            os.dup2(memory, self.file.id.get_vfd_handle())
            os.close(memory)


_written: set[tuple[int, int] | None] = set()


def being_written(path: Path) -> bool:
    """Return whether this process is writing to a file."""
    found = _identity(path)
    return found is not None and found in _written


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one that has taken its path."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def reason(error: Exception) -> str:
    """Return why a write failed, out of the many lines that HDF5 writes about it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    found = re.search(r"error message = '([^']*)'", str(error))
    return found[1] if found else (str(error).splitlines() or [type(error).__name__])[0]
