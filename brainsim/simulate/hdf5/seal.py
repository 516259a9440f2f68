"""The seal of a file: it shows, before the HDF5 library reads a byte, whether all bytes are as they were written.

Damaged metadata can make HDF5's C library crash or hang, and a flipped bit in the data goes unnoticed.  So every HDF5
file of brainsim begins with a *user block* of 512 bytes, which HDF5 skips.  It holds text, padded with NUL:

    brainsim seal 1
    sha256 <digest of all bytes after the block, in hexadecimal>
    bytes <their number>

A file that is still being written begins with ``brainsim open 1`` alone.  Files of formats 1 to 4 have no block.
"""

from __future__ import annotations

import hashlib
import os
from io import BufferedIOBase, RawIOBase
from pathlib import Path
from typing import Literal

from brainsim.errors import DumpError

BLOCK = 512
"""Bytes of the user block; HDF5 looks for its signature at byte 0, 512, 1024 and so on."""

Standing = Literal["sealed", "open", "none"]
IOBase = BufferedIOBase | RawIOBase

_SEALED, _OPEN = b"brainsim seal 1\n", b"brainsim open 1\n"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_GROWING = (b"", b"\3", b"\3\x08")  # how a superblock of a file that can grow goes on: version, bytes of an address
_END = 28  # where a superblock notes the end of the file


def checked(path: Path) -> Standing:
    """Return the state of a file: sealed and intact, open, or an HDF5 file without a block.

    Raises
    ------
    DumpError
        If the file is no HDF5 file, or its bytes are not those that were sealed.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        block = file.read(BLOCK)
        file.seek(BLOCK)
        within = file.read(len(_SIGNATURE)) == _SIGNATURE
        if block.startswith(_SIGNATURE):
            return "none"
        if block.startswith(_SEALED[:-2]):
            _verify(path, block, file)
            return "sealed"
        if not within:
            raise DumpError(f"{path}: cannot be read as HDF5 (it is another kind of file, or its beginning is damaged)")
        if block.startswith(_OPEN[:-2]):
            if block != _padded(_OPEN):
                raise DumpError(f"{path}: is damaged (its first {BLOCK} bytes are not what brainsim writes there)")
            _check_length(path, file)
            return "open"
        return "none"


def seal(path: str | Path) -> None:
    """Write the digest of a file into its user block, and wait until all of it is on the disk.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with Path(path).open("r+b") as file:
        seal_file(file)


def seal_file(file: IOBase) -> None:
    """Write the digest of an open file into its user block, and wait until all of it is on the disk."""
    block = _sealing(file)
    file.seek(0)
    file.write(block)
    file.flush()
    os.fsync(file.fileno())


def mark_open(path: str | Path) -> None:
    """Write into the user block of a file that it is still being written."""
    with Path(path).open("r+b") as file:
        file.write(_padded(_OPEN))


def _sealing(file: IOBase) -> bytes:
    """Return the block that fits the bytes after it."""
    file.seek(BLOCK)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _padded(b"%ssha256 %s\nbytes %d\n" % (_SEALED, digest.encode(), os.fstat(file.fileno()).st_size - BLOCK))


def _padded(text: bytes) -> bytes:
    return text.ljust(BLOCK, b"\0")


def _check_length(path: Path, file: IOBase) -> None:
    """Refuse an open file that is shorter than HDF5 noted when it last wrote its superblock.

    A file grows before its superblock is updated.  HDF5 would wait for minutes for a writer to add the missing bytes.
    """
    file.seek(BLOCK)
    superblock = file.read(_END + 8)
    if superblock[8:10] not in _GROWING:
        return  # HDF5 refuses to wait for others in such a file
    noted, found = int.from_bytes(superblock[_END:], "little"), os.fstat(file.fileno()).st_size
    if found < max(noted, BLOCK + _END + 8):
        raise DumpError(f"{path}: is damaged (it was cut short: {found} bytes of at least {noted})")


def _verify(path: Path, block: bytes, file: IOBase) -> None:
    version = block[len(_SEALED) - 2 :].split(b"\n")[0]
    if version.isdigit() and version != b"1":
        raise DumpError(
            f"{path}: has a seal of version {int(version)}, here 1; read it with the brainsim that wrote it"
        )
    wanted, found = block.partition(b"\nbytes ")[2].split(b"\n")[0], os.fstat(file.fileno()).st_size - BLOCK
    if wanted.isdigit() and int(wanted[:20]) != found:
        was = "cut short" if found < int(wanted[:20]) else "appended to"
        raise DumpError(
            f"{path}: is damaged (it was {was}: {max(found, 0)} bytes after its seal, {int(wanted)} sealed)"
        )
    if block != _sealing(file):
        raise DumpError(f"{path}: is damaged (its bytes are not those that were sealed when it was written)")
