"""Look-up of single synapses: which of a few targets a neuron reaches.

A block of a row can be drawn without the blocks before it.  A look-up therefore costs one block, and is faster than
drawing the row if there are fewer targets than blocks in a row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.graph import GraphArrays, Positions, draw_block, row_key
from brainsim.kernels.cpu.hashing import Word
from brainsim.kernels.cpu.taper import thin
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.state import Neurons

MOST_PAIRS = 1 << 24  # searched together; bounds the memory for what is found
Found = npt.NDArray[np.int32]

_U0, _U1 = np.uint64(0), np.uint64(1)


@inlined
def _holds(positions: Positions, end: Word, position: Word) -> Any:
    """Return whether ``position`` is among the first ``end`` of some ascending positions."""
    low, high = _U0, end
    while low < high:
        middle = (low + high) >> _U1
        if positions[middle] < position:
            low = middle + _U1
        else:
            high = middle
    return low < end and positions[low] == position


@inner
def row_posts(
    pre: Any, chosen: Neurons, size: int, posts: Neurons, graph: GraphArrays, buffer: Positions, found: Found
) -> int:
    """Write those of the first ``size`` chosen targets, ascending, that ``pre`` synapses on; return their number.

    The row is that of the random graph, not thinned.  ``chosen`` has places in ``posts``; ``buffer`` holds a block.
    """
    row, bits, mask = row_key(graph, pre), graph.bits, (_U1 << graph.bits) - _U1
    written, first = 0, 0
    while first < size:
        block, end = np.uint64(posts[chosen[first]]) >> bits, first + 1
        while end < size and np.uint64(posts[chosen[end]]) >> bits == block:
            end += 1
        # Nothing is drawn beyond the last target in the block.
        last = np.uint64(posts[chosen[end - 1]]) & mask
        drawn = draw_block(buffer, graph, row, pre, block, last + _U1)
        for c in range(first, end):
            if _holds(buffer, drawn, np.uint64(posts[chosen[c]]) & mask):
                found[written] = posts[chosen[c]]
                written += 1
        first = end
    return written


@compiled
def _look_up(
    first: int, end: int, pre: Neurons, posts: Neurons, every: Neurons, graph: GraphArrays, found: Any, sizes: Neurons
) -> None:
    """Write the targets of the neurons from ``first`` to before ``end`` among ``posts`` to their rows of ``found``."""
    buffer = np.empty(_U1 << graph.bits, np.uint16)
    for a in range(first, end):
        sizes[a] = row_posts(pre[a], every, len(posts), posts, graph, buffer, found[a])
        if graph.tapered:
            sizes[a] = thin(found[a], _U0, np.uint64(sizes[a]), _U0, pre[a], graph.taper)


def gathered(found: Found, sizes: Neurons) -> Neurons:
    """Return what rows hold, one after the other, where row ``r`` has ``sizes[r]`` items."""
    return found[np.arange(found.shape[1]) < sizes[:, None]].astype(np.int64)


def synapses_among(pre: Neurons, posts: Neurons, graph: GraphArrays, threads: int) -> Neurons:
    """Return the targets of some neurons among ``posts`` (ascending), one neuron after the other."""
    step, every = max(1, MOST_PAIRS // max(1, len(posts))), np.arange(len(posts))
    parts = [pre[:0]]
    for low in range(0, len(pre), step):
        some = pre[low : low + step]
        found, sizes = np.empty((len(some), len(posts)), np.int32), np.empty(len(some), np.int64)
        in_parts(_look_up, len(some), threads, some, posts, every, graph, found, sizes)
        parts.append(gathered(found, sizes))
    return np.concatenate(parts)


@compiled
def _look_up_own(
    first: int, end: int, pre: Neurons, starts: Neurons, post: Neurons, every: Neurons, graph: GraphArrays, found: Found
) -> None:
    """Write which of their posts the neurons from ``first`` to before ``end`` synapse on, then -1 for each other."""
    buffer = np.empty(_U1 << graph.bits, np.uint16)
    for a in range(first, end):
        own, mine = post[starts[a] : starts[a + 1]], found[starts[a] : starts[a + 1]]
        size: Any = row_posts(pre[a], every, len(own), own, graph, buffer, mine)
        if graph.tapered:
            size = thin(mine, _U0, np.uint64(size), _U0, pre[a], graph.taper)
        mine[size:] = -1


def existing(pre: Neurons, post: Neurons, graph: GraphArrays, threads: int) -> npt.NDArray[np.bool_]:
    """Return which of some synapses, sorted by ``(pre, post)``, are in a graph."""
    starts = np.append(np.flatnonzero(np.diff(pre, prepend=-1)), len(pre))
    found, most = np.full(len(pre), -1, np.int32), int(np.diff(starts).max(initial=0))
    in_parts(_look_up_own, len(starts) - 1, threads, pre[starts[:-1]], starts, post, np.arange(most), graph, found)
    if np.array_equal(found, post):
        return np.ones(len(pre), np.bool_)
    # Existing synapses come first among the posts of their neuron, as pairs of that neuron's number and a post.
    row = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    exist = found >= 0
    return np.isin(row * graph.n_target + post, row[exist] * graph.n_target + found[exist])
