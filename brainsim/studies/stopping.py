"""Signals that end a run: Ctrl-C, and what schedulers and terminals send."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes, as shells report them: 128 and the number of SIGINT or SIGTERM."""

_PATIENCE_SECONDS = 15.0  # longer than workers have to end (`brainsim.studies.processes.workers`)
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass
class Stop:
    """Why a run was stopped.

    Attributes
    ----------
    terminated : bool
        Whether a signal other than Ctrl-C has come.
    """

    terminated: bool = False
    _caught: threading.Event = field(default_factory=threading.Event)
    _insists: bool = False

    def caught(self) -> None:
        """Note that the run is ending, so that it is not interrupted again."""
        self._caught.set()

    def insist(self) -> None:
        """Interrupt again, after a while each time, until `caught`: callbacks of C code swallow a `KeyboardInterrupt`.

        Numba has such callbacks: an interruption while it compiles can be lost.
        """
        if self._insists:
            return
        self._insists = True

        def repeat() -> None:
            while not self._caught.wait(_PATIENCE_SECONDS):
                _interrupt()

        threading.Thread(target=repeat, daemon=True).start()

    @property
    def status(self) -> str:
        """The status of the run."""
        return "terminated" if self.terminated else "interrupted"

    @property
    def exit_code(self) -> int:
        """The exit code of the program."""
        return TERMINATED if self.terminated else INTERRUPTED


def keep_exit_code() -> None:
    """Let ``python -m`` end with the exit code that it is given, though it was interrupted.

    CPython notes a `KeyboardInterrupt` that leaves code run by ``exec("…")``, as `dataclasses` and others do.  Under
    ``-m`` it then kills itself by SIGINT at its end, whatever was caught and whatever code was asked for.  Another such
    run clears that.
    """
    exec("")


def _interrupt() -> None:
    """Send SIGINT to the main thread, so that it wakes up from waiting, too."""
    main = threading.main_thread().ident
    if main is not None and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, signal.SIGINT)
    else:  # on Windows
        _thread.interrupt_main()


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Let SIGTERM and SIGHUP end a block as Ctrl-C does: by `KeyboardInterrupt`, when no state is being changed.

    If C code swallows the `KeyboardInterrupt`, it is raised again.
    """
    stop = Stop()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.terminated = True
        stop.insist()
        signal.raise_signal(signal.SIGINT)

    def interrupt(number: int, frame: FrameType | None) -> None:
        stop.insist()
        signal.default_int_handler(number, frame)

    # A process that was started to ignore a signal, as by nohup, goes on ignoring it.
    handlers = {number: end for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        handlers[signal.SIGINT] = interrupt
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        stop.caught()
        for number, handler in before.items():
            signal.signal(number, handler)
