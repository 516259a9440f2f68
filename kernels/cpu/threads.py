"""Threads that run the parts of one kernel at the same time.

A kernel that runs long enough works on a range of items (tiles of targets, rows, blocks of a row) and writes only to
places that belong to these items.  The result therefore depends neither on the number of threads nor on which thread
runs which part.  The kernels release Python's lock; plain Python threads therefore run them in parallel.  Compared with
Numba's parallel loops these compile several times faster, are not bounded by an environment variable, and work in a
forked process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from brainsim.kernels.interrupts import uninterrupted

MOST_THREADS = 1024
LOOK_UP = 8  # targets that a search for winners passes in the time of one look-up of a synapse
_WORTH_A_THREAD = 1 << 18  # targets or pairs; for fewer, waking a second thread costs more than it saves
_PARTS_PER_THREAD = 4  # so that a thread whose core another process takes delays a small part only


def use_threads(most: int, work: float) -> int:
    """Return how many threads, at most ``most``, some work justifies."""
    return max(1, min(most, int(work / _WORTH_A_THREAD)))


class _Job:
    """One kernel over a range of items, cut into parts that any thread may take."""

    def __init__(self, kernel: Callable[..., Any], edges: list[int], arguments: tuple[Any, ...]) -> None:
        self._kernel = kernel
        self._edges = edges
        self._arguments = arguments
        # The next item of an iterator is taken under Python's lock: no part is taken twice.
        self._parts = iter(range(len(edges) - 1))
        self._done: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()

    def work(self) -> None:
        """Run parts until none is left."""
        for part in self._parts:
            result, error = None, None
            try:
                result = self._kernel(self._edges[part], self._edges[part + 1], *self._arguments)
            except BaseException as raised:
                error = raised
            self._done.put((part, result, error))

    def results(self) -> list[Any]:
        """Wait for all parts, and return their results in order."""
        done = sorted((self._done.get() for _ in self._edges[1:]), key=lambda result: result[0])
        self._arguments = ()  # a thread that wakes up late must not keep the arrays alive
        for _, _, error in done:
            if error is not None:
                raise error
        return [result for _, result, _ in done]


class _Helpers:
    """Threads that wait for jobs.  They are shared by all simulators and end with the process."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._started = 0
        self._starting = threading.Lock()

    def call(self, job: _Job, count: int) -> None:
        """Wake this many helpers for a job."""
        if self._started < count:
            with self._starting:
                while self._started < count:
                    threading.Thread(target=self._help, name="brainsim", daemon=True).start()
                    self._started += 1
        for _ in range(count):
            self._jobs.put(job)

    def _help(self) -> None:
        while True:
            self._jobs.get().work()


_helpers = _Helpers()


def _forget_helpers() -> None:
    """Start without helpers in a forked process, which inherits none of the threads."""
    global _helpers
    _helpers = _Helpers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)


def in_parts(kernel: Callable[..., Any], items: int, threads: int, *arguments: Any) -> list[Any]:
    """Run ``kernel(first, end, *arguments)`` over all of ``range(items)``, in parts on several threads.

    The calling thread works, too, and waits only for parts that a helper has begun: if all other cores are busy, it
    runs all parts itself.  An interruption by Ctrl-C waits until the last part is done, since a kernel may be reading
    arrays by address.

    Returns
    -------
    list
        What the kernel returned for each part, in the order of the items.
    """
    threads = min(threads, items)
    if threads <= 1:
        return [kernel(0, items, *arguments)]
    parts = min(items, threads * _PARTS_PER_THREAD)
    job = _Job(kernel, [items * part // parts for part in range(parts + 1)], arguments)
    with uninterrupted():
        _helpers.call(job, threads - 1)
        job.work()
        return job.results()
