"""Numba kernels that sum drives: the sparse drive, plus the counts of all transmitting fibers at base weight."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import array_8, array_16, array_32
from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.compiling import inlined, inner
from brainsim.kernels.cpu.records import CountsRecord
from brainsim.kernels.cpu.sparse_drive import SparseArrays
from brainsim.kernels.law.weights import WEIGHT_BITS
from brainsim.kernels.state import Neurons

SHIFT = np.int64(WEIGHT_BITS)
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
    """

    sparse: SparseArrays
    counts: Records
    n: int
    k: int
    key: np.uint64


@inlined
def _accumulate(sums: Any, counts: Any) -> None:
    for at in range(len(sums)):
        sums[at] += counts[at]


@inner
def sum_chunk(sums: Any, search: Search, start: int) -> None:
    """Set ``sums``, which cannot overflow, to the counts of all fibers together for the targets from ``start`` on."""
    records = search.counts
    for at in range(len(sums)):
        sums[at] = 0
    for f in range(len(records)):
        record: CountsRecord = records[f]
        first = record.counts.address + start * record.itemsize
        if record.itemsize == 1:
            _accumulate(sums, array_8(first, len(sums)))
        elif record.itemsize == 2:
            _accumulate(sums, array_16(first, len(sums)))
        else:
            _accumulate(sums, array_32(first, len(sums)))


@inlined
def set_bounds(bounds: Integers, search: Search, slack: int) -> None:
    """Set for each chunk what no sum of counts can exceed: the sum of the peaks of all fibers, and ``slack``."""
    for at in range(len(bounds)):
        bounds[at] = slack
    records = search.counts
    for f in range(len(records)):
        _accumulate(bounds, array_32(records[f].peaks.address, len(bounds)))


@inlined
def _add_counts(drives: Integers, neurons: Neurons, counts: Any) -> None:
    for at in range(len(neurons)):
        drives[at] += np.int64(counts[neurons[at]]) << SHIFT


@inner
def sum_drives(drives: Integers, neurons: Neurons, search: Search) -> None:
    """Write the drives of some neurons, at which all counts are right."""
    # Arrays are taken out of tuples before a loop: within it, each use would count a reference.
    extra, records = search.sparse.extra, search.counts
    for at in range(len(neurons)):
        drives[at] = extra[neurons[at]]
    for f in range(len(records)):
        record: CountsRecord = records[f]
        address, size = record.counts.address, record.counts.size
        if record.itemsize == 1:
            _add_counts(drives, neurons, array_8(address, size))
        elif record.itemsize == 2:
            _add_counts(drives, neurons, array_16(address, size))
        else:
            _add_counts(drives, neurons, array_32(address, size))
