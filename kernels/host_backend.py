"""The order of a round for backends that run on the host: area after area, fiber after fiber."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import PHASES, Backend, Drained
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.law.weights import raised
from brainsim.kernels.program import AmongTopK, Options, Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import (
    NO_FIRING,
    NO_THRESHOLDS,
    THRESHOLDS,
    WEIGHTS,
    WINNERS,
    Firing,
    Neurons,
    StateKind,
    Synapses,
    Thresholds,
    amounts_at,
    same_column,
    without_zeros,
)

D = TypeVar("D")
"""What a backend knows of the drives of one area in one round."""


def _raised(thresholds: Thresholds, winners: Neurons, drives: npt.NDArray[np.int64], rate: int) -> Thresholds:
    """Return the thresholds of an area after these winners fired; ``drives`` are their sums of weights."""
    neurons = np.union1d(thresholds.neurons, winners)
    amount = np.zeros(len(neurons), np.int64)
    amount[np.searchsorted(neurons, thresholds.neurons)] = thresholds.amount
    at = np.searchsorted(neurons, winners)
    amount[at] = raised(amount[at], drives, rate)
    return without_zeros(Thresholds(neurons, amount))


class HostBackend(Backend, Generic[D]):
    """Keeps winners and thresholds as arrays, and runs each round at once.

    A subclass implements the phases as functions: `_project` returns drives, `_select` takes them and returns winners,
    `_learn` takes winners and drives.
    """

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._winners: list[Neurons] = [NO_FIRING.neurons for _ in program.areas]
        self._thresholds = [NO_THRESHOLDS for _ in program.areas]
        self._choosing = {a: s.activation for a, s in enumerate(program.areas) if isinstance(s.activation, AmongTopK)}
        self._seconds = dict.fromkeys(PHASES, 0.0)
        self._rounds = 0
        self._stable = True
        self._fired: set[int] = set()
        self._recorded: list[dict[int, Neurons]] = []

    def run(self, plan: RoundPlan, record: Sequence[int] = ()) -> None:
        after, drives = self._fire(plan)
        thresholds = self._raise(plan, after, drives)
        with uninterrupted():
            self.broken = True
            if plan.learning:
                begun = perf_counter()
                self._learn(self._able(plan, after), after, drives)
                self._seconds["learn"] += perf_counter() - begun
            self._commit(after, thresholds)
            if record:
                self._recorded.append({area: after[area].copy() for area in record})  # users may change theirs
            self.broken = False

    def _fire(self, plan: RoundPlan) -> tuple[list[Neurons], dict[int, D]]:
        """Return the winners of every area after the round, and the drives of those that select."""
        after, drives = list(self._winners), {}
        for area, inputs in plan.selections:
            begun = perf_counter()
            drive = drives[area] = self._project(area, inputs, self._thresholds[area])
            projected = perf_counter()
            selected = self._select(area, drive)
            after[area] = self._those_that_fire(area, drive, selected) if area in self._choosing else selected
            self._seconds["project"] += projected - begun
            self._seconds["select"] += perf_counter() - projected
        return after, drives

    def _those_that_fire(self, area: int, drive: D, selected: Neurons) -> Neurons:
        """Return those of the most driven neurons of an area that its activation lets fire."""
        if not len(selected):
            return selected
        drives = self._sums_at(area, drive, selected) - amounts_at(self._thresholds[area], selected)
        return selected[self._choosing[area].fires(drives)]

    def _raise(self, plan: RoundPlan, after: Sequence[Neurons], drives: Mapping[int, D]) -> list[Thresholds]:
        """Return the thresholds of every area after the round."""
        if not plan.raising:
            return self._thresholds
        thresholds = list(self._thresholds)
        for area in plan.raising:
            if len(after[area]):
                sums = self._sums_at(area, drives[area], after[area])
                thresholds[area] = _raised(thresholds[area], after[area], sums, self.program.areas[area].refraction)
        return thresholds

    def _able(self, plan: RoundPlan, after: Sequence[Neurons]) -> list[int]:
        """Return the learning fibers whose source fired and whose target has winners."""
        fibers = self.program.fibers
        return [
            learning.fiber
            for learning in plan.learning
            if len(self._winners[fibers[learning.fiber].source]) and len(after[fibers[learning.fiber].target])
        ]

    def _commit(self, after: list[Neurons], thresholds: list[Thresholds]) -> None:
        moved = [a for a, (old, new) in enumerate(zip(self._winners, after, strict=True)) if old is not new]
        self._stable = all(same_column(self._winners[a], after[a]) for a in moved)
        self._fired.update(a for a in moved if len(after[a]))
        self._winners, self._thresholds = after, thresholds
        self._rounds += 1

    @abstractmethod
    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> D:
        """Return the drives of an area: the sums of the weights from the firing neurons, less the thresholds."""

    @abstractmethod
    def _select(self, area: int, drive: D) -> Neurons:
        """Return the winners of an area, ascending; see `brainsim.kernels.law.selection.winners`."""

    @abstractmethod
    def _sums_at(self, area: int, drive: D, neurons: Neurons) -> npt.NDArray[np.int64]:
        """Return the sums of weights at some neurons, with no threshold subtracted."""

    @abstractmethod
    def _learn(self, fibers: Sequence[int], after: Sequence[Neurons], drives: Mapping[int, D]) -> None:
        """Apply the steps of some fibers to every existing synapse from a neuron that fired to one that has won.

        ``after`` has the winners of every area; no source of the fibers was silent, and no target is.
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
        assert kind is THRESHOLDS, f"no backend keeps the state {kind.name}"
        return self._thresholds[owner]

    def write(self, kind: StateKind, owner: int, value: Any) -> None:
        if kind is WINNERS:  # one assignment, which an interruption cannot divide
            self._winners[owner] = np.array(value.neurons, np.int64)
        elif kind is WEIGHTS:
            with uninterrupted():
                self._write_weights(owner, value)
        else:
            assert kind is THRESHOLDS, f"no backend keeps the state {kind.name}"
            self._thresholds[owner] = without_zeros(value)

    def drain(self) -> Drained:
        silent = not any(map(len, self._winners))
        drained = Drained(self._rounds, self._stable, silent, frozenset(self._fired), self._recorded)
        self._rounds, self._fired, self._recorded = 0, set(), []
        return drained

    def _state_bytes(self, area: int) -> dict[str, int]:
        """Return the bytes of the state of an area."""
        return {
            WINNERS.name: self._winners[area].nbytes,
            THRESHOLDS.name: sum(column.nbytes for column in self._thresholds[area]),
        }

    @property
    def seconds(self) -> dict[str, float]:
        return self._seconds
