"""What connects the processes that run one brain together."""

from __future__ import annotations

from typing import Any, Protocol


class Comm(Protocol):
    """What is used of an ``mpi4py.MPI.Comm``."""

    @property
    def rank(self) -> int:
        """Number of this process."""

    @property
    def size(self) -> int:
        """How many there are."""

    def allgather(self, sendobj: Any) -> list[Any]:
        """Return what each process gave."""

    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None:  # noqa: N802 - the name in MPI
        """Collect an array of each process, as rows."""

    def bcast(self, obj: Any, root: int = 0) -> Any:
        """Return what the first process gave."""

    def Abort(self, errorcode: int = 0) -> Any:  # noqa: N802 - the name in MPI
        """End all processes."""
