"""Parallel calls in worker processes: if a worker dies, its call is tried again; an interruption ends all."""

from __future__ import annotations

import multiprocessing
import warnings
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from brainsim._validation import integer
from brainsim.errors import ExperimentError, WorkerError
from brainsim.simulate import backends
from brainsim.simulate.usage import collector
from brainsim.studies.processes.calls import Call, Done, Failed, Watch, carried_out, inside_call

if TYPE_CHECKING:
    from brainsim.studies.processes.worker import Answer
    from brainsim.studies.processes.workers import Pool

Registry = dict[str | tuple[str, type[Warning], int], int]
TRIES = 3
"""Number of workers that may die in a call."""


def default_jobs() -> int:
    """Return the default number of processes: one for each core; 1 inside a call or another process."""
    nested = inside_call() or multiprocessing.parent_process() is not None
    return 1 if nested else backends.cores()


def completed(
    calls: Sequence[Call], jobs: int | None = None, *, threads: int | None = None, watch: Watch | None = None
) -> Generator[Done | Failed]:
    """Carry out calls in up to ``jobs`` processes; yield their results or errors in order of completion.

    Close the iterator (or leave the function that reads it) to end all workers at once.

    Parameters
    ----------
    calls : sequence of Call
        The calls.  Results and errors must be picklable if there are processes.
    jobs : int, optional
        Number of processes; by default one for each core, and 1 inside a call.  With 1 the calls run in this process,
        in order.
    threads : int, optional
        Threads that each process may use; by default the cores are shared among the processes.
    watch : Watch, optional
        Is informed of beginnings, ticks and deaths.

    Yields
    ------
    Done or Failed
        ``Failed`` contains the error of the call, or `WorkerError` if three workers died in it.

    Raises
    ------
    DeclarationError
        If ``jobs`` or ``threads`` is not a positive integer.
    WorkerError
        If no worker can be started.

    Examples
    --------
    >>> from brainsim.studies.processes import Call, completed
    >>> [done.result for done in completed([Call(divmod, (7, 2)), Call(abs, (-3,))], jobs=1)]
    [(3, 1), 3]
    """
    jobs = default_jobs() if jobs is None else integer("completed.jobs", jobs, 1, None)
    watch = Watch() if watch is None else watch
    if jobs == 1:
        return _here(calls, watch)
    workers = min(jobs, len(calls)) or 1
    share = max(1, backends.cores() // workers) if threads is None else integer("completed.threads", threads, 1, None)
    return _elsewhere(calls, workers, share, watch)


def _here(calls: Sequence[Call], watch: Watch) -> Generator[Done | Failed]:
    for index, call in enumerate(calls):
        watch.started(index)
        try:
            result = carried_out(call, lambda steps, index=index: watch.ticked(index, steps))  # type: ignore[misc]
        except Exception as error:  # whatever a call may raise
            yield Failed(index, error)
        else:
            yield Done(index, result)


def _elsewhere(calls: Sequence[Call], workers: int, threads: int, watch: Watch) -> Generator[Done | Failed]:
    from brainsim.studies.processes.workers import Pool

    waiting, tries = deque(range(len(calls))), [0] * len(calls)
    registry: Registry = {}
    with Pool(workers, threads) as pool:
        while waiting or pool.busy:
            yield from _begin(calls, waiting, pool, watch)
            heard = pool.hear()
            for index, steps in heard.ticks:
                watch.ticked(index, steps)
            for index, answer in heard.answers:
                yield outcome(index, answer, registry)
            for index, how in heard.deaths:
                yield from _after_death(index, how, waiting, tries, watch)
            watch.waiting()


def _begin(calls: Sequence[Call], waiting: deque[int], pool: Pool, watch: Watch) -> Iterator[Failed]:
    """Give waiting calls to free workers."""
    while waiting and pool.free:
        index = waiting.popleft()
        try:
            pool.give(index, calls[index])
        except Exception as error:  # whatever pickling may raise
            yield Failed(index, ExperimentError(f"call {index}: cannot be sent to another process ({error})"))
        else:
            watch.started(index)


def outcome(index: int, answer: Answer, registry: Registry) -> Done | Failed:
    """Return the result or error of a call; repeat its worker's warnings here, and collect what it left unused."""
    for text, category, file, line in answer.warned:
        warnings.warn_explicit(text, category, file, line, registry=registry)
    collecting = collector()
    if collecting is not None and answer.usage is not None:
        collecting.merge(answer.usage)
    return Done(index, answer.result) if answer.error is None else Failed(index, answer.error)


def _after_death(index: int, how: str, waiting: deque[int], tries: list[int], watch: Watch) -> Iterator[Failed]:
    """Let another worker try the call of a dead one, unless it has been tried too often."""
    tries[index] += bool(how)  # a worker that was never ready did not begin
    watch.died(index, how)
    if tries[index] < TRIES:
        waiting.appendleft(index)
        return
    cure = "if memory is short, use fewer jobs or smaller areas"
    yield Failed(index, WorkerError(f"call {index}: {TRIES} worker processes died in it ({how}); {cure}"))
