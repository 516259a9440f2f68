"""Numba kernels that learn what is known to learn: they update stored synapses, and tell where some may be missing."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.cpu.addresses import array_8, array_16, array_32, array_64, signed_32, signed_64
from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.existence import WORDS
from brainsim.kernels.law.rules import RATE_BITS

_HALF = 1 << (RATE_BITS - 1)


@inlined
def _read(missing, posts, counts):  # type: ignore[no-untyped-def]
    for m in range(len(posts)):
        missing[m + 1] = counts[posts[m]]


@inlined
def _correct(missing, marks, hits, step):  # type: ignore[no-untyped-def]
    for neuron in hits:
        missing[marks[neuron]] += step


@inner
def _count(missing, counts, marks, posts, n):  # type: ignore[no-untyped-def]
    """Set ``missing[m + 1]`` to the number of synapses onto winner ``m``, 0 if not known; the winners are marked."""
    if counts[1] == 0:
        missing[:] = 0
    elif counts[1] == 1:
        _read(missing, posts, array_8(counts[0], n))
    elif counts[1] == 2:
        _read(missing, posts, array_16(counts[0], n))
    else:
        _read(missing, posts, array_32(counts[0], n))
    _correct(missing, marks, signed_64(counts[3], counts[4]), 1)
    _correct(missing, marks, signed_64(counts[5], counts[6]), -1)


@inner
def _update(fiber, source, marks, missing):  # type: ignore[no-untyped-def]
    """Update the stored synapses from the firing neurons to marked winners, and subtract them from ``missing``."""
    rank, rows = signed_32(source.rank, source.n), fiber.rows
    start, length = signed_64(fiber.start, rows), signed_64(fiber.length, rows)
    post, weight = signed_32(fiber.post, fiber.slots), signed_32(fiber.weight, fiber.slots)
    gain, drift, ceiling = fiber.gain, fiber.drift, fiber.ceiling
    for neuron in signed_64(source.firing, source.fired):
        row = rank[neuron] - 1
        if not 0 <= row < rows:
            continue
        for at in range(start[row], start[row] + length[row]):  # without a branch, which would be guessed wrong
            mark, old = marks[post[at]], np.int64(weight[at])
            new = max(0, min(old + ((gain * old + drift + _HALF) >> RATE_BITS), ceiling))
            weight[at] = new if mark else old
            missing[mark] -= 1


@inner
def _update_by_table(fiber, source, marks, missing):  # type: ignore[no-untyped-def]
    """Do what `_update` does for a rule that is a table."""
    rank, rows = signed_32(source.rank, source.n), fiber.rows
    start, length = signed_64(fiber.start, rows), signed_64(fiber.length, rows)
    post, weight = signed_32(fiber.post, fiber.slots), signed_32(fiber.weight, fiber.slots)
    steps, last = signed_64(fiber.steps, fiber.step_count), fiber.step_count - 1
    for neuron in signed_64(source.firing, source.fired):
        row = rank[neuron] - 1
        if not 0 <= row < rows:
            continue
        for at in range(start[row], start[row] + length[row]):
            mark, old = marks[post[at]], np.int64(weight[at])
            if mark:
                weight[at] = max(0, min(old + steps[min(old >> fiber.shift, last)], fiber.ceiling))
                missing[mark] -= 1


@inner
def _common_steps(bits, neurons, rank, masks):  # type: ignore[no-untyped-def]
    """Keep those bits that are set in the masks of all neurons."""
    first, second, third, fourth = bits
    for neuron in neurons:
        row = rank[neuron] - 1
        if not 0 <= row < len(masks) // WORDS or first | second | third | fourth == 0:
            return np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        at = row * WORDS
        first, second = first & masks[at], second & masks[at + 1]
        third, fourth = third & masks[at + 2], fourth & masks[at + 3]
    return first, second, third, fourth


@inner
def _have_met(fiber, source, target):  # type: ignore[no-untyped-def]
    """Return whether all firing neurons and all winners took part in one remembered step."""
    every = ~np.uint64(0)
    bits = (every, every, every, every)
    masks, rank = array_64(fiber.post_masks, fiber.post_rows * WORDS), signed_32(target.rank, target.n)
    bits = _common_steps(bits, signed_64(target.winners, target.won), rank, masks)
    masks, rank = array_64(fiber.pre_masks, fiber.pre_rows * WORDS), signed_32(source.rank, source.n)
    first, second, third, fourth = _common_steps(bits, signed_64(source.firing, source.fired), rank, masks)
    return first | second | third | fourth != 0


@inlined
def _strengthen_fiber(fiber, source, target, counts, missing):  # type: ignore[no-untyped-def]
    """Strengthen one fiber; return whether synapses may be missing."""
    posts, marks = signed_64(target.winners, target.won), signed_32(target.marks, target.n)
    for m in range(len(posts)):
        marks[posts[m]] = m + 1
    _count(missing, counts, marks, posts, target.n)
    if fiber.step_count:
        _update_by_table(fiber, source, marks, missing)
    else:
        _update(fiber, source, marks, missing)
    total = 0
    for m in range(len(posts)):
        marks[posts[m]] = 0
        total += missing[m + 1]
    if not fiber.implicit:  # all synapses are stored
        return False
    return not (counts[1] and total == 0) and not _have_met(fiber, source, target)


@compiled
def strengthen(areas, fibers, counts, chosen):  # type: ignore[no-untyped-def]
    """Update the stored synapses of some fibers, from the neurons that fired to the winners.

    Returns
    -------
    unknown : bool array
        For each chosen fiber, whether there may be synapses that are not stored.
    missing : int64 array, (chosen fibers, 1 + most winners)
        From the second item on, how many synapses onto each winner are not stored, if ``counts`` has the counts of the
        fiber.
    """
    most = 0
    for f in chosen:
        most = max(most, areas[fibers[f].target].won)
    unknown, missing = np.empty(len(chosen), np.bool_), np.empty((len(chosen), 1 + most), np.int64)
    for at in range(len(chosen)):
        fiber = fibers[chosen[at]]
        source, target = areas[fiber.source], areas[fiber.target]
        unknown[at] = _strengthen_fiber(fiber, source, target, counts[chosen[at]], missing[at])
    return unknown, missing
