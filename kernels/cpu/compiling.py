"""Compilation of kernels, and where the compiled code is kept on disk.

Compiling dominates the first run on a new machine, so the four decorators differ in what they make Numba do:

- `compiled` makes a kernel that Python calls.  It alone gets a wrapper for Python and a place in the disk cache.
- `inner` makes a function that several kernels call.  It is compiled once, and its code becomes part of each kernel.
- `innermost` is the same for a short inner loop: passing some 30 arguments would take as long as drawing one block.
- `inlined` makes a function that is copied into its callers before they are compiled.  This is the fastest way for a
  function with one caller and for one-line functions, and multiplies the work for all others.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar, cast

import numba
from numba.core import event

_F = TypeVar("_F", bound=Callable[..., Any])

_KERNELS = Path(__file__).parent.parent
_SAY_AFTER = 3.0  # seconds of compiling after which the user is told what takes so long
_SAY = "brainsim: compiling kernels for the first time on this machine; this takes about 10 to 30 seconds, once"


def _cache_folder() -> Path | None:
    """Return the folder for this very version of the sources, or none where nothing can be written.

    Numba's cache looks at the file of a function alone.  Constants and functions of other files become part of the
    machine code as well, so the folder's name depends on all sources of cpu and law.
    """
    digest = hashlib.sha256()
    for path in sorted([*_KERNELS.glob("cpu/*.py"), *_KERNELS.glob("law/*.py")]):
        digest.update(path.read_bytes())
    chosen = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    for given in [Path(chosen)] if chosen else [_KERNELS / "__pycache__", Path("~/.cache/brainsim")]:
        try:
            folder = given.expanduser()
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError):  # it cannot be written, or there is no home
            continue
        if os.access(folder, os.W_OK):
            return folder / f"numba-{digest.hexdigest()[:16]}"
    return None


_FOLDER = _cache_folder()


def compiled(function: _F) -> _F:
    """Compile a kernel when it is first called, and keep the result on disk.

    It releases Python's lock, so that several threads can run parts of one kernel (see `brainsim.kernels.cpu.threads`).
    """
    if _FOLDER is None:
        return _njit(function)
    # Numba asks for the folder of its cache once, when a function is decorated; users' own functions keep theirs.
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(_FOLDER)  # type: ignore[attr-defined]
    try:
        return _njit(function, cache=True)
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]


class _Inner:
    """A compiled function for kernels, where Numba sees its dispatcher.  It has no code that Python could call."""

    def __init__(self, dispatcher: Any) -> None:
        self._dispatcher = dispatcher  # its type does not keep it alive
        self._numba_type_ = dispatcher._numba_type_

    def __call__(self, *_: Any) -> Any:
        name = self._dispatcher.py_func.__qualname__
        raise TypeError(f"{name} is compiled for use in kernels; Python cannot call it")


def inner(function: _F) -> _F:
    """Compile a function that kernels call and Python cannot."""
    return cast(_F, _Inner(_njit(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)))


def innermost(function: _F) -> _F:
    """Do the same for a function that runs for a hundred nanoseconds: its machine code becomes part of its callers'."""
    return cast(_F, _Inner(_njit(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)))


def inlined(function: _F) -> _F:
    """Copy a function into the kernels that call it."""
    return _njit(function, inline="always")


def _njit(function: _F, **options: Any) -> _F:
    return cast(_F, numba.njit(nogil=True, **options)(function))


class _Notice(event.Listener):
    """Adds up how long kernels are compiled, and says so once if it takes long.  Loading from disk does not count."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._said = False
        self._depth = 0
        self._begun = 0.0

    def on_start(self, event: event.Event) -> None:
        """Note that Numba begins to compile a function, on its own or for another one."""
        if self._said or not _is_ours(event):
            return
        if self._depth == 0:
            self._begun = perf_counter()
        self._depth += 1
        self._say_if_long()

    def on_end(self, event: event.Event) -> None:
        """Note that a function is compiled."""
        if self._said or not _is_ours(event):
            return
        self._say_if_long()
        self._depth -= 1
        if self._depth == 0:
            self._spent += perf_counter() - self._begun

    def _say_if_long(self) -> None:
        if self._spent + perf_counter() - self._begun > _SAY_AFTER:
            self._said = True
            sys.stderr.write(_SAY + "\n")
            sys.stderr.flush()


def _is_ours(event: event.Event) -> bool:
    module: str = event.data["dispatcher"].py_func.__module__
    return module.startswith("brainsim.kernels.cpu.")


event.register("numba:compile", _Notice())
