"""The random graph in NumPy, many blocks at a time: the rows of `Graph.row`, and which of many synapses exist."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import BLOCK_STEP, FINE, GOLDEN, MIX1, MIX2, Graph, mix64
from brainsim.kernels.law.selection import hashes
from brainsim.kernels.law.share import Share

_LOW = np.uint64(0xFFFFFFFF)
_S32 = np.uint64(32)
_MASK = (1 << 64) - 1

_MOST_BLOCKS, _MOST_TARGETS = 1 << 14, 1 << 24
"""Number of blocks drawn at a time, and their largest number of targets: these bound the memory to 16 MiB."""

_Words = npt.NDArray[np.uint64]
_Neurons = npt.NDArray[np.int64]


def row_targets(graph: Graph, pre: int) -> npt.NDArray[np.int64]:
    """Return all targets of neuron ``pre``, ascending."""
    blocks = np.arange(-(-graph.n_target >> graph.bits), dtype=np.uint64)
    row_key = mix64((graph.key + (pre + 1) * GOLDEN) & _MASK)
    states = _mix(np.uint64(row_key) ^ ((blocks + np.uint64(1)) * np.uint64(BLOCK_STEP)))
    found = _positions(graph, states, blocks.astype(np.int64) << graph.bits)
    found = np.sort(found[found < graph.n_target])
    return graph.thinned(pre, found[found != pre] if graph.recurrent else found)


def existing(graph: Graph, pre: _Neurons, post: _Neurons) -> npt.NDArray[np.bool_]:
    """Return which of some synapses ``pre -> post`` are in the graph.

    Parameters
    ----------
    graph : Graph
        A random graph.
    pre, post : ndarray of int64, shape (synapses,)
        Neurons within the two areas, in any order; quickest sorted by ``(pre, post)``.

    Returns
    -------
    ndarray of bool, shape (synapses,)
    """
    if isinstance(graph, Share):
        return existing(graph.whole, pre, post + graph.first)
    exist = np.zeros(len(pre), np.bool_)
    blocks = post >> graph.bits
    # Adjacent synapses of one neuron to one block need only one drawing of that block.
    starts = np.flatnonzero(np.diff(pre, prepend=-1).astype(np.bool_) | np.diff(blocks, prepend=-1).astype(np.bool_))
    step = min(_MOST_BLOCKS, _MOST_TARGETS >> graph.bits)
    for first in range(0, len(starts), step):
        some = starts[first : first + step]
        part = slice(some[0], starts[first + step] if first + step < len(starts) else len(pre))
        drawn = _drawn(graph, pre[some], blocks[some])
        at = np.repeat(np.arange(len(some)), np.diff(some, append=part.stop))
        exist[part] = drawn[at, post[part] & ((1 << graph.bits) - 1)]
    if graph.recurrent:
        exist &= pre != post
    return exist & graph.kept(pre, post)


def _drawn(graph: Graph, pre: _Neurons, blocks: _Neurons) -> npt.NDArray[np.bool_]:
    """Return the targets of some neurons in a block each, as one row of truth values for each block."""
    keys = hashes(graph.key, pre)
    states = _mix(keys ^ ((blocks.astype(np.uint64) + np.uint64(1)) * np.uint64(BLOCK_STEP)))
    drawn = np.zeros(len(pre) << graph.bits, np.bool_)
    drawn[_positions(graph, states, np.arange(len(pre)) << graph.bits)] = True
    return drawn.reshape(len(pre), -1)


def _positions(graph: Graph, states: _Words, bases: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the synapses of some blocks, which begin at ``bases``, in any order."""
    thresholds, size = np.array(graph.thresholds, np.uint64), 1 << graph.bits
    at = np.full(len(states), -1, np.int64)
    found = [np.empty(0, np.int64)]
    while len(states):
        states = states + np.uint64(GOLDEN)
        words = _mix(states)
        for lanes, fine in zip((words & _LOW, words >> _S32), FINE, strict=True):
            uniform = (lanes << _S32) | (_mix(words ^ np.uint64(fine)) & _LOW)
            at = at + 1 + np.searchsorted(thresholds, uniform, side="right")
            inside = at < size  # positions only grow, so a block that has ended stays ended
            found.append(bases[inside] + at[inside])
        inside = at < size
        states, bases, at = states[inside], bases[inside], at[inside]
    return np.concatenate(found)


def _mix(x: _Words) -> _Words:
    """Return `mix64` of each word."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX2)
    return x ^ (x >> np.uint64(31))
