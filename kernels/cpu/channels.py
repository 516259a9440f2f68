"""The winners of an area with channels: those neurons of the most driven channels that are driven.

A neuron with a small drive may belong to a winning channel, so all neurons are summed: the bounds on chunks of
`brainsim.kernels.cpu.scan` say nothing about sums over channels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.best import keep_best
from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.counts import CHUNK
from brainsim.kernels.cpu.drives import Integers, Search, sum_chunk, sum_drives
from brainsim.kernels.cpu.sparse_drive import ZERO, clear
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.outcomes import Won
from brainsim.kernels.state import Neurons

Channels = npt.NDArray[np.int64]


@compiled
def _sum_channels(first: int, end: int, size: int, sums: Integers, search: Search) -> None:
    """Write the summed positive drives of channels ``first`` to ``end - 1``, which have ``size`` neurons each.

    The neurons are walked in pieces of a chunk, which need not begin or end where a channel does.
    """
    extra, buffer = search.sparse.extra, np.empty(CHUNK, np.int64)
    channel, border = first, (first + 1) * size  # the channel being summed, and where the next one begins
    total = ZERO
    for start in range(first * size, end * size, CHUNK):
        stop = min(start + CHUNK, end * size)
        drives = buffer[: stop - start]
        sum_chunk(drives, search, start)
        neuron = start
        while neuron < stop:
            until = min(border, stop)
            for at in range(neuron, until):
                total += max(np.int64(0), drives[at - start] + extra[at])
            neuron = until
            if neuron == border:
                sums[channel] = total
                channel, border, total = channel + 1, border + size, ZERO


@compiled
def _most_driven(sums: Integers, open_: int, key: np.uint64) -> Channels:
    """Return the ``open_`` channels of largest sum above 0, in no order."""
    drives, channels, size = np.empty(len(sums), np.int64), np.empty(len(sums), np.int64), ZERO
    for channel in range(len(sums)):
        drives[size], channels[size] = sums[channel], channel
        size += np.int64(sums[channel] > 0)
    size, _ = keep_best(drives, channels, size, open_, key)
    return channels[:size]


@compiled
def _driven(channels: Channels, size: int, search: Search) -> tuple[Neurons, Integers]:
    """Return the neurons of positive drive in some channels, and their drives, and clear the sparse drive."""
    neurons, drives = np.empty(len(channels) * size, np.int64), np.empty(len(channels) * size, np.int64)
    for at in range(len(channels)):
        for place in range(size):
            neurons[at * size + place] = channels[at] * size + place
    sum_drives(drives, neurons, search)
    found = ZERO
    for at in range(len(neurons)):
        neurons[found], drives[found] = neurons[at], drives[at]
        found += np.int64(drives[at] > 0)
    clear(search.sparse)
    return neurons[:found], drives[:found]


def winners_in_channels(search: Search, size: int, threads: int) -> Won:
    """Return the driven neurons of the ``k // size`` channels of largest positive sum, and clear the sparse drive.

    All counts are right.  See `brainsim.kernels.law.selection.winners_in_channels`.
    """
    sums = np.empty(search.n // size, np.int64)
    in_parts(_sum_channels, len(sums), threads, size, sums, search)
    channels = np.sort(_most_driven(sums, search.k // size, search.key))
    neurons, drives = _driven(channels, size, search)
    return Won(neurons, neurons, drives)
