"""What connects the processes that run one brain together, and what they send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol


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

    def gather(self, sendobj: Any, root: int = 0) -> list[Any] | None:
        """Return what each process gave, on the first; ``None`` on others."""

    def scatter(self, sendobj: Sequence[Any] | None, root: int = 0) -> Any:
        """Return what the first process has for this one."""

    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None:  # noqa: N802 - the name in MPI
        """Collect an array of each process, as rows."""

    def bcast(self, obj: Any, root: int = 0) -> Any:
        """Return what the first process gave."""

    def Abort(self, errorcode: int = 0) -> Any:  # noqa: N802 - the name in MPI
        """End all processes."""


class Traffic(NamedTuple):
    """What a rank has sent to others in rounds.

    Attributes
    ----------
    rounds : int
        Rounds in which areas selected.
    nbytes : int
        Bytes of its candidates, sent once to each other rank.
    seconds : float
        Time in the gathering: waiting for the slowest rank, and communication.
    """

    rounds: int
    nbytes: int
    seconds: float


NO_TRAFFIC = Traffic(0, 0, 0.0)
