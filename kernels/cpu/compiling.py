"""Compilation of kernels; `brainsim.kernels.cpu.disk` stores the compiled code.

Compiling dominates the first run on a new machine, so the four decorators differ in what they make Numba do:

- `compiled` makes a kernel that Python calls.  It alone gets a wrapper for Python and a place in the disk cache.
- `inner` makes a function that several kernels call.  It is compiled once, and its code becomes part of each kernel.
- `innermost` is the same for a short inner loop: passing some 30 arguments would take as long as drawing one block.
- `inlined` makes a function that is copied into its callers before they are compiled.  This is the fastest way for a
  function with one caller and for one-line functions, and multiplies the work for all others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar, cast

import numba
from numba.core import event

from brainsim.kernels.cpu.disk import FOLDER, keep
from brainsim.kernels.errors import BackendUnavailableError

_F = TypeVar("_F", bound=Callable[..., Any])

if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    raise BackendUnavailableError(
        "the cpu backend needs Numba's compiler, which NUMBA_DISABLE_JIT switches off; unset it, or choose the backend "
        "'reference', which has the same results and takes much longer"
    )

_SAY_AFTER = 3.0  # seconds of compiling after which a message explains the delay
_SAY = "brainsim: compiling kernels for the first time on this machine; this takes about 10 to 30 seconds"


def compiled(function: _F) -> _F:
    """Compile a kernel when it is first called, and keep the result on disk.

    It releases Python's lock, so that several threads can run parts of one kernel (see `brainsim.kernels.cpu.threads`).
    """
    dispatcher = _njit(function)
    keep(dispatcher)
    return dispatcher


class _Inner:
    """A compiled function that kernels call through its Numba dispatcher.  Python cannot call it."""

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
    """Compile, as `inner` does, a function that runs for about 100 ns, and inline its machine code into its callers."""
    return cast(_F, _Inner(_njit(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)))


def inlined(function: _F) -> _F:
    """Copy a function into the kernels that call it."""
    return _njit(function, inline="always")


def _njit(function: _F, **options: Any) -> _F:
    return cast(_F, numba.njit(nogil=True, **options)(function))


class _Notice(event.Listener):
    """Adds up the time spent on compiling, loading from disk excluded, and prints a message once if it is long."""

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
            sys.stderr.write(_SAY + (", once\n" if FOLDER else "\n"))
            sys.stderr.flush()


def _is_ours(event: event.Event) -> bool:
    module: str = event.data["dispatcher"].py_func.__module__
    return module.startswith("brainsim.kernels.cpu.")


event.register("numba:compile", _Notice())
