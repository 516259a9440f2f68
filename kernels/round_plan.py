"""The plan of a round, made once in plain Python from a program, the open fibers, the held areas and learning.

The host backends execute a plan, the gpu backend uploads it, `Simulator.schedule` prints it, and the brute-force
baseline follows it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Program

_MOST_KEPT = 1024


class Learning(NamedTuple):
    """A fiber that learns in a round: a step for each synapse from a neuron that fired to one that has just won.

    The steps of its rule are multiplied by ``rate``, a number with 16 fractional bits that is not 0.
    """

    fiber: int
    rate: int = ONE


class Stepping(NamedTuple):
    """An area whose vectors step in a round, and the fibers that carry messages to it, in the order of declaration."""

    area: int
    inputs: tuple[int, ...]


class Selection(NamedTuple):
    """An area that selects winners in a round, and the fibers that transmit to it."""

    area: int
    inputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RoundPlan:
    """One round; areas and fibers are named by index.

    All projections read the winners of the previous round, and all areas move to their new winners together, so the
    order within a phase does not matter.  Two plans are equal only if they are one object: `Planner` makes equal rounds
    share a plan, so that what a backend derives from one can be found again.

    Attributes
    ----------
    selections : tuple of Selection
        Areas that select winners.  All others keep theirs: they are held, or no open fiber reaches them.
    learning : tuple of Learning
        Fibers that learn, if neurons of their source fired.
    aging : tuple of int
        Fibers whose traces age by a round: all that have one, in a round that learns.
    tracing : tuple of int
        Those of them that remember the neurons that fired and those that won.  The others remember an empty round.
    gated : tuple of int
        Fibers with a gate that transmit, learn or remember.
    raising : tuple of int
        Areas among the selecting ones whose winners' thresholds rise (refractoriness).
    stepping : tuple of Stepping
        Areas whose vectors step.  A held area keeps its winners, and its vectors step.
    relaxing : tuple of Learning
        Fibers between areas that hold vectors whose weights learn.
    """

    selections: tuple[Selection, ...]
    learning: tuple[Learning, ...]
    aging: tuple[int, ...]
    tracing: tuple[int, ...]
    gated: tuple[int, ...]
    raising: tuple[int, ...]
    stepping: tuple[Stepping, ...] = ()
    relaxing: tuple[Learning, ...] = ()

    @property
    def transmitting(self) -> tuple[int, ...]:
        """The fibers whose weights are summed into a drive, area by area."""
        return tuple(fiber for selection in self.selections for fiber in selection.inputs)


def plan_round(
    program: Program,
    opened: Sequence[int],
    held: Collection[int],
    *,
    learn: bool,
    learning: Mapping[int, int] | None = None,
) -> RoundPlan:
    """Return the plan of a round.

    Parameters
    ----------
    program : Program
        The brain.
    opened : sequence of int
        Fibers that transmit.
    held : collection of int
        Areas whose winners stay, although fibers may transmit to them.
    learn : bool
        Whether plastic fibers learn, and areas with refractoriness raise thresholds.
    learning : mapping of int to int, optional
        The fibers that may learn, and their rates, with 16 fractional bits.  One with rate 0 does not learn, but its
        trace remembers the round.  By default those that transmit, at rate 1.
    """
    fibers = program.fibers
    inputs: dict[int, list[int]] = {}
    carried: dict[int, list[int]] = {}
    for f in opened:
        into = inputs if fibers[f].message is None else carried
        into.setdefault(fibers[f].target, []).append(f)
    selections = tuple(Selection(area, tuple(into)) for area, into in inputs.items() if area not in held)
    rates = dict.fromkeys(opened, ONE) if learning is None else learning
    able = {f: rate for f, rate in rates.items() if fibers[f].learns} if learn else {}
    learners = [Learning(f, rate) for f, rate in able.items() if rate]
    used = dict.fromkeys((*(f for selection in selections for f in selection.inputs), *able))
    return RoundPlan(
        selections=selections,
        learning=tuple(each for each in learners if fibers[each.fiber].message is None),
        aging=tuple(f for f, fiber in enumerate(fibers) if fiber.trace) if learn else (),
        tracing=tuple(f for f in able if fibers[f].trace),
        gated=tuple(f for f in used if fibers[f].gate),
        raising=tuple(s.area for s in selections if program.areas[s.area].refraction) if learn else (),
        # Sums of floats depend on their order, which is therefore not that in which fibers are named.
        stepping=tuple(Stepping(area, tuple(sorted(carried[area]))) for area in sorted(carried)),
        relaxing=tuple(each for each in learners if fibers[each.fiber].message is not None),
    )


_Rates = tuple[tuple[int, int], ...] | None


class Planner:
    """Make the plans of one program, and keep those of recurring rounds."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._plans: OrderedDict[tuple[tuple[int, ...], frozenset[int], bool, _Rates], RoundPlan] = OrderedDict()

    def plan(
        self,
        opened: Sequence[int],
        held: Collection[int],
        *,
        learn: bool,
        learning: Mapping[int, int] | None = None,
    ) -> RoundPlan:
        """Return the plan of a round; see `plan_round`."""
        rates = None if learning is None else tuple(learning.items())
        key = (tuple(opened), frozenset(held), learn, rates)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = plan_round(self._program, opened, held, learn=learn, learning=learning)
            if len(self._plans) > _MOST_KEPT:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan
