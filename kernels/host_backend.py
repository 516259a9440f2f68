"""The order of a round for backends that keep winners, thresholds and traces on the host."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from time import perf_counter
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import PHASES, Backend, Drained
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.late import LateDrives
from brainsim.kernels.law.rules import multiplied
from brainsim.kernels.outcomes import Event, Won, raised_thresholds
from brainsim.kernels.parts import AmongTopK
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import (
    DRIVES,
    NO_DRIVES,
    NO_FIRING,
    NO_THRESHOLDS,
    TABLES,
    THRESHOLDS,
    TRACED_SOURCES,
    TRACED_TARGETS,
    WEIGHTS,
    WINNERS,
    Drives,
    Firing,
    Floats,
    Neurons,
    Synapses,
    Thresholds,
    amounts_at,
    same_column,
    without_zeros,
)
from brainsim.kernels.state_kind import StateKind
from brainsim.kernels.traces import TraceStore
from brainsim.kernels.vectors.engine import VectorEngine
from brainsim.kernels.vectors.reference import ReferenceVectors

D = TypeVar("D")
"""The drives of one area in one round, in the form of the backend."""

_NONE = NO_FIRING.neurons


class HostBackend(Backend, Generic[D]):
    """Keep winners, thresholds and traces as arrays, and run each round immediately.

    A subclass implements the phases as functions: `_fire` returns winners and drives, `_learn` takes events and drives.
    `_fired` says which neurons fire at a fiber.
    """

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._winners: list[Neurons] = [_NONE for _ in program.areas]
        self._thresholds = [NO_THRESHOLDS for _ in program.areas]
        self._won: dict[int, Won | Drives | LateDrives] = {}
        self._passing: dict[int, Neurons] = {}
        self._ends = [(fiber.source, fiber.target, fiber.depression) for fiber in program.fibers]
        self._vectors = self.vector_engine(program, options) if program.holds_vectors else None
        self._stepped = False
        self._traces = TraceStore(program)
        self._choosing = {a: s.activation for a, s in enumerate(program.areas) if isinstance(s.activation, AmongTopK)}
        self._seconds = dict.fromkeys(PHASES, 0.0)
        self._rounds = 0
        self._stable = True
        self._fired_areas: set[int] = set()
        self._recorded: list[dict[int, Neurons]] = []
        self._recorded_drives: list[dict[int, npt.NDArray[np.int64]]] = []

    def run(self, plan: RoundPlan, record: Sequence[int] = (), drives: Collection[int] = ()) -> None:
        if plan.gated or self._passing:
            self._passing = {f: self._passed(f) for f in plan.gated}
        won, known = self._fire(plan)
        after = list(self._winners)
        for area, each in won.items():
            after[area] = each.winners
        thresholds = self._raise(plan, won) if plan.raising else self._thresholds
        with uninterrupted():
            self.broken = True
            if plan.learning:
                begun = perf_counter()
                self._learn(self._events(plan, after), known)
                self._seconds["learn"] += perf_counter() - begun
            if self._vectors is not None and (plan.stepping or plan.relaxing):
                self._carry(self._vectors, plan)
            if plan.aging:
                events = {f: (self._fired(f), after[self.program.fibers[f].target]) for f in plan.tracing}
                self._traces.note(plan.aging, events)
            self._commit(after, thresholds, won)
            if record:
                self._note(record, drives)
            self.broken = False

    @classmethod
    def vector_engine(cls, program: Program, options: Options) -> VectorEngine:
        """Return the engine for the vectors of a program: the reference, unless a backend has a faster one."""
        del options
        return ReferenceVectors(program)

    def _carry(self, vectors: VectorEngine, plan: RoundPlan) -> None:
        """Let vectors step and the weights of messages learn."""
        begun = perf_counter()
        vectors.run(plan, self._winners)
        self._stepped = self._stepped or len(plan.stepping) > 0
        self._seconds["project" if plan.stepping else "learn"] += perf_counter() - begun

    def _passed(self, fiber: int) -> Neurons:
        """Return which of the neurons that fired pass the gate of a fiber."""
        spec = self.program.fibers[fiber]
        assert spec.gate is not None, "a plan lists fibers with gates"
        return spec.gate.passing(self._winners[spec.source], self._winners[spec.gate.area])

    def _fired(self, fiber: int) -> Neurons:
        """Return the neurons that fire at a fiber in this round, ascending."""
        if fiber in self._passing:
            return self._passing[fiber]
        return self._winners[self.program.fibers[fiber].source]

    @abstractmethod
    def _fire(self, plan: RoundPlan) -> tuple[dict[int, Won], dict[int, D]]:
        """Return the winners of the selecting areas, and what is known of their drives."""

    def _those_that_fire(self, area: int, selected: Won) -> Won:
        """Return those of the most driven neurons of an area that its activation lets fire."""
        if not len(selected.winners):
            return selected
        drives = selected.ascending()
        chosen = self._choosing[area].fires(drives)
        return Won(selected.winners[chosen], selected.winners[chosen], drives[chosen])

    def _raise(self, plan: RoundPlan, won: Mapping[int, Won]) -> list[Thresholds]:
        """Return the thresholds of every area after the round."""
        thresholds = list(self._thresholds)
        for area in plan.raising:
            if len(won[area].winners):
                thresholds[area] = raised_thresholds(thresholds[area], won[area], self.program.areas[area].refraction)
        return thresholds

    def _events(self, plan: RoundPlan, after: Sequence[Neurons]) -> list[Event]:
        """Return the events that change weights: of fibers at which neurons fired, and whose targets won or lost."""
        events, before, passing = [], self._winners, self._passing
        for f, rate in plan.learning:
            source, target, rule = self._ends[f]
            fired, won = passing[f] if f in passing else before[source], after[target]
            if len(fired):
                if rule is not None:
                    lost = self._lost(target, won)
                    depresses = rule.losers or len(lost) > 0
                    if depresses or len(won):
                        events.append(Event(f, rate, fired, won, lost, depresses))
                elif len(won):
                    events.append(Event(f, rate, fired, won))
        return events

    def _lost(self, area: int, won: Neurons) -> Neurons:
        """Return the neurons of an area that fired in the previous round and have just lost."""
        before = self._winners[area]
        return _NONE if before is won else np.setdiff1d(before, won, assume_unique=True)

    def _commit(self, after: list[Neurons], thresholds: list[Thresholds], won: Mapping[int, Won]) -> None:
        self._stable = True
        for area, (winners, _, _) in won.items():
            if self._stable and not same_column(self._winners[area], winners):
                self._stable = False
            if len(winners):
                self._fired_areas.add(area)
        self._winners, self._thresholds = after, thresholds
        self._won.update(won)
        self._rounds += 1

    def _note(self, record: Sequence[int], drives: Collection[int]) -> None:
        self._recorded.append({area: self._winners[area].copy() for area in record})  # users may change their arrays
        noted = {area: Drives(*self._drives(area)) for area in record if area in drives}
        self._recorded_drives.append({area: amounts_at(each, self._winners[area]) for area, each in noted.items()})

    def _drives(self, area: int) -> Drives | LateDrives:
        """Return the drives with which the winners of an area won: the same object until it selects again."""
        won = self._won.get(area, NO_DRIVES)
        if isinstance(won, Won):
            won = self._won[area] = LateDrives(won.winners, won.ascending)
        return won

    def reinforce(self, fiber: int, rate: int) -> None:
        trace = self.program.fibers[fiber].trace
        assert trace is not None, "only a fiber with a trace is reinforced"
        with uninterrupted():
            self.broken = True
            for (fired, won), kept in zip(self._traces.oldest_first(fiber), reversed(trace.rates), strict=True):
                effective = multiplied(kept, rate)
                if effective and len(fired) and len(won):
                    self._learn([Event(fiber, effective, fired, won)], {})
            self.broken = False

    def sent(self, fiber: int) -> tuple[Floats, Neurons]:
        assert self._vectors is not None, "only fibers that carry messages are asked"
        return self._vectors.sent(fiber, self._winners[self.program.fibers[fiber].source])

    @abstractmethod
    def _learn(self, events: Sequence[Event], drives: Mapping[int, D]) -> None:
        """Apply the steps of the rules of some fibers; see `Backend.run`.

        ``drives`` has what is known of the drives of the areas that have selected.  A fiber has one event.
        """

    @abstractmethod
    def _read_weights(self, fiber: int) -> Synapses:
        """Return the stored synapses of a fiber."""

    @abstractmethod
    def _write_weights(self, fiber: int, synapses: Synapses) -> None:
        """Replace the stored synapses of a fiber."""

    def read(self, kind: StateKind, owner: int) -> Any:
        if kind is WINNERS:
            return Firing(self._winners[owner])
        if kind is WEIGHTS:
            return self._read_weights(owner)
        if kind is DRIVES:
            return self._drives(owner)
        if kind in (TRACED_SOURCES, TRACED_TARGETS):
            return self._traces.read(owner, kind is TRACED_TARGETS)
        if kind is THRESHOLDS:
            return self._thresholds[owner]
        assert kind in TABLES, f"no backend keeps the state {kind.name}"
        assert self._vectors is not None, "only parts that hold or carry vectors have tables"
        return self._vectors.read(kind, owner)

    def write(self, kind: StateKind, owner: int, value: Any) -> None:
        if kind is WINNERS:
            # A presented neuron has not won.  An interruption here would lose the drives of unchanged winners.
            self._won[owner] = NO_DRIVES
            self._winners[owner] = np.array(value.neurons, np.int64)
        elif kind is WEIGHTS:
            with uninterrupted():
                self._write_weights(owner, value)
        elif kind is DRIVES:
            self._won[owner] = value
        elif kind in (TRACED_SOURCES, TRACED_TARGETS):
            self._traces.write(owner, kind is TRACED_TARGETS, value)
        elif kind is THRESHOLDS:
            self._thresholds[owner] = without_zeros(value)
        else:
            assert kind in TABLES, f"no backend keeps the state {kind.name}"
            assert self._vectors is not None, "only parts that hold or carry vectors have tables"
            self._vectors.write(kind, owner, value)

    def drain(self) -> Drained:
        silent = not any(map(len, self._winners)) and not self._stepped
        fired, self._stepped = frozenset(self._fired_areas), False
        drained = Drained(self._rounds, self._stable, silent, fired, self._recorded, self._recorded_drives)
        self._rounds, self._fired_areas, self._recorded, self._recorded_drives = 0, set(), [], []
        return drained

    def _state_bytes(self, area: int) -> dict[str, int]:
        """Return the bytes of the state of an area."""
        won = self._won.get(area, NO_DRIVES)
        held = {} if self._vectors is None else self._vectors.area_bytes(area)
        return held | {
            WINNERS.name: self._winners[area].nbytes,
            THRESHOLDS.name: sum(column.nbytes for column in self._thresholds[area]),
            DRIVES.name: sum(column.nbytes for column in won),
        }

    def _message_bytes(self, fiber: int) -> dict[str, int]:
        """Return the bytes of a fiber that carries messages; none for others."""
        return {} if self._vectors is None else self._vectors.fiber_bytes(fiber)

    @property
    def seconds(self) -> dict[str, float]:
        return self._seconds
