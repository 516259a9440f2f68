"""The folder of a run: made by one run alone, and locked while the run lives in it."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from brainsim.errors import RunFolderError
from brainsim.studies.settings import HEADER

_LOCK = ".lock"


def new_folder(name: str) -> Path:
    """Make and return ``runs/<name>``, or the first of ``runs/<name>-2``, ``-3``, … that does not exist.

    To make a folder fails if it exists, so runs that start together get a folder each.
    """
    path, number = Path("runs") / name, 2
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                path.mkdir()
                return path
            except FileExistsError:
                path, number = Path("runs") / f"{name}-{number}", number + 1
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be made ({error.strerror}); choose a folder with --out") from error


class RunLock:
    """Keeps other runs out of a folder for as long as this process lives, or until it is released."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / _LOCK, timeout=0)

    def acquire(self) -> None:
        """Take the folder; `RunFolderError` if a run lives in it."""
        try:
            self._lock.acquire()
        except Timeout:
            raise RunFolderError(
                f"--out {self._folder}: a run is using this folder; wait until it ends, or choose another"
            ) from None

    def release(self) -> None:
        """Leave the folder to others."""
        if self._lock.is_locked:
            with suppress(PermissionError):  # Windows does not delete what is open; the file may stay
                (self._folder / _LOCK).unlink(missing_ok=True)
            self._lock.release()


def in_use(folder: Path) -> bool:
    """Return whether a run lives in a folder; nothing in the folder is changed."""
    if not (folder / _LOCK).exists():
        return False
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:  # of a folder that belongs to others
        return False
    lock.release()
    return False


def contents(folder: Path) -> list[Path]:
    """Return what is in a folder, but for its lock."""
    return [path for path in folder.iterdir() if path.name != _LOCK]


def remove_leftovers(folder: Path) -> None:
    """Delete what processes that were killed left unfinished in a run's folder, and the locks of its parts."""
    for pattern in (".*.[0-9]*.*", ".*.lock"):
        for path in (*folder.glob(pattern), *(folder / "parts").glob(pattern)):
            path.unlink(missing_ok=True)


def clear_run(folder: Path) -> None:
    """Delete the run in a folder.

    Raises
    ------
    RunFolderError
        If the folder holds something that is not a run, or a run is using it.
    """
    if not folder.is_dir() or not contents(folder):
        return
    if not (folder / HEADER).is_file():
        raise RunFolderError(f"--out {folder}: holds no run, so --overwrite does not delete it; choose another folder")
    lock = RunLock(folder)
    lock.acquire()
    try:
        for path in contents(folder):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    finally:
        lock.release()
