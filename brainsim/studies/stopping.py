"""Signals that end a run: Ctrl-C, and what schedulers and terminals send."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes, as shells report them: 128 and the number of SIGINT or SIGTERM."""

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

    @property
    def status(self) -> str:
        """The status of the run."""
        return "terminated" if self.terminated else "interrupted"

    @property
    def exit_code(self) -> int:
        """The exit code of the program."""
        return TERMINATED if self.terminated else INTERRUPTED


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Let SIGTERM and SIGHUP end a block as Ctrl-C does: by `KeyboardInterrupt`, when no state is being changed."""
    stop = Stop()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.terminated = True
        signal.raise_signal(signal.SIGINT)

    # A process that was started to ignore a signal, as by nohup, goes on ignoring it.
    taken = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in taken}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
