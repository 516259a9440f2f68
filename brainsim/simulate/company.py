"""The processes that run one brain together: what they agree on, and what one of them does for all.

All ranks make the same calls.  Files are read and written by the first one.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from weakref import finalize

from brainsim._version import __version__
from brainsim.errors import DeclarationError, SimulationError
from brainsim.kernels.comm import NO_TRAFFIC, Comm, Traffic

T = TypeVar("T")
_PATIENCE_SECONDS = 5.0
_watched: list[Comm] = []


_NEEDED = ("rank", "size", "allgather", "gather", "Allgather", "bcast", "Abort")


class _Reachable:
    """A communicator whose errors say what has happened: a rank has ended while others go on."""

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

    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None:  # noqa: N802 - the name in MPI
        self._call(self._comm.Allgather, sendbuf, recvbuf)

    def bcast(self, obj: Any, root: int = 0) -> Any:
        return self._call(self._comm.bcast, obj, root)

    def Abort(self, errorcode: int = 0) -> Any:  # noqa: N802 - the name in MPI
        return self._comm.Abort(errorcode)


class Company:
    """The ranks of one brain; without a communicator, this process alone.

    Attributes
    ----------
    comm : Comm or None
        What connects the ranks.
    rank, size : int
        Number of this process, and how many there are.
    traffic : Traffic
        What this rank has sent in all rounds of simulators that are closed.
    """

    def __init__(self, comm: Comm | None) -> None:
        self.comm = comm
        self.rank, self.size = (0, 1) if comm is None else (comm.rank, comm.size)
        self.traffic = NO_TRAFFIC

    def add(self, traffic: Traffic) -> None:
        """Add what a simulator has sent."""
        ours = self.traffic
        rounds, nbytes = ours.rounds + traffic.rounds, ours.nbytes + traffic.nbytes
        self.traffic = Traffic(rounds, nbytes, ours.seconds + traffic.seconds)

    @property
    def neighbours(self) -> int:
        """How many of the ranks are on this machine."""
        return len(self._here())

    @property
    def place(self) -> int:
        """Number of this process among those of the ranks that are on this machine."""
        return self._here().index(self.rank)

    def _here(self) -> list[int]:
        """Return the ranks on this machine."""
        if self.comm is None:
            return [self.rank]
        from platform import node

        return [rank for rank, name in enumerate(self.comm.allgather(node())) if name == node()]

    def meet(self) -> None:
        """Wait until all ranks are here."""
        if self.comm is not None:
            self.comm.allgather(None)

    def once(self, do: Callable[[], T]) -> T:
        """Let the first rank do something, and return its result on every rank, or raise its error."""
        if self.comm is None:
            return do()
        found: tuple[Any, Exception | None] = (None, None)
        if self.rank == 0:
            try:
                found = do(), None
            except Exception as error:  # whatever it may raise
                found = None, error
        result, failure = self.comm.bcast(found)
        if failure is not None:
            raise failure
        return result  # type: ignore[no-any-return]  # what `do` returned

    def written(self, make: Callable[..., T], to: object) -> T:
        """Return a recording: on the first rank it is written to a path, on others to a scratch file of their own.

        All ranks see the same winners, so each can read its own recording.
        """
        if self.comm is None or to is None:
            return make(to=to)
        mine: list[T] = []
        self.once(lambda: mine.append(make(to=to)))
        if self.rank == 0:
            return mine[0]
        folder = tempfile.TemporaryDirectory(prefix="brainsim-rank-")
        recording = make(to=Path(folder.name) / "history.h5")
        finalize(recording, folder.cleanup)
        return recording

    def agree(self, facts: Callable[[], Mapping[str, Any]]) -> None:
        """Refuse ranks that would run different brains.

        Raises
        ------
        SimulationError
            If a rank has another version of brainsim, seed, brain or backend.
        """
        if self.comm is None:
            return
        mine = {"version of brainsim": __version__, **facts()}
        every = self.comm.allgather({name: json.dumps(fact, sort_keys=True) for name, fact in mine.items()})
        for name in mine:
            for rank, theirs in enumerate(every):
                if theirs.get(name) != every[0].get(name):
                    first, other = _short(every[0].get(name)), _short(theirs.get(name))
                    raise SimulationError(
                        f"Simulator.comm: all ranks must have the same {name} (rank 0 has {first}, rank {rank} "
                        f"{other}); give every rank the same file and arguments"
                    )


def _short(fact: object) -> str:
    text = str(fact)
    return text if len(text) <= 40 else f"{text[:40]}…"


ALONE = Company(None)
_ambient: ContextVar[Company] = ContextVar("brainsim_company", default=ALONE)


def company_of(comm: Comm | None) -> Company:
    """Return the company of a simulator: that of a communicator, or by default that of `together`.

    Raises
    ------
    DeclarationError
        If it is not a communicator.
    """
    if comm is None:
        return _ambient.get()
    if not all(hasattr(comm, name) for name in _NEEDED):
        raise DeclarationError(
            where="Simulator.comm", value=comm, allowed="an mpi4py.MPI.Comm", cure="such as MPI.COMM_WORLD"
        )
    if comm.size == 1:
        return ALONE
    end_all_with_this(comm)
    return Company(_Reachable(comm))


def run_together(comm: Comm) -> Company:
    """Let all ranks run the simulators that this process builds from now on, unless these name a communicator."""
    company = company_of(comm)
    _ambient.set(company)
    return company


def leave_to_first() -> None:
    """Give the first rank time to report an error that all have, and to end all; return on a rank that fails alone."""
    if _ambient.get().rank:
        time.sleep(_PATIENCE_SECONDS)


def end(code: int) -> None:
    """End all ranks that run together, because this one failed: if it merely ended, the others would wait for it."""
    comm = _ambient.get().comm
    if comm is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        comm.Abort(code)


def end_all_with_this(comm: Comm) -> None:
    """Let an error that nothing catches end all ranks, not this one alone."""
    if _watched:
        return
    _watched.append(comm)
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if comm.rank:
            time.sleep(_PATIENCE_SECONDS)
            sys.stderr.write(f"rank {comm.rank}:\n")
        before(kind, error, trace)
        sys.stderr.flush()
        comm.Abort(1)

    sys.excepthook = hook
