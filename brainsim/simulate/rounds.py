"""Running rounds: the backend executes their plans, and the results are collected."""

from __future__ import annotations

from collections.abc import Iterable

from brainsim._validation import count, truth
from brainsim.declare.cycle import Cycle
from brainsim.errors import DeclarationError
from brainsim.kernels.backend import Drained
from brainsim.kernels.interrupts import uninterrupted
from brainsim.simulate.engine import Engine
from brainsim.simulate.guard import Guard
from brainsim.simulate.index import Openable
from brainsim.simulate.modulators import Modulators
from brainsim.simulate.outcome import Outcome
from brainsim.simulate.planning import Opening, Planning
from brainsim.simulate.recorder import Recorder
from brainsim.simulate.silence import warn_of_silence
from brainsim.simulate.state import BrainState

MAX_ROUNDS = 100
"""Default bound on the rounds until nothing changes."""


class Rounds:
    """Runs rounds."""

    def __init__(
        self,
        engine: Engine,
        guard: Guard,
        state: BrainState,
        planning: Planning,
        modulators: Modulators,
        recorder: Recorder,
    ) -> None:
        self._engine = engine
        self._guard = guard
        self._state = state
        self._planning = planning
        self._modulators = modulators
        self._recorder = recorder

    def run(
        self,
        what: Openable | Cycle,
        rounds: int | None,
        learn: Openable | None,
        cycles: int | None,
        until_stable: bool,
        max_rounds: int,
    ) -> Outcome:
        """Carry out a call of `Simulator.run`."""
        if until_stable is not False:
            until_stable = truth("Simulator.run: until_stable", until_stable)
        if isinstance(what, Cycle):
            if rounds is not None or learn is not None or until_stable:
                raise DeclarationError(
                    "Simulator.run: the phases of a Cycle define rounds and learning; give cycles alone"
                )
            return self._cycles(what, count("Simulator.run: cycles", 1 if cycles is None else cycles, 1))
        if cycles is not None:
            raise DeclarationError(f"Simulator.run: give cycles with a Cycle, and rounds with fibers (got {what!r})")
        if until_stable and rounds is not None:
            raise DeclarationError("Simulator.run: give rounds or until_stable, not both")
        if max_rounds is not MAX_ROUNDS:
            max_rounds = count("Simulator.run: max_rounds", max_rounds, 1)
        wanted = max_rounds if until_stable else 1 if rounds is None else rounds
        most = count(f"Simulator.run: {'max_rounds' if until_stable else 'rounds'}", wanted, 1)
        return self._sequence([(self._planning.opening(what, learn), most)], until_stable=until_stable)

    def _cycles(self, cycle: Cycle, cycles: int) -> Outcome:
        """Run the phases of a cycle, one after another, a number of times."""
        phases = [(self._planning.opening(each.open, each.learn), each.rounds) for each in cycle.phases.values()]
        return self._sequence((phase for _ in range(cycles) for phase in phases), until_stable=False)

    def _sequence(self, parts: Iterable[tuple[Opening, int]], *, until_stable: bool) -> Outcome:
        """Run at least one part: rounds that open the same fibers."""
        done = 0
        for opening, most in parts:
            rounds, stable, silent = self._part(opening, most, until_stable=until_stable)
            done += rounds
        # If a round changed something, neurons still fire, or have just stopped.
        if stable and silent:
            warn_of_silence()
        return Outcome(done, stable and not silent)

    def _part(self, opening: Opening, most: int, *, until_stable: bool) -> tuple[int, bool, bool]:
        """Run rounds that open the same fibers; return their number, and whether they ended stable and silent."""
        plans, recorded, drives = self._planning.plans(opening), self._recorder.areas(), self._recorder.with_drives()
        # If fibers transmit in some phases only, a round may change nothing because none transmits.
        enough, still, done = self._planning.period(opening) if until_stable else 1, 0, 0
        every = self._recorder.every(most)
        self._guard.running = True
        try:
            while done < most and still < enough:
                self._engine.run(next(plans), recorded, drives)
                done += 1
                if done < most and (until_stable or done % every == 0):
                    stable = self._drain(opening).stable
                    still = still + 1 if until_stable and stable else 0
                if self._guard.asked() and done < most and still < enough:
                    self._let_others_look(opening)
        finally:
            self._guard.running = False
            # Also after an interruption, which may have waited for the end of a round.
            if not self._engine.closed:
                last = self._drain(opening)
        if done == most:  # the last round has not been counted
            still = still + 1 if last.stable else 0
        return done, still >= enough, last.silent

    def _let_others_look(self, opening: Opening) -> None:
        """Let other threads read the state after the last round, with its clock and its recordings.

        They do not change what this run opens, records and holds.  But one may close the simulator; then the next round
        is refused.
        """
        self._drain(opening)
        self._guard.give_way()

    def _drain(self, opening: Opening) -> Drained:
        """Return what the backend noted in rounds that opened these fibers, and pass it to the recordings."""
        if not self._recorder.recording:
            return self._take(opening)
        with uninterrupted():  # so that no recorded round is lost
            return self._take(opening)

    def _take(self, opening: Opening) -> Drained:
        drained = self._engine.drain()
        self._modulators.pass_rounds(drained.rounds)
        if drained.rounds:
            opening.add_used(self._state.opened)
        self._state.fired |= drained.fired
        self._recorder.take(drained)
        return drained
