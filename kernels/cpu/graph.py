"""Numba kernels that draw the implicit graph of `brainsim.kernels.law.graph`, bit for bit.

The innermost functions take the arrays of a graph one by one: if they were taken out of a tuple inside a loop, each use
would change a reference count.  They draw the random graph; rows of a tapered graph are thinned afterwards.

Positions are counted from the start of a block.  The stream of a recurrent row may contain the self-synapse, which is
not part of the graph.  Subtracting the block's base from the neuron, modulo ``2**64``, gives its position in its own
block and a number beyond every position in all others (see `_own_position`).
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled, inlined, inner, innermost
from brainsim.kernels.cpu.hashing import GOLDEN, Word, hash_of, mix64
from brainsim.kernels.cpu.taper import Taper, out_of_reach, taper_of, thin
from brainsim.kernels.law import graph as law
from brainsim.kernels.law.gaps import gap_table
from brainsim.kernels.law.share import first_of

Words = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.uint16]
Offsets = npt.NDArray[np.uint32]
Guide = npt.NDArray[np.uint16]
Heads = npt.NDArray[np.uint32]

_BLOCK_STEP = np.uint64(law.BLOCK_STEP)
_FINE0, _FINE1 = np.uint64(law.FINE[0]), np.uint64(law.FINE[1])
_LOW = np.uint64(0xFFFFFFFF)
_NOWHERE = np.uint64(1 << 63)
_U0, _U1 = np.uint64(0), np.uint64(1)
_S6, _S63 = np.uint64(6), np.uint64(63)
_S32 = np.uint64(32)


class GraphArrays(NamedTuple):
    """A `Graph` in the form the kernels take: plain numbers and the table of gaps (see `brainsim.kernels.law.gaps`).

    ``mean`` is the expected length of a row before it is thinned; see `brainsim.kernels.cpu.taper.taper_of`.  Targets
    are counted from neuron ``first``, which is 0 except for a `Share`; it begins a block.
    """

    key: np.uint64
    bits: np.uint64
    n_target: int
    recurrent: bool
    mean: float
    shift: np.uint64
    last: np.uint64
    guide: Guide
    heads: Heads
    thresholds: Words
    tapered: bool
    taper: Taper
    first: np.uint64

    @property
    def blocks(self) -> int:
        """Number of blocks in a row."""
        return -(-self.n_target >> int(self.bits))

    @property
    def room(self) -> int:
        """Synapses that a row has room for: 8 standard deviations above the mean, which is almost always enough."""
        return min(self.n_target, int(self.mean + 8 * sqrt(self.mean)) + 64)


def graph_arrays(graph: law.Graph) -> GraphArrays:
    """Return the arrays that the kernels need to draw ``graph``."""
    key, bits, mean, taper = np.uint64(graph.key), np.uint64(graph.bits), graph.n_target * graph.p, taper_of(graph)
    numbers = key, bits, graph.n_target, graph.recurrent, mean
    return GraphArrays(*numbers, *gap_table(graph.p), len(taper) > 0, taper, np.uint64(first_of(graph)))


@inlined
def row_key(graph: GraphArrays, pre: Any) -> Word:
    """Return the hash from which the streams of all blocks of neuron ``pre`` start."""
    return hash_of(graph.key, pre)


@inlined
def _block_state(graph: GraphArrays, row: Word, block: Any) -> Word:
    return mix64(row ^ ((np.uint64(block + 1) + (graph.first >> graph.bits)) * _BLOCK_STEP))


@inlined
def _own_position(graph: GraphArrays, pre: Any, base: Word) -> Word:
    """Return the position of the self-synapse in the block that begins at ``base``, beyond all others if elsewhere."""
    return np.uint64(pre) - graph.first - base if graph.recurrent else _NOWHERE


@inlined
def _gap(
    lane: Word, word: Word, fine: Word, shift: Word, last: Word, guide: Guide, heads: Heads, thresholds: Words
) -> Word:
    """Return how many targets are skipped before the next synapse.

    The guide table gives a gap that is at most the right one; comparing the upper 32 bits of the thresholds corrects
    it.  Only if these 32 bits are equal, once in some 10**8 gaps, a second hash gives the lower ones.
    """
    gap = np.uint64(guide[lane >> shift])
    gap += np.uint64(heads[gap] < lane)  # one step nearly always suffices, and it needs no branch
    while heads[gap] < lane:
        gap += _U1
    if heads[gap] == lane:
        uniform = (lane << _S32) | (mix64(word ^ fine) & _LOW)
        while gap < last and thresholds[gap] <= uniform:
            gap += _U1
    return gap


@inner
def _add_block(
    counts: Any,
    state: Word,
    at: Word,
    end: Word,
    step: Any,
    shift: Word,
    last: Word,
    guide: Guide,
    heads: Heads,
    thresholds: Words,
) -> None:
    """Add ``step`` to the counts of one block's synapses, which lie from ``at`` to before ``end``."""
    while True:
        state += GOLDEN
        word = mix64(state)
        at += _gap(word & _LOW, word, _FINE0, shift, last, guide, heads, thresholds)
        if at >= end:
            break
        counts[at] += step
        at += _gap(word >> _S32, word, _FINE1, shift, last, guide, heads, thresholds) + _U1
        if at >= end:
            break
        counts[at] += step
        at += _U1


@inner
def add_row(counts: Any, low: Word, high: Word, pre: Any, step: Any, graph: GraphArrays) -> None:
    """Add ``step`` to ``counts[j]`` for every synapse from ``pre`` to ``low <= j < high`` (whole blocks)."""
    if graph.tapered:
        _add_thinned_row(counts, low, high, pre, step, graph)
        return
    bits, shift, last = graph.bits, graph.shift, graph.last
    guide, heads, thresholds = graph.guide, graph.heads, graph.thresholds
    size = _U1 << bits
    row, own = row_key(graph, pre), np.uint64(pre) - graph.first
    # Only the self-synapse of a row changes the count of its own neuron, so restoring that count leaves it out.
    mine = graph.recurrent and low <= own < high
    before = counts[own] if mine else counts[low]
    for block in range(low >> bits, (high + size - _U1) >> bits):
        base = np.uint64(block) << bits
        end = min(base + size, high)
        _add_block(counts, _block_state(graph, row, block), base, end, step, shift, last, guide, heads, thresholds)
    if mine:
        counts[own] = before


@inner
def _add_thinned_row(counts: Any, low: Word, high: Word, pre: Any, step: Any, graph: GraphArrays) -> None:
    """Do what `add_row` does for a graph that is tapered."""
    bits, row = graph.bits, row_key(graph, pre)
    size = _U1 << bits
    positions = np.empty(size, np.uint16)
    for block in range(low >> bits, (high + size - _U1) >> bits):
        base = np.uint64(block) << bits
        for at in range(_draw_thinned(positions, _U0, graph, row, pre, base, min(size, high - base))):
            counts[base + positions[at]] += step


@innermost
def _draw_block(
    out: Positions,
    found: Word,
    state: Word,
    end: Word,
    shift: Word,
    last: Word,
    guide: Guide,
    heads: Heads,
    thresholds: Words,
) -> Word:
    """Append the positions of one block's synapses, below ``end``, to ``out``.

    Returns
    -------
    int
        Number of positions in ``out``, or ``len(out) + 1`` if there was not room for all.
    """
    at, room = _U0, np.uint64(len(out))
    while True:
        state += GOLDEN
        word = mix64(state)
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


@inner
def _without(positions: Positions, first: Word, end: Word, position: Word) -> Word:
    """Remove a position from ``positions[first:end]`` if it is there; return the new end."""
    kept = first
    for at in range(first, end):
        if positions[at] != position:
            positions[kept] = positions[at]
            kept += _U1
    return kept


@inlined
def draw_block(out: Positions, graph: GraphArrays, row: Word, pre: Any, block: Any, end: Word) -> Word:
    """Write the positions below ``end`` of a row's synapses in a block to ``out``, ascending; return their number.

    ``out`` has room for a whole block.  The row is that of the random graph, not thinned.
    """
    base = np.uint64(block) << graph.bits
    end, own = min(end, np.uint64(graph.n_target) - base), _own_position(graph, pre, base)
    table = (graph.shift, graph.last, graph.guide, graph.heads, graph.thresholds)
    used = _draw_block(out, _U0, _block_state(graph, row, block), end, *table)
    return _without(out, _U0, used, own) if own < end else used


@inner
def _draw_thinned(out: Positions, found: Word, graph: GraphArrays, row: Word, pre: Any, base: Word, end: Word) -> Word:
    """Do what `_draw_block` does for a block of a tapered graph, which begins at ``base``, without the self-synapse."""
    if out_of_reach(pre, base, end, graph.taper):
        return found
    own, room = _own_position(graph, pre, base), np.uint64(len(out))
    table = (graph.shift, graph.last, graph.guide, graph.heads, graph.thresholds)
    used = _draw_block(out, found, _block_state(graph, row, base >> graph.bits), end, *table)
    if used > room:
        return used
    if own < end:
        used = _without(out, found, used, own)
    return thin(out, found, used, base, pre, graph.taper)


@compiled
def draw_rows(
    first: int,
    end: int,
    positions: npt.NDArray[np.uint16],
    offsets: npt.NDArray[np.uint32],
    sources: npt.NDArray[np.int64],
    group: int,
    graph: GraphArrays,
) -> int:
    """Draw whole rows, block by block, for the groups of ``2**group`` blocks from ``first`` to before ``end``.

    Row ``r`` has its synapses in block ``b`` of group ``g`` at ``positions[g, offsets[b, r]:offsets[b, r + 1]]``,
    ascending and counted from the start of the block.

    Returns
    -------
    int
        Number of groups that did not have room for all positions.
    """
    shift, last = graph.shift, graph.last
    guide, heads, thresholds, tapered = graph.guide, graph.heads, graph.thresholds, graph.tapered
    size, failed = _U1 << graph.bits, 0
    for g in range(first, end):
        out, used = positions[g], _U0
        room = np.uint64(len(out))
        for block in range(g << group, min(len(offsets), (g + 1) << group)):
            base, starts = np.uint64(block) << graph.bits, offsets[block]
            stop = min(size, np.uint64(graph.n_target) - base)
            for r in range(len(sources)):
                starts[r] = used
                row = row_key(graph, sources[r])
                if tapered:
                    used = _draw_thinned(out, used, graph, row, sources[r], base, stop)
                    continue
                state = _block_state(graph, row, block)
                own = _own_position(graph, sources[r], base)
                # Once there is no room, `used` stays beyond it, and nothing more is written.
                used = _draw_block(out, used, state, stop, shift, last, guide, heads, thresholds)
                if own < stop and used <= room:
                    used = _without(out, np.uint64(starts[r]), used, own)
            starts[len(sources)] = used
        if used > room:
            failed += 1
    return failed


@inlined
def is_set(bits: Words, at: Word) -> Any:
    """Return whether a bit of a bitset of 64-bit words is set."""
    return (bits[at >> _S6] >> (at & _S63)) & _U1 != 0


@inner
def _scan_block(
    found: npt.NDArray[np.int32],
    size: Word,
    state: Word,
    at: Word,
    end: Word,
    own: Word,
    wanted: Words,
    shift: Word,
    last: Word,
    guide: Guide,
    heads: Heads,
    thresholds: Words,
) -> Word:
    """Append the targets of one block, from ``at`` to before ``end``, that are in ``wanted`` and not ``own``."""
    while True:
        state += GOLDEN
        word = mix64(state)
        at += _gap(word & _LOW, word, _FINE0, shift, last, guide, heads, thresholds)
        if at >= end:
            return size
        if is_set(wanted, at) and at != own:
            found[size] = at
            size += _U1
        at += _gap(word >> _S32, word, _FINE1, shift, last, guide, heads, thresholds) + _U1
        if at >= end:
            return size
        if is_set(wanted, at) and at != own:
            found[size] = at
            size += _U1
        at += _U1


@inlined
def scan_row(found: npt.NDArray[np.int32], wanted: Words, pre: Any, graph: GraphArrays) -> Word:
    """Write those targets of ``pre`` that are in the bitset ``wanted``, ascending; return their number.

    The row is not thinned, but blocks that are out of reach are skipped.
    """
    bits, shift, last = graph.bits, graph.shift, graph.last
    guide, heads, thresholds = graph.guide, graph.heads, graph.thresholds
    block_size, n, size, row = _U1 << bits, np.uint64(graph.n_target), _U0, row_key(graph, pre)
    own, tapered = _own_position(graph, pre, _U0), graph.tapered
    for block in range((n + block_size - _U1) >> bits):
        base = np.uint64(block) << bits
        state, end = _block_state(graph, row, block), min(base + block_size, n)
        if tapered and out_of_reach(pre, base, end - base, graph.taper):
            continue
        size = _scan_block(found, size, state, base, end, own, wanted, shift, last, guide, heads, thresholds)
    return size


def row_targets(graph: GraphArrays, pre: int) -> npt.NDArray[np.int64]:
    """Return all targets of ``pre``, ascending."""
    offsets, room = np.empty((graph.blocks, 2), np.uint32), graph.room
    row, group = np.array([pre], np.int64), graph.blocks.bit_length()
    while True:
        positions = np.empty((1, room), np.uint16)
        if not draw_rows(0, 1, positions, offsets, row, group, graph):
            break
        room *= 2
    base = np.arange(graph.blocks, dtype=np.int64) << int(graph.bits)
    lengths = offsets[:, 1] - offsets[:, 0]
    return np.asarray(np.repeat(base, lengths) + positions[0, : lengths.sum()], np.int64)
