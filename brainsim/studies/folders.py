"""The folder of a run: made by one run alone, and locked while the run uses it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from brainsim import _files
from brainsim._files import PARTIAL, whole
from brainsim.errors import BrainsimError, ExperimentError, RunFolderError, UnwrittenError
from brainsim.studies import sealed_json
from brainsim.studies.settings import HEADER

_LOCK = ".lock"


def new_folder(name: str) -> Path:
    """Make and return ``runs/<name>``, or the first of ``runs/<name>-2``, ``-3``, … that does not exist.

    Creating an existing folder fails, so runs that start at the same time get separate folders.
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
    """Keep other runs out of a folder as long as this process runs, or until it is released."""

    def __init__(self, folder: Path, kind: str = "run") -> None:
        self._folder, self._kind = folder, kind
        self._lock = FileLock(folder / _LOCK, timeout=0)

    def acquire(self) -> None:
        """Take the folder; `RunFolderError` if a run uses it."""
        try:
            self._lock.acquire()
        except Timeout:
            raise RunFolderError(
                f"--out {self._folder}: a {self._kind} is using this folder; wait until it ends, or choose another"
            ) from None

    def release(self) -> None:
        """Release the folder."""
        if self._lock.is_locked:
            with suppress(PermissionError):  # Windows does not delete open files; the file may stay
                (self._folder / _LOCK).unlink(missing_ok=True)
            self._lock.release()


def in_use(folder: Path) -> bool:
    """Return whether a run uses a folder; nothing in the folder is changed."""
    if not (folder / _LOCK).exists():
        return False
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:  # the folder belongs to another user
        return False
    lock.release()
    return False


def contents(folder: Path) -> list[Path]:
    """Return what is in a folder, except its lock and unfinished files of a killed process."""
    return [path for path in folder.iterdir() if path.name != _LOCK and not path.name.startswith(PARTIAL)]


def take(folder: Path, *, resume: bool, kind: str = "run") -> RunLock:
    """Make a folder, or take an empty one or one to be continued, and return its lock.

    Raises
    ------
    RunFolderError
        If the folder is not empty, is a file, or is in use.
    """
    if folder.exists() and not folder.is_dir():
        raise RunFolderError(f"--out {folder}: is a file; choose another path, where a folder can be made")
    if not resume and folder.exists() and contents(folder):
        raise RunFolderError(
            f"--out {folder}: is not an empty folder; choose another, continue it with --resume, or "
            "replace it with --overwrite"
        )
    folder.mkdir(parents=True, exist_ok=True)
    lock = RunLock(folder, kind)
    lock.acquire()
    return lock


def remove_leftovers(folder: Path, *, finished: bool = False) -> None:
    """Delete unfinished files of killed processes in the folder of a run, and the locks of its parts.

    When the run has finished, checkpoints are useless, too; a process killed right after the result of a part leaves
    one.
    """
    for path in (folder / "parts").glob("*.h5") if finished else ():
        path.unlink()
    for place in (folder, folder / "parts"):
        for path in place.glob(f"{PARTIAL}*"):
            with suppress(OSError):  # unfinished files are harmless
                path.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` on success.

    Raises
    ------
    UnwrittenError
        If the file cannot be written, as on a full disk; then no partial file is left.
    """
    with _named(path), whole(path) as partial:
        yield partial


def write_json(path: Path, content: Any, *, sealed: bool = False) -> None:
    """Write JSON completely or not at all; ``sealed`` with a digest, if a run reads it again (`sealed_json`).

    Raises
    ------
    ExperimentError
        If the content is no JSON data.
    UnwrittenError
        If the file cannot be written.
    """
    with _named(path):
        try:
            _files.write_json(path, sealed_json.sealed(content) if sealed else content)
        except (TypeError, ValueError) as error:
            cure = "use numbers, text, lists and mappings"
            raise ExperimentError(f"{path}: cannot be written as JSON ({error}); {cure}") from error


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except BrainsimError:
        raise
    except OSError as error:
        raise UnwrittenError(f"{path}: cannot be written ({error.strerror or error})") from error


def clear_run(folder: Path, header: str = HEADER, kind: str = "run") -> None:
    """Delete the run, or another thing with this header, in a folder.

    Raises
    ------
    RunFolderError
        If the folder holds something that is not a run, or a run is using it.
    """
    if not folder.is_dir() or not contents(folder):
        return
    if not (folder / header).is_file():
        raise RunFolderError(
            f"--out {folder}: holds no {kind}, so --overwrite does not delete it; choose another folder"
        )
    lock = RunLock(folder, kind)
    lock.acquire()
    try:
        for path in contents(folder):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    finally:
        lock.release()
