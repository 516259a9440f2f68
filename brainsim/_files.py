"""Files that appear whole or not at all: written beside their place, brought to the disk, then moved into it."""

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
"""How the names of files begin that are not finished."""

_number = itertools.count()


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to ``path`` on success, remove it on failure.

    A link is followed: the file that it leads to is replaced, the link stays.  When the block is over, the content has
    reached the disk before the name, so that a loss of power leaves the file of before, or the new one.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    final = target(path)
    # Of this process and thread alone, and short, since the name itself may be as long as the system allows.
    partial = final.with_name(f"{PARTIAL}{os.getpid()}-{next(_number)}{final.suffix}")
    try:
        yield partial
        with partial.open("r+b") as written:
            os.fsync(written.fileno())
        os.replace(partial, final)
    finally:
        # A disk that refuses to remove it has given its reason before.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    _bring_to_disk(final.parent)


def target(path: str | os.PathLike[str]) -> Path:
    """Return where a path leads through links, be it to a file that does not exist yet.

    Raises
    ------
    OSError
        If links lead in a circle, or to something that is no file, such as a folder or a device.
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
    """Let the names in a folder reach the disk, where the system can."""
    # The file is in its place already; what fails here can only be that a system has no such call for folders.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, whole or not at all; NumPy numbers are welcome, NaN is refused, since JSON has none."""
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
