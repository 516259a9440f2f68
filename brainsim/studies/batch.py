"""Many brains at once: one declaration under many seeds, and the same schedule for all of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing.util import Finalize
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from brainsim._validation import integer, real
from brainsim.declare.assembly import Assembly
from brainsim.declare.brain import Brain
from brainsim.declare.cycle import Cycle
from brainsim.errors import DeclarationError, ExperimentError, SimulationError, WorkerError
from brainsim.simulate import backends
from brainsim.simulate.index import Openable
from brainsim.simulate.outcome import Outcome
from brainsim.simulate.simulator import Simulator
from brainsim.studies.joint_brains import JointBrains
from brainsim.studies.processes.brains import Brains, do_each, hold, let_go, packed, parts_of
from brainsim.studies.processes.calls import Call, Failed
from brainsim.studies.processes.completion import Registry, default_jobs, outcome

if TYPE_CHECKING:
    from brainsim.studies.processes.workers import Worker

T = TypeVar("T")
MOST_SEEDS = 100_000


class Batch:
    """Run the same schedule in many brains that differ in their seeds alone, side by side on all cores.

    Each brain gives the same winners and weights, bit for bit, as a `Simulator` of its own.  The brains are shared
    among worker processes, because most of a short round is Python, which runs on one core of a process only.  A call
    of `each` sends one function to every worker and waits for all of them, so let it do much: whole schedules, or many
    rounds.

    On a GPU the brains go from round to round together, and share the launch of each kernel; `each` then calls the
    function in a thread for each brain.  Brains may run different rounds: one whose function has returned is not waited
    for.

    Parameters
    ----------
    brain : Brain
        The declaration; it cannot change afterwards.
    seeds : iterable of int
        One brain for each; see `Simulator`.
    backend : str
        As for `Simulator`, the same for all brains.
    workers : int, optional
        Processes, at most one for each seed.  By default one for each core; one on a GPU and inside another worker.
        With 1 the brains run in this process: one after the other, or together on a GPU.
    cache_mb : float, optional
        As for `Simulator`, for each brain.

    Attributes
    ----------
    brain : Brain
        The declaration.
    seeds : tuple of int
        In the order of all results.
    workers : int
        Processes that run the brains.

    Raises
    ------
    DeclarationError
        If the brain has no areas, there are no seeds, or a setting is out of range.
    BackendError
        If the backend does not exist or does not run here.
    WorkerError
        If a worker cannot be started, or dies: then its brains are lost, and the batch is closed.

    Examples
    --------
    >>> def schedule(sim):
    ...     sim.present(phon["dog"])
    ...     sim.run(phon >> lex, rounds=10)
    ...     return sim.assembly(lex)
    >>> with Batch(brain, seeds=range(4), workers=1) as batch:
    ...     dogs = batch.each(schedule)
    >>> [len(dog) for dog in dogs]
    [30, 30, 30, 30]
    """

    def __init__(
        self,
        brain: Brain,
        seeds: Iterable[int],
        *,
        backend: str = "auto",
        workers: int | None = None,
        cache_mb: float | None = None,
    ) -> None:
        if not isinstance(brain, Brain) or not brain.areas:
            raise DeclarationError(where="Batch.brain", value=brain, allowed="a Brain with at least one area")
        self.brain = brain
        self.seeds = _checked(seeds)
        name = backends.resolve(backend)
        wanted = 1 if name == "gpu" else default_jobs()
        self.workers = min(
            len(self.seeds), wanted if workers is None else integer("Batch.workers", workers, 1, len(self.seeds))
        )
        options: dict[str, Any] = {"backend": name, "threads": max(1, backends.default_threads() // self.workers)}
        if cache_mb is not None:
            options["cache_mb"] = real("Batch.cache_mb", cache_mb, 0.0, 1e9)
        brain.freeze()
        self._team: _Team | Brains | JointBrains | None = None
        self._team = self._opened(options)

    def _opened(self, options: dict[str, Any]) -> _Team | Brains | JointBrains:
        if self.workers > 1:
            return _Team(self, options)
        kind = JointBrains if options["backend"] == "gpu" else Brains
        return kind(self.brain, self.seeds, options)

    def each(self, do: Callable[[Simulator], T]) -> list[T]:
        """Call a function with the simulator of each brain; return what it returns, in the order of the seeds.

        Parameters
        ----------
        do : callable
            Takes a `Simulator`.  It may use the brain and its areas and fibers, and must not keep the simulator.  In
            worker processes it and its result are pickled, so return plain data, such as assemblies.

        Raises
        ------
        Exception
            What the function raised in the first brain that failed, with a note that names the seed.  The other brains
            of that worker may not have run then.
        SimulationError
            If the batch is closed.
        """
        if not callable(do):
            raise DeclarationError(where="Batch.each: do", value=do, allowed="a function of a Simulator")
        if self._team is None:
            raise SimulationError("Batch: is closed; build a new one")
        try:
            return self._team.each(do)
        except WorkerError:
            self._team = None
            raise

    def present(self, *assemblies: Assembly) -> None:
        """Make assemblies fire in every brain, as `Simulator.present` does."""
        self.each(lambda sim: sim.present(*assemblies))

    def run(
        self,
        fibers: Openable | Cycle,
        rounds: int | None = None,
        *,
        learn: Openable | None = None,
        cycles: int | None = None,
    ) -> list[Outcome]:
        """Run rounds in every brain, as `Simulator.run` does; return the outcome of each."""
        return self.each(lambda sim: sim.run(fibers, rounds, learn=learn, cycles=cycles))

    def close(self) -> None:
        """Free all brains, and warn (`UnusedWarning`) about areas and fibers that none of a worker has used."""
        team, self._team = self._team, None
        if team is not None:
            team.close()

    def __len__(self) -> int:
        return len(self.seeds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        team, self._team = self._team, None
        if team is not None:
            with suppress(Exception), warnings.catch_warnings(action="ignore"):  # the error has priority
                team.close()

    def __repr__(self) -> str:
        state = "closed" if self._team is None else f"{self.workers} worker{'s' * (self.workers > 1)}"
        return f"<Batch of {len(self.seeds)} brains: {state}>"


def _checked(seeds: object) -> tuple[int, ...]:
    """Return seeds as numbers."""
    allowed = f"a sequence of 1 to {MOST_SEEDS:_} integers, such as range(4)"
    if not isinstance(seeds, Iterable) or isinstance(seeds, str | bytes):
        raise DeclarationError(where="Batch.seeds", value=seeds, allowed=allowed)
    each = tuple(islice(seeds, MOST_SEEDS + 1))
    if not 1 <= len(each) <= MOST_SEEDS:
        raise DeclarationError(where="Batch.seeds", value=seeds, allowed=allowed)
    return tuple(integer("Batch.seeds", seed, 0, 2**64 - 1) for seed in each)


class _Team:
    """The workers of a batch: brain ``i`` of ``W`` workers belongs to worker ``i % W``."""

    def __init__(self, batch: Batch, options: dict[str, Any]) -> None:
        from brainsim.studies.processes.workers import Worker, end_workers

        self._seeds = batch.seeds
        self._parts = parts_of(batch.brain)
        self._registry: Registry = {}
        self._workers: list[Worker] = []
        self._end = Finalize(self, end_workers, args=(self._workers, {}), exitpriority=10)
        try:
            for _ in range(batch.workers):
                self._workers.append(Worker(options["threads"]))
            self._ask([Call(hold, (batch.brain, self._share(w), options)) for w in range(batch.workers)])
        except BaseException:
            self._end()
            raise

    def _share(self, worker: int) -> tuple[int, ...]:
        return self._seeds[worker :: len(self._workers)]

    def each(self, do: Callable[[Simulator], Any]) -> list[Any]:
        try:
            content = packed(do, self._parts)
        except Exception as error:  # whatever pickling may raise
            raise ExperimentError(f"Batch.each: do cannot be sent to another process ({error})") from error
        answers = self._ask([Call(do_each, (content,))] * len(self._workers))
        count = len(self._workers)
        return [answers[at % count][at // count] for at in range(len(self._seeds))]

    def _ask(self, calls: Sequence[Call]) -> list[Any]:
        """Let each worker carry out a call; return the results once all have answered."""
        import cloudpickle

        try:
            for worker, call in zip(self._workers, calls, strict=True):
                with suppress(OSError):  # it has died, and is found dead
                    worker.connection.send_bytes(cloudpickle.dumps(call))
            found = [self._answer(worker) for worker in self._workers]
        except BaseException:  # a death or an interruption: answers may be under way
            self._end()
            raise
        for each in found:
            if isinstance(each, Failed):
                raise each.error
        return [each.result for each in found]

    def _answer(self, worker: Worker) -> Any:
        """Wait for what became of the call of a worker."""
        from brainsim.studies.processes.worker import Answer
        from brainsim.studies.processes.workers import opened

        while True:
            try:
                message = opened(worker.connection.recv_bytes())
            except (EOFError, OSError):
                seeds = ", ".join(map(str, self._share(self._workers.index(worker))[:4]))
                raise WorkerError(
                    f"Batch: a worker process died ({worker.death()}), and its brains with it (seeds {seeds} …); if "
                    "memory is short, use fewer seeds or workers, or smaller areas"
                ) from None
            if isinstance(message, Answer):
                return outcome(0, message, self._registry)

    def close(self) -> None:
        try:
            self._ask([Call(let_go)] * len(self._workers))
        finally:
            self._end()
