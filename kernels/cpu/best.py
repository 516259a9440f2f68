"""Numba kernels that keep the best of some candidates: larger drive, then larger precedence."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import inlined, inner
from brainsim.kernels.cpu.ties import precedence
from brainsim.kernels.state import Neurons

_NONE_BEFORE = np.int64(2**63 - 1)

Bar = tuple[Any, Any]  # a drive and a precedence
Integers = npt.NDArray[np.int64]


@inlined
def beats(bar: Bar, drive: Any, key: np.uint64, neuron: Any) -> Any:
    """Return whether a neuron comes before the bar; its precedence is computed only if it ties."""
    return drive > bar[0] or (drive == bar[0] and precedence(key, neuron) > bar[1])


@inner
def _kth_largest(values: Integers, k: int) -> Any:
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


@inner
def keep_best(drives: Integers, neurons: Neurons, size: int, k: int, key: np.uint64) -> tuple[int, Bar]:
    """Move the best ``k`` of ``size`` candidates to the front; ``key`` orders those that tie.

    Returns
    -------
    size : int
        Number of candidates that are left.
    bar : (int, int)
        Drive and precedence of the worst of them if there are ``k``; otherwise a bar that every drive above zero
        passes.
    """
    if size < k:
        return size, (np.int64(0), _NONE_BEFORE)
    values = np.empty(size, np.int64)  # reordered to find the bar, then those that tie with it
    for at in range(size):
        values[at] = drives[at]
    bar = _kth_largest(values, k)
    above: Any = 0
    equal = 0
    for at in range(size):
        above += np.int64(drives[at] > bar)
        if drives[at] == bar:
            values[equal] = precedence(key, neurons[at])
            equal += 1
    last = _kth_largest(values[:equal], k - above)
    kept = 0
    for at in range(size):
        if drives[at] > bar or (drives[at] == bar and precedence(key, neurons[at]) >= last):
            drives[kept], neurons[kept] = drives[at], neurons[at]
            kept += 1
    return kept, (bar, last)
