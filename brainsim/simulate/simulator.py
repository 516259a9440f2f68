"""The simulator: runs the rounds of a brain and keeps its state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from brainsim._validation import integer, real
from brainsim.build import build, first_state
from brainsim.declare.assembly import Assembly
from brainsim.declare.brain import Brain
from brainsim.declare.cycle import Cycle
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.errors import DeclarationError, DumpError
from brainsim.kernels.backend import Memory
from brainsim.kernels.comm import Comm, Traffic
from brainsim.kernels.program import Options, default_cache_mb
from brainsim.simulate import backends
from brainsim.simulate.company import company_of
from brainsim.simulate.connectome import Connectome
from brainsim.simulate.edges import Edges
from brainsim.simulate.engine import Engine
from brainsim.simulate.guard import Guard, changes, ends, looks
from brainsim.simulate.identity import identity
from brainsim.simulate.index import AreaLike, AreasLike, Openable
from brainsim.simulate.locks import DEFAULT as DEFAULT_LOCK
from brainsim.simulate.modulators import ModulatorLike
from brainsim.simulate.notebook import simulator_html
from brainsim.simulate.outcome import Outcome
from brainsim.simulate.parts import Parts
from brainsim.simulate.recordings.begin import begin
from brainsim.simulate.recordings.recording import Recording
from brainsim.simulate.rounds import MAX_ROUNDS
from brainsim.simulate.schedule import CycleSchedule, Schedule
from brainsim.simulate.showing import show
from brainsim.simulate.usage import report

if TYPE_CHECKING:
    from brainsim.simulate.recordings.history import History


class Simulator:
    """Run a brain under the law of the assembly calculus, exactly and reproducibly.

    Parameters
    ----------
    brain : Brain
        The declaration; it cannot change afterwards.
    seed : int
        Determines every synapse.  Same declaration and seed: same winners and weights, bit for bit, on every backend;
        vectors, and the weights between vector areas, agree to 1e-5 after a round.
    backend : str
        ``"cpu"``, ``"gpu"``, ``"reference"`` or ``"auto"`` (the fastest that runs here).
    threads : int, optional
        CPU threads; by default all cores, or as many as ``NUMBA_NUM_THREADS`` allows.  It changes the speed alone.
    cache_mb : float, optional
        Bound in MiB on the memory of the cache: counts of assemblies, and rows of the connectome.  By default 64 MiB,
        plus 64 bytes for each neuron of the largest area, at most 1024 MiB.  It changes the speed alone.
    comm : mpi4py.MPI.Comm, optional
        The processes that run this brain together, each a range of its targets: all make the same calls.  By default
        this process runs it alone; under ``mpiexec``, ``brainsim run`` lets all processes run it.

    Raises
    ------
    DeclarationError
        If the brain has no areas or a setting is out of range.
    BackendError
        If the backend does not exist, does not run here, or cannot hold this brain.

    Examples
    --------
    >>> with Simulator(brain, seed=7) as sim:
    ...     sim.present(phon["dog"])
    ...     sim.run(phon >> lex, rounds=10)
    ...     dog = sim.assembly(lex)
    Outcome(rounds=10, stable=True)
    >>> len(dog)
    30
    """

    def __init__(
        self,
        brain: Brain,
        seed: int = 0,
        *,
        backend: str = "auto",
        threads: int | None = None,
        cache_mb: float | None = None,
        comm: Comm | None = None,
    ) -> None:
        if not isinstance(brain, Brain):
            raise DeclarationError(f"Simulator.brain: must be a Brain (got {brain!r})")
        if not brain.areas:
            raise DeclarationError("Simulator.brain: must have at least one area (got none); use brain.add(...)")
        show(brain)
        self.brain = brain
        self.seed = integer("Simulator.seed", seed, 0, 2**64 - 1)
        self.backend_name = backends.resolve(backend)
        program = self._program = build(brain, self.seed)
        company = company_of(comm)
        company.agree(lambda: {"seed": self.seed, "brain": identity(program, brain), "backend": self.backend_name})
        cache_mb = default_cache_mb(program) if cache_mb is None else cache_mb
        options = Options(
            threads=backends.thread_count(self.backend_name, threads, company),
            cache_mb=real("Simulator.cache_mb", cache_mb, 0.0, 1e9),
        )
        first = list(first_state(brain, program))
        engine = self._engine = Engine(backends.create(self.backend_name, program, options, company), company)
        engine.write_all(first)
        brain.freeze()
        self._guard = Guard(forks=engine.forks)
        self._parts = Parts(brain, self.seed, engine, self._guard)

    @property
    def _open(self) -> Parts:
        """The parts of an open simulator; a closed one is refused, since calls would have no effect."""
        self._engine.check_open()
        return self._parts

    # Rounds

    @changes
    def run(
        self,
        fibers: Openable | Cycle,
        rounds: int | None = None,
        *,
        learn: Openable | None = None,
        cycles: int | None = None,
        until_stable: bool = False,
        max_rounds: int = MAX_ROUNDS,
    ) -> Outcome:
        """Run rounds with these fibers open, except inhibited ones, or cycles of rounds.

        Parameters
        ----------
        fibers : Fiber, FiberSet, iterable of Fiber, or Cycle
            Fibers that transmit, for example ``phon >> lex1 | visual >> lex1``.
        rounds : int, optional
            How many; 1 if neither this nor ``until_stable`` is given.
        learn : Fiber, FiberSet or iterable of Fiber, optional
            Fibers that learn, whether or not they transmit, as far as they have a rule; ``()`` for none.  By default
            those that are open.  Inhibited fibers do not learn.
        cycles : int, optional
            Number of times that the phases of a `Cycle` run, 1 by default.
        until_stable : bool
            Stop after the first round in which no area changed its winners; if fibers transmit in phases of an
            oscillator, after a whole cycle of such rounds.
        max_rounds : int
            Bound for ``until_stable``.

        Returns
        -------
        Outcome
            How many rounds were run, and whether the last one changed no winner.  If no neuron of the brain fires, the
            run is not stable, and a `SilentWarning` says so.

        Raises
        ------
        DeclarationError
            If a fiber is not of this brain, a count is out of range, or several ways to stop are asked for.

        Examples
        --------
        >>> sim.present(phon["dog"])
        >>> sim.run(phon >> lex, rounds=2, learn=phon >> lex | lex >> lex)  # lex >> lex learns and does not transmit
        Outcome(rounds=2, stable=True)
        """
        return self._parts.rounds.run(fibers, rounds, learn, cycles, until_stable, max_rounds)

    @changes
    def project(
        self,
        mapping: Mapping[AreaLike, Iterable[AreaLike] | AreaLike],
        rounds: int | None = None,
        *,
        learn: Openable | None = None,
        until_stable: bool = False,
        max_rounds: int = MAX_ROUNDS,
    ) -> Outcome:
        """Run rounds with the fibers of a mapping open: ``{"Phon": ["Lex1", "Lex2"], "Lex1": ["Lex1"]}``.

        Takes the same options as `run`, and raises the same errors.
        """
        fibers = self._parts.index.fibers_of_mapping(mapping)
        return self.run(fibers, rounds, learn=learn, until_stable=until_stable, max_rounds=max_rounds)

    @overload
    @looks
    def schedule(self, fibers: Openable | None = None, learn: Openable | None = None) -> Schedule: ...
    @overload
    @looks
    def schedule(self, fibers: Cycle) -> CycleSchedule: ...

    @looks
    def schedule(
        self, fibers: Openable | Cycle | None = None, learn: Openable | None = None
    ) -> Schedule | CycleSchedule:
        """Return the printable order of events in a round with these open fibers, or in a cycle.

        It takes fibers (all by default) and ``learn`` as `run` does.  For a cycle it shows the first round of each
        phase.
        """
        if isinstance(fibers, Cycle):
            if learn is not None:
                raise DeclarationError("Simulator.schedule: the phases of a Cycle define learning; leave learn out")
            return self._open.scheduling.cycle(fibers)
        return self._open.scheduling.schedule(self.brain.fibers if fibers is None else fibers, learn)

    @contextmanager
    def frozen(self) -> Iterator[Self]:
        """Probe the brain: rounds inside the block learn nothing, and the state is restored afterwards.

        Winners, held areas, locks, thresholds, modulators and the clock are restored.

        >>> with sim.frozen():
        ...     sim.present(phon["dog"])
        ...     sim.run(phon >> lex)
        ...     heard = sim.assembly(lex)
        Outcome(rounds=1, stable=False)
        >>> sim.assembly(lex)
        <Assembly of Lex: 0 neurons []>
        """
        with self._guard.block("frozen", self._parts.probes.frozen()):
            yield self

    @property
    @looks
    def learning(self) -> bool:
        """Whether rounds learn: always except inside `Simulator.frozen`."""
        return not self._parts.probes.active

    # Stimuli and gates

    @changes
    def present(self, *assemblies: Assembly) -> None:
        """Make assemblies fire and hold them: each area keeps firing its assembly until it is released.

        Raises
        ------
        DeclarationError
            If a neuron is not below the area's ``n``, or two assemblies are of one area.
        UnknownNameError
            If the area is not in the brain.
        """
        self._parts.stimuli.present(assemblies)

    @changes
    def hold(self, *areas: AreasLike) -> None:
        """Keep the present winners of these areas and regions firing until they are released."""
        self._open.stimuli.hold(areas)

    @changes
    def release(self, *areas: AreasLike) -> None:
        """Let areas and regions (all, if none is named) select winners again; the present winners fire until then."""
        self._open.stimuli.release(areas)

    @changes
    def silence(self, *areas: AreasLike) -> None:
        """Stop all firing in areas and regions (all, if none is named), and release them; weights are kept."""
        self._parts.stimuli.silence(areas)

    @property
    @looks
    def held(self) -> tuple[str, ...]:
        """Names of the areas whose winners are held."""
        return self._parts.stimuli.held

    @changes
    def inhibit(self, *targets: AreasLike | Fiber | FiberSet, lock: str = DEFAULT_LOCK) -> None:
        """Close fibers, or all fibers into and out of areas or regions, until they are disinhibited.

        An inhibited area keeps its winners, which transmit again once it is disinhibited.  Locks have names, so several
        reasons can close the same area or fiber independently: it is open when it has no lock.

        >>> sim.inhibit(lex, lock="noun")
        >>> sim.inhibit(lex)
        >>> sim.disinhibit(lex, lock="noun")
        >>> sim.locks
        {'Lex': ('default',)}

        Parameters
        ----------
        *targets : Area, Region, str, Fiber or FiberSet
            What is closed.
        lock : str
            Name of the lock: printable text.

        Raises
        ------
        DeclarationError
            If a target is not of this brain, or the lock is not a name.
        """
        self._open.gates.inhibit(targets, lock)

    @changes
    def disinhibit(self, *targets: AreasLike | Fiber | FiberSet, lock: str | None = None) -> None:
        """Undo `inhibit`: remove a lock from areas and fibers, which are open without locks.

        ``disinhibit(x)`` removes the lock of ``inhibit(x)`` and leaves named ones; ``disinhibit(x, lock="noun")``
        removes the named lock alone; ``disinhibit(lock="noun")`` removes it everywhere; ``disinhibit()`` removes all
        locks.  Removing a missing lock is not an error.

        Parameters
        ----------
        *targets : Area, Region, str, Fiber or FiberSet
            What is opened; by default everything.
        lock : str, optional
            Name of the lock.

        Raises
        ------
        DeclarationError
            If a target is not of this brain, or the lock is not a name.
        """
        if lock is None and not targets:
            self._open.gates.open_all()
        else:
            self._open.gates.disinhibit(targets, DEFAULT_LOCK if lock is None else lock)

    @property
    @looks
    def locks(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the locks on each inhibited area and fiber, by its name: ``{"Lex": ("noun",)}``."""
        return self._parts.gates.locks

    @looks
    def transmitting(self, fibers: Openable) -> FiberSet:
        """Return the fibers that would transmit in the next round: not inhibited, and inside their window."""
        every = list(self.brain.fibers)
        return FiberSet(every[f] for f in self._parts.planning.transmitting(fibers))

    # Modulators

    @looks
    def modulator(self, modulator: ModulatorLike) -> float:
        """Return the value that a modulator has in the next round."""
        return self._parts.modulators.value(modulator)

    @changes
    def set_modulator(self, modulator: ModulatorLike, value: float) -> None:
        """Give a modulator a value, from -8 to 8, for the next round; then it decays towards its baseline.

        The steps of the rule of a fiber are multiplied by the product of its modulators.  A run in which the product is
        not between -8 and 8 raises a `SimulationError`.

        Raises
        ------
        DeclarationError
            If the value is out of range, or the modulator is an oscillator or belongs to another brain.
        """
        self._open.modulators.set(modulator, value)

    @changes
    def reinforce(self, modulator: ModulatorLike, value: float) -> None:
        """Apply a modulator to the rounds that fibers remember, such as a late reward.

        It acts on each fiber with a `Trace` that it modulates, open or not.  The synapses that took part in a
        remembered round strengthen as if the modulator had had this value in that round, times the decay of the trace.
        The fiber's other modulators have their present values.  No round passes, and the modulator itself is not set.

        Raises
        ------
        SimulationError
            Inside `frozen`, or if a fiber's product of modulators is not between -8 and 8.
        DeclarationError
            If it modulates no fiber with a trace, the value is not between -8 and 8, or it is an oscillator.
        """
        self._open.reinforcement.reinforce(modulator, value)

    # Excitability

    @looks
    def thresholds(self, area: AreaLike) -> npt.NDArray[np.float64]:
        """Return the threshold of each neuron, shape ``(n,)``, in the unit of weights."""
        return self._parts.excitability.thresholds(self._parts.index.area(area))

    @changes
    def set_thresholds(self, area: AreaLike, values: npt.ArrayLike) -> None:
        """Set the thresholds of an area: one number for all neurons, or one for each.

        A neuron fires only if its drive exceeds its threshold.  With a threshold below 0 it may fire without input, in
        rounds that open a fiber into the area.

        Raises
        ------
        DeclarationError
            If the values are not one number or ``n``, or too large for 64 bits (7e13, below 0 divided by the neurons of
            a channel).
        """
        self._parts.excitability.set_thresholds(self._parts.index.area(area), values)

    @contextmanager
    def temporary_thresholds(self, area: AreaLike, values: npt.ArrayLike) -> Iterator[None]:
        """Set thresholds during a block, and restore the previous ones exactly afterwards.

        >>> with sim.temporary_thresholds(lex, rng.normal(0, 5, lex.n)):  # noise, for one round
        ...     sim.run(phon >> lex)
        Outcome(rounds=1, stable=False)
        """
        temporary = self._parts.excitability.temporary(self._parts.index.area(area), values)
        with self._guard.block("temporary_thresholds", temporary):
            yield

    @looks
    def drives(self, area: AreaLike, fibers: Openable | None = None) -> npt.NDArray[np.float64]:
        """Return the drive of each neuron of an area, less its threshold, in a round that would open these fibers.

        Nothing changes.  Of the fibers (all by default), those count that end in the area and would transmit in the
        next round; gates apply.  The call reads all their learned synapses, so do not use it in every round.

        Returns
        -------
        float64 array, shape (n,)
            In the unit of weights.
        """
        every = self.brain.fibers if fibers is None else fibers
        return self._parts.excitability.drives(self._parts.index.area(area), self._parts.planning.transmitting(every))

    # Looking

    @looks
    def assembly(self, area: AreaLike, label: str | None = None) -> Assembly:
        """Return the present winners of an area as an immutable snapshot.

        If the area has never fired, a `SilentWarning` says so.
        """
        return self._parts.looks.assembly(self._parts.index.area(area), label)

    @looks
    def drive(self, area: AreaLike) -> npt.NDArray[np.float64]:
        """Return the drives with which the present winners of an area won, less their thresholds.

        This costs nothing: the drives are those of the round in which the area last selected its winners.  See
        `drives` for those of all neurons.

        Returns
        -------
        float64 array, shape (winners,)
            In the order of `assembly`, in units of the weight 1; 0 for neurons that have not won, but were presented.

        Examples
        --------
        >>> sim.present(phon["dog"])
        >>> _ = sim.run(phon >> lex)
        >>> sim.drive(lex).shape, float(sim.drive(lex).min()) > 0, float(sim.drive(phon).max())
        ((30,), True, 0.0)
        """
        return self._parts.looks.drive(self._parts.index.area(area))

    @looks
    def fires(self, area: AreaLike) -> bool:
        """Return whether any neuron of an area fires at present."""
        return self._engine.fires(self._parts.index.area(area))

    @looks
    def has_fired(self, area: AreaLike) -> bool:
        """Return whether an area has fired so far, in probes or outside of them."""
        return self._parts.index.area(area) in self._parts.state.fired

    @looks
    def connectome(self, fiber: Fiber | FiberSet) -> Connectome:
        """Return the synapses and present weights of one fiber."""
        return self._parts.weights.connectome(fiber)

    @looks
    def edges(self, fiber: Fiber | FiberSet) -> Edges:
        """Return the edges, the present weights and the input of one fiber between vector areas, and what it sends."""
        return self._parts.weights.edges(fiber)

    @looks
    def vectors(self, area: AreaLike, nodes: npt.ArrayLike | None = None) -> npt.NDArray[np.float32]:
        """Return the present unit vectors of a `VectorArea`.

        Parameters
        ----------
        area : VectorArea or str
            The area.
        nodes : array_like of int, optional
            Nodes, in any order.  By default all.

        Returns
        -------
        float32 array, shape (n, dim) or (nodes, dim)
            Without ``nodes``, a read-only array without a copy, which later rounds do not change.
        """
        return self._parts.vectors.read(self._parts.index.area(area), nodes)

    @changes
    def set_vectors(self, area: AreaLike, vectors: npt.ArrayLike, nodes: npt.ArrayLike | None = None) -> None:
        """Replace the vectors of a `VectorArea`: all of them, or those of some nodes.

        Without ``nodes``, these become the first vectors, towards which the ``anchor`` of a message pulls.

        Parameters
        ----------
        area : VectorArea or str
            The area.
        vectors : array_like, shape (n, dim) or (nodes, dim)
            They are normalized to length 1.
        nodes : array_like of int, optional
            Nodes, in the order of ``vectors``.  By default all.

        Raises
        ------
        DeclarationError
            If the area holds no vectors, a vector is 0 or has components that are no numbers, the shape does not fit,
            or a node is named twice.

        Examples
        --------
        >>> brain = Brain()
        >>> words = brain.add(VectorArea("Words", n=3, dim=2, k=1))
        >>> with Simulator(brain, backend="reference") as sim:
        ...     sim.set_vectors(words, [[1, 0], [0, 2], [3, 4]])
        ...     print(sim.vectors(words).tolist())
        [[1.0, 0.0], [0.0, 1.0], [0.6000000238418579, 0.800000011920929]]
        """
        self._parts.vectors.write(self._parts.index.area(area), vectors, nodes)

    @changes
    def forget(self, fibers: Openable) -> None:
        """Reset the weights of fibers to their initial values.

        A random graph gets its base weight everywhere, a stored graph its declared weights.  Winners, thresholds,
        traces and the clock do not change, nor do fibers that cannot learn.

        >>> sim.present(phon["dog"])
        >>> sim.run(phon >> lex, rounds=3)
        Outcome(rounds=3, stable=True)
        >>> sim.forget(phon >> lex)
        >>> len(sim.connectome(phon >> lex).learned()[0])
        0

        Parameters
        ----------
        fibers : Fiber, FiberSet or iterable of Fiber
            For example ``sim.brain.fibers``, or the ``fibers`` of a `Region`.

        Raises
        ------
        DeclarationError
            If a fiber is not of this brain; then none is reset.
        SimulationError
            Inside `Simulator.frozen`.
        """
        self._parts.weights.forget(fibers)

    @overload
    @changes
    def record(self, *areas: AreasLike, drives: bool = False) -> Recording: ...
    @overload
    @changes
    def record(
        self,
        *areas: AreasLike,
        drives: bool = False,
        to: str | PathLike[str],
        every: int | None = None,
        overwrite: bool = False,
    ) -> History: ...

    @changes
    def record(
        self,
        *areas: AreasLike,
        drives: bool = False,
        to: str | PathLike[str] | None = None,
        every: int | None = None,
        overwrite: bool = False,
    ) -> Recording | History:
        """Record the winners (optionally the drives) of areas and regions, by default all, from the next round on.

        Rounds inside `frozen` are recorded only by recordings that begin inside it; these end with it.  Closing the
        simulator ends all others.

        Parameters
        ----------
        *areas : Area, Region or str
            What is recorded.
        drives : bool
            Whether the drives of the winners are recorded, too.
        to : str or Path, optional
            An HDF5 file to which the rounds are appended.  Only those since the last flush are in memory.  Other
            processes can read the file during the run, and after the run was killed.
        every : int, optional
            Number of rounds between flushes to the file, 100 by default.
        overwrite : bool
            Whether a file that exists is replaced.

        Returns
        -------
        Recording or History
            `Recording` in memory or `History` in a file, with the same methods.

        Raises
        ------
        DeclarationError
            If an area is not of this brain or an option is out of range.
        DumpError
            If the file exists or cannot be written.  A run raises it, too, when a flush fails, as on a full disk; then
            all rounds so far have been run, and the history has ended.
        """
        parts, known = self._open, list(self.brain.areas.values())
        chosen = [known[index] for index in parts.index.some(areas)]
        make = partial(begin, chosen, self.seed, drives=drives, every=every, overwrite=overwrite)
        recording = parts.company.written(make, to)
        parts.recorder.start(recording)
        return recording

    @property
    @looks
    def rounds(self) -> int:
        """Rounds run so far, without probes."""
        return self._parts.state.rounds

    @looks
    def unused(self) -> tuple[str, ...]:
        """Return a line for every area that never fired, every fiber never opened, and every gate never driven."""
        return self._parts.looks.unused()

    @looks
    def events(self, fibers: Openable | None = None) -> dict[str, int]:
        """Return how many synaptic events fibers (all by default) have transmitted so far, by their names.

        An event is one transmission by one synapse.  All rounds of this simulator count, including those in probes, but
        not the earlier rounds of a loaded state.  Counting generates the synapses of every neuron that has transmitted,
        so call it after a simulation, not in every round.

        Examples
        --------
        >>> with Simulator(brain, seed=1, backend="reference") as counted:
        ...     counted.present(phon["dog"])
        ...     _ = counted.run(phon >> lex, rounds=2)
        ...     synapses = counted.connectome(phon >> lex)
        ...     counted.events(phon >> lex)["Phon->Lex"] == 2 * sum(len(synapses.row(neuron)) for neuron in phon["dog"])
        True
        """
        every = self.brain.fibers if fibers is None else fibers
        return self._parts.looks.events(self._parts.index.fibers(every))

    @looks
    def memory(self) -> Memory:
        """Return bytes allocated between rounds: ``{"fibers" | "areas" | "shared": {name: {purpose: bytes}}}``."""
        return self._engine.memory()

    @looks
    def timings(self) -> dict[str, float]:
        """Return the seconds spent in each phase of all rounds so far: project, select, learn and record."""
        return {**self._engine.seconds(), "record": self._parts.recorder.seconds}

    @property
    @looks
    def traffic(self) -> Traffic:
        """What this process has sent to others that run the brain together: rounds, bytes, and seconds."""
        return self._engine.traffic

    # Life

    @looks
    def save(self, path: str | Path, note: str = "") -> None:
        """Write the whole state (winners, weights, locks, clock) to an HDF5 file, completely or not at all.

        ``note`` is kept with it and returned by `load`: any text.

        Raises
        ------
        DumpError
            If the path is not that of a file, or the file cannot be written, as on a full disk.  Then an existing file
            and the simulator stay unchanged.
        DeclarationError
            If the note is no text.
        """
        self._parts.saving.save(path, note)

    @changes
    def load(self, path: str | Path) -> str:
        """Continue from a state that `save` wrote, on any backend, to the same result bit for bit; return its note.

        Vector areas continue with the same bits on the same backend, and within their tolerance on another.

        Raises
        ------
        DumpError
            If the file holds no state, or that of another brain or seed; then nothing changes.
        """
        return self._parts.saving.load(path)

    def close(self) -> None:
        """Free the memory of the simulation, and warn (`UnusedWarning`) about areas and fibers that were never used.

        A run in another thread ends after its present round, with a `SimulationError`.
        """
        self._close(news=True)

    @ends
    def _close(self, *, news: bool) -> None:
        if self._engine.closed:
            return
        try:
            self._parts.recorder.close()
        finally:
            self._engine.close(free=not self._guard.lost)
        if news and self._parts.state.opened:
            report(self._parts.looks.unused())

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a Simulator cannot be copied or pickled; save() it and load() the state into a new one")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close(news=error is None)  # after an early end of the block, unused parts are expected
        except DumpError as failure:
            if error is None:
                raise
            error.add_note(str(failure))  # the error that ended the block has priority

    def __repr__(self) -> str:
        state = "closed" if self._engine.closed else f"{self.rounds} rounds"
        return f"<Simulator of {len(self._program.areas)} areas, seed {self.seed}, {self.backend_name}: {state}>"

    def _repr_html_(self) -> str:
        return simulator_html(self)
