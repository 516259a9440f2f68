"""Ranks as threads of one process: the calls of ``mpi4py.MPI.Comm`` that brainsim makes, without starting processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import numpy as np

from brainsim.kernels.backend import Backend
from brainsim.kernels.program import Options, Program
from brainsim.kernels.ranks import RankBackend
from brainsim.kernels.runners import runner_of

T = TypeVar("T")


class ThreadComm:
    """One rank; all ranks make the same calls."""

    def __init__(self, rank: int, slots: list[Any], barrier: Barrier) -> None:
        self.rank, self.size, self._slots, self._barrier = rank, len(slots), slots, barrier

    def allgather(self, sendobj: Any) -> list[Any]:
        self._slots[self.rank] = sendobj
        self._barrier.wait(60)
        found = list(self._slots)
        self._barrier.wait(60)
        return found

    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None:  # noqa: N802 - the name in MPI
        recvbuf[...] = np.stack(self.allgather(sendbuf.copy()))

    def gather(self, sendobj: Any, root: int = 0) -> list[Any] | None:
        found = self.allgather(sendobj)
        return found if self.rank == root else None

    def scatter(self, sendobj: Sequence[Any] | None, root: int = 0) -> Any:
        return self.allgather(sendobj)[root][self.rank]

    def bcast(self, obj: Any, root: int = 0) -> Any:
        return self.allgather(obj)[root]

    def Abort(self, errorcode: int = 0) -> None:  # noqa: N802 - the name in MPI
        raise AssertionError(f"a thread cannot end all ranks (code {errorcode})")


def on_ranks(ranks: int, do: Callable[[ThreadComm], T]) -> list[T]:
    """Return what a function of a rank returns on each of some ranks; raise what it raises on the first."""
    slots: list[Any] = [None] * ranks
    barrier = Barrier(ranks)

    def one(rank: int) -> T:
        try:
            return do(ThreadComm(rank, slots, barrier))
        except BaseException:
            barrier.abort()  # or the others would wait
            raise

    with ThreadPoolExecutor(ranks) as threads:
        futures = [threads.submit(one, rank) for rank in range(ranks)]
        errors = [future.exception() for future in futures]
        first = [error for error in errors if error is not None and type(error).__name__ != "BrokenBarrierError"]
        if first:
            raise first[0]
        return [future.result() for future in futures]


def ranked(inner: type[Backend], comm: ThreadComm) -> Callable[[Program, Options], RankBackend]:
    """Return what builds the backend of a rank, for tests that build backends."""
    return lambda program, options: RankBackend(program, options, comm, runner_of(inner, comm.rank))
