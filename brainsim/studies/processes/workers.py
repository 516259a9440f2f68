"""Worker processes as the parent sees them.

Each worker has a separate connection, so the death of one costs only its own call.  The processes are those of loky:
they start without a fork (so threads and locks of the parent do not matter), do not run the user's script again (so
that it needs no ``if __name__ == "__main__"``), and accept functions of scripts and notebooks.  loky's own executor is
not used: one death ends all its workers, and it does not say which call failed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.util import Finalize
from typing import Any

import cloudpickle
from joblib.externals.loky.backend.process import LokyProcess

from brainsim.errors import ExperimentError, WorkerError
from brainsim.simulate.usage import collector
from brainsim.studies.processes.calls import Call
from brainsim.studies.processes.modules import files
from brainsim.studies.processes.worker import READY, Answer, Surroundings, serve

_PULSE_SECONDS = 1.0
_GRACE_SECONDS = 10.0
_AGAIN_SECONDS = 0.2
_STARTS, _KILLED_STARTS = 3, 20
_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")
_LINEAR_ALGEBRA = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_OURS = ("builtins", "brainsim")


class Worker:
    """A process that carries out calls."""

    def __init__(self, threads: int) -> None:
        self.index = -1
        self.ready = False
        self.connection, theirs = Pipe()
        environment = {name: str(threads) for name in _THREADS}
        # The last digits of a matrix product depend on this number, and must not depend on the number of processes.
        environment |= {name: os.environ.get(name, "1") for name in _LINEAR_ALGEBRA}
        self.process: Any = LokyProcess(target=serve, args=(theirs, surroundings()), env=environment)
        with _undisturbed():
            self.process.start()
        theirs.close()

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        if self.process.is_alive():
            os.kill(self.process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self.process.join()

    def death(self) -> str:
        """Return how a dead worker ended."""
        self.process.join(_GRACE_SECONDS)
        code = self.process.exitcode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def opened(content: bytes) -> Any:
    """Return the object that a worker sent."""
    try:
        return cloudpickle.loads(content)
    except Exception as error:  # whatever unpickling may raise
        failure = ExperimentError(f"call: its result cannot be read in this process ({error}); return plain data")
        return Answer(None, failure)


def surroundings() -> Surroundings:
    """Return the settings that calls in other processes inherit from this one."""
    # A filter for warnings of other packages would import them in every worker.
    filters = tuple(each for each in warnings.filters if each[2].__module__.partition(".")[0] in _OURS)
    return Surroundings(filters, files(), collector() is not None)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Block the signals that a terminal sends to all its processes while one is started, which inherits the block."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass
class Heard:
    """Events from the workers: steps, answers and deaths, each with the place of the call."""

    ticks: list[tuple[int, int]] = field(default_factory=list)
    answers: list[tuple[int, Answer]] = field(default_factory=list)
    deaths: list[tuple[int, str]] = field(default_factory=list)


class Pool:
    """A limited number of workers, which end with the ``with`` block."""

    def __init__(self, size: int, threads: int) -> None:
        self._size, self._threads = size, threads
        self._idle: list[Worker] = []
        self._busy: dict[Connection, Worker] = {}
        self._failed_starts = 0

    def __enter__(self) -> Pool:
        # At exit, before multiprocessing waits for its children.
        self._at_exit = Finalize(self, end_workers, args=(self._idle, self._busy), exitpriority=10)
        return self

    def __exit__(self, *_: object) -> None:
        self._at_exit()

    @property
    def busy(self) -> bool:
        """Whether a call runs."""
        return bool(self._busy)

    @property
    def free(self) -> bool:
        """Whether a call can be given."""
        return len(self._busy) < self._size

    def give(self, index: int, call: Call) -> None:
        """Let a worker carry out a call; raises what pickling raises."""
        content = cloudpickle.dumps(call)
        worker = self._idle.pop() if self._idle else Worker(self._threads)
        worker.index = index
        self._busy[worker.connection] = worker
        with suppress(OSError):  # it has just died; `hear` will find it dead
            worker.connection.send_bytes(content)

    def hear(self) -> Heard:
        """Wait for about a second, or until something comes.

        Raises
        ------
        WorkerError
            If workers die repeatedly before they are ready.
        """
        heard = Heard()
        speaking = wait(list(self._busy), _PULSE_SECONDS)
        # If a worker is dead but its connection is open, a child of it holds the other end.
        for connection, worker in list(self._busy.items()):
            if connection in speaking:
                self._listen(worker, heard)
            elif not worker.process.is_alive() and not connection.poll():
                self._bury(worker, heard)
        return heard

    def _listen(self, worker: Worker, heard: Heard) -> None:
        try:
            content = worker.connection.recv_bytes()
        except (EOFError, OSError):
            self._bury(worker, heard)
            return
        message = opened(content)
        if message == READY:
            worker.ready, self._failed_starts = True, 0
        elif isinstance(message, Answer):
            heard.answers.append((worker.index, message))
            self._idle.append(self._busy.pop(worker.connection))
        else:
            heard.ticks.append((worker.index, message))

    def _bury(self, worker: Worker, heard: Heard) -> None:
        del self._busy[worker.connection]
        how = worker.death()
        worker.connection.close()
        self._failed_starts += not worker.ready
        killed = (worker.process.exitcode or 0) < 0  # by the system or a user, who may do so at any moment
        if not worker.ready and self._failed_starts >= (_KILLED_STARTS if killed else _STARTS):
            raise WorkerError(
                f"worker processes: end before they are ready ({how}); see what they wrote above, or use one job"
            )
        heard.deaths.append((worker.index, how if worker.ready else ""))


def end_workers(idle: list[Worker], busy: dict[Connection, Worker]) -> None:
    """End idle workers by an empty message and busy ones by SIGTERM; kill the remaining ones after a few seconds.

    SIGTERM is sent again, because the system may deliver it to another thread than the one that sleeps in the call, if
    that thread has just received Ctrl-C.
    """
    for worker in idle:
        with suppress(OSError):  # dead already
            worker.connection.send_bytes(b"")
    every, end = [*idle, *busy.values()], time.monotonic() + _GRACE_SECONDS
    try:
        while time.monotonic() < end and any(worker.process.is_alive() for worker in every):
            for worker in busy.values():
                worker.process.terminate()
            wait([worker.process.sentinel for worker in every if worker.process.is_alive()], _AGAIN_SECONDS)
    finally:  # a second Ctrl-C arrives here at once
        for worker in every:
            worker.kill()
            worker.connection.close()
        idle.clear()
        busy.clear()
