"""Numba kernels that search kept rows for winners: which synapses of some neurons onto some others exist.

In each block, all rows of a batch that fire are searched together.  If the block has few winners, each is compared with
whole vectors of positions; if it has many, every synapse in the block is read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.graph import Offsets, Positions
from brainsim.kernels.cpu.hashing import Word
from brainsim.kernels.cpu.rows import LANES, Places, follows, kept_block
from brainsim.kernels.cpu.sets import Flags
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.state import Neurons

_MOST_LOOKED_FOR = 14  # winners in a block; for more, walking is faster
_LANES = np.uint64(LANES)
_U1 = np.uint64(1)
_ROW, _POST = np.uint64(31), np.uint64((1 << 31) - 1)  # a synapse: its row, and in the low bits its target
Found = npt.NDArray[np.uint64]
Edges = npt.NDArray[np.int64]


@inlined
def _vector_holds(positions: Positions, first: Any, position: Any) -> Any:
    hit = np.uint16(0)
    for at in range(first, first + _LANES):  # no early exit, so that this becomes vector instructions
        hit = np.uint16(hit | np.uint16(positions[at] == position))
    return hit != 0


@inlined
def _row_of(offsets: Offsets, low: Word, high: Word, at: Any) -> Word:
    """Return the row among ``low`` to before ``high`` to which a position belongs."""
    while high - low > _U1:
        middle = (low + high) >> _U1
        if offsets[middle] <= at:
            low = middle
        else:
            high = middle
    return low


@inner
def _look_for(
    found: Found,
    size: Word,
    positions: Positions,
    offsets: Offsets,
    row: Word,
    end_row: Word,
    first_row: Word,
    posts: Neurons,
    mask: Word,
) -> Word:
    """Append the synapses of a run of rows onto some winners of a block, winner by winner.

    The rows of a run lie one after the other, so each winner is compared with all of their positions in one pass.  The
    last vector of a pass may read beyond the run; hits there are ignored.
    """
    begin, end = np.uint64(offsets[row]), np.uint64(offsets[end_row])
    for m in range(np.uint64(len(posts))):
        post = np.uint64(posts[m])
        position = np.uint16(post & mask)
        for first in range(begin, end, _LANES):
            if _vector_holds(positions, first, position):
                for at in range(first, min(first + _LANES, end)):
                    if positions[at] == position:
                        a = first_row + _row_of(offsets, row, end_row, at) - row
                        found[size] = (a << _ROW) | post
                        size += _U1
    return size


@inlined
def _walk(
    found: Found,
    size: Word,
    positions: Positions,
    offsets: Offsets,
    row: Word,
    end_row: Word,
    first_row: Word,
    base: Word,
    marks: npt.NDArray[np.uint8],
    level: int,
) -> Word:
    """Append the synapses of a run of rows onto the winners that are marked with at least some level."""
    for r in range(row, end_row):
        a = first_row + r - row
        for at in range(np.uint64(offsets[r]), np.uint64(offsets[r + _U1])):
            if marks[positions[at]] >= level:
                found[size] = (a << _ROW) | (base + np.uint64(positions[at]))
                size += _U1
    return size


@inlined
def _runs(places: Places, seen: Flags) -> Edges:
    """Return where runs of rows begin that lie one after the other in a batch and are of one kind, and the end."""
    batch, row = places.batch, places.row
    starts, size = np.empty(len(batch) + 1, np.int64), 0
    for a in range(len(batch)):
        if a == 0 or not follows(batch, row, a) or seen[a] != seen[a - 1]:
            starts[size] = a
            size += 1
    starts[size] = len(batch)
    return starts[: size + 1]


@inner
def _search_block(
    found: Found,
    size: Word,
    block: int,
    places: Places,
    seen: Flags,
    starts: Edges,
    pending: Neurons,
    new: Neurons,
    bits: Word,
    marks: npt.NDArray[np.uint8],
) -> Word:
    """Append what is found in a block; ``pending`` and ``new`` are the winners in it."""
    batch, row, batches = places.batch, places.row, places.batches
    base, mask = np.uint64(block) << bits, (_U1 << bits) - _U1
    for post in pending:
        marks[np.uint64(post) & mask] = 1
    for post in new:
        marks[np.uint64(post) & mask] = 2
    for run in range(len(starts) - 1):
        start, end = starts[run], starts[run + 1]
        posts, level = (new, 2) if seen[start] else (pending, 1)
        positions, offsets = kept_block(batches[batch[start]], block)
        first_row, end_row, at = np.uint64(row[start]), np.uint64(row[start] + end - start), np.uint64(start)
        if len(posts) > _MOST_LOOKED_FOR:
            size = _walk(found, size, positions, offsets, first_row, end_row, at, base, marks, level)
        elif len(posts):
            size = _look_for(found, size, positions, offsets, first_row, end_row, at, posts, mask)
    for post in pending:
        marks[np.uint64(post) & mask] = 0
    return size


@compiled
def _search_blocks(
    first: int,
    end: int,
    places: Places,
    seen: Flags,
    pending: Neurons,
    edges: Edges,
    new: Neurons,
    new_edges: Edges,
    bits: Word,
    found: Found,
) -> tuple[Any, Any]:
    """Search some blocks of kept rows for synapses onto ``pending`` winners; in seen rows, onto ``new`` ones only.

    The winners in block ``b`` begin at ``edges[b]`` and ``new_edges[b]``.  A block holds at most a synapse for each row
    and winner, which says where the room of each range of blocks begins in ``found``.

    Returns
    -------
    begin, end : int
        Where in ``found`` the synapses are.
    """
    starts, marks, size = _runs(places, seen), np.zeros(_U1 << bits, np.uint8), np.uint64(0)
    begin = len(seen) * edges[first]
    room = found[begin:]
    for block in range(first, end):
        here = pending[edges[block] : edges[block + 1]]
        new_here = new[new_edges[block] : new_edges[block + 1]]
        if len(here):
            size = _search_block(room, size, block, places, seen, starts, here, new_here, bits, marks)
    return begin, begin + np.int64(size)


def search_kept(
    pre: Neurons,
    places: Places,
    seen: Flags,
    pending: Neurons,
    new: Neurons,
    blocks: int,
    bits: np.uint64,
    threads: int,
) -> tuple[Neurons, Neurons]:
    """Return the synapses of neurons whose rows are kept onto winners, as pairs.

    Parameters
    ----------
    pre : int64 array
        The neurons, ascending.
    places : Places
        Where their rows are kept.
    seen : bool array
        For which of them only the ``new`` winners matter, and not all ``pending`` ones.
    pending, new : int64 array
        Winners, ascending; ``new`` is a subset of ``pending``.
    blocks, bits : int
        Of the graph.
    threads : int
        How many to use.

    Returns
    -------
    pre, post : int64 array
        One item for each synapse; equal presynaptic neurons come together.
    """
    order = np.argsort((places.batch << 32) + places.row)  # as the rows lie in their batches
    borders = np.arange(blocks + 1) << int(bits)
    winners = pending, np.searchsorted(pending, borders), new, np.searchsorted(new, borders)
    room = np.empty(len(pre) * len(pending), np.uint64)
    ranges = in_parts(_search_blocks, blocks, threads, places.take(order), seen[order], *winners, bits, room)
    found = np.concatenate([room[begin:end] for begin, end in ranges])
    found.sort()
    return pre[order][(found >> _ROW).astype(np.int64)], (found & _POST).astype(np.int64)
