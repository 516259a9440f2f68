"""The order of events in a round, as a table that can be printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan

PHASES = ("stimulate", "project", "select", "learn", "record")


@dataclass(frozen=True)
class Step:
    """One line of a schedule: a phase, what it acts on and what it does."""

    phase: str
    subject: str
    action: str


class Schedule:
    """What a round with certain fibers open does, phase by phase; print it.

    All projections read the winners of the previous round, and all areas move to their new winners together, so the
    order within a phase does not matter.  Fibers that are closed say by which locks.

    Attributes
    ----------
    steps : tuple of Step
        In the order of execution.
    """

    def __init__(
        self,
        program: Program,
        plan: RoundPlan,
        closed: Mapping[int, str],
        held: Iterable[int],
        recorded: Sequence[str],
    ) -> None:
        areas, fibers = program.areas, program.fibers
        steps = [Step("stimulate", areas[a].name, "keeps firing its held assembly") for a in sorted(held)]
        steps += [Step("project", fibers[f].name, f"inhibited: transmits nothing ({why})") for f, why in closed.items()]
        for area, inputs in plan.selections:
            adds = f"adds its weights to the drive of {areas[area].name}"
            steps += [Step("project", fibers[f].name, adds) for f in inputs]
        for area, _ in plan.selections:
            spec = areas[area]
            steps.append(Step("select", spec.name, spec.activation.event(spec.n, spec.k)))
        steps += [Step("learn", areas[a].name, "raises the thresholds of its winners") for a in plan.raising]
        steps += [Step("learn", fibers[each.fiber].name, "strengthens fired -> just won") for each in plan.learning]
        steps += [Step("record", name, "its winners are recorded") for name in recorded]
        self.steps = tuple(steps)

    def __str__(self) -> str:
        if not self.steps:
            return "a round that does nothing: no open fiber, nothing held"
        width = max(len(step.subject) for step in self.steps)
        return "\n".join(f"{step.phase:<9}  {step.subject:<{width}}  {step.action}" for step in self.steps)

    __repr__ = __str__
