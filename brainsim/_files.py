"""Write files completely or not at all: in a temporary file, flushed to the disk, then moved into place."""

from __future__ import annotations

import errno
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PARTIAL = ".brainsim-"
"""Prefix of the names of unfinished files."""

_number = itertools.count()


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to ``path`` on success, remove it on failure.

    A link is followed: its target is replaced, and the link stays.  The content reaches the disk before the name, so a
    loss of power leaves either the old file or the new one.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    final = target(path)
    # The name belongs to this process and thread alone.  It is short, since ``path`` may be as long as the system
    # allows.
    partial = final.with_name(f"{PARTIAL}{os.getpid()}-{next(_number)}{final.suffix}")
    try:
        yield partial
        with partial.open("r+b") as written:
            os.fsync(written.fileno())
        os.replace(partial, final)
    finally:
        # If the disk refuses to remove it, the error that led here already says why.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    _bring_to_disk(final.parent)


def target(path: str | os.PathLike[str]) -> Path:
    """Return where a path leads through links, even to a file that does not exist yet.

    Raises
    ------
    OSError
        If links form a circle, or lead to something other than a file, such as a folder or a device.
    """
    final = Path(os.path.realpath(path))
    if final.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if final.exists() and not final.is_file():
        raise OSError(errno.EINVAL, "It is no regular file", str(path))
    return final


def _bring_to_disk(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system supports it."""
    # The file is already in place; a failure here only means that the system has no such call for folders.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON completely or not at all.  NumPy numbers are accepted; NaN is refused, since JSON has none."""
    text = to_json(content)
    with whole(path) as partial:
        partial.write_text(text + "\n")


def to_json(content: Any) -> str:
    """Return JSON as `write_json` writes it."""
    return json.dumps(content, indent=2, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return value.tolist()
    raise TypeError(f"{value!r} cannot be written as JSON")
