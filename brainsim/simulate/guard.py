"""One thread at a time in a simulator, and a consistent state for each reader.

Three locks order the threads.  ``_changing`` is held during a whole change, such as a run.  ``_whole`` is held by the
thread that is inside: the state is consistent whenever a thread gets it.  ``_asking`` is held by a thread that wants to
read, from before it waits until it is done; a run that finds it taken admits the reader between two rounds.  A thread
that waits for ``_whole`` holds at most one of the other two, and a thread that holds ``_whole`` waits for no lock of
the simulator.  So a deadlock is not possible.

They are plain locks in ``with`` statements: Ctrl-C cannot interrupt between taking such a lock and the block of the
statement, and it ends the wait for one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from threading import get_ident
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from weakref import WeakSet

from brainsim.errors import SimulationError
from brainsim.kernels.interrupts import uninterrupted

P = ParamSpec("P")
T = TypeVar("T")


class Guarded(Protocol):
    """An object with a guard."""

    @property
    def _guard(self) -> Guard: ...


G = TypeVar("G", bound=Guarded)


# The three decorators repeat a few lines, because the call of a common function would take as long as their work.


def looks(method: Callable[Concatenate[G, P], T]) -> Callable[Concatenate[G, P], T]:
    """Let a method that changes nothing see consistent states only."""

    @wraps(method)
    def guarded(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T:
        guard, thread = self._guard, get_ident()
        if guard._inside == thread:
            guard._check_nested(changes=False)
            return method(self, *args, **kwargs)
        with guard._asking, guard._whole:
            guard._inside = thread
            try:
                if guard._obstacles:
                    guard._check(thread)
                return method(self, *args, **kwargs)
            finally:
                guard._inside = None

    return guarded


def changes(method: Callable[Concatenate[G, P], T]) -> Callable[Concatenate[G, P], T]:
    """Let a method change the state while no other thread changes or reads it."""

    @wraps(method)
    def guarded(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T:
        guard, thread = self._guard, get_ident()
        if guard._inside == thread:
            guard._check_nested(changes=True)
            return method(self, *args, **kwargs)
        if guard._asking.locked():
            guard._let_others_look_first()
        with guard._changing, guard._whole:
            guard._inside, guard._changes = thread, True
            try:
                if guard._obstacles:
                    guard._check(thread)
                return method(self, *args, **kwargs)
            finally:
                guard._inside, guard._changes = None, False

    return guarded


def ends(method: Callable[Concatenate[G, P], T]) -> Callable[Concatenate[G, P], T]:
    """Let a method end the activity of another thread: between two rounds of its run, or inside its blocks."""

    @wraps(method)
    def guarded(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T:
        guard, thread = self._guard, get_ident()
        if guard._inside == thread:
            guard._check_nested(changes=True)
            return method(self, *args, **kwargs)
        with guard._asking, guard._whole:
            guard._inside, guard._changes = thread, True
            try:
                return method(self, *args, **kwargs)
            finally:
                guard._inside, guard._changes = None, False

    return guarded


@dataclass(frozen=True, eq=False)
class _Block:
    """A block whose end undoes what it did, and the thread that began it."""

    thread: int
    name: str


class Guard:
    """Admit one thread at a time to a simulator.

    A reader waits for a change in another thread; if that is a run, for the end of the round.  A change waits for
    readers and changes.  While a thread is inside a block that is undone at its end, such as a probe, the state is
    temporary: other threads are refused instead of waiting, because the thread of the block may be waiting for them.

    Parameters
    ----------
    forks : bool
        Whether the simulator can be used in a forked process, too.

    Attributes
    ----------
    running : bool
        Whether rounds are being run; calls by a signal handler are then refused.

    Raises
    ------
    SimulationError
        By what `looks` and `changes` guard: in another thread than that of a block; in a forked process that cannot use
        the simulator; and where a signal handler or a finalizer calls in the middle of a round.
    """

    def __init__(self, *, forks: bool = True) -> None:
        self._changing = threading.Lock()
        self._whole = threading.Lock()
        self._asking = threading.Lock()
        self._inside: int | None = None
        self._changes = False
        self.running = False
        self._blocks: list[_Block] = []
        self._lost = ""
        self._obstacles = False  # whether there is a block, or the simulator is lost
        self._forks = forks
        _guards.add(self)

    @property
    def _guard(self) -> Guard:
        return self

    @changes
    def _change(self, call: Callable[[], None]) -> None:
        call()

    @ends
    def _end(self, call: Callable[[], None]) -> None:
        call()

    @contextmanager
    def block(self, name: str, inner: AbstractContextManager[object]) -> Iterator[None]:
        """Refuse other threads during a block whose end undoes what it did; any thread may end it."""
        undoing, block = ExitStack(), _Block(get_ident(), name)

        def begin() -> None:
            undoing.enter_context(inner)
            self._set_blocks([*self._blocks, block])

        def end() -> None:
            self._set_blocks([each for each in self._blocks if each is not block])
            undoing.close()

        try:
            self._change(begin)
            yield
        finally:
            self._end(end)

    def _set_blocks(self, blocks: list[_Block]) -> None:
        self._blocks = blocks
        self._obstacles = bool(blocks or self._lost)

    def _let_others_look_first(self) -> None:
        """Wait while another thread wants to read; between many short changes it would rarely get a turn."""
        with self._asking:
            pass

    def asked(self) -> bool:
        """Return whether another thread wants to read."""
        return self._asking.locked()

    def give_way(self) -> None:
        """Let another thread read between two rounds of a run; an interruption waits until the run continues."""
        with uninterrupted():
            self._inside, self._changes, self.running = None, False, False
            self._whole.release()
            try:
                with self._asking:
                    pass
            finally:
                self._whole.acquire()
            self._inside, self._changes, self.running = get_ident(), True, True

    @property
    def lost(self) -> bool:
        """Whether the simulator cannot be used in this forked process."""
        return bool(self._lost)

    def _check(self, thread: int) -> None:
        """Refuse other threads than that of a block."""
        if self._lost:
            raise SimulationError(self._lost)
        inside = next((block.name for block in self._blocks if block.thread != thread), None)
        if inside is not None:
            raise SimulationError(
                f"Simulator: another thread is inside {inside}(), whose end undoes what it did, so that the state is "
                "not the brain's; call this in that thread, or after the block"
            )

    def _check_nested(self, *, changes: bool) -> None:
        if self.running or (changes and not self._changes):
            raise SimulationError(
                "Simulator: was called in the middle of a call of the same thread, where its state is not whole, by a "
                "signal handler or a finalizer; let that set a flag, and look at the flag between two calls"
            )

    def after_fork(self) -> None:
        """Reset the locks in a forked process, which has only the thread that forked."""
        if not self._forks:
            self._lost = (
                "Simulator: a GPU cannot be used in a forked process; build the simulator in the process that runs it, "
                "started by multiprocessing.get_context('spawn')"
            )
        elif self._inside not in (None, get_ident()):
            self._lost = (
                "Simulator: this process was forked while another thread was in the middle of a call, so that its copy "
                "of the state is not whole; fork between two calls, or use multiprocessing.get_context('spawn')"
            )
        # They may have been held by a thread that does not exist in this process.
        self._changing, self._whole, self._asking = threading.Lock(), threading.Lock(), threading.Lock()
        if self._lost:
            self._obstacles = True
            self._inside, self._changes, self.running = None, False, False


_guards: WeakSet[Guard] = WeakSet()


def _begin_again() -> None:
    for guard in list(_guards):
        guard.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)
