"""Numba kernels that update stored synapses, and report winners that may have synapses that are not stored yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import array_8, array_16, array_32, integers, short_integers, words
from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.records import AreaRecord, CountsRecord, FiberRecord
from brainsim.kernels.cpu.visited import common_steps
from brainsim.kernels.law.rules import RATE_BITS
from brainsim.kernels.state import Neurons

_HALF = 1 << (RATE_BITS - 1)
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

    The winners are marked, winner ``m`` with ``m + 1``.  All other neurons have the mark 0, so ``missing[0]`` takes
    what is counted for them and means nothing: this saves a branch for every synapse.
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
    """Update the stored synapses from the firing neurons to marked winners, and subtract them from ``missing``."""
    rank, start, length = short_integers(source.rank), integers(fiber.start), integers(fiber.length)
    post, weight = short_integers(fiber.post), short_integers(fiber.weight)
    gain, drift, ceiling = fiber.gain, fiber.drift, fiber.ceiling
    for neuron in integers(source.firing):
        row = rank[neuron] - 1
        if not 0 <= row < len(length):
            continue
        for at in range(start[row], start[row] + length[row]):
            # The new weight is computed for every synapse, and written where the target has won.  A branch would be
            # mispredicted often, and costs more than the arithmetic.
            mark, old = marks[post[at]], np.int64(weight[at])
            new = max(0, min(old + ((gain * old + drift + _HALF) >> RATE_BITS), ceiling))
            weight[at] = new if mark else old
            missing[mark] -= 1


@inner
def _update_by_table(fiber: FiberRecord, source: AreaRecord, marks: Marks, missing: Integers) -> None:
    """Do what `_update` does for a rule that is a table."""
    rank, start, length = short_integers(source.rank), integers(fiber.start), integers(fiber.length)
    post, weight = short_integers(fiber.post), short_integers(fiber.weight)
    steps = integers(fiber.steps)
    last = len(steps) - 1
    for neuron in integers(source.firing):
        row = rank[neuron] - 1
        if not 0 <= row < len(length):
            continue
        for at in range(start[row], start[row] + length[row]):
            mark, old = marks[post[at]], np.int64(weight[at])
            if mark:
                weight[at] = max(0, min(old + steps[min(old >> fiber.shift, last)], fiber.ceiling))
                missing[mark] -= 1


@inner
def _all_visited(fiber: FiberRecord, source: AreaRecord, target: AreaRecord) -> Any:
    """Return whether all firing neurons and all winners took part in one remembered step of `VisitedPairs`."""
    every = ~np.uint64(0)
    common = (every, every, every, every)
    common = common_steps(common, integers(target.winners), short_integers(target.rank), words(fiber.target_bits))
    common = common_steps(common, integers(source.firing), short_integers(source.rank), words(fiber.source_bits))
    return common[0] | common[1] | common[2] | common[3] != 0


@inlined
def _strengthen_fiber(
    fiber: FiberRecord, source: AreaRecord, target: AreaRecord, counts: CountsRecord, missing: Integers
) -> Any:
    """Strengthen one fiber; return whether synapses may be missing."""
    winners, marks = integers(target.winners), short_integers(target.marks)
    for m in range(len(winners)):
        marks[winners[m]] = m + 1
    _count(missing, counts, marks, winners)
    if fiber.steps.size:
        _update_by_table(fiber, source, marks, missing)
    else:
        _update(fiber, source, marks, missing)
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
    areas: Records, fibers: Records, counts: Records, chosen: Integers
) -> tuple[npt.NDArray[np.bool_], Integers]:
    """Update the stored synapses of some fibers, from the neurons that fired to the winners.

    Parameters
    ----------
    areas, fibers : array of `AREA`, array of `FIBER`
        Of the brain.
    counts : array of `COUNTS`
        For each chosen fiber its counts, if it transmitted in this round.
    chosen : int64 array
        Fibers whose sources fired and whose targets have winners.

    Returns
    -------
    pending : bool array
        For each chosen fiber, whether there may be synapses that are not stored.
    missing : int64 array, (chosen fibers, 1 + most winners)
        From the second item on, how many synapses onto each winner are not stored, if ``counts`` tells.
    """
    most = 0
    for f in chosen:
        most = max(most, areas[fibers[f].target].winners.size)
    pending, missing = np.empty(len(chosen), np.bool_), np.empty((len(chosen), 1 + most), np.int64)
    for at in range(len(chosen)):
        fiber = fibers[chosen[at]]
        source, target = areas[fiber.source], areas[fiber.target]
        pending[at] = _strengthen_fiber(fiber, source, target, counts[at], missing[at])
    return pending, missing
