"""The order of a round for backends that run on the host: one area, one fiber after the other, at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from time import perf_counter

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import NO_THRESHOLDS, PHASES, Backend, Neurons, Thresholds, uninterrupted, without_zeros
from brainsim.kernels.law.weights import raised
from brainsim.kernels.program import Options, Program


def _raised(thresholds: Thresholds, winners: Neurons, drives: npt.NDArray[np.int64], rate: int) -> Thresholds:
    """Return the thresholds of an area after these winners fired, driven by these sums of weights."""
    neurons = np.union1d(thresholds.neurons, winners)
    amount = np.zeros(len(neurons), np.int64)
    amount[np.searchsorted(neurons, thresholds.neurons)] = thresholds.amount
    at = np.searchsorted(neurons, winners)
    amount[at] = raised(amount[at], drives, rate)
    return without_zeros(Thresholds(neurons, amount))


def _same(ours: Neurons, theirs: Neurons) -> bool:
    return ours is theirs or ours.tobytes() == theirs.tobytes()  # ten times faster than comparing arrays


class SteppedBackend(Backend):
    """Keeps the winners as arrays, and runs each round when it is asked for, phase by phase."""

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._winners: list[Neurons] = [np.empty(0, np.int64) for _ in program.areas]
        self._thresholds = [NO_THRESHOLDS for _ in program.areas]
        self._refracting = [a for a, area in enumerate(program.areas) if area.refraction]
        self._seconds = dict.fromkeys(PHASES, 0.0)
        self._stable = True
        self._fired: set[int] = set()
        self._recorded: list[dict[int, Neurons]] = []

    def winners(self, area: int) -> Neurons:
        return self._winners[area].copy()

    def set_winners(self, area: int, neurons: npt.ArrayLike) -> None:
        self._winners[area] = np.array(neurons, dtype=np.int64)

    def round(self, open_fibers: Sequence[int], fixed: Collection[int], *, learn: bool) -> None:
        self._end_round()  # an interruption may have come in the way of the last one's
        try:
            after = self._fire(open_fibers, fixed)
            thresholds = self._refract(open_fibers, fixed, after) if learn else self._thresholds
            with uninterrupted():
                self.broken = True
                if learn:
                    begun = perf_counter()
                    self._strengthen([f for f in open_fibers if self._learns(f, after)], after)
                    self._seconds["learn"] += perf_counter() - begun
                moved = [a for a, (old, new) in enumerate(zip(self._winners, after, strict=True)) if old is not new]
                self._stable = all(_same(self._winners[a], after[a]) for a in moved)
                self._fired.update(a for a in moved if len(after[a]))
                self._winners, self._thresholds = after, thresholds
                self.broken = False
        finally:
            self._end_round()

    def _fire(self, open_fibers: Sequence[int], fixed: Collection[int]) -> list[Neurons]:
        """Return the winners of every area after the round; changes no state."""
        after = list(self._winners)
        for area in dict.fromkeys(self.program.fibers[f].target for f in open_fibers):
            if area not in fixed:
                begun = perf_counter()
                self._project(area, self._into(area, open_fibers))
                if len(self._thresholds[area].neurons):
                    self._subtract(self._thresholds[area])
                projected = perf_counter()
                after[area] = self._select(area)
                self._seconds["project"] += projected - begun
                self._seconds["select"] += perf_counter() - projected
        return after

    def _into(self, area: int, fibers: Sequence[int]) -> list[int]:
        return [f for f in fibers if self.program.fibers[f].target == area]

    def _refract(
        self, open_fibers: Sequence[int], fixed: Collection[int], after: Sequence[Neurons]
    ) -> list[Thresholds]:
        """Return the thresholds of every area after the round; changes no state."""
        thresholds = list(self._thresholds)
        for area in self._refracting:
            fibers, winners = self._into(area, open_fibers), after[area]
            if fibers and area not in fixed and len(winners):
                drives = self._drives(area, fibers, winners)
                thresholds[area] = _raised(thresholds[area], winners, drives, self.program.areas[area].refraction)
        return thresholds

    def _learns(self, f: int, after: Sequence[Neurons]) -> bool:
        """Return whether a fiber has a rule, neurons that fired and winners."""
        fiber = self.program.fibers[f]
        return fiber.learns and len(self._winners[fiber.source]) > 0 and len(after[fiber.target]) > 0

    @abstractmethod
    def _project(self, area: int, fibers: Sequence[int]) -> None:
        """Sum the weights from the firing neurons of the fibers' sources into the drive of ``area``."""

    @abstractmethod
    def _subtract(self, thresholds: Thresholds) -> None:
        """Subtract thresholds from the drive of the area that was projected into last."""

    @abstractmethod
    def _select(self, area: int) -> Neurons:
        """Return the ``k`` most driven neurons of ``area``: ties to the lowest index, none without positive drive."""

    @abstractmethod
    def _drives(self, area: int, fibers: Sequence[int], neurons: Neurons) -> npt.NDArray[np.int64]:
        """Return the sums of weights at some neurons, nothing subtracted, of fibers that projected in this round."""

    @abstractmethod
    def _strengthen(self, fibers: Sequence[int], after: Sequence[Neurons]) -> None:
        """Apply the updates of some fibers to every existing synapse from a neuron that fired to one that has won.

        ``after`` has the winners of every area; none of the fibers' sources was silent, and none of their targets is.
        """

    def _end_round(self) -> None:
        """Drop what was kept only for the round."""

    def stable(self) -> bool:
        return self._stable

    def fired(self) -> set[int]:
        fired, self._fired = self._fired, set()
        return fired

    def thresholds(self, area: int) -> Thresholds:
        return self._thresholds[area]

    def set_thresholds(self, area: int, thresholds: Thresholds) -> None:
        with uninterrupted():
            self._thresholds[area] = without_zeros(thresholds)

    def _thresholds_nbytes(self, area: int) -> int:
        return sum(column.nbytes for column in self._thresholds[area])

    def record(self, areas: Sequence[int]) -> None:
        self._recorded.append({area: self.winners(area) for area in areas})

    def recorded(self) -> list[dict[int, Neurons]]:
        recorded, self._recorded = self._recorded, []
        return recorded

    @property
    def seconds(self) -> dict[str, float]:
        return self._seconds
