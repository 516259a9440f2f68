"""What rounds open: which fibers transmit and learn, by request, locks and probes, and the plan that follows."""

from __future__ import annotations

from typing import NamedTuple

from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import Planner, RoundPlan
from brainsim.simulate.gates import Gates
from brainsim.simulate.index import Index, Openable
from brainsim.simulate.probes import Probes
from brainsim.simulate.state import BrainState


class Opening(NamedTuple):
    """What some rounds open.

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

    @property
    def used(self) -> set[int]:
        """All fibers that take part."""
        return {*self.transmitting, *(self.learning or ())}


class Planning:
    """Makes the plans of rounds."""

    def __init__(self, program: Program, index: Index, state: BrainState, gates: Gates, probes: Probes) -> None:
        self._index = index
        self._state = state
        self._gates = gates
        self._probes = probes
        self._planner = Planner(program)

    def opening(self, fibers: Openable, learn: Openable | None) -> Opening:
        """Return what rounds with these fibers open, and these learning, do open."""
        transmitting, closed = self._split(fibers)
        learning, closed_to_learning = (None, []) if learn is None else self._split(learn)
        # In a probe nothing learns, so that learning fibers are not used either.
        return Opening(transmitting, None if self._probes.active else learning, closed, closed_to_learning)

    def _split(self, fibers: Openable) -> tuple[list[int], list[int]]:
        """Return which fibers are open, and which are inhibited."""
        chosen = self._index.fibers(fibers)
        closed = [f for f in chosen if self._gates.closed(f)]
        return [f for f in chosen if f not in closed] if closed else chosen, closed

    def plan(self, opening: Opening) -> RoundPlan:
        """Return the plan of the next round."""
        learning = None if opening.learning is None else dict.fromkeys(opening.learning, ONE)
        learn = not self._probes.active
        return self._planner.plan(opening.transmitting, self._state.held, learn=learn, learning=learning)
