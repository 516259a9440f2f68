"""Compiled kernels on disk: their folder, and what happens if it cannot be written or a file is damaged."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache

from brainsim.kernels.writable import temporary_folder, writable

_KERNELS = Path(__file__).parent.parent
_HOME = Path("~/.cache/brainsim")


def _folder() -> Path | None:
    """Return the folder for this version of the sources, or ``None`` if no folder can be written.

    Numba's cache checks the file of a function only.  Constants and functions of other files become part of the machine
    code, too, so the folder's name depends on all sources of cpu and law.
    """
    digest = hashlib.sha256()
    for path in sorted([*_KERNELS.glob("cpu/*.py"), *_KERNELS.glob("law/*.py")]):
        digest.update(path.read_bytes())
    name = f"numba-{digest.hexdigest()[:16]}"
    chosen = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    for given in [Path(chosen)] if chosen else [_KERNELS / "__pycache__", _HOME]:
        try:
            folder = given.expanduser()
        except RuntimeError:  # there is no home
            continue
        if writable(folder):
            return folder / name
    return _elsewhere(name, f"NUMBA_CACHE_DIR={chosen}" if chosen else "the folders of the installation and of HOME")


def _elsewhere(name: str, places: str) -> Path | None:
    """Return a temporary folder, and print a message if no kernels are in it yet."""
    folder = temporary_folder()
    if folder is None:
        _say(f"{places} cannot be written, and there is no temporary folder", "each process compiles its kernels")
    elif not (folder / name).exists():
        _say(f"{places} cannot be written", f"compiled kernels are kept in {folder}")
    return folder / name if folder else None


def _say(why: str, therefore: str) -> None:
    sys.stderr.write(f"brainsim: {why}; {therefore} (set NUMBA_CACHE_DIR to a folder for them)\n")
    sys.stderr.flush()


FOLDER = _folder()
"""Where compiled kernels are kept, ``None`` if nowhere."""


class _Kept(FunctionCache):
    """Numba's cache of one function.  If files cannot be read or written, the function is compiled again."""

    said = False

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function; ``None``, and the function is compiled, if there is none or it is damaged."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:  # whatever unpickling raises
            self._attempt(self.flush)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled function, if there is room."""
        self._attempt(super().save_overload, sig, data)

    def _attempt(self, act: Callable[..., object], *arguments: Any) -> None:
        try:
            act(*arguments)
        except OSError as error:
            if not _Kept.said:
                _Kept.said = True
                _say(f"{FOLDER} cannot be written ({error.strerror})", "each process compiles its kernels")


def keep(dispatcher: Any) -> None:
    """Load a function from disk when it is first called, and store it there once it is compiled."""
    if FOLDER is None:
        return
    # Numba asks for the folder of its cache once, when the cache is made; users' own functions keep theirs.
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(FOLDER)  # type: ignore[attr-defined]
    try:
        # This is what Numba's enable_caching does, with the cache above.
        dispatcher._cache = _Kept(dispatcher.py_func)  # type: ignore[no-untyped-call]
    except RuntimeError:  # no folder can be made for it
        return
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
