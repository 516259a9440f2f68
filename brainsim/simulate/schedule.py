"""The order of events in a round, as a table that can be printed."""

from __future__ import annotations

from dataclasses import dataclass

from brainsim.kernels.program import Program

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
    order within a phase does not matter.

    Attributes
    ----------
    steps : tuple of Step
        In the order of execution.
    """

    def __init__(
        self,
        program: Program,
        fibers: tuple[int, ...],
        closed: frozenset[int],
        held: frozenset[int],
        *,
        learning: bool,
        recorded: tuple[str, ...],
    ) -> None:
        open_fibers = [program.fibers[f] for f in fibers if f not in closed]
        areas = program.areas
        selecting = [a for a in dict.fromkeys(f.target for f in open_fibers) if a not in held]
        steps = [Step("stimulate", areas[a].name, "keeps firing its held assembly") for a in sorted(held)]
        steps += [
            Step("project", program.fibers[f].name, "inhibited: transmits nothing") for f in fibers if f in closed
        ]
        steps += [
            Step("project", f.name, f"adds its weights to the drive of {areas[f.target].name}")
            for f in open_fibers
            if f.target in selecting
        ]
        steps += [
            Step("select", areas[a].name, f"the {areas[a].k} most driven of {areas[a].n:_} win") for a in selecting
        ]
        if learning:
            steps += [
                Step("learn", areas[a].name, "raises the thresholds of its winners")
                for a in selecting
                if areas[a].refraction
            ]
            steps += [Step("learn", f.name, "strengthens fired -> just won") for f in open_fibers if f.learns]
        steps += [Step("record", name, "its winners are recorded") for name in recorded]
        self.steps = tuple(steps)

    def __str__(self) -> str:
        if not self.steps:
            return "a round that does nothing: no open fiber, nothing held"
        width = max(len(step.subject) for step in self.steps)
        return "\n".join(f"{step.phase:<9}  {step.subject:<{width}}  {step.action}" for step in self.steps)

    __repr__ = __str__
