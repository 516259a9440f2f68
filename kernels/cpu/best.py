"""Numba kernels that keep the best of some candidates: larger drive, then lower index."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.cpu.compiling import compiled


@compiled(inline="always")
def worse(drive_a, neuron_a, drive_b, neuron_b):  # type: ignore[no-untyped-def]
    """Return whether candidate ``a`` comes after candidate ``b``."""
    return drive_a < drive_b or (drive_a == drive_b and neuron_a > neuron_b)


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
def keep_best(drives, neurons, size, k):  # type: ignore[no-untyped-def]
    """Move the best ``k`` of ``size`` candidates to the front.

    Returns
    -------
    size, bar_drive, bar_neuron : int
        How many are left, and the worst of them if there are ``k``; else a bar that every drive above zero passes.
    """
    if size < k:
        return size, np.int64(0), np.int64(-1)
    bar = _kth_largest(drives[:size].copy(), k)
    above = 0
    for at in range(size):
        above += drives[at] > bar
    equal, ties = 0, np.empty(size - above, np.int64)
    for at in range(size):
        if drives[at] == bar:
            ties[equal] = neurons[at]
            equal += 1
    last = np.sort(ties[:equal])[k - above - 1]
    kept = 0
    for at in range(size):
        if drives[at] > bar or (drives[at] == bar and neurons[at] <= last):
            drives[kept], neurons[kept] = drives[at], neurons[at]
            kept += 1
    return kept, bar, last
