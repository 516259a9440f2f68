"""Rows of the random graph in NumPy: those of `Graph.row`, all blocks of a row at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import BLOCK_STEP, FINE, GOLDEN, MIX1, MIX2, Graph, mix64

_LOW = np.uint64(0xFFFFFFFF)
_S32 = np.uint64(32)
_MASK = (1 << 64) - 1

_Words = npt.NDArray[np.uint64]


def row_targets(graph: Graph, pre: int) -> npt.NDArray[np.int64]:
    """Return all targets of neuron ``pre``, ascending."""
    blocks = np.arange(-(-graph.n_target >> graph.bits), dtype=np.uint64)
    row_key = mix64((graph.key + (pre + 1) * GOLDEN) & _MASK)
    states = _mix(np.uint64(row_key) ^ ((blocks + np.uint64(1)) * np.uint64(BLOCK_STEP)))
    found = _positions(graph, states, blocks.astype(np.int64) << graph.bits)
    found = np.sort(found[found < graph.n_target])
    return graph.thinned(pre, found[found != pre] if graph.recurrent else found)


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
            inside = at < size  # a block that has ended never comes back, since its position only grows
            found.append(bases[inside] + at[inside])
        inside = at < size
        states, bases, at = states[inside], bases[inside], at[inside]
    return np.concatenate(found)


def _mix(x: _Words) -> _Words:
    """Return `mix64` of each word."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX2)
    return x ^ (x >> np.uint64(31))
