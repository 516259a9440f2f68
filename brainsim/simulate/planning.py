"""Which fibers rounds open, by request, locks, probes, windows and modulators; and the resulting plans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import Planner, RoundPlan
from brainsim.simulate.conditions import Conditions
from brainsim.simulate.gates import Gates
from brainsim.simulate.index import Index, Openable
from brainsim.simulate.modulators import Modulators, Moment
from brainsim.simulate.probes import Probes
from brainsim.simulate.state import BrainState


class Opening(NamedTuple):
    """The fibers that rounds open.

    Attributes
    ----------
    transmitting : list of int
        Fibers that transmit.
    learning : list of int or None
        Fibers that may learn; ``None`` for the same ones.
    closed, closed_to_learning : list of int
        Fibers that were to transmit or to learn, but are inhibited.
    """

    transmitting: list[int]
    learning: list[int] | None
    closed: list[int]
    closed_to_learning: list[int]

    def add_used(self, fibers: set[int]) -> None:
        """Add the fibers that take part to others."""
        fibers.update(self.transmitting)
        if self.learning:
            fibers.update(self.learning)


class Notes(NamedTuple):
    """What a schedule shows in addition to the plan of its round.

    Attributes
    ----------
    untransmitting, unlearning : dict of int to str
        Fibers that were to transmit or to learn and do not, and why.
    modulators : dict of str to str
        The values of the modulators on which the round depends.
    """

    untransmitting: dict[int, str]
    unlearning: dict[int, str]
    modulators: dict[str, str]


class Planning:
    """Make the plans of rounds."""

    def __init__(
        self,
        program: Program,
        index: Index,
        state: BrainState,
        gates: Gates,
        probes: Probes,
        modulators: Modulators,
    ) -> None:
        self._program = program
        self._index = index
        self._state = state
        self._gates = gates
        self._probes = probes
        self._modulators = modulators
        self._conditions = Conditions(index.brain, modulators)
        self._planner = Planner(program)

    def opening(self, fibers: Openable, learn: Openable | None) -> Opening:
        """Return the fibers that rounds open, given the requested open and learning ones."""
        transmitting, closed = self._split(fibers)
        learning, closed_to_learning = (None, []) if learn is None else self._split(learn)
        # In a probe nothing learns, so learning fibers do not count as used.
        return Opening(transmitting, None if self._probes.active else learning, closed, closed_to_learning)

    def _split(self, fibers: Openable) -> tuple[list[int], list[int]]:
        """Return which fibers are open, and which are inhibited."""
        chosen = self._index.fibers(fibers)
        closed = [f for f in chosen if self._gates.closed(f)]
        return [f for f in chosen if f not in closed] if closed else chosen, closed

    def transmitting(self, fibers: Openable) -> list[int]:
        """Return the fibers among some that would transmit in the next round."""
        return self._conditions.transmitting(self._split(fibers)[0], self._modulators.now())

    def plans(self, opening: Opening) -> Iterator[RoundPlan]:
        """Return the plans of the rounds from the next one on: one and the same, unless something varies."""
        if not self._conditions.exist:  # the usual case; the code below takes time for each fiber
            return repeat(self._unconditional(opening))
        moment = self._modulators.now()
        if self._conditions.vary(opening.transmitting, self._learners(opening), moment):
            return self._varying(opening, moment)
        return repeat(self.plan(opening, moment))

    def _varying(self, opening: Opening, moment: Moment) -> Iterator[RoundPlan]:
        while True:
            yield self.plan(opening, moment)
            moment = self._modulators.later(moment)

    def plan(self, opening: Opening, moment: Moment) -> RoundPlan:
        """Return the plan of a round."""
        if not self._conditions.exist:
            return self._unconditional(opening)
        transmitting = self._conditions.transmitting(opening.transmitting, moment)
        rates = self._conditions.rates(self._learners(opening), moment)
        return self._planner.plan(transmitting, self._state.held, learn=not self._probes.active, learning=rates)

    def _unconditional(self, opening: Opening) -> RoundPlan:
        """Return the plan of a round without windows and modulators."""
        rates = None if opening.learning is None else dict.fromkeys(opening.learning, ONE)
        learn = not self._probes.active
        return self._planner.plan(opening.transmitting, self._state.held, learn=learn, learning=rates)

    def _learners(self, opening: Opening) -> list[int]:
        """Return the fibers that may learn at some moment."""
        if self._probes.active:
            return []
        every = opening.transmitting if opening.learning is None else opening.learning
        return [f for f in every if self._program.fibers[f].learns]

    def period(self, opening: Opening) -> int:
        """Return the number of rounds without a changed winner after which none can change."""
        return self._conditions.period(opening.transmitting)

    def notes(self, opening: Opening, moment: Moment) -> Notes:
        """Return which requested fibers do not take part in a round, and why."""
        learners = self._learners(opening)
        untransmitting, unlearning = self._conditions.outside(opening.transmitting, learners, moment)
        only_learning = [f for f in opening.closed_to_learning if f not in opening.closed]
        return Notes(
            {**self._inhibited(opening.closed, "transmits"), **untransmitting},
            {**self._inhibited(only_learning, "learns"), **unlearning},
            self._conditions.values(opening.transmitting, learners, moment),
        )

    def _inhibited(self, fibers: Iterable[int], action: str) -> dict[int, str]:
        return {f: f"inhibited: {action} nothing ({self._gates.why_closed(f)})" for f in fibers}
