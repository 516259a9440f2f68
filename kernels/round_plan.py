"""What a round does, decided once in plain Python from a program, the open fibers, the held areas and learning.

The host backends execute a plan, the gpu backend uploads it, `Simulator.schedule` prints it, and the brute-force
baseline follows it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from brainsim.kernels.program import Program

_MOST_KEPT = 1024


class Learning(NamedTuple):
    """A fiber that learns in a round: a step for each synapse from a neuron that fired to one that has just won."""

    fiber: int


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
        Fibers that learn, if neurons of their source fired and their target has winners.
    raising : tuple of int
        Areas among the selecting ones whose winners' thresholds rise (refractoriness).
    learns : bool
        Whether the round learns at all.
    """

    selections: tuple[Selection, ...]
    learning: tuple[Learning, ...]
    raising: tuple[int, ...]
    learns: bool

    @property
    def transmitting(self) -> tuple[int, ...]:
        """The fibers whose weights are summed into a drive, area by area."""
        return tuple(fiber for selection in self.selections for fiber in selection.inputs)


def plan_round(program: Program, opened: Sequence[int], held: Collection[int], *, learn: bool) -> RoundPlan:
    """Return the plan of a round.

    Parameters
    ----------
    program : Program
        The brain.
    opened : sequence of int
        Open fibers.
    held : collection of int
        Areas whose winners stay, although open fibers may reach them.
    learn : bool
        Whether open plastic fibers learn, and areas with refractoriness raise thresholds.
    """
    fibers = program.fibers
    inputs: dict[int, list[int]] = {}
    for f in opened:
        inputs.setdefault(fibers[f].target, []).append(f)
    selections = tuple(Selection(area, tuple(into)) for area, into in inputs.items() if area not in held)
    return RoundPlan(
        selections=selections,
        learning=tuple(Learning(f) for f in opened if fibers[f].learns) if learn else (),
        raising=tuple(s.area for s in selections if program.areas[s.area].refraction) if learn else (),
        learns=learn,
    )


class Planner:
    """Makes the plans of one program, and keeps those of recurring rounds."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._plans: OrderedDict[tuple[tuple[int, ...], frozenset[int], bool], RoundPlan] = OrderedDict()

    def plan(self, opened: Sequence[int], held: Collection[int], *, learn: bool) -> RoundPlan:
        """Return the plan of a round; see `plan_round`."""
        key = (tuple(opened), frozenset(held), learn)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = plan_round(self._program, opened, held, learn=learn)
            if len(self._plans) > _MOST_KEPT:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan
