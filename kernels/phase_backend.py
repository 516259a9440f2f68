"""The phases of a round for backends that run on the host: area after area, fiber after fiber."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import TypeVar

from brainsim.kernels.host_backend import HostBackend
from brainsim.kernels.outcomes import Won
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import Neurons, Thresholds

D = TypeVar("D")
"""The drives of one area in one round, in the form of the backend."""


class PhaseBackend(HostBackend[D]):
    """Fire area by area: `_project` returns drives, and `_select` takes them and returns winners."""

    def hear(self, winners: Sequence[Neurons], passing: Mapping[int, Neurons]) -> None:
        """Let these neurons of each area fire in the phases of a round, at fibers with a gate those that pass it.

        For a caller that carries out the phases itself, as `brainsim.kernels.host_runner` does.
        """
        self._winners, self._passing = list(winners), dict(passing)

    def _fire(self, plan: RoundPlan) -> tuple[dict[int, Won], dict[int, D]]:
        won, drives = {}, {}
        for area, inputs in plan.selections:
            begun = perf_counter()
            drive = drives[area] = self._project(area, inputs, self._thresholds[area])
            projected = perf_counter()
            selected = self._select(area, drive)
            won[area] = self._those_that_fire(area, selected) if area in self._choosing else selected
            self._seconds["project"] += projected - begun
            self._seconds["select"] += perf_counter() - projected
        return won, drives

    @abstractmethod
    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> D:
        """Return the drives of an area: the sums of the weights from the neurons that fire, less the thresholds."""

    @abstractmethod
    def _select(self, area: int, drive: D) -> Won:
        """Return the winners of an area, by its activation; see `brainsim.kernels.law.selection`.

        For an `AmongTopK`, those are the ``k`` neurons with the largest positive drive.
        """
