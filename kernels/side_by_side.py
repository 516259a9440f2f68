"""Several brains of one declaration as one program: its areas and fibers are those of the brains, one after the other.

The areas and fibers of brain ``b`` have the indices of the declaration, plus ``b`` times their number.  Brains have no
fiber in common, so each gives its own bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from itertools import chain

from brainsim.kernels.parts import AssemblyGate, ChannelGate
from brainsim.kernels.program import FiberSpec, Program
from brainsim.kernels.round_plan import Learning, RoundPlan, Selection, Stepping

_FIELDS = fields(RoundPlan)


def name_of(name: str, brain: int) -> str:
    """Return the name that a part of a brain has in the joined program."""
    return f"{name} of brain {brain}"


def joined(programs: Sequence[Program]) -> Program:
    """Return the program of several brains."""
    areas, fibers = [], []
    for b, program in enumerate(programs):
        areas += [replace(area, name=name_of(area.name, b)) for area in program.areas]
        fibers += [_moved(fiber, b, b * len(program.areas)) for fiber in program.fibers]
    return Program(tuple(areas), tuple(fibers))


def _moved(fiber: FiberSpec, brain: int, by: int) -> FiberSpec:
    gate = fiber.gate
    if isinstance(gate, ChannelGate | AssemblyGate):
        gate = replace(gate, area=gate.area + by)
    name = name_of(fiber.name, brain)
    return replace(fiber, name=name, gate=gate, source=fiber.source + by, target=fiber.target + by)


def united(plans: Iterable[tuple[int, RoundPlan]], areas: int, fibers: int) -> RoundPlan:
    """Return the plan of a round of some brains, each with its number, that have so many areas and fibers each."""
    moved = [_shifted(plan, brain * areas, brain * fibers) for brain, plan in plans]
    every = {field.name: tuple(chain.from_iterable(getattr(plan, field.name) for plan in moved)) for field in _FIELDS}
    return RoundPlan(**every)


def _shifted(plan: RoundPlan, areas: int, fibers: int) -> RoundPlan:
    """Return a plan with larger indices."""

    def learning(learners: Sequence[Learning]) -> tuple[Learning, ...]:
        return tuple(each._replace(fiber=each.fiber + fibers) for each in learners)

    def numbers(parts: Sequence[int], by: int) -> tuple[int, ...]:
        return tuple(each + by for each in parts)

    return RoundPlan(
        selections=tuple(Selection(area + areas, numbers(inputs, fibers)) for area, inputs in plan.selections),
        learning=learning(plan.learning),
        aging=numbers(plan.aging, fibers),
        tracing=numbers(plan.tracing, fibers),
        gated=numbers(plan.gated, fibers),
        raising=numbers(plan.raising, areas),
        stepping=tuple(Stepping(area + areas, numbers(inputs, fibers)) for area, inputs in plan.stepping),
        relaxing=learning(plan.relaxing),
    )
