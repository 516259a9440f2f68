"""Looking synapses up one by one: which of a few targets a neuron reaches.

A block of a row can be drawn without those before it.  So a look-up costs one block, and is worth it as long as there
are fewer targets than blocks in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.graph import GraphArrays, Positions, draw_block, row_key
from brainsim.kernels.cpu.hashing import Word
from brainsim.kernels.cpu.taper import thin
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.state import Neurons

MOST_PAIRS = 1 << 24  # looked at together; bounds the memory for what is found
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
    return np.concatenate([pre[:0], *(gathered(*found) for found in _looked_up(pre, posts, graph, threads))])


def existing(pre: Neurons, post: Neurons, graph: GraphArrays, threads: int) -> npt.NDArray[np.bool_]:
    """Return which of some synapses, sorted by ``(pre, post)``, are in a graph."""
    sources, starts = np.unique(pre, return_index=True)
    posts, column = np.unique(post, return_inverse=True)
    exist, low = np.zeros(len(pre), np.bool_), 0
    for found, sizes in _looked_up(sources, posts, graph, threads):
        high = low + len(sizes)
        part = slice(starts[low], starts[high] if high < len(starts) else len(pre))
        table = np.zeros((len(sizes), len(posts)), np.bool_)
        table[np.repeat(np.arange(len(sizes)), sizes), np.searchsorted(posts, gathered(found, sizes))] = True
        rows = np.repeat(np.arange(len(sizes)), np.diff(starts[low:high], append=part.stop))
        exist[part] = table[rows, column[part]]
        low = high
    return exist


def _looked_up(pre: Neurons, posts: Neurons, graph: GraphArrays, threads: int) -> Iterator[tuple[Found, Neurons]]:
    """Yield, for some neurons at a time, their targets among ``posts`` (ascending) as `gathered` takes them."""
    step, every = max(1, MOST_PAIRS // max(1, len(posts))), np.arange(len(posts))
    for low in range(0, len(pre), step):
        some = pre[low : low + step]
        found, sizes = np.empty((len(some), len(posts)), np.int32), np.empty(len(some), np.int64)
        in_parts(_look_up, len(some), threads, some, posts, every, graph, found, sizes)
        yield found, sizes
