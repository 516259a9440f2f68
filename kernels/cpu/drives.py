"""Numba kernels that sum drives: the sparse drive, plus the counts of all transmitting fibers at base weight.

Where all base weights are 1, counts are summed as they are, in few bits.  Otherwise each count is multiplied by the
base weight of its fiber, and the sums are drives in fixed point.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba.extending import overload

from brainsim.kernels.cpu.addresses import array_8, array_16, array_32
from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.compiling import inlined, inner
from brainsim.kernels.cpu.records import CountsRecord
from brainsim.kernels.cpu.sparse_drive import SparseArrays
from brainsim.kernels.law.weights import WEIGHT_BITS
from brainsim.kernels.state import Neurons

Integers = npt.NDArray[np.int64]


class Search(NamedTuple):
    """What a search for the winners of an area looks at.

    Attributes
    ----------
    sparse : SparseArrays
        What is to be added to the counts of the listed neurons.
    counts : array of `brainsim.kernels.cpu.records.COUNTS`
        The counts of the fibers that transmit, none of them from a silent source.
    n, k : int
        Neurons and winners.
    key : uint64
        Orders neurons that tie; see `brainsim.kernels.cpu.ties.transmit`.
    shift : int
        Turns sums into fixed point: `WEIGHT_BITS` if all base weights are 1, so that counts are summed, else 0.
    """

    sparse: SparseArrays
    counts: Records
    n: int
    k: int
    key: np.uint64
    shift: int = WEIGHT_BITS


def _worth(sums: Any, count: Any, base: Any) -> Any:  # noqa: ARG001
    """Return what a count adds to sums: itself if sums are unsigned, and weights in fixed point if they are signed."""
    raise TypeError("_worth is compiled for use in kernels, for each kind of sums; Python cannot call it")


def _as_count(sums: Any, count: Any, base: Any) -> Any:  # noqa: ARG001
    return count


def _as_weight(sums: Any, count: Any, base: Any) -> Any:  # noqa: ARG001
    return np.int64(count) * base


@overload(_worth, inline="always")
def _worth_of_kind(sums: Any, count: Any, base: Any) -> Any:  # noqa: ARG001
    return _as_weight if sums.dtype.signed else _as_count


@inlined
def _accumulate(sums: Any, counts: Any, base: Any) -> None:
    for at in range(len(sums)):
        sums[at] += _worth(sums, counts[at], base)


@inner
def sum_chunk(sums: Any, search: Search, start: int) -> None:
    """Set ``sums`` to the sums of the counts of all fibers, for the targets from ``start`` on.

    Unsigned sums are sums of counts and cannot overflow; signed sums are sums of weights, in fixed point.
    """
    records = search.counts
    for at in range(len(sums)):
        sums[at] = 0
    for f in range(len(records)):
        record: CountsRecord = records[f]
        first, base = record.counts.address + start * record.itemsize, record.base
        if record.itemsize == 1:
            _accumulate(sums, array_8(first, len(sums)), base)
        elif record.itemsize == 2:
            _accumulate(sums, array_16(first, len(sums)), base)
        else:
            _accumulate(sums, array_32(first, len(sums)), base)


@inlined
def set_bounds(bounds: Integers, search: Search, slack: int) -> None:
    """Set for each chunk an upper bound on the sums of `sum_chunk`: the sum of the peaks of all fibers, plus ``slack``.

    An inhibitory fiber adds nothing to the bound, because a neuron of the chunk may have none of its synapses.
    """
    for at in range(len(bounds)):
        bounds[at] = slack
    records, shift = search.counts, search.shift
    for f in range(len(records)):
        # Where counts are summed, base weights are 1, so nothing is lost.
        most = max(np.int64(0), records[f].base) >> shift
        _accumulate(bounds, array_32(records[f].peaks.address, len(bounds)), most)


@inlined
def _add_counts(drives: Integers, neurons: Neurons, counts: Any, base: Any) -> None:
    for at in range(len(neurons)):
        drives[at] += np.int64(counts[neurons[at]]) * base


@inner
def sum_drives(drives: Integers, neurons: Neurons, search: Search) -> None:
    """Write the drives of some neurons, at which all counts are right."""
    # Arrays are taken out of tuples before a loop: inside it, each use would change a reference count.
    extra, records = search.sparse.extra, search.counts
    for at in range(len(neurons)):
        drives[at] = extra[neurons[at]]
    for f in range(len(records)):
        record: CountsRecord = records[f]
        address, size, base = record.counts.address, record.counts.size, record.base
        if record.itemsize == 1:
            _add_counts(drives, neurons, array_8(address, size), base)
        elif record.itemsize == 2:
            _add_counts(drives, neurons, array_16(address, size), base)
        else:
            _add_counts(drives, neurons, array_32(address, size), base)
