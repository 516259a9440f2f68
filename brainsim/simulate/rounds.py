"""Running rounds: plans are made from open fibers, gates and probes, executed by the backend, and their yield taken."""

from __future__ import annotations

from brainsim.kernels.round_plan import Planner, RoundPlan
from brainsim.simulate.engine import Engine
from brainsim.simulate.gates import Gates
from brainsim.simulate.index import Index, Openable
from brainsim.simulate.outcome import Outcome
from brainsim.simulate.probes import Probes
from brainsim.simulate.recorder import Recorder
from brainsim.simulate.schedule import Schedule
from brainsim.simulate.silence import warn_of_silence
from brainsim.simulate.state import BrainState


class Rounds:
    """Runs rounds and prints their schedule, from one and the same plan."""

    def __init__(
        self, engine: Engine, index: Index, state: BrainState, gates: Gates, probes: Probes, recorder: Recorder
    ) -> None:
        self._engine = engine
        self._index = index
        self._state = state
        self._gates = gates
        self._probes = probes
        self._recorder = recorder
        self._planner = Planner(engine.program)

    def run(self, fibers: Openable, most: int, *, until_stable: bool) -> Outcome:
        """Run ``most`` rounds, or fewer if no winner changes and ``until_stable`` is set."""
        opened = self._gates.transmitting(fibers)
        plan, recorded = self._plan(opened), self._recorder.areas()
        done, stable = 0, False
        try:
            while done < most and not stable:
                self._engine.run(plan, recorded)
                done += 1
                self._state.rounds += 1
                self._state.opened.update(opened)
                if until_stable and done < most:
                    stable = self._drain()
        finally:
            if not self._engine.closed:
                stable = self._drain()
        # Only a round that changed nothing is looked at: one that did leaves something firing, or has just ended it.
        if stable and not any(map(self._engine.fires, range(len(self._engine.program.areas)))):
            warn_of_silence()
            stable = False
        return Outcome(done, stable)

    def _plan(self, opened: list[int]) -> RoundPlan:
        return self._planner.plan(opened, self._state.held, learn=not self._probes.active)

    def _drain(self) -> bool:
        """Take over what the backend noted; return whether the last round changed no winner."""
        drained = self._engine.drain()
        self._state.fired |= drained.fired
        self._recorder.take(drained)
        return drained.stable

    def schedule(self, fibers: Openable) -> Schedule:
        """Return the order of events in a round that opens these fibers."""
        chosen = self._index.fibers(fibers)
        closed = [f for f in chosen if self._gates.closed(f)]
        plan = self._plan([f for f in chosen if not self._gates.closed(f)])
        recorded = [area.name for recording in self._recorder.listening() for area in recording.areas]
        return Schedule(self._engine.program, plan, closed, self._state.held, recorded)
