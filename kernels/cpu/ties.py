"""Numba kernels that order neurons which are driven equally, as `brainsim.kernels.law.selection` has it.

The order depends on all neurons that fire at an area, so the same pass counts how often each has transmitted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import integers
from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.compiling import compiled, inlined
from brainsim.kernels.cpu.hashing import hash_of, mix64
from brainsim.kernels.cpu.records import firing_at
from brainsim.kernels.law.selection import NO_TAG, TAG_STREAM

_NO_TAG = np.uint64(NO_TAG)
_TAG_STREAM = np.uint64(TAG_STREAM)
_ALL_BUT_SIGN = np.uint64(2**63 - 1)


@inlined
def _smallest_hash(key: np.uint64, neurons: npt.NDArray[np.int64]) -> np.uint64:
    smallest = _NO_TAG
    for neuron in neurons:
        smallest = min(smallest, hash_of(key, neuron))
    return smallest


@inlined
def _count_once_more(transmitted: npt.NDArray[np.int64], neurons: npt.NDArray[np.int64]) -> None:
    for neuron in neurons:
        transmitted[neuron] += 1


@compiled
def transmit(areas: Records, fibers: Records, chosen: npt.NDArray[np.int64], area: int) -> np.uint64:
    """Count that the neurons which fire at the ``chosen`` fibers transmit; return what orders tied neurons of an area.

    That is the area's own key, mixed with the tag of the neurons that fire.
    """
    tag = _NO_TAG
    for f in chosen:
        fiber = fibers[f]
        neurons = firing_at(fiber, areas[fiber.source])
        tag = min(tag, _smallest_hash(fiber.key ^ _TAG_STREAM, neurons))
        _count_once_more(integers(fiber.transmitted), neurons)
    return mix64(areas[area].key ^ tag)


@inlined
def precedence(key: np.uint64, neuron: np.int64) -> np.int64:
    """Return a number by which tied neurons are ordered: the larger wins.

    The law orders by an unsigned hash, smallest first.  Inverting all bits but the sign reverses that order and makes
    it one of signed integers, so that drives and precedences are compared alike.
    """
    return np.int64(hash_of(key, neuron) ^ _ALL_BUT_SIGN)
