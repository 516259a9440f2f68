"""Numba kernels that draw the implicit graph of `brainsim.kernels.connectome`, bit for bit.

All hash arithmetic is on ``np.uint64``; Numba would turn a mixture of signed and unsigned 64-bit integers into floats.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import prange

from brainsim.kernels import connectome as law
from brainsim.kernels.cpu.compiling import compiled

_MUL1 = np.uint64(0xBF58476D1CE4E5B9)
_MUL2 = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(law.GOLDEN)
_BLOCK_STEP = np.uint64(law.BLOCK_STEP)
_U0, _U1, _U6, _U63 = np.uint64(0), np.uint64(1), np.uint64(6), np.uint64(63)
_S30, _S27, _S31, _S56 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(56)
_WORDS = (1 << law.MAX_BLOCK_BITS) // 64


class GraphArrays(NamedTuple):
    """A `Graph` in the form the kernels take: plain integers and two tables.

    ``guide[t]`` is the smallest count that a hash with top byte ``t`` can mean: a look-up compares once or twice.
    """

    key: np.uint64
    bits: int
    n_target: int
    recurrent: bool
    thresholds: npt.NDArray[np.uint64]
    guide: npt.NDArray[np.int32]


def graph_arrays(graph: law.Graph) -> GraphArrays:
    """Return the arrays that the kernels need to draw ``graph``."""
    lowest = np.arange(256, dtype=np.uint64) << np.uint64(56)
    guide = np.searchsorted(graph.thresholds, lowest, side="right").astype(np.int32)
    return GraphArrays(np.uint64(graph.key), graph.bits, graph.n_target, graph.recurrent, graph.thresholds, guide)


@compiled(inline="always")
def _mix64(x):  # type: ignore[no-untyped-def]
    x = (x ^ (x >> _S30)) * _MUL1
    x = (x ^ (x >> _S27)) * _MUL2
    return x ^ (x >> _S31)


@compiled(inline="always")
def row_key(graph, pre):  # type: ignore[no-untyped-def]
    """Return the hash that all blocks of neuron ``pre`` start from."""
    return _mix64(graph.key + np.uint64(pre + 1) * _GOLDEN)


@compiled(inline="always")
def draw_block(graph, row, block, seen, out):  # type: ignore[no-untyped-def]
    """Write the positions of one block's synapses into ``out`` and return their number.

    ``seen`` is a bitset of the block, all zero on entry and on return.
    """
    state = _mix64(row ^ (np.uint64(block + 1) * _BLOCK_STEP))
    count = int(graph.guide[state >> _S56])
    limit = len(graph.thresholds)
    while count < limit and graph.thresholds[count] <= state:
        count += 1
    size = np.int64(1) << graph.bits
    wanted = min(count, size - count)
    bits = np.uint64(graph.bits)
    mask = (_U1 << bits) - _U1
    fields = 64 // graph.bits
    found = 0
    while found < wanted:
        state += _GOLDEN
        word = _mix64(state)
        for _ in range(fields):
            position = word & mask
            word >>= bits
            bit = _U1 << (position & _U63)
            cell = position >> _U6
            if seen[cell] & bit == _U0 and found < wanted:
                seen[cell] |= bit
                out[found] = np.int32(position)
                found += 1
    if wanted < count:
        found = 0
        for position in range(size):
            if seen[position >> 6] & (_U1 << (np.uint64(position) & _U63)) == _U0:
                out[found] = position
                found += 1
        seen[: size >> 6] = _U0
    else:
        for at in range(found):
            seen[out[at] >> 6] = _U0
    return found


@compiled()
def scratch(graph):  # type: ignore[no-untyped-def]
    """Return a cleared bitset and a buffer for the positions of one block."""
    return np.zeros(_WORDS, np.uint64), np.empty(1 << graph.bits, np.int32)


@compiled(parallel=True)
def add_rows(counts, sources, step, graph, tile):  # type: ignore[no-untyped-def]
    """Add ``step`` to ``counts[j]`` for every synapse from a neuron of ``sources`` to ``j``.

    Each thread owns tiles of targets and walks all sources over them, so no two threads write one count.
    """
    tiles = (graph.n_target + tile - 1) // tile
    for t in prange(tiles):
        seen, out = scratch(graph)
        low = t * tile
        high = min(graph.n_target, low + tile)
        size = 1 << graph.bits
        first, last = low >> graph.bits, (high + size - 1) >> graph.bits
        for at in range(len(sources)):
            pre = sources[at]
            row = row_key(graph, pre)
            for block in range(first, last):
                base = block << graph.bits
                found = draw_block(graph, row, block, seen, out)
                if base + size <= high:
                    for f in range(found):
                        counts[base + out[f]] += step
                else:
                    for f in range(found):
                        if base + out[f] < high:
                            counts[base + out[f]] += step
            if graph.recurrent and low <= pre < high and _in_block(graph, row, pre, seen, out):
                counts[pre] -= step


@compiled()
def row_targets(graph, pre):  # type: ignore[no-untyped-def]
    """Return all targets of ``pre``, ascending."""
    seen, out = scratch(graph)
    targets = [np.int64(0) for _ in range(0)]
    key = row_key(graph, pre)
    for block in range((graph.n_target + (1 << graph.bits) - 1) >> graph.bits):
        found = draw_block(graph, key, block, seen, out)
        for position in np.sort(out[:found]):
            post = (block << graph.bits) + position
            if post < graph.n_target and not (graph.recurrent and post == pre):
                targets.append(post)
    return np.array(targets, np.int64)


@compiled()
def difference(ours, theirs):  # type: ignore[no-untyped-def]
    """Return the neurons of ``ours`` that are not in ``theirs``; both ascending."""
    kept = np.empty(len(ours), np.int64)
    size, at = 0, 0
    for neuron in ours:
        while at < len(theirs) and theirs[at] < neuron:
            at += 1
        if at == len(theirs) or theirs[at] != neuron:
            kept[size] = neuron
            size += 1
    return kept[:size]


@compiled()
def _in_block(graph, row, post, seen, out):  # type: ignore[no-untyped-def]
    position = post & ((1 << graph.bits) - 1)
    found = draw_block(graph, row, post >> graph.bits, seen, out)
    for f in range(found):
        if out[f] == position:
            return True
    return False
