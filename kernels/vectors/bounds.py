"""Bounds of the state of areas that hold vectors and of the fibers between them."""

from __future__ import annotations

from collections.abc import Sequence

from brainsim.kernels.program import Program
from brainsim.kernels.vectors.parts import LARGEST_INPUT, Message, UnitVectors


def vectors_of(program: Program, area: int) -> UnitVectors:
    """Return what an area holds that is known to hold vectors."""
    held = program.areas[area].vectors
    assert held is not None, "only areas that hold vectors are asked"
    return held


def message_of(program: Program, fiber: int) -> Message:
    """Return what a fiber carries that is known to carry messages."""
    message = program.fibers[fiber].message
    assert message is not None, "only fibers that carry messages are asked"
    return message


def holding_areas(program: Program) -> Sequence[int]:
    """Return the areas that hold vectors."""
    return [a for a, area in enumerate(program.areas) if area.vectors is not None]


def anchored_areas(program: Program) -> Sequence[int]:
    """Return the areas at least one of whose incoming messages pulls towards the first vectors."""
    found = {fiber.target for fiber in program.fibers if fiber.message is not None and fiber.message.anchor}
    return sorted(found)


def carrying_fibers(program: Program) -> Sequence[int]:
    """Return the fibers that carry messages."""
    return [f for f, fiber in enumerate(program.fibers) if fiber.message is not None]


def fibers_with_input(program: Program) -> Sequence[int]:
    """Return the fibers whose weights move towards the input of nodes."""
    every = enumerate(program.fibers)
    return [f for f, x in every if x.message and x.message.relaxing and x.message.relaxing.goal == "input"]


def vector_shape(program: Program, area: int) -> tuple[int, int]:
    """Return the shape of the vectors of an area."""
    return program.areas[area].n, vectors_of(program, area).dim


def weight_shape(program: Program, fiber: int) -> tuple[int, int]:
    """Return the shape of the weights of a fiber: its edges and its channels."""
    message = message_of(program, fiber)
    return message.edges.count, len(message.channels)


def input_shape(program: Program, fiber: int) -> tuple[int, int]:
    """Return the shape of the input of the nodes of a fiber."""
    message = message_of(program, fiber)
    return program.areas[program.fibers[fiber].target].n, len(message.channels)


def lowest_component(program: Program, area: int) -> float:
    """Return a lower bound of the components of a unit vector, including rounding."""
    return -highest_component(program, area)


def highest_component(program: Program, area: int) -> float:
    """Return an upper bound of the components of a unit vector, including rounding."""
    del program, area
    return 1.001


def lowest_weight(program: Program, fiber: int) -> float:
    """Return the smallest weight of a fiber."""
    return message_of(program, fiber).lowest


def highest_weight(program: Program, fiber: int) -> float:
    """Return the largest weight of a fiber."""
    return message_of(program, fiber).highest


def lowest_input(program: Program, fiber: int) -> float:
    """Return the smallest input."""
    del program, fiber
    return -LARGEST_INPUT


def highest_input(program: Program, fiber: int) -> float:
    """Return the largest input."""
    del program, fiber
    return LARGEST_INPUT
