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

_PATIENCE_SECONDS = 5.0
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

    def caught(self) -> None:
        """Note that the run is ending, so that it is not interrupted again."""
        self._caught.set()

    def insist(self) -> None:
        """Interrupt again every few seconds until `caught`: callbacks of C code swallow a `KeyboardInterrupt`."""

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
    """Let SIGTERM and SIGHUP end a block as Ctrl-C does: by `KeyboardInterrupt`, when no state is being changed."""
    stop = Stop()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        if not stop.terminated:
            stop.insist()
        stop.terminated = True
        signal.raise_signal(signal.SIGINT)

    # A process that was started to ignore a signal, as by nohup, goes on ignoring it.
    taken = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in taken}
    try:
        yield stop
    finally:
        stop.caught()
        for number, handler in before.items():
            signal.signal(number, handler)
