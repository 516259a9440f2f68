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

from brainsim.errors import UnwrittenError
from brainsim.simulate.hdf5 import seal
from brainsim.simulate.hdf5.files import GROWING
from brainsim.simulate.hdf5.places import identity, written

_SLACK = 2**16


class GrowingFile:
    """An HDF5 file in the mode *single writer, multiple readers* (SWMR), which readers can open at any moment.

    HDF5 writes a dataset to the file only after the data to which it refers.  So a reader always finds a consistent
    file, even after the writer was killed.

    If HDF5 cannot write a file, it cannot close it either, and ends Python.  So space on the disk is reserved before
    HDF5 writes.  If something else fails, the descriptor of HDF5 is redirected to memory, where it can finish and
    close; the file keeps its content.

    Parameters
    ----------
    path : Path
        A file that `brainsim.simulate.hdf5.files.create` has begun.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = h5py.File(path, "r+", libver=GROWING, locking="best-effort")
        self._identity = identity(path)
        self._reserved = 0
        self._failed = False
        written.add(self._identity)

    def share(self) -> None:
        """Let others read; afterwards no dataset can be added."""
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
        """Flush everything to the system, in an order that readers can follow."""
        self.file.flush()

    def close(self) -> None:
        """Close the file, and seal it if it is consistent.

        Raises
        ------
        UnwrittenError
            If it no longer stands at its path, and so is lost.
        """
        written.discard(self._identity)
        if self._failed:
            with suppress(OSError, RuntimeError):
                self.file.close()
            return
        if self._reserved:  # all was flushed, so HDF5 has allocated what it will write
            os.ftruncate(self.file.id.get_vfd_handle(), self.file.id.get_filesize())
        self.file.close()
        if identity(self.path) != self._identity:
            raise UnwrittenError(
                f"{self.path}: was deleted or replaced while the history was being written, so its rounds are lost; "
                "give each history a path of its own, and stop it before its folder is deleted"
            )
        seal.seal(self.path)

    def _redirect(self) -> None:
        with suppress(AttributeError, OSError):  # where a system has no files in memory, HDF5 has to cope
            memory = os.memfd_create("brainsim")
            os.dup2(memory, self.file.id.get_vfd_handle())
            os.close(memory)


def reason(error: Exception) -> str:
    """Return why a write failed, out of the many lines that HDF5 writes about it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    found = re.search(r"error message = '([^']*)'", str(error))
    return found[1] if found else (str(error).splitlines() or [type(error).__name__])[0]
