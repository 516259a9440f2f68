"""Making schedules: what rounds would do at present."""

from __future__ import annotations

from collections.abc import Iterable

from brainsim.declare.cycle import Cycle
from brainsim.kernels.program import Program
from brainsim.simulate.gates import Gates
from brainsim.simulate.index import Openable
from brainsim.simulate.planning import Planning
from brainsim.simulate.recorder import Recorder
from brainsim.simulate.schedule import Circumstances, CycleSchedule, Schedule
from brainsim.simulate.state import BrainState


class Scheduling:
    """Says what rounds would do, from the plan by which they would be run."""

    def __init__(
        self, program: Program, state: BrainState, gates: Gates, planning: Planning, recorder: Recorder
    ) -> None:
        self._program = program
        self._state = state
        self._gates = gates
        self._planning = planning
        self._recorder = recorder

    def schedule(self, fibers: Openable, learn: Openable | None) -> Schedule:
        """Return the order of events in a round that opens these fibers, and in which these learn."""
        opening = self._planning.opening(fibers, learn)
        only_learning = [f for f in opening.closed_to_learning if f not in opening.closed]
        circumstances = Circumstances(
            held=sorted(self._state.held),
            recorded=[area.name for recording in self._recorder.listening() for area in recording.areas],
            untransmitting=self._inhibited(opening.closed, "transmits nothing"),
            unlearning=self._inhibited(only_learning, "learns nothing"),
        )
        return Schedule(self._program, self._planning.plan(opening), circumstances)

    def _inhibited(self, fibers: Iterable[int], action: str) -> dict[int, str]:
        return {f: f"inhibited: {action} ({self._gates.why_closed(f)})" for f in fibers}

    def cycle(self, cycle: Cycle) -> CycleSchedule:
        """Return the order of events in the first round of each phase."""
        schedules = {name: self.schedule(phase.open, phase.learn) for name, phase in cycle.phases.items()}
        return CycleSchedule(schedules, {name: phase.rounds for name, phase in cycle.phases.items()})
