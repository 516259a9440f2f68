"""Numba kernels that update stored synapses, and report winners that may have synapses that are not stored yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import array_8, array_16, array_32, integers, short_integers, words
from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.records import AreaRecord, CountsRecord, FiberRecord, firing_at
from brainsim.kernels.cpu.visited import common_steps
from brainsim.kernels.law.rules import RATE_BITS
from brainsim.kernels.law.weights import ONE, WEIGHT_BITS
from brainsim.kernels.state import Neurons

_HALF = 1 << (RATE_BITS - 1)
_HALF_WEIGHT = 1 << (WEIGHT_BITS - 1)
Integers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.int32]


@inlined
def _read(missing: Integers, winners: Neurons, counts: Any) -> None:
    for m in range(len(winners)):
        missing[m + 1] = counts[winners[m]]


@inlined
def _add_at_marks(missing: Integers, marks: Marks, targets: Neurons, step: int) -> None:
    for neuron in targets:
        missing[marks[neuron]] += step


@inner
def _count(missing: Integers, counts: CountsRecord, marks: Marks, winners: Neurons) -> None:
    """Set ``missing[m + 1]`` to the number of synapses onto winner ``m``, 0 if it is not known.

    The winners are marked, winner ``m`` with ``m + 1``.  All other neurons have the mark 0 and are counted in
    ``missing[0]``, which is not used: this saves a branch for every synapse.
    """
    if counts.itemsize == 0:
        for m in range(len(missing)):
            missing[m] = 0
    elif counts.itemsize == 1:
        _read(missing, winners, array_8(counts.counts.address, counts.counts.size))
    elif counts.itemsize == 2:
        _read(missing, winners, array_16(counts.counts.address, counts.counts.size))
    else:
        _read(missing, winners, array_32(counts.counts.address, counts.counts.size))
    _add_at_marks(missing, marks, integers(counts.gains), 1)
    _add_at_marks(missing, marks, integers(counts.losses), -1)


@inner
def _update(fiber: FiberRecord, source: AreaRecord, marks: Marks, missing: Integers) -> None:
    """Update the stored synapses from the firing neurons to marked winners, and subtract them from ``missing``.

    The step of the rule is a line, and its rate is 1.
    """
    rank, start, length = short_integers(source.rank), integers(fiber.start), integers(fiber.length)
    post, weight = short_integers(fiber.post), short_integers(fiber.weight)
    gain, drift, floor, ceiling = fiber.gain, fiber.drift, fiber.floor, fiber.ceiling
    for neuron in firing_at(fiber, source):
        row = rank[neuron] - 1
        if not 0 <= row < len(length):
            continue
        for at in range(start[row], start[row] + length[row]):
            # The new weight is computed for every synapse, and written where the target has won.  A branch would be
            # mispredicted often, and costs more than the arithmetic.
            mark, old = marks[post[at]], np.int64(weight[at])
            new = max(floor, min(old + ((gain * old + drift + _HALF) >> RATE_BITS), ceiling))
            weight[at] = new if mark else old
            missing[mark] -= 1


@inner
def _update_any(fiber: FiberRecord, source: AreaRecord, rate: int, marks: Marks, missing: Integers) -> None:
    """Do what `_update` does for any rule and rate."""
    rank, start, length = short_integers(source.rank), integers(fiber.start), integers(fiber.length)
    post, weight = short_integers(fiber.post), short_integers(fiber.weight)
    gain, drift, floor, ceiling = fiber.gain, fiber.drift, fiber.floor, fiber.ceiling
    steps, shift = integers(fiber.steps), fiber.shift
    last = len(steps) - 1
    for neuron in firing_at(fiber, source):
        row = rank[neuron] - 1
        if not 0 <= row < len(length):
            continue
        for at in range(start[row], start[row] + length[row]):
            mark, old = marks[post[at]], np.int64(weight[at])
            if mark:
                if last < 0:
                    step = (gain * old + drift + _HALF) >> RATE_BITS
                else:
                    step = steps[min(max(0, old - floor) >> shift, last)]
                moved = old + ((rate * step + _HALF_WEIGHT) >> WEIGHT_BITS)
                weight[at] = max(min(floor, old), min(moved, ceiling))
                missing[mark] -= 1


@inner
def _all_visited(fiber: FiberRecord, source: AreaRecord, target: AreaRecord) -> Any:
    """Return whether all firing neurons and all winners took part in one remembered step of `VisitedPairs`."""
    every = ~np.uint64(0)
    common = (every, every, every, every)
    common = common_steps(common, integers(target.winners), short_integers(target.rank), words(fiber.target_bits))
    common = common_steps(common, firing_at(fiber, source), short_integers(source.rank), words(fiber.source_bits))
    return common[0] | common[1] | common[2] | common[3] != 0


@inlined
def _strengthen_fiber(
    fiber: FiberRecord, source: AreaRecord, target: AreaRecord, counts: CountsRecord, rate: int, missing: Integers
) -> Any:
    """Strengthen one fiber; return whether synapses may be missing."""
    winners, marks = integers(target.winners), short_integers(target.marks)
    if len(winners) == 0:
        return False
    for m in range(len(winners)):
        marks[winners[m]] = m + 1
    _count(missing, counts, marks, winners)
    if rate == ONE and fiber.plain:
        _update(fiber, source, marks, missing)
    else:
        _update_any(fiber, source, rate, marks, missing)
    total = 0
    for m in range(len(winners)):
        marks[winners[m]] = 0
        total += missing[m + 1]
    if not fiber.implicit:  # all synapses are stored
        return False
    # No winner has fewer synapses than are stored, so none is missing if the sum is 0.
    return not (counts.itemsize and total == 0) and not _all_visited(fiber, source, target)


@compiled
def strengthen(
    areas: Records, fibers: Records, counts: Records, chosen: Integers, rates: Integers
) -> tuple[npt.NDArray[np.bool_], Integers]:
    """Update the stored synapses of some fibers, from the neurons that fire at them to the winners.

    Parameters
    ----------
    areas, fibers : array of `AREA`, array of `FIBER`
        Of the brain.
    counts : array of `COUNTS`
        The counts of each chosen fiber, if it transmitted in this round.
    chosen : int64 array
        Fibers at which neurons fire.
    rates : int64 array
        Factors on their steps.

    Returns
    -------
    pending : bool array
        For each chosen fiber, whether there may be synapses onto winners that are not stored.
    missing : int64 array, (chosen fibers, 1 + most winners)
        From the second item on, how many synapses onto each winner are not stored, if the counts are known.
    """
    most = 0
    for f in chosen:
        most = max(most, areas[fibers[f].target].winners.size)
    pending, missing = np.empty(len(chosen), np.bool_), np.empty((len(chosen), 1 + most), np.int64)
    for at in range(len(chosen)):
        fiber = fibers[chosen[at]]
        source, target = areas[fiber.source], areas[fiber.target]
        pending[at] = _strengthen_fiber(fiber, source, target, counts[at], rates[at], missing[at])
    return pending, missing
