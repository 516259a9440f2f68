"""Folders that can be written, on machines where the usual ones cannot."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


def writable(folder: Path) -> bool:
    """Make a folder, and return whether a file can be made in it.

    Permission bits are not enough: they do not restrict root, and a file system may be read-only.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def temporary_folder() -> Path | None:
    """Return the folder of this user among the temporary files, made if need be, ``None`` if there is none.

    All processes of a user share it, and it stays until the system clears its temporary files.
    """
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    with suppress(OSError):  # no temporary folder at all
        folder = Path(tempfile.gettempdir()) / f"brainsim-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if _is_own(folder) and writable(folder):
            return folder
    return None


def _is_own(folder: Path) -> bool:
    """Return whether others cannot write into a folder: machine code is loaded from it."""
    found = folder.lstat()
    if not hasattr(os, "getuid"):
        return stat.S_ISDIR(found.st_mode)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
