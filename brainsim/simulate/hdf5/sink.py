"""What HDF5 writes into: a file whose errors are kept until HDF5 has closed.

HDF5 cannot close a file that it cannot flush.  On a full disk its library keeps the file open, tries to flush it when
Python ends, and takes Python down with it.  So it never learns of an error here: the first one is kept, what comes
after it goes into memory, and `Sink.check` raises it when HDF5 is done.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_LARGEST_METADATA = 2**20


class Sink(io.RawIOBase):
    """A file-like object in front of a file, for h5py's driver of that kind.

    Parameters
    ----------
    file : FileIO
        An empty file that can be read and written; it stays open.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._at = 0
        self._size = 0
        self._error: BaseException | None = None
        self._late: list[tuple[int, bytes]] = []

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self._error is not None:
            raise self._error

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of some bytes at the present place, or keep them in memory if that fails."""
        view = memoryview(data).cast("B")
        at, length = self._at, len(view)
        if self._error is None:
            try:
                self._write_all(view, at)
            except BaseException as error:  # whatever it is, HDF5 must not see it
                self._error = error
        if self._error is not None:
            self._keep(at, view)
        self._at = at + length
        self._size = max(self._size, self._at)
        return length

    def _write_all(self, view: memoryview, at: int) -> None:
        self._file.seek(at)
        while view:
            view = view[self._file.write(view) :]

    def _keep(self, at: int, view: memoryview) -> None:
        """Keep what HDF5 may read again before it closes: its metadata, but no large pieces of data."""
        if len(view) <= _LARGEST_METADATA:
            self._late.append((at, bytes(view)))

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what was written at the present place."""
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))
        try:
            self._file.seek(self._at)
            self._file.readinto(view)
        except BaseException as error:
            self._error = self._error or error
        for at, data in self._late:
            _overlay(view, self._at, data, at)
        self._at += len(view)
        return len(view)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def truncate(self, size: int | None = None, /) -> int:
        """Make the file as long as HDF5 says."""
        self._size = self._at if size is None else size
        if self._error is None:
            try:
                self._file.truncate(self._size)
            except BaseException as error:
                self._error = error
        return self._size


def _overlay(view: memoryview, at: int, data: bytes, start: int) -> None:
    """Copy the part of ``data``, which stands at ``start`` of a file, that falls into ``view`` at ``at``."""
    low, high = max(at, start), min(at + len(view), start + len(data))
    if low < high:
        view[low - at : high - at] = data[low - start : high - start]
