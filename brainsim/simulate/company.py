"""The processes that run one brain together: what they agree on, and what one of them does for all.

All ranks make the same calls.  Files are read and written by the first one.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from weakref import finalize

from brainsim._version import __version__
from brainsim.errors import DeclarationError, SimulationError
from brainsim.kernels.comm import NO_TRAFFIC, Comm, Traffic
from brainsim.kernels.interrupts import uninterrupted
from brainsim.simulate.reachable import Reachable

T = TypeVar("T")
Ask = Callable[[Sequence[Any]], list[Any]]
"""A function that puts a question to each rank, and returns their answers."""
Tried = tuple[Any, Exception | None]
_PATIENCE_SECONDS = 5.0
_watched: list[Comm] = []
_NEEDED = ("rank", "size", "allgather", "gather", "scatter", "Allgather", "bcast", "Abort")


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
        return self.led(lambda _: do(), lambda question: question)

    def led(self, do: Callable[[Ask], T], answer: Callable[[Any], Any]) -> T:
        """Let the first rank do something for which it asks all ranks; return its result on each, or raise its error.

        Ctrl-C waits until the end: a rank that left before would keep the others waiting.

        Parameters
        ----------
        do : callable
            It is given a function that takes one question for each rank, and returns their answers.
        answer : callable
            What a rank answers to a question.  The first rank raises an error of any rank where it asks.
        """
        if self.comm is None:
            return do(lambda questions: [answer(each) for each in questions])
        with uninterrupted():
            result, failure = _lead(self.comm, do, answer) if self.rank == 0 else _follow(self.comm, answer)
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


def _lead(comm: Comm, do: Callable[[Ask], Any], answer: Callable[[Any], Any]) -> Tried:
    def ask(questions: Sequence[Any]) -> list[Any]:
        comm.scatter([(each,) for each in questions])
        answers: list[Tried] = comm.gather(_tried(answer, questions[0])) or []
        for _, failure in answers:
            if failure is not None:
                raise failure
        return [each for each, _ in answers]

    outcome = _tried(do, ask)
    comm.scatter([None] * comm.size)  # there are no more questions
    comm.bcast(outcome)
    return outcome


def _follow(comm: Comm, answer: Callable[[Any], Any]) -> Tried:
    while (asked := comm.scatter(None)) is not None:
        comm.gather(_tried(answer, *asked))
    outcome: Tried = comm.bcast(None)
    return outcome


def _tried(do: Callable[[Any], Any], argument: Any) -> Tried:
    """Return the result of a call, and ``None``; or ``None``, and whatever error it raised."""
    try:
        return do(argument), None
    except Exception as error:
        return None, error


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
    return Company(Reachable(comm))


def run_together(comm: Comm) -> Company:
    """Let all ranks run the simulators that this process builds from now on, unless these name a communicator."""
    company = company_of(comm)
    _ambient.set(company)
    return company


def leave_to_first() -> None:
    """Give the first rank time to report what ends all ranks, and to end them; return on a rank that fails alone."""
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
