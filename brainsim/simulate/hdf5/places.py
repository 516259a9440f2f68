"""Paths that users give."""

from __future__ import annotations

import os
from pathlib import Path

from brainsim._files import target
from brainsim.errors import DumpError


def file_path(path: object, use: str) -> Path:
    """Return the path of a file that is to be ``use``, "read" or "written".

    Raises
    ------
    DumpError
        If it is not the path of a file: of another type, empty, or that of a folder or a device.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise DumpError(where="path", value=path, allowed="the path of a file, as text or pathlib.Path")
    if not os.fspath(path):
        raise DumpError(where="path", value=path, allowed="the path of a file, not empty")
    try:
        target(path)
    except OSError as error:
        raise DumpError(f"{path}: cannot be {use} ({error.strerror})", where="path", value=path) from error
    except ValueError as error:  # NUL, or letters that the system has not
        raise DumpError(f"{path!r}: cannot be {use} ({error})", where="path", value=path) from error
    return Path(path)
