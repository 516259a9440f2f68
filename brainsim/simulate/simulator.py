"""The simulator: runs the rounds of a brain and keeps its state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import NoReturn, Self, SupportsIndex

from brainsim._validation import integer, real
from brainsim.build import build
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.brain import Brain
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.errors import DeclarationError, DumpError, SimulationError
from brainsim.kernels.backend import Backend, Memory
from brainsim.kernels.program import Options, default_cache_mb
from brainsim.simulate import backends
from brainsim.simulate.connectome import Connectome
from brainsim.simulate.control import Control
from brainsim.simulate.index import AreaLike, Index, Openable
from brainsim.simulate.recording import Recording
from brainsim.simulate.schedule import Schedule
from brainsim.simulate.state import State, declaration, restore_snapshot, take_snapshot
from brainsim.simulate.usage import report


@dataclass(frozen=True)
class Outcome:
    """What a call of `Simulator.run` did.

    Attributes
    ----------
    rounds : int
        Rounds that were run.
    stable : bool
        Whether the last round changed no winner of any area.
    """

    rounds: int
    stable: bool


class Simulator(Control):
    """Runs a brain under the law of the assembly calculus, exactly and reproducibly.

    Parameters
    ----------
    brain : Brain
        The declaration; frozen from here on.
    seed : int
        Determines every synapse.  Same declaration and seed: same winners and weights, bit for bit, on every backend.
    backend : str
        ``"cpu"``, ``"gpu"``, ``"reference"`` or ``"auto"`` (the fastest that runs here).
    threads : int, optional
        CPU threads; all cores by default.  Changes speed only.
    cache_mb : float, optional
        Bound in MiB on the memory for what can be computed again: counts of assemblies, and rows of the connectome.  By
        default 64 and a byte for 64 assemblies at every neuron of the largest area, at most 1024.  Changes speed only.

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
    ) -> None:
        if not isinstance(brain, Brain):
            raise DeclarationError(f"Simulator.brain: must be a Brain (got {brain!r})")
        if not brain.areas:
            raise DeclarationError("Simulator.brain: must have at least one area (got none); use brain.add(...)")
        self.brain = brain
        self.seed = integer("Simulator.seed", seed, 0, 2**64 - 1)
        self.backend_name = backends.resolve(backend)
        self._program = build(brain, self.seed)
        cache_mb = default_cache_mb(self._program) if cache_mb is None else cache_mb
        options = Options(
            threads=backends.thread_count(self.backend_name, threads),
            cache_mb=real("Simulator.cache_mb", cache_mb, 0.0, 1e9),
        )
        self._backend: Backend | None = backends.create(self.backend_name, self._program, options)
        brain.freeze()
        self._index = Index(brain)
        self._state = State()
        self._recordings: list[tuple[int, Recording]] = []
        self._depth = 0
        self._recording_seconds = 0.0

    # Rounds

    def run(
        self, fibers: Openable, rounds: int | None = None, *, until_stable: bool = False, max_rounds: int = 100
    ) -> Outcome:
        """Run rounds with these fibers open, except inhibited ones.

        Parameters
        ----------
        fibers : Fiber, FiberSet or iterable of Fiber
            For example ``phon >> lex1 | visual >> lex1``.
        rounds : int, optional
            How many; 1 if neither this nor ``until_stable`` is given.
        until_stable : bool
            Stop after the first round in which no area changed its winners.
        max_rounds : int
            Bound for ``until_stable``.

        Raises
        ------
        DeclarationError
            If a fiber is not of this brain, a count is out of range, or both ways to stop are asked for.
        """
        if until_stable and rounds is not None:
            raise DeclarationError("Simulator.run: give rounds or until_stable, not both")
        wanted = max_rounds if until_stable else 1 if rounds is None else rounds
        most = integer(f"Simulator.run: {'max_rounds' if until_stable else 'rounds'}", wanted, 1, None)
        opened = self._transmitting(fibers)
        recorded = sorted({self._index.area(area) for recording in self._listening() for area in recording.areas})
        done, stable = 0, False
        try:
            with backends.named_errors():
                while done < most and not stable:
                    self._round(opened, recorded)
                    done += 1
                    stable = (until_stable or done == most) and self._live.stable()
        finally:
            with backends.named_errors():
                self._collect()
        return Outcome(done, stable)

    def project(
        self,
        mapping: Mapping[AreaLike, Iterable[AreaLike] | AreaLike],
        rounds: int | None = None,
        *,
        until_stable: bool = False,
        max_rounds: int = 100,
    ) -> Outcome:
        """Run rounds with the fibers of a mapping open: ``{"Phon": ["Lex1", "Lex2"], "Lex1": ["Lex1"]}``.

        Takes the same ways to stop as `run`, and raises the same errors.
        """
        if not isinstance(mapping, Mapping):
            raise DeclarationError(
                f'Simulator.project: must be given a mapping such as {{"A": ["B"]}} (got {mapping!r})'
            )
        fibers = FiberSet()
        for source, targets in mapping.items():
            if not isinstance(targets, Iterable | Area):
                raise DeclarationError(f"Simulator.project: {source!r} must map to areas (got {targets!r})")
            for target in (targets,) if isinstance(targets, Area | str) else targets:
                fibers = fibers | self.brain.fibers_between(source, target)
        return self.run(fibers, rounds, until_stable=until_stable, max_rounds=max_rounds)

    def _round(self, opened: list[int], recorded: list[int]) -> None:
        self._live.round(opened, self._state.held, learn=not self._depth)
        self._state.rounds += 1
        self._state.opened.update(opened)
        if recorded:
            begun = perf_counter()
            self._live.record(recorded)
            self._recording_seconds += perf_counter() - begun

    def _collect(self) -> None:
        """Take over what the backend noted during some rounds."""
        if self._backend is None:
            return
        begun = perf_counter()
        self._state.fired |= self._backend.fired()
        names = [area.name for area in self._program.areas]
        rounds = [{names[a]: winners for a, winners in each.items()} for each in self._backend.recorded()]
        for recording in self._listening():
            for each in rounds:
                recording.append(each)
        self._recording_seconds += perf_counter() - begun

    def schedule(self, fibers: Openable | None = None) -> Schedule:
        """Return the printable order of events of a round that opens these fibers (all by default)."""
        chosen = tuple(self._index.fibers(self.brain.fibers if fibers is None else fibers))
        closed = frozenset(chosen) - frozenset(self._transmitting(self.brain.fibers))
        recorded = tuple(area.name for recording in self._listening() for area in recording.areas)
        held = frozenset(self._state.held)
        return Schedule(self._program, chosen, closed, held, learning=not self._depth, recorded=recorded)

    @contextmanager
    def frozen(self) -> Iterator[Self]:
        """Probe without a trace: no learning inside, and all but what was used is on leaving as it was on entering.

        That is: winners, held areas, gates, thresholds and the clock.

        >>> with sim.frozen():
        ...     sim.present(phon["dog"])
        ...     sim.run(phon >> lex)
        ...     heard = sim.assembly(lex)
        Outcome(rounds=1, stable=False)
        >>> sim.assembly(lex)
        <Assembly of Lex: 0 neurons []>
        """
        live, state = self._live, self._state.copy()
        winners = [live.winners(area) for area in range(len(self._program.areas))]
        thresholds = [live.thresholds(area) for area in range(len(self._program.areas))]
        self._depth += 1
        try:
            yield self
        finally:
            for recording in self._listening():
                recording.stop()
            self._depth -= 1
            # A fiber that only probes open is not forgotten, so what was used stays noted.
            state.opened, state.fired = self._state.opened, self._state.fired
            self._state = state
            if self._backend is not None:
                with backends.named_errors():
                    for area, neurons in enumerate(winners):
                        self._backend.set_winners(area, neurons)
                        if self._backend.thresholds(area) is not thresholds[area]:  # a probe seldom sets them
                            self._backend.set_thresholds(area, thresholds[area])

    # Looking

    def assembly(self, area: AreaLike, label: str | None = None) -> Assembly:
        """Return the present winners of an area as an immutable snapshot."""
        index = self._index.area(area)
        return Assembly(self._program.areas[index].name, self._live.winners(index), label)

    def connectome(self, fiber: Fiber | FiberSet) -> Connectome:
        """Return the synapses and present weights of one fiber."""
        chosen = self._index.fibers(fiber)
        if len(chosen) != 1:
            raise DeclarationError(f"Simulator.connectome: must be given one fiber (got {len(chosen)}: {fiber!r})")
        return Connectome(self._live, chosen[0], self._may_write)

    def _may_write(self) -> None:
        if self._depth:
            raise SimulationError(
                "Simulator.frozen: a probe must not change weights; do it before or after, outside of frozen()"
            )

    def record(self, *areas: AreaLike) -> Recording:
        """Record the winners of these areas (all, if none is named) from the next round on.

        Rounds inside `frozen` are seen only by recordings begun inside it, which end with it.
        """
        every = list(self.brain.areas.values())
        recording = Recording([every[index] for index in self._some(areas)])
        self._recordings.append((self._depth, recording))
        return recording

    def _listening(self) -> list[Recording]:
        self._recordings = [(depth, recording) for depth, recording in self._recordings if not recording.stopped]
        return [recording for depth, recording in self._recordings if depth == self._depth]

    @property
    def rounds(self) -> int:
        """Rounds run so far, probes not counted."""
        return self._state.rounds

    def unused(self) -> tuple[str, ...]:
        """Return a line for every area that never fired and every fiber that was never opened."""
        fired, opened = self._state.fired, self._state.opened
        areas = [f"area {a.name!r} never fired" for i, a in enumerate(self._program.areas) if i not in fired]
        fibers = [f"fiber {f.name!r} was never opened" for i, f in enumerate(self._program.fibers) if i not in opened]
        return (*areas, *fibers)

    def memory(self) -> Memory:
        """Return bytes allocated between rounds: ``{"fibers" | "areas" | "shared": {name: {purpose: bytes}}}``."""
        with backends.named_errors():
            return self._live.memory()

    def timings(self) -> dict[str, float]:
        """Return the seconds spent in each phase of all rounds so far: project, select, learn and record."""
        return {**self._live.seconds, "record": self._recording_seconds}

    # Life

    def save(self, path: str | Path, note: str = "") -> None:
        """Write the whole state (winners, weights, gates, clock) to an HDF5 file, whole or not at all.

        ``note`` is kept with it and returned by `load`.
        """
        from brainsim.simulate.dumps import save_snapshot

        save_snapshot(path, take_snapshot(self.brain, self.seed, self._live, self._state, note))

    def load(self, path: str | Path) -> str:
        """Continue from a state that `save` wrote, on any backend, to the same result bit for bit; return its note.

        Raises
        ------
        DumpError
            If the file holds no state, or that of another brain or seed; then nothing changes.
        """
        from brainsim.simulate.dumps import load_snapshot

        if self._depth:
            raise SimulationError(
                "Simulator.load: cannot replace the state inside frozen(); load before or after the probe"
            )
        snapshot = load_snapshot(path)
        if (snapshot.declaration, snapshot.seed) != (declaration(self.brain), self.seed):
            raise DumpError(
                f"{path}: is the state of another brain or seed (seed {snapshot.seed}, here {self.seed}); "
                "build the brain and the simulator as they were when it was saved"
            )
        with backends.named_errors():
            self._state = restore_snapshot(path, snapshot, self._backend or self._live)
        return snapshot.note

    def close(self) -> None:
        """Free the memory of the simulation, and warn (`UnusedWarning`) about areas and fibers that were never used."""
        if self._backend is None:
            return
        self._free()
        if self._state.opened:
            report(self.unused())

    def _free(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

    @property
    def _live(self) -> Backend:
        if self._backend is None:
            raise SimulationError("Simulator: is closed; build a new one")
        if self._backend.broken:
            raise SimulationError(
                "Simulator: a round failed half-way through learning, or a load did; "
                "load a saved state or build a new one"
            )
        return self._backend

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a Simulator cannot be copied or pickled; save() it and load() the state into a new one")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._free()  # what was not used yet is not news when the block ended early

    def __repr__(self) -> str:
        state = "closed" if self._backend is None else f"{self.rounds} rounds"
        return f"<Simulator of {len(self._program.areas)} areas, seed {self.seed}, {self.backend_name}: {state}>"
