"""Numba kernels that order equally driven neurons, as `brainsim.kernels.law.selection` defines.

The order depends on all neurons that fire at an area, so the same pass counts how often each has transmitted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import integers, short_integers
from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.compiling import compiled, inlined
from brainsim.kernels.cpu.hashing import hash_of, mix64
from brainsim.kernels.cpu.records import firing_at
from brainsim.kernels.law.selection import NO_TAG, TAG_STREAM

Neurons = npt.NDArray[np.int64]
Counters = npt.NDArray[np.int64]

_NO_TAG = np.uint64(NO_TAG)
_TAG_STREAM = np.uint64(TAG_STREAM)
_ALL_BUT_SIGN = np.uint64(2**63 - 1)


@inlined
def _smallest_hash(key: np.uint64, neurons: Neurons) -> np.uint64:
    smallest = _NO_TAG
    for neuron in neurons:
        smallest = min(smallest, hash_of(key, neuron))
    return smallest


@inlined
def _have_counters(transmitted: Counters, rank: npt.NDArray[np.int32], neurons: Neurons) -> Any:
    without: Any = 0
    for neuron in neurons:
        without += np.int64(not 1 <= rank[neuron] <= len(transmitted))
    return without == 0


@inlined
def _count_once_more(transmitted: Counters, rank: npt.NDArray[np.int32], neurons: Neurons) -> None:
    for neuron in neurons:
        transmitted[rank[neuron] - 1] += 1


@compiled
def transmit(areas: Records, fibers: Records, chosen: npt.NDArray[np.int64], area: int) -> tuple[np.uint64, bool]:
    """Count a transmission of each neuron that fires at the ``chosen`` fibers; return the key that orders tied neurons.

    That is the area's own key, mixed with the tag of the neurons that fire.  In a part of an area, what is added makes
    the hash of a neuron that of its number in the area.

    Returns
    -------
    key : uint64
        As above.
    counted : bool
        False if a neuron has no counter yet; then nothing has been counted.
    """
    tag, counted = _NO_TAG, True
    for f in chosen:
        fiber = fibers[f]
        source = areas[fiber.source]
        neurons = firing_at(fiber, source)
        tag = min(tag, _smallest_hash(fiber.key ^ _TAG_STREAM, neurons))
        counted = counted and _have_counters(integers(fiber.transmitted), short_integers(source.rank), neurons)
    if counted:
        for f in chosen:
            fiber = fibers[f]
            source = areas[fiber.source]
            neurons = firing_at(fiber, source)
            _count_once_more(integers(fiber.transmitted), short_integers(source.rank), neurons)
    return mix64(areas[area].key ^ tag) + areas[area].shift, counted


@inlined
def precedence(key: np.uint64, neuron: np.int64) -> np.int64:
    """Return a number by which tied neurons are ordered: the larger wins.

    The law orders by an unsigned hash, smallest first.  Inverting all bits but the sign reverses that order and makes
    it one of signed integers, so that drives and precedences are compared alike.
    """
    return np.int64(hash_of(key, neuron) ^ _ALL_BUT_SIGN)
