"""A communicator whose errors say what has happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from brainsim.errors import SimulationError
from brainsim.kernels.comm import Comm

T = TypeVar("T")


class Reachable:
    """A communicator whose errors say that a rank has ended while others go on."""

    def __init__(self, comm: Comm) -> None:
        self._comm = comm
        self.rank, self.size = comm.rank, comm.size

    def _call(self, method: Callable[..., T], *arguments: Any) -> T:
        try:
            return method(*arguments)
        except RuntimeError as error:
            if not type(error).__module__.startswith("mpi4py"):
                raise
            raise SimulationError(
                f"Simulator.comm: the other ranks cannot be reached, one of them may have ended ({error}); continue "
                "from the last saved state, on any number of ranks"
            ) from error

    def allgather(self, sendobj: Any) -> list[Any]:
        return self._call(self._comm.allgather, sendobj)

    def gather(self, sendobj: Any, root: int = 0) -> list[Any] | None:
        return self._call(self._comm.gather, sendobj, root)

    def scatter(self, sendobj: Sequence[Any] | None, root: int = 0) -> Any:
        return self._call(self._comm.scatter, sendobj, root)

    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None:  # noqa: N802 - the name in MPI
        self._call(self._comm.Allgather, sendbuf, recvbuf)

    def bcast(self, obj: Any, root: int = 0) -> Any:
        return self._call(self._comm.bcast, obj, root)

    def Abort(self, errorcode: int = 0) -> Any:  # noqa: N802 - the name in MPI
        return self._comm.Abort(errorcode)
