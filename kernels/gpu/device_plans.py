"""The device plans of a brain that are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from brainsim.kernels.gpu.device_plan import DevicePlan, DeviceRound
from brainsim.kernels.gpu.device_planner import DevicePlanner
from brainsim.kernels.gpu.learn_jobs import LearnJobs
from brainsim.kernels.round_plan import RoundPlan, Selection

_MOST_KEPT = 256
_Numbers = tuple[int, ...]


class _Shape(NamedTuple):
    """What a device plan depends on: all of a round but the rates, and how many neurons may fire, driven how far."""

    selections: tuple[Selection, ...]
    learning: tuple[tuple[int, bool], ...]
    aging: tuple[int, ...]
    tracing: tuple[int, ...]
    gated: tuple[int, ...]
    raising: tuple[int, ...]
    most: _Numbers
    threshold_lift: _Numbers


class _Lesson(NamedTuple):
    """What the device plan of a round depends on that does nothing but learn; see `DevicePlanner.learning`."""

    learning: tuple[tuple[int, bool], ...]
    most: _Numbers
    after: _Numbers
    depressing: frozenset[int]


class DevicePlans:
    """Keeps the plans of recurring rounds.

    Rounds that differ only in the rates at which fibers learn share a plan: its tables and prepared launches.  What
    such a round has of its own is a small table on the host, which `Launches` sends before the round.  So a rate that
    changes in every round costs a copy of about a hundred bytes for each fiber that learns.
    """

    def __init__(self, planner: DevicePlanner, jobs: LearnJobs) -> None:
        self._planner = planner
        self._jobs = jobs
        self._rounds: OrderedDict[tuple[Any, ...], DeviceRound] = OrderedDict()
        self._plans: OrderedDict[_Shape | _Lesson, DevicePlan] = OrderedDict()

    def round(self, plan: RoundPlan, most: _Numbers, threshold_lift: _Numbers) -> DeviceRound:
        """Return what the device needs for a round; see `DevicePlanner.plan`."""
        key = plan, most, threshold_lift
        if (kept := self._rounds.get(key)) is None:
            _keep(self._rounds, key, kept := self._round(plan, most, threshold_lift))
        return kept

    def _round(self, plan: RoundPlan, most: _Numbers, threshold_lift: _Numbers) -> DeviceRound:
        fresh = self._jobs.fresh(plan.learning)
        whole = plan.selections, self._growing(fresh), plan.aging, plan.tracing, plan.gated, plan.raising
        shape = _Shape(*whole, most, threshold_lift)
        return self._rated(plan, fresh, shape, lambda: self._planner.plan(plan, most, threshold_lift))

    def lesson(self, plan: RoundPlan, most: _Numbers, after: _Numbers, depressing: frozenset[int]) -> DeviceRound:
        """Return what the device needs for a round that does nothing but learn; see `DevicePlanner.learning`."""
        key = plan, most, after, depressing
        if (kept := self._rounds.get(key)) is None:
            fresh = self._jobs.fresh(plan.learning)
            shape = _Lesson(self._growing(fresh), most, after, depressing)
            kept = self._rated(plan, fresh, shape, lambda: self._planner.learning(plan, most, after, depressing))
            _keep(self._rounds, key, kept)
        return kept

    def _growing(self, fresh: Mapping[int, int]) -> tuple[tuple[int, bool], ...]:
        return tuple((f, self._jobs.grows(f, weight)) for f, weight in fresh.items())

    def _rated(
        self, plan: RoundPlan, fresh: Mapping[int, int], shape: _Shape | _Lesson, make: Callable[[], DevicePlan]
    ) -> DeviceRound:
        """Return a round with the device plan of its shape, and the rates of its own."""
        if (kept := self._plans.get(shape)) is None:
            _keep(self._plans, shape, kept := make())
            return DeviceRound(plan, kept, kept.learn_jobs)
        self._plans.move_to_end(shape)
        return DeviceRound(plan, kept, self._jobs.rated(kept.learn_jobs, plan.learning, fresh))

    @property
    def nbytes(self) -> int:
        """Bytes allocated on the device."""
        return sum(plan.nbytes for plan in {*self._plans.values(), *(each.plan for each in self._rounds.values())})


def _keep(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    """Keep a value, and forget the oldest of too many."""
    kept[key] = value
    if len(kept) > _MOST_KEPT:
        kept.popitem(last=False)
