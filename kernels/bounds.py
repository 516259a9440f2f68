"""Bounds of the values of a state: by kind of value, for an area or a fiber; and which areas and fibers have any."""

from __future__ import annotations

from collections.abc import Sequence

from brainsim.kernels.law.weights import THRESHOLD_LIMIT
from brainsim.kernels.program import Program


def zero(program: Program, owner: int) -> int:
    """Return 0."""
    del program, owner
    return 0


def last_neuron(program: Program, area: int) -> int:
    """Return the last neuron of an area."""
    return program.areas[area].n - 1


def last_source(program: Program, fiber: int) -> int:
    """Return the last neuron of a fiber's source."""
    return last_neuron(program, program.fibers[fiber].source)


def last_target(program: Program, fiber: int) -> int:
    """Return the last neuron of a fiber's target."""
    return last_neuron(program, program.fibers[fiber].target)


def largest_weight(program: Program, fiber: int) -> int:
    """Return the largest weight that a synapse of a fiber can have, in fixed point."""
    return program.fibers[fiber].largest_weight


def smallest_weight(program: Program, fiber: int) -> int:
    """Return the smallest weight that a synapse of a fiber can have, in fixed point."""
    return program.fibers[fiber].smallest_weight


def largest_amount(program: Program, area: int) -> int:
    """Return the largest threshold, in fixed point."""
    del program, area
    return THRESHOLD_LIMIT - 1


def smallest_amount(program: Program, area: int) -> int:
    """Return the smallest threshold, in fixed point.

    The positive drives of a channel are summed.  The inputs of all its neurons together stay below ``2**62``, and so
    must the contribution of thresholds below 0.
    """
    return -(largest_amount(program, area) // program.areas[area].channel)


def one(program: Program, area: int) -> int:
    """Return 1."""
    del program, area
    return 1


def largest_drive(program: Program, area: int) -> int:
    """Return an upper bound of a drive less a threshold: the largest sum of weights less the smallest threshold."""
    del program, area
    return 2 * THRESHOLD_LIMIT - 1


def most_winners(program: Program, area: int) -> int:
    """Return how many neurons of an area can win in a round."""
    return program.areas[area].k


def oldest_age(program: Program, fiber: int) -> int:
    """Return the age of the oldest round that a fiber remembers, -1 if it has no trace."""
    trace = program.fibers[fiber].trace
    return len(trace.rates) - 1 if trace else -1


def every_area(program: Program) -> Sequence[int]:
    """Return all areas."""
    return range(len(program.areas))


def tracing_fibers(program: Program) -> Sequence[int]:
    """Return the fibers that have a trace."""
    return [f for f, fiber in enumerate(program.fibers) if fiber.trace]


def storing_fibers(program: Program) -> Sequence[int]:
    """Return the fibers that store weights."""
    return [f for f, fiber in enumerate(program.fibers) if fiber.stores]
