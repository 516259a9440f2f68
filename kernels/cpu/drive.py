"""Numba kernels for the drive of an area and for its winners."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import prange

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.fixed_point import WEIGHT_BITS

_CHUNK = 64
_SHIFT = np.int64(WEIGHT_BITS)


@compiled(parallel=True)
def set_drive(drive, counts):  # type: ignore[no-untyped-def]
    """Set ``drive`` to ``counts`` synapses of base weight, in fixed point."""
    for j in prange(len(drive)):
        drive[j] = np.int64(counts[j]) << _SHIFT


@compiled(parallel=True)
def add_drive(drive, counts):  # type: ignore[no-untyped-def]
    """Add ``counts`` synapses of base weight to ``drive``."""
    for j in prange(len(drive)):
        drive[j] += np.int64(counts[j]) << _SHIFT


@compiled()
def add_touched(drive, touched, counts):  # type: ignore[no-untyped-def]
    """Add ``counts[touched]`` synapses of base weight to ``drive``, which has one value for each touched neuron."""
    for at in range(len(touched)):
        drive[at] += np.int64(counts[touched[at]]) << _SHIFT


@compiled(inline="always")
def _worse(drive_a, neuron_a, drive_b, neuron_b):  # type: ignore[no-untyped-def]
    return drive_a < drive_b or (drive_a == drive_b and neuron_a > neuron_b)


@compiled()
def _sift_down(drives, neurons, size, at):  # type: ignore[no-untyped-def]
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _worse(drives[child + 1], neurons[child + 1], drives[child], neurons[child]):
            child += 1
        if not _worse(drives[child], neurons[child], drives[at], neurons[at]):
            return
        drives[at], drives[child] = drives[child], drives[at]
        neurons[at], neurons[child] = neurons[child], neurons[at]
        at = child


@compiled()
def _sift_up(drives, neurons, at):  # type: ignore[no-untyped-def]
    while at > 0:
        parent = (at - 1) >> 1
        if not _worse(drives[at], neurons[at], drives[parent], neurons[parent]):
            return
        drives[at], drives[parent] = drives[parent], drives[at]
        neurons[at], neurons[parent] = neurons[parent], neurons[at]
        at = parent


@compiled()
def _best_of_range(drive, low, high, drives, neurons):  # type: ignore[no-untyped-def]
    """Keep the best of ``drive[low:high]`` in a heap whose root is the worst kept; return how many were kept.

    Neurons come in ascending order, so an equal drive never displaces one that is kept: ties go to the lowest index.
    """
    k, size, bar = len(drives), 0, np.int64(0)
    for start in range(low, high, _CHUNK):
        chunk = drive[start : min(start + _CHUNK, high)]
        above = np.int64(0)
        for at in range(len(chunk)):  # counting, unlike a maximum, becomes vector instructions
            above += np.int64(chunk[at] > bar)
        if above == 0:
            continue
        for at in range(len(chunk)):
            if chunk[at] <= bar:
                continue
            if size < k:
                drives[size], neurons[size] = chunk[at], start + at
                _sift_up(drives, neurons, size)
                size += 1
            else:
                drives[0], neurons[0] = chunk[at], start + at
                _sift_down(drives, neurons, size, 0)
            if size == k:
                bar = drives[0]
    return size


@compiled(parallel=True)
def _best_of_parts(drive, drives, neurons, sizes):  # type: ignore[no-untyped-def]
    parts = len(sizes)
    share = (len(drive) + parts - 1) // parts
    for part in prange(parts):
        low = part * share
        high = min(len(drive), low + share)
        sizes[part] = _best_of_range(drive, low, high, drives[part], neurons[part])


def select(drive: npt.NDArray[np.int64], k: int, threads: int) -> npt.NDArray[np.int64]:
    """Return the ``k`` neurons of largest positive drive, ascending; ties go to the lowest index.

    Each thread keeps the best ``k`` of its range; the best of those are the winners, whatever the number of ranges.
    """
    drives = np.empty((threads, k), np.int64)
    neurons = np.empty((threads, k), np.int64)
    sizes = np.empty(threads, np.int64)
    _best_of_parts(drive, drives, neurons, sizes)
    kept = np.arange(k) < sizes[:, None]
    candidates, reached = neurons[kept], drives[kept]
    if threads > 1 and len(candidates) > k:
        candidates = candidates[np.lexsort((candidates, -reached))[:k]]
    return np.sort(candidates)


def best(
    neurons: npt.NDArray[np.int64], drive: npt.NDArray[np.int64], bound: int, k: int
) -> npt.NDArray[np.int64] | None:
    """Return the ``k`` of some neurons that are driven most, ascending, if as many exceed ``bound``, else ``None``."""
    above = drive > bound
    if np.count_nonzero(above) < k:
        return None
    neurons, drive = neurons[above], drive[above]
    return np.sort(neurons[np.lexsort((neurons, -drive))[:k]])
