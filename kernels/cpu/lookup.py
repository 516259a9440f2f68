"""Looking synapses up one by one: which of a few targets a neuron reaches."""

from __future__ import annotations

import numpy as np
from numba import prange

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.connectome import GraphArrays, draw_block, row_key
from brainsim.kernels.state import Neurons

MOST_PAIRS = 1 << 24  # looked at together; bounds the memory for what is found
_U1 = np.uint64(1)


@compiled()
def _holds(positions, low, high, position):  # type: ignore[no-untyped-def]
    """Return whether ``position`` is in an ascending range."""
    end = high
    while low < high:
        middle = (low + high) >> _U1
        if positions[middle] < position:
            low = middle + _U1
        else:
            high = middle
    return low < end and positions[low] == position


@compiled()
def row_posts(pre, chosen, size, posts, graph, buffer, found):  # type: ignore[no-untyped-def]
    """Write those of the chosen winners, ascending, that ``pre`` synapses on; return their number."""
    row, bits, mask = row_key(graph, pre), graph.bits, (_U1 << graph.bits) - _U1
    written, first = 0, 0
    while first < size:
        block, end = np.uint64(posts[chosen[first]]) >> bits, first + 1
        while end < size and np.uint64(posts[chosen[end]]) >> bits == block:
            end += 1
        last = np.uint64(posts[chosen[end - 1]]) & mask
        high = draw_block(buffer, graph, row, pre, block, last + _U1)
        for c in range(first, end):
            if _holds(buffer, np.uint64(0), high, np.uint64(posts[chosen[c]]) & mask):
                found[written] = posts[chosen[c]]
                written += 1
        first = end
    return written


@compiled(parallel=True)
def _synapses_among(pre, posts, graph, parts):  # type: ignore[no-untyped-def]
    """Return the targets of some neurons among ``posts`` (ascending), one neuron after the other."""
    found, sizes = np.empty((len(pre), len(posts)), np.int32), np.zeros(len(pre), np.int64)
    share, every = (len(pre) + parts - 1) // parts, np.arange(len(posts))
    for part in prange(parts):
        buffer = np.empty(_U1 << graph.bits, np.uint16)
        for a in range(part * share, min(len(pre), (part + 1) * share)):
            sizes[a] = row_posts(pre[a], every, len(posts), posts, graph, buffer, found[a])
    targets, at = np.empty(sizes.sum(), np.int64), 0
    for a in range(len(pre)):
        targets[at : at + sizes[a]] = found[a, : sizes[a]]
        at += sizes[a]
    return targets


def synapses_among(pre: Neurons, posts: Neurons, graph: GraphArrays, threads: int) -> Neurons:
    """Return the targets of some neurons among ``posts`` (ascending), one neuron after the other."""
    step = max(1, MOST_PAIRS // max(1, len(posts)))
    found = [_synapses_among(pre[low : low + step], posts, graph, threads) for low in range(0, len(pre), step)]
    return np.concatenate([pre[:0], *found])
