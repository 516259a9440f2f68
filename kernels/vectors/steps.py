"""The steps of the vectors of an area: which messages make proposals to which nodes, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan, Stepping
from brainsim.kernels.state import Neurons
from brainsim.kernels.vectors.bounds import message_of


class Proposal(NamedTuple):
    """A message that proposes to some nodes, whose rows stand in ``places``; ``add``, if others have done so before."""

    fiber: int
    nodes: Neurons
    places: Neurons
    add: bool


class Step(NamedTuple):
    """The nodes of an area that step, and what is proposed to them; ``partial`` if others keep their vectors."""

    area: int
    nodes: Neurons
    partial: bool
    proposals: tuple[Proposal, ...]


def step_of(program: Program, stepping: Stepping, active: Sequence[Neurons]) -> Step:
    """Return the steps of the vectors of an area in a round; ``active`` are the active nodes of each area.

    Each message proposes a new direction for each node that it reaches, and the sum of the proposals becomes a unit
    vector.  A message that reaches all nodes comes first, because it writes values to which others add.
    """
    area, inputs = stepping
    limited = {f: message_of(program, f).active_only for f in inputs}
    partial = all(limited.values())
    nodes = active[area] if partial else np.arange(program.areas[area].n)
    proposals = []
    for number, f in enumerate(sorted(inputs, key=limited.__getitem__)):
        reached = active[area] if limited[f] else nodes
        places = np.arange(len(nodes)) if limited[f] == partial else reached
        proposals.append(Proposal(f, reached, places, number > 0))
    return Step(area, nodes, partial, tuple(proposals))


def areas_asked(program: Program, plan: RoundPlan) -> set[int]:
    """Return the areas on whose active nodes the vectors and weights of a round depend."""
    learners = [program.fibers[each.fiber] for each in plan.relaxing]
    limited = {s.area for s in plan.stepping if any(message_of(program, f).active_only for f in s.inputs)}
    return limited | {end for fiber in learners for end in (fiber.source, fiber.target)}
