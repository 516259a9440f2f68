"""Running rounds: plans are made from open fibers, gates and probes, executed by the backend, and their yield taken."""

from __future__ import annotations

from brainsim.kernels.backend import Drained
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
                if until_stable and done < most:
                    stable = self._drain(opened).stable
        finally:
            # Also after an interruption, which may have waited until a round was whole.
            if not self._engine.closed:
                last = self._drain(opened)
        # A round that changed something left neurons firing, or has just ended it.
        if last.stable and last.silent:
            warn_of_silence()
        return Outcome(done, last.stable and not last.silent)

    def _plan(self, opened: list[int]) -> RoundPlan:
        return self._planner.plan(opened, self._state.held, learn=not self._probes.active)

    def _drain(self, opened: list[int]) -> Drained:
        """Take over and return what the backend noted in rounds that opened these fibers."""
        drained = self._engine.drain()
        self._state.rounds += drained.rounds
        if drained.rounds:
            self._state.opened.update(opened)
        self._state.fired |= drained.fired
        self._recorder.take(drained)
        return drained

    def schedule(self, fibers: Openable) -> Schedule:
        """Return the order of events in a round that opens these fibers."""
        chosen = self._index.fibers(fibers)
        closed = {f: self._gates.why_closed(f) for f in chosen if self._gates.closed(f)}
        plan = self._plan([f for f in chosen if f not in closed])
        recorded = [area.name for recording in self._recorder.listening() for area in recording.areas]
        return Schedule(self._engine.program, plan, closed, self._state.held, recorded)
