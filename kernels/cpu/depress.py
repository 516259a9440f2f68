"""The Numba kernel that weakens stored synapses, as `brainsim.kernels.law.rules.Depression` has it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import integers, short_integers
from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.records import firing_at
from brainsim.kernels.law.rules import RATE_BITS, Depression
from brainsim.kernels.law.weights import WEIGHT_BITS
from brainsim.kernels.state import Neurons


class DepressionArrays(NamedTuple):
    """A `Depression` in the form that the kernel takes; ``losers`` is 0 or 1."""

    gain: int
    drift: int
    ceiling: int
    steps: npt.NDArray[np.int64]
    shift: int
    floor: int
    base: int
    losers: int


def depression_arrays(rule: Depression) -> DepressionArrays:
    """Return the arrays that the kernel needs to apply ``rule``."""
    numbers = rule.ceiling, np.array(rule.steps, np.int64), rule.shift, rule.floor, rule.base
    return DepressionArrays(rule.gain, rule.drift, *numbers, int(rule.losers))


@inlined
def _towards_base(above: Any, value: Any, bits: Any) -> Any:
    return value >> bits if above else -(-value >> bits)


@inner
def _weakened(old: Any, rate: int, rule: DepressionArrays) -> Any:
    """Return a stored weight after a step."""
    above, last = old >= rule.base, len(rule.steps) - 1
    if last >= 0:
        step = rule.steps[min(max(0, old - rule.floor) >> rule.shift, last)]
    else:
        step = _towards_base(above, rule.gain * (old - rule.base) + rule.drift, RATE_BITS)
    step = _towards_base(above, rate * step, WEIGHT_BITS)
    return max(min(rule.floor, old), min(old + step, rule.ceiling))


@compiled
def depress(areas: Records, fibers: Records, chosen: int, lost: Neurons, rate: int, rule: DepressionArrays) -> None:
    """Weaken the stored synapses of a fiber from the neurons that fire at it to those that have lost.

    Parameters
    ----------
    areas, fibers : array of `AREA`, array of `FIBER`
        Of the brain.
    chosen : int
        The fiber.
    lost : int64 array
        Neurons that fired the round before and have just lost.
    rate : int
        By which the steps are multiplied.
    rule : DepressionArrays
        If ``rule.losers``, all neurons that have not won count as lost.
    """
    fiber = fibers[chosen]
    source, target = areas[fiber.source], areas[fiber.target]
    rank, start, length = short_integers(source.rank), integers(fiber.start), integers(fiber.length)
    post, weight, marks = short_integers(fiber.post), short_integers(fiber.weight), short_integers(target.marks)
    marked = integers(target.winners) if rule.losers else lost
    for neuron in marked:
        marks[neuron] = 1
    for neuron in firing_at(fiber, source):
        row = rank[neuron] - 1
        if not 0 <= row < len(length):
            continue
        for at in range(start[row], start[row] + length[row]):
            if marks[post[at]] != rule.losers:  # marks those that have lost, or those that have won
                weight[at] = _weakened(np.int64(weight[at]), rate, rule)
    for neuron in marked:
        marks[neuron] = 0
