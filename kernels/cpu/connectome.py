"""Numba kernels that draw the implicit graph of `brainsim.kernels.law.graph`, bit for bit.

All hash arithmetic is on ``np.uint64``; Numba would turn a mixture of signed and unsigned 64-bit integers into floats,
and test every signed index for being negative.  The innermost functions take the arrays of a graph one by one: taken
out of a tuple inside a loop, each use would count a reference.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.law import graph as law
from brainsim.kernels.law.gaps import gap_table

_MUL1 = np.uint64(0xBF58476D1CE4E5B9)
_MUL2 = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(law.GOLDEN)
_BLOCK_STEP = np.uint64(law.BLOCK_STEP)
_FINE0, _FINE1 = np.uint64(law.FINE[0]), np.uint64(law.FINE[1])
_LOW = np.uint64(0xFFFFFFFF)
_U1 = np.uint64(1)
_S6, _S63 = np.uint64(6), np.uint64(63)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)


class GraphArrays(NamedTuple):
    """A `Graph` in the form the kernels take: plain numbers and the table of gaps (see `brainsim.kernels.law.gaps`).

    ``mean`` is the expected length of a row.
    """

    key: np.uint64
    bits: np.uint64
    n_target: int
    recurrent: bool
    mean: float
    shift: np.uint64
    last: np.uint64
    guide: npt.NDArray[np.uint16]
    heads: npt.NDArray[np.uint32]
    thresholds: npt.NDArray[np.uint64]

    @property
    def blocks(self) -> int:
        """Number of blocks in a row."""
        return -(-self.n_target >> int(self.bits))

    @property
    def room(self) -> int:
        """Synapses that a row has room for: 8 standard deviations above the mean, which nearly never fails."""
        return min(self.n_target, int(self.mean + 8 * sqrt(self.mean)) + 64)


def graph_arrays(graph: law.Graph) -> GraphArrays:
    """Return the arrays that the kernels need to draw ``graph``."""
    key, bits, mean = np.uint64(graph.key), np.uint64(graph.bits), graph.n_target * graph.p
    return GraphArrays(key, bits, graph.n_target, graph.recurrent, mean, *gap_table(graph.p))


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
def _block_state(row, block):  # type: ignore[no-untyped-def]
    return _mix64(row ^ (np.uint64(block + 1) * _BLOCK_STEP))


@compiled(inline="always")
def _gap(lane, word, fine, shift, last, guide, heads, thresholds):  # type: ignore[no-untyped-def]
    gap = np.uint64(guide[lane >> shift])
    gap += np.uint64(heads[gap] < lane)
    while heads[gap] < lane:
        gap += _U1
    if heads[gap] == lane:
        uniform = (lane << _S32) | (_mix64(word ^ fine) & _LOW)
        while gap < last and thresholds[gap] <= uniform:
            gap += _U1
    return gap


@compiled()
def _add_block(counts, state, at, end, step, shift, last, guide, heads, thresholds):  # type: ignore[no-untyped-def]
    """Add ``step`` to the counts of one block's synapses, which lie from ``at`` to before ``end``."""
    while True:
        state += _GOLDEN
        word = _mix64(state)
        at += _gap(word & _LOW, word, _FINE0, shift, last, guide, heads, thresholds)
        if at >= end:
            break
        counts[at] += step
        at += _gap(word >> _S32, word, _FINE1, shift, last, guide, heads, thresholds) + _U1
        if at >= end:
            break
        counts[at] += step
        at += _U1


@compiled()
def add_rows(counts, low, high, sources, step, graph):  # type: ignore[no-untyped-def]
    """Add ``step`` to ``counts[j]`` for every synapse from ``sources`` to ``low <= j < high`` (whole blocks)."""
    bits, shift, last = graph.bits, graph.shift, graph.last
    guide, heads, thresholds = graph.guide, graph.heads, graph.thresholds
    size = _U1 << bits
    for pre in sources:
        row = row_key(graph, pre)
        for block in range(low >> bits, (high + size - _U1) >> bits):
            base = np.uint64(block) << bits
            end = min(base + size, high)
            _add_block(counts, _block_state(row, block), base, end, step, shift, last, guide, heads, thresholds)
        if graph.recurrent and low <= np.uint64(pre) < high and _to_itself(graph, row, pre):
            counts[pre] -= step


@compiled()
def _draw_block(out, found, state, end, shift, last, guide, heads, thresholds):  # type: ignore[no-untyped-def]
    """Append the positions below ``end`` of one block's synapses to ``out``; return its length, or ``len(out) + 1``."""
    at, room = np.uint64(0), np.uint64(len(out))
    while True:
        state += _GOLDEN
        word = _mix64(state)
        at += _gap(word & _LOW, word, _FINE0, shift, last, guide, heads, thresholds)
        if at >= end:
            return found
        if found >= room:
            return room + _U1
        out[found] = at
        found += _U1
        at += _gap(word >> _S32, word, _FINE1, shift, last, guide, heads, thresholds) + _U1
        if at >= end:
            return found
        if found >= room:
            return room + _U1
        out[found] = at
        found += _U1
        at += _U1


@compiled()
def draw_block(out, graph, row, pre, block, end):  # type: ignore[no-untyped-def]
    """Write the positions below ``end`` of a row's synapses in a block to ``out``, ascending; return their number."""
    base = np.uint64(block) << graph.bits
    end = min(end, np.uint64(graph.n_target) - base)
    table = (graph.shift, graph.last, graph.guide, graph.heads, graph.thresholds)
    used = _draw_block(out, np.uint64(0), _block_state(row, block), end, *table)
    if graph.recurrent and base <= np.uint64(pre) < base + end:
        used = _without(out, np.uint64(0), used, np.uint64(pre) - base)
    return used


@compiled(inline="always")
def is_set(bits, at):  # type: ignore[no-untyped-def]
    """Return whether a bit of a bitset of 64-bit words is set."""
    return (bits[at >> _S6] >> (at & _S63)) & _U1 != 0


@compiled()
def _scan_block(found, size, state, at, end, wanted, shift, last, guide, heads, thresholds):  # type: ignore[no-untyped-def]
    """Append the targets of one block, from ``at`` to before ``end``, that are in the bitset ``wanted``."""
    while True:
        state += _GOLDEN
        word = _mix64(state)
        at += _gap(word & _LOW, word, _FINE0, shift, last, guide, heads, thresholds)
        if at >= end:
            return size
        if is_set(wanted, at):
            found[size] = at
            size += _U1
        at += _gap(word >> _S32, word, _FINE1, shift, last, guide, heads, thresholds) + _U1
        if at >= end:
            return size
        if is_set(wanted, at):
            found[size] = at
            size += _U1
        at += _U1


@compiled()
def scan_row(found, wanted, pre, graph):  # type: ignore[no-untyped-def]
    """Write those targets of ``pre`` that are in the bitset ``wanted``, ascending; return their number."""
    bits, shift, last = graph.bits, graph.shift, graph.last
    guide, heads, thresholds = graph.guide, graph.heads, graph.thresholds
    block_size, n, size, row = _U1 << bits, np.uint64(graph.n_target), np.uint64(0), row_key(graph, pre)
    for block in range((n + block_size - _U1) >> bits):
        base = np.uint64(block) << bits
        state, end = _block_state(row, block), min(base + block_size, n)
        size = _scan_block(found, size, state, base, end, wanted, shift, last, guide, heads, thresholds)
    return _without(found, np.uint64(0), size, np.uint64(pre)) if graph.recurrent else size


@compiled()
def _without(positions, first, end, position):  # type: ignore[no-untyped-def]
    """Remove a position from ``positions[first:end]`` if it is there; return the new end."""
    kept = first
    for at in range(first, end):
        if positions[at] != position:
            positions[kept] = positions[at]
            kept += _U1
    return kept


@compiled()
def _to_itself(graph, row, pre):  # type: ignore[no-untyped-def]
    """Return whether the stream of a recurrent row holds the self-synapse, which is no part of the graph."""
    block, size = np.uint64(pre) >> graph.bits, _U1 << graph.bits
    position, out = np.uint64(pre) & (size - _U1), np.empty(size, np.uint16)
    table = (graph.shift, graph.last, graph.guide, graph.heads, graph.thresholds)
    used = _draw_block(out, np.uint64(0), _block_state(row, block), position + _U1, *table)
    return used > 0 and out[used - _U1] == position


@compiled()
def draw_row(positions, offsets, pre, graph):  # type: ignore[no-untyped-def]
    """Write a row: its synapses in block ``b`` are at ``positions[offsets[b]:offsets[b + 1]]``, ascending.

    Returns
    -------
    bool
        Whether ``positions`` had room for all.
    """
    bits, shift, last = graph.bits, graph.shift, graph.last
    guide, heads, thresholds = graph.guide, graph.heads, graph.thresholds
    size, n, used, row = _U1 << bits, np.uint64(graph.n_target), np.uint64(0), row_key(graph, pre)
    for block in range(len(offsets) - 1):
        offsets[block] = used
        base = np.uint64(block) << bits
        end, state = min(size, n - base), _block_state(row, block)
        used = _draw_block(positions, used, state, end, shift, last, guide, heads, thresholds)
        if used > len(positions):
            return False
        if graph.recurrent and base <= np.uint64(pre) < base + size:
            used = _without(positions, np.uint64(offsets[block]), used, np.uint64(pre) - base)
    offsets[len(offsets) - 1] = used
    return True


@compiled()
def draw_rows_of_block(positions, used, offsets, sources, block, graph):  # type: ignore[no-untyped-def]
    """Append one block of some rows: that of row ``r`` is at ``positions[offsets[r]:offsets[r + 1]]``, ascending.

    Returns
    -------
    int
        How many positions are used now, or ``len(positions) + 1`` if there was not room for all.
    """
    shift, last = graph.shift, graph.last
    guide, heads, thresholds = graph.guide, graph.heads, graph.thresholds
    base, size = np.uint64(block) << graph.bits, _U1 << graph.bits
    end = min(size, np.uint64(graph.n_target) - base)
    for r in range(len(sources)):
        offsets[r] = used
        pre = np.uint64(sources[r])
        state = _block_state(row_key(graph, pre), block)
        used = _draw_block(positions, used, state, end, shift, last, guide, heads, thresholds)
        if used > len(positions):
            break
        if graph.recurrent and base <= pre < base + size:
            used = _without(positions, np.uint64(offsets[r]), used, pre - base)
    offsets[len(sources)] = used
    return used


def row_targets(graph: GraphArrays, pre: int) -> npt.NDArray[np.int64]:
    """Return all targets of ``pre``, ascending."""
    offsets, positions = np.empty(graph.blocks + 1, np.int32), np.empty(graph.room, np.uint16)
    while not draw_row(positions, offsets, pre, graph):
        positions = np.empty(2 * len(positions), np.uint16)
    base = np.arange(graph.blocks, dtype=np.int64) << int(graph.bits)
    return np.asarray(np.repeat(base, np.diff(offsets)) + positions[: offsets[-1]], np.int64)
