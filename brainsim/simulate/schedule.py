"""The order of events in a round, as a table that can be printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import indent

from brainsim.kernels.law.weights import ONE, to_float
from brainsim.kernels.parts import AssemblyGate
from brainsim.kernels.program import FiberSpec, Program
from brainsim.kernels.round_plan import Learning, RoundPlan

PHASES = ("modulate", "stimulate", "project", "select", "learn", "record")


@dataclass(frozen=True)
class Step:
    """One line of a schedule: a phase, what it acts on and what it does."""

    phase: str
    subject: str
    action: str


@dataclass(frozen=True)
class Circumstances:
    """What a schedule shows in addition to the plan of its round.

    Attributes
    ----------
    held : sequence of int
        Areas that keep their winners.
    recorded : sequence of str
        Areas whose winners are recorded.
    untransmitting, unlearning : mapping of int to str
        Reasons why requested fibers do not transmit or do not learn.
    modulators : mapping of str to str
        The values of the modulators on which the round depends, as text.
    shut : frozenset of int
        Fibers whose gate lets none of the firing neurons pass.
    """

    held: Sequence[int]
    recorded: Sequence[str]
    untransmitting: Mapping[int, str] = field(default_factory=dict)
    unlearning: Mapping[int, str] = field(default_factory=dict)
    modulators: Mapping[str, str] = field(default_factory=dict)
    shut: frozenset[int] = frozenset()


class Schedule:
    """The steps of a round with certain open fibers, phase by phase; print it.

    All projections read the winners of the previous round, and all areas move to their new winners together, so the
    order within a phase does not matter.  For fibers that take no part it gives the reason.

    Attributes
    ----------
    steps : tuple of Step
        In the order of execution.
    """

    def __init__(self, program: Program, plan: RoundPlan, circumstances: Circumstances) -> None:
        self.steps = tuple(_steps(program, plan, circumstances))

    def __str__(self) -> str:
        if not self.steps:
            return "a round that does nothing: no open fiber, nothing held"
        width = max(len(step.subject) for step in self.steps)
        return "\n".join(f"{step.phase:<9}  {step.subject:<{width}}  {step.action}" for step in self.steps)

    __repr__ = __str__


class CycleSchedule:
    """The steps of the first round of each phase of a cycle; print it.

    Attributes
    ----------
    phases : dict of str to Schedule
        By the name of the phase.
    rounds : dict of str to int
        How many rounds each phase has.
    """

    def __init__(self, phases: Mapping[str, Schedule], rounds: Mapping[str, int]) -> None:
        self.phases, self.rounds = dict(phases), dict(rounds)

    def __str__(self) -> str:
        return "\n".join(
            f"{name}, {_counted(self.rounds[name])}:\n{indent(str(schedule), '  ')}"
            for name, schedule in self.phases.items()
        )

    __repr__ = __str__


def _counted(rounds: int) -> str:
    return "1 round" if rounds == 1 else f"{rounds} rounds"


def _steps(program: Program, plan: RoundPlan, given: Circumstances) -> Iterator[Step]:
    areas, fibers = program.areas, program.fibers
    for name, value in given.modulators.items():
        yield Step("modulate", name, value)
    for a in given.held:
        yield Step("stimulate", areas[a].name, "keeps firing its held assembly")
    for f, why in given.untransmitting.items():
        yield Step("project", fibers[f].name, why)
    for f in plan.transmitting:
        target = areas[fibers[f].target].name
        yield Step("project", fibers[f].name, f"adds its weights to the drive of {target}{_gate(program, f, given)}")
    for each in plan.stepping:
        for f in each.inputs:
            yield Step("project", fibers[f].name, _message(program, f))
    for a, _ in plan.selections:
        yield Step("select", areas[a].name, areas[a].activation.event(areas[a].n, areas[a].k))
    yield from _learning(program, plan, given)
    for name in given.recorded:
        yield Step("record", name, "its winners are recorded")


def _learning(program: Program, plan: RoundPlan, given: Circumstances) -> Iterator[Step]:
    for a in plan.raising:
        yield Step("learn", program.areas[a].name, "raises the thresholds of its winners")
    for f, why in given.unlearning.items():
        yield Step("learn", program.fibers[f].name, why)
    transmitting = set(plan.transmitting)
    for each in plan.learning:
        fiber = program.fibers[each.fiber]
        beside = "" if each.fiber in transmitting else ", without transmitting"
        for action in _changes(fiber, each):
            yield Step("learn", fiber.name, f"{action}{beside}{_gate(program, each.fiber, given)}")
    for each in plan.relaxing:
        rate = "" if each.rate == ONE else f" at rate {to_float(each.rate):.4g}"
        yield Step("learn", program.fibers[each.fiber].name, f"relaxes the weights of edges among active nodes{rate}")
    for f in plan.tracing:
        trace = program.fibers[f].trace
        assert trace is not None, "only fibers with a trace remember rounds"
        yield Step("learn", program.fibers[f].name, f"notes the round in its trace of {_counted(len(trace.rates))}")


def _message(program: Program, fiber: int) -> str:
    """Return what a message does."""
    spec = program.fibers[fiber]
    message, target = spec.message, program.areas[spec.target]
    assert message is not None, "only fibers with a message step vectors"
    which = "the active nodes" if message.active_only else f"all {target.n:_} nodes"
    return f"carries a {message.label} message, and the vectors of {which} of {target.name} step"


def _changes(fiber: FiberSpec, learning: Learning) -> Iterator[str]:
    """Yield what learning does to which synapses of a fiber."""
    rate = "" if learning.rate == ONE else f" at rate {to_float(learning.rate):.4g}"
    verb, opposite = ("strengthens", "weakens") if learning.rate > 0 else ("weakens", "strengthens")
    yield f"{verb} fired -> just won{rate}"
    if fiber.depression is not None:
        yield f"{opposite} fired -> {'not won' if fiber.depression.losers else 'just lost'}{rate}"


def _gate(program: Program, fiber: int, given: Circumstances) -> str:
    gate = program.fibers[fiber].gate
    if gate is None:
        return ""
    area, now = program.areas[gate.area].name, " (nothing passes now)" if fiber in given.shut else ""
    if isinstance(gate, AssemblyGate):
        return f", while an assembly of the gate {area} fires{now}"
    return f", through the gate {area}{now}"
