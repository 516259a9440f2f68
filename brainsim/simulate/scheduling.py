"""Making schedules: what rounds would do at present."""

from __future__ import annotations

from brainsim.declare.cycle import Cycle
from brainsim.kernels.program import Program
from brainsim.simulate.index import Openable
from brainsim.simulate.modulators import Modulators, Moment
from brainsim.simulate.planning import Planning
from brainsim.simulate.recorder import Recorder
from brainsim.simulate.schedule import Circumstances, CycleSchedule, Schedule
from brainsim.simulate.state import BrainState


class Scheduling:
    """Says what rounds would do, from the plan by which they would be run."""

    def __init__(
        self, program: Program, state: BrainState, planning: Planning, modulators: Modulators, recorder: Recorder
    ) -> None:
        self._program = program
        self._state = state
        self._planning = planning
        self._modulators = modulators
        self._recorder = recorder

    def schedule(self, fibers: Openable, learn: Openable | None) -> Schedule:
        """Return the order of events in the next round, if it opens these fibers and these learn."""
        return self._at(self._modulators.now(), fibers, learn)

    def cycle(self, cycle: Cycle) -> CycleSchedule:
        """Return the order of events in the first round of each phase, if the next cycle begins now."""
        moment, schedules = self._modulators.now(), {}
        for name, phase in cycle.phases.items():
            schedules[name] = self._at(moment, phase.open, phase.learn)
            moment = self._modulators.later(moment, phase.rounds)
        return CycleSchedule(schedules, {name: phase.rounds for name, phase in cycle.phases.items()})

    def _at(self, moment: Moment, fibers: Openable, learn: Openable | None) -> Schedule:
        opening = self._planning.opening(fibers, learn)
        notes = self._planning.notes(opening, moment)
        recorded = [area.name for recording in self._recorder.listening() for area in recording.areas]
        circumstances = Circumstances(sorted(self._state.held), recorded, *notes)
        return Schedule(self._program, self._planning.plan(opening, moment), circumstances)
