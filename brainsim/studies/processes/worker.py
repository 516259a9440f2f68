"""Worker processes: each carries out one call after the other, and ends with the process that started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from types import FrameType
from typing import Any

import cloudpickle

from brainsim.errors import ExperimentError
from brainsim.simulate.usage import Usage, collected
from brainsim.studies.processes.calls import carried_out
from brainsim.studies.processes.modules import find_again

_TICK_SECONDS = 0.1
_LOOK_SECONDS = 1.0
_ENDED = 128 + int(signal.SIGTERM)

READY = "ready"
"""The first message of a worker; counts of ticks, and an `Answer` for each call, follow."""


@dataclass(frozen=True)
class Answer:
    """The result or error of a call in a worker.

    Attributes
    ----------
    result : object
        What it returned.
    error : Exception, optional
        The exception that it raised.
    warned : tuple
        Text, class, file and line of its warnings.
    usage : Usage, optional
        What its simulations left unused, if the parent collects this.
    """

    result: Any
    error: Exception | None
    warned: tuple[tuple[str, type[Warning], str, int], ...] = ()
    usage: Usage | None = None


@dataclass(frozen=True)
class Surroundings:
    """What a worker inherits: warning filters, files of modules loaded by path, whether usage is collected."""

    filters: tuple[Any, ...]
    files: dict[str, str]
    collects: bool


def serve(connection: Connection, surroundings: Surroundings) -> None:
    """Carry out the calls that arrive through a connection, until an empty message arrives or its other end closes."""
    _obey_parent()
    find_again(surroundings.files)
    inbox: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, inbox, os.getppid()), daemon=True).start()
    try:
        connection.send(READY)
        while content := inbox.get():
            ticker = _Ticker(connection)
            answer = answered(content, surroundings, ticker)
            ticker.flush()
            connection.send_bytes(answer)
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(_ENDED)  # the parent ends this worker, or has ended


def _obey_parent() -> None:
    """Let SIGTERM end a call as Ctrl-C does elsewhere; signals from the terminal are left to the parent.

    Simulators defer SIGINT while they change their state, so SIGTERM is passed on as SIGINT.
    """
    asked = raised = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        del number, frame
        asked = True
        signal.raise_signal(signal.SIGINT)

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal raised
        del number, frame
        if asked and not raised:  # once, so that what a run writes at its end is written
            raised = True
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, end)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGHUP})  # blocked while it was started


def _listen(connection: Connection, inbox: SimpleQueue[bytes], parent: int) -> None:
    """Receive calls; end this process at once if the parent has ended, even during a call.

    A process that the parent forked may keep the other end of the connection open, so the parent itself is checked,
    too.
    """
    try:
        while os.getppid() == parent:
            if connection.poll(_LOOK_SECONDS):
                inbox.put(connection.recv_bytes())
    except (EOFError, OSError):
        pass
    os._exit(_ENDED)


class _Ticker:
    """Sends steps to the parent, summed over a tenth of a second."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._pending, self._sent = connection, 0, 0.0

    def __call__(self, steps: int) -> None:
        self._pending += steps
        if time.monotonic() - self._sent >= _TICK_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self._pending:
            self._connection.send(self._pending)
        self._pending, self._sent = 0, time.monotonic()


def answered(content: bytes, surroundings: Surroundings, report: Callable[[int], None]) -> bytes:
    """Carry out a call and return the `Answer` to it, both pickled."""
    collecting = collected() if surroundings.collects else nullcontext()
    result, failure = None, None
    with warnings.catch_warnings(record=True) as warned, collecting as usage:
        warnings.filters[:] = surroundings.filters  # type: ignore[index]  # a list, whatever the stubs say
        try:
            result = carried_out(cloudpickle.loads(content), report)
        except Exception as error:  # whatever a call may raise
            failure = _portable(error)
    each = tuple((str(one.message), one.category, one.filename, one.lineno) for one in warned)
    return _sendable(Answer(result, failure, each, usage))


def _portable(error: Exception) -> Exception:
    """Return an error that can be sent, with the lines of its traceback as a note."""
    lines = "".join(traceback.format_exception(error))
    try:
        same = type(cloudpickle.loads(cloudpickle.dumps(error))) is type(error)
    except Exception:  # whatever an error's own methods may raise
        same = False
    sent = error if same else RuntimeError(f"{type(error).__name__}: {error}")
    sent.add_note(f"In a worker process:\n{lines}")
    return sent


def _sendable(answer: Answer) -> bytes:
    try:
        return cloudpickle.dumps(answer)  # type: ignore[no-any-return]
    except Exception as error:  # whatever pickling may raise
        failure = ExperimentError(f"call: its result cannot be sent to another process ({error}); return plain data")
        return cloudpickle.dumps(Answer(None, failure, answer.warned, answer.usage))  # type: ignore[no-any-return]
