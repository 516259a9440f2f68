"""Running rounds: their plans are executed by the backend, and their yield is taken."""

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
"""Bound on rounds until nothing changes, where no other is given."""


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
        """Run what `Simulator.run` is asked for."""
        if until_stable is not False:
            until_stable = truth("Simulator.run: until_stable", until_stable)
        if isinstance(what, Cycle):
            if rounds is not None or learn is not None or until_stable:
                raise DeclarationError(
                    "Simulator.run: the phases of a Cycle say how many rounds and who learns; give cycles alone"
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
        """Run the phases of a cycle, one after another, some times."""
        phases = [(self._planning.opening(each.open, each.learn), each.rounds) for each in cycle.phases.values()]
        return self._sequence((phase for _ in range(cycles) for phase in phases), until_stable=False)

    def _sequence(self, parts: Iterable[tuple[Opening, int]], *, until_stable: bool) -> Outcome:
        """Run at least one part: rounds that open the same fibers."""
        done = 0
        for opening, most in parts:
            rounds, stable, silent = self._part(opening, most, until_stable=until_stable)
            done += rounds
        # A round that changed something left neurons firing, or has just ended it.
        if stable and silent:
            warn_of_silence()
        return Outcome(done, stable and not silent)

    def _part(self, opening: Opening, most: int, *, until_stable: bool) -> tuple[int, bool, bool]:
        """Run rounds that open the same fibers; return how many, and whether they ended stable and silent."""
        plans, recorded, drives = self._planning.plans(opening), self._recorder.areas(), self._recorder.with_drives()
        # Where fibers transmit in some phases only, a round that changes nothing may be one in which none does.
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
            # Also after an interruption, which may have waited until a round was whole.
            if not self._engine.closed:
                last = self._drain(opening)
        if done == most:  # the last round has not been counted
            still = still + 1 if last.stable else 0
        return done, still >= enough, last.silent

    def _let_others_look(self, opening: Opening) -> None:
        """Let other threads look at the state after the last round, with its clock and its recordings.

        They change nothing that this run has decided: what it opens and records, and what is held.  But one may close
        the simulator; then the next round is refused.
        """
        self._drain(opening)
        self._guard.give_way()

    def _drain(self, opening: Opening) -> Drained:
        """Take over and return what the backend noted in rounds that opened these fibers."""
        if not self._recorder.recording:
            return self._take(opening)
        with uninterrupted():  # so that no recorded round is lost on the way
            return self._take(opening)

    def _take(self, opening: Opening) -> Drained:
        drained = self._engine.drain()
        self._modulators.pass_rounds(drained.rounds)
        if drained.rounds:
            opening.add_used(self._state.opened)
        self._state.fired |= drained.fired
        self._recorder.take(drained)
        return drained
