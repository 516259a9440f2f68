"""Make schedules: what rounds would do at present."""

from __future__ import annotations

from brainsim.declare.cycle import Cycle
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import WINNERS
from brainsim.simulate.engine import Engine
from brainsim.simulate.index import Openable
from brainsim.simulate.modulators import Modulators, Moment
from brainsim.simulate.planning import Planning
from brainsim.simulate.recorder import Recorder
from brainsim.simulate.schedule import Circumstances, CycleSchedule, Schedule
from brainsim.simulate.state import BrainState


class Scheduling:
    """Describe what rounds would do, from the plan that would run them."""

    def __init__(
        self, engine: Engine, state: BrainState, planning: Planning, modulators: Modulators, recorder: Recorder
    ) -> None:
        self._engine = engine
        self._state = state
        self._planning = planning
        self._modulators = modulators
        self._recorder = recorder

    def schedule(self, fibers: Openable, learn: Openable | None) -> Schedule:
        """Return the order of events in the next round, if it opens these fibers and these learn."""
        return self._at(self._modulators.now(), fibers, learn, now=True)

    def cycle(self, cycle: Cycle) -> CycleSchedule:
        """Return the order of events in the first round of each phase, if the next cycle begins now."""
        moment, schedules = self._modulators.now(), {}
        for name, phase in cycle.phases.items():
            schedules[name] = self._at(moment, phase.open, phase.learn)
            moment = self._modulators.later(moment, phase.rounds)
        return CycleSchedule(schedules, {name: phase.rounds for name, phase in cycle.phases.items()})

    def _at(self, moment: Moment, fibers: Openable, learn: Openable | None, *, now: bool = False) -> Schedule:
        opening = self._planning.opening(fibers, learn)
        notes = self._planning.notes(opening, moment)
        recorded = [area.name for recording in self._recorder.listening() for area in recording.areas]
        plan = self._planning.plan(opening, moment)
        shut = self._shut(plan) if now else frozenset()  # which neurons fire in later rounds is not known
        circumstances = Circumstances(sorted(self._state.held), recorded, *notes, shut)
        return Schedule(self._engine.program, plan, circumstances)

    def _shut(self, plan: RoundPlan) -> frozenset[int]:
        """Return the fibers of a plan whose gate stops all firing neurons at present."""
        return frozenset(f for f in {*plan.transmitting, *(each.fiber for each in plan.learning)} if self._is_shut(f))

    def _is_shut(self, f: int) -> bool:
        fiber = self._engine.program.fibers[f]
        if fiber.gate is None:
            return False
        firing, gating = (self._engine.read(WINNERS, area).neurons for area in (fiber.source, fiber.gate.area))
        return len(firing) > 0 and not len(fiber.gate.passing(firing, gating))
