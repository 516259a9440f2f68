"""Numba kernels that keep the best of some candidates: larger drive, then larger precedence."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.ties import precedence

_NONE_BEFORE = np.int64(2**63 - 1)


@compiled(inline="always")
def beats(bar, drive, key, neuron):  # type: ignore[no-untyped-def]
    """Return whether a neuron comes before the bar; only of one that ties with it is the precedence computed."""
    return drive > bar[0] or (drive == bar[0] and precedence(key, neuron) > bar[1])


@compiled()
def _kth_largest(values, k):  # type: ignore[no-untyped-def]
    """Return the ``k``-th largest value, reordering ``values`` (quickselect; many drives are equal)."""
    low, high, wanted = 0, len(values), k - 1
    while True:
        first, middle, last = values[low], values[(low + high) >> 1], values[high - 1]
        pivot = max(min(first, middle), min(max(first, middle), last))
        larger, at, smaller = low, low, high
        while at < smaller:
            value = values[at]
            if value > pivot:
                values[larger], values[at] = value, values[larger]
                larger += 1
                at += 1
            elif value < pivot:
                smaller -= 1
                values[at], values[smaller] = values[smaller], value
            else:
                at += 1
        if wanted < larger:
            high = larger
        elif wanted < smaller:
            return pivot
        else:
            low = smaller


@compiled()
def keep_best(drives, neurons, size, k, key):  # type: ignore[no-untyped-def]
    """Move the best ``k`` of ``size`` candidates to the front; ``key`` orders those that tie.

    Returns
    -------
    size : int
        How many are left.
    bar : (int, int)
        Drive and precedence of the worst of them if there are ``k``; else a bar that every drive above zero passes.
    """
    if size < k:
        return size, (np.int64(0), _NONE_BEFORE)
    bar = _kth_largest(drives[:size].copy(), k)
    above = 0
    for at in range(size):
        above += drives[at] > bar
    equal, ties = 0, np.empty(size - above, np.int64)
    for at in range(size):
        if drives[at] == bar:
            ties[equal] = precedence(key, neurons[at])
            equal += 1
    last = _kth_largest(ties[:equal].copy(), k - above)
    kept, equal = 0, 0
    for at in range(size):
        tied = drives[at] == bar
        if drives[at] > bar or (tied and ties[equal] >= last):
            drives[kept], neurons[kept] = drives[at], neurons[at]
            kept += 1
        equal += tied
    return kept, (bar, last)
