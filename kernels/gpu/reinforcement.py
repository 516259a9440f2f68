"""Reinforcement: the events of a trace as rounds that do nothing but learn."""

from __future__ import annotations

from collections.abc import Iterator

from brainsim.kernels.gpu.device_plan import DeviceRound
from brainsim.kernels.gpu.device_planner import DevicePlanner
from brainsim.kernels.gpu.state import State
from brainsim.kernels.gpu.traces import Traces
from brainsim.kernels.law.rules import multiplied
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import Learning, RoundPlan
from brainsim.kernels.state import Neurons


class Reinforcement:
    """Makes rounds from traces.

    The kernels that learn are those of any round.  They are given a `State` in which the neurons of an event fire and
    have won; the gate of a fiber is not used, since those that fired have passed it.  Such a round stalls where there
    is no room, and is launched again, like any other.
    """

    def __init__(self, program: Program, planner: DevicePlanner, state: State, traces: Traces) -> None:
        self._program = program
        self._planner = planner
        self._state = state
        self._traces = traces

    def rounds(self, fiber: int, rate: int) -> list[DeviceRound]:
        """Return the rounds that reinforce a fiber, the oldest first; all launches must have taken effect."""
        return [self._round(learning, *pair) for learning, pair in self._events(fiber, rate)]

    def _events(self, fiber: int, rate: int) -> Iterator[tuple[Learning, tuple[Neurons, Neurons]]]:
        trace = self._program.fibers[fiber].trace
        assert trace is not None, "only a fiber with a trace is reinforced"
        for kept, pair in reversed(list(zip(trace.rates, self._traces.pairs(fiber), strict=True))):
            effective = multiplied(kept, rate)
            if effective and len(pair[0]) and len(pair[1]):
                yield Learning(fiber, effective), pair

    def _round(self, learning: Learning, fired: Neurons, won: Neurons) -> DeviceRound:
        plan = RoundPlan(selections=(), learning=(learning,), aging=(), tracing=(), gated=(), raising=())
        there = self._planner.reinforcement(plan, len(fired), len(won))
        fiber = self._program.fibers[learning.fiber]
        return DeviceRound(plan, there, there.learn_jobs, self._state.given(fiber.source, fired, fiber.target, won))
