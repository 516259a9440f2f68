"""Running rounds: plans are made from open fibers, gates and probes, executed by the backend, and their yield taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from brainsim.declare.cycle import Cycle
from brainsim.kernels.backend import Drained
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.round_plan import Planner, RoundPlan
from brainsim.simulate.engine import Engine
from brainsim.simulate.gates import Gates
from brainsim.simulate.index import Index, Openable
from brainsim.simulate.outcome import Outcome
from brainsim.simulate.probes import Probes
from brainsim.simulate.recorder import Recorder
from brainsim.simulate.schedule import CycleSchedule, Schedule
from brainsim.simulate.silence import warn_of_silence
from brainsim.simulate.state import BrainState


class Opening(NamedTuple):
    """What rounds open: the fibers that transmit, and those that may learn, ``None`` for the same ones.

    Inhibited fibers are not among them.
    """

    transmitting: list[int]
    learning: list[int] | None

    @property
    def used(self) -> set[int]:
        """All fibers that take part."""
        return {*self.transmitting, *(self.learning or ())}


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

    def run(self, fibers: Openable, learn: Openable | None, most: int, *, until_stable: bool) -> Outcome:
        """Run ``most`` rounds, or fewer if no winner changes and ``until_stable`` is set."""
        return self._sequence([(self._opening(fibers, learn), most)], until_stable=until_stable)

    def run_cycles(self, cycle: Cycle, cycles: int) -> Outcome:
        """Run all phases of a cycle in turn, some times."""
        phases = [(self._opening(phase.open, phase.learn), phase.rounds) for phase in cycle.phases.values()]
        return self._sequence(phases * cycles, until_stable=False)

    def _sequence(self, parts: Iterable[tuple[Opening, int]], *, until_stable: bool) -> Outcome:
        done, stable = 0, False
        for opening, most in parts:
            rounds, last = self._part(opening, most, until_stable=until_stable)
            done, stable = done + rounds, last.stable and not last.silent
        # A round that changed something left neurons firing, or has just ended it.
        if last.stable and last.silent:
            warn_of_silence()
        return Outcome(done, stable)

    def _part(self, opening: Opening, most: int, *, until_stable: bool) -> tuple[int, Drained]:
        """Run rounds that open the same fibers; return how many, and what the backend noted at last."""
        plan, recorded, drives = self._plan(opening), self._recorder.areas(), self._recorder.areas_with_drives()
        done, stable = 0, False
        try:
            while done < most and not stable:
                self._engine.run(plan, recorded, drives)
                done += 1
                if until_stable and done < most:
                    stable = self._drain(opening).stable
        finally:
            # Also after an interruption, which may have waited until a round was whole.
            if not self._engine.closed:
                last = self._drain(opening)
        return done, last

    def _opening(self, fibers: Openable, learn: Openable | None) -> Opening:
        learning = None if learn is None or self._probes.active else self._gates.transmitting(learn)
        return Opening(self._gates.transmitting(fibers), learning)

    def _plan(self, opening: Opening) -> RoundPlan:
        learn = not self._probes.active
        learning = None if opening.learning is None else dict.fromkeys(opening.learning, ONE)
        return self._planner.plan(opening.transmitting, self._state.held, learn=learn, learning=learning)

    def _drain(self, opening: Opening) -> Drained:
        """Take over and return what the backend noted in rounds that opened these fibers."""
        drained = self._engine.drain()
        self._state.rounds += drained.rounds
        if drained.rounds:
            self._state.opened |= opening.used
        self._state.fired |= drained.fired
        self._recorder.take(drained)
        return drained
