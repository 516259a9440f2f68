"""Numba kernels that sum what learning added to the drives, for the few neurons that learned synapses reach."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import signed_32, signed_64
from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.law.weights import ONE

GATHERED, SUSPECT = 1, 2


class Reached(NamedTuple):
    """Neurons that learned synapses reach in a round, or that are looked at one by one for another reason.

    ``extra`` (int64) and ``marked`` (uint8) have an item for each neuron of the area, zero but for those in
    ``neurons[:size[0]]``, which are marked as `GATHERED` or as `SUSPECT`.
    """

    extra: npt.NDArray[np.int64]
    marked: npt.NDArray[np.uint8]
    neurons: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]


def nobody(n: int) -> Reached:
    """Return a list of no neurons, for areas of up to ``n``."""
    # Zeroed pages that are never used cost no memory.
    return Reached(np.zeros(n, np.int64), np.zeros(n, np.uint8), np.empty(0, np.int64), np.zeros(1, np.int64))


@inlined
def _stored(fiber, source):  # type: ignore[no-untyped-def]
    """Return how many learned synapses the firing neurons of a fiber have."""
    rank, length = signed_32(source.rank, source.n), signed_64(fiber.length, fiber.rows)
    stored = 0
    for neuron in signed_64(source.firing, source.fired):
        row = rank[neuron] - 1
        if 0 <= row < fiber.rows:
            stored += length[row]
    return stored


@inner
def _gather_fiber(fiber, source, n, reached, size):  # type: ignore[no-untyped-def]
    """Add what learning added to one fiber; return how many neurons are listed, or -1 if there may not be room."""
    rank, rows = signed_32(source.rank, source.n), fiber.rows
    start, length = signed_64(fiber.start, rows), signed_64(fiber.length, rows)
    post, weight = signed_32(fiber.post, fiber.slots), signed_32(fiber.weight, fiber.slots)
    extra, marked, neurons = reached.extra, reached.marked, reached.neurons
    # One item beyond the last is written to; a list of all neurons cannot overflow.
    room = len(neurons) - 1 if len(neurons) <= n else np.int64(np.iinfo(np.int64).max)
    for neuron in signed_64(source.firing, source.fired):
        row = rank[neuron] - 1
        if not 0 <= row < rows:
            continue
        if size + length[row] > room:
            reached.size[0] = size
            return -1
        for at in range(start[row], start[row] + length[row]):  # without a branch, which would be guessed wrong
            j = post[at]
            neurons[size] = j
            size += np.int64(marked[j] == 0)
            marked[j] = GATHERED
            extra[j] += weight[at] - fiber.base
    return size


@compiled
def gather(areas, fibers, chosen, n, reached):  # type: ignore[no-untyped-def]
    """Add what learning added to the synapses of the firing neurons of some fibers, and list whom they reach.

    Returns
    -------
    int
        0, or if ``reached`` has not room for all, the room to make; then nothing is listed.
    """
    clear(reached)
    size = np.int64(0)  # typed, since for a literal 0 the callee would be compiled a second time
    for f in chosen:
        if fibers[f].rows:
            size = _gather_fiber(fibers[f], areas[fibers[f].source], n, reached, size)
            if size < 0:
                break
    if size < 0:
        clear(reached)
        room = 0
        for f in chosen:
            if fibers[f].rows:
                room += _stored(fibers[f], areas[fibers[f].source])
        return min(room, n) + 1  # each is listed once
    reached.size[0] = size
    return 0


@compiled
def subtract(reached, neurons, amounts):  # type: ignore[no-untyped-def]
    """Subtract an amount from the drive of each of some neurons, which are listed; there is room for them."""
    for at in range(len(neurons)):
        if not reached.marked[neurons[at]]:
            reached.marked[neurons[at]] = GATHERED
            reached.neurons[reached.size[0]] = neurons[at]
            reached.size[0] += 1
        reached.extra[neurons[at]] -= amounts[at]


@compiled
def correct(counts, chosen, reached, mark):  # type: ignore[no-untyped-def]
    """Correct the drives of those neurons that are marked so for the sets that fire instead of those counted."""
    extra, marked = reached.extra, reached.marked
    for f in chosen:
        for side in range(2):
            hits, step = signed_64(counts[f, 3 + 2 * side], counts[f, 4 + 2 * side]), (1 - 2 * side) * ONE
            for neuron in hits:
                if marked[neuron] == mark:
                    extra[neuron] += step


@compiled
def reach(reached, neurons):  # type: ignore[no-untyped-def]
    """List further neurons, as suspects: there is room for them."""
    for neuron in neurons:
        reached.marked[neuron] = SUSPECT
        reached.neurons[reached.size[0]] = neuron
        reached.size[0] += 1


@compiled
def clear(reached):  # type: ignore[no-untyped-def]
    """List nobody."""
    extra, marked, neurons = reached.extra, reached.marked, reached.neurons
    for at in range(reached.size[0]):
        extra[neurons[at]] = 0
        marked[neurons[at]] = 0
    reached.size[0] = 0
