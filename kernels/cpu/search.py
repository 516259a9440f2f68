"""Numba kernels that search kept rows for winners: which synapses of some neurons onto some others exist.

Block after block, all rows of a batch that fire are searched together.  A few winners in a block are looked for one by
one, comparing whole vectors of positions; for many, every synapse in the block is looked at.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.rows import LANES, Places, follows, kept_block
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.state import Neurons

_MOST_LOOKED_FOR = 14  # winners in a block; for more, walking is faster
_LANES = np.uint64(LANES)
_U1 = np.uint64(1)
_ROW, _POST = np.uint64(31), np.uint64((1 << 31) - 1)  # what is found: a row, and in the low bits a target


@inlined
def _vector_holds(positions, first, position):  # type: ignore[no-untyped-def]
    hit = np.uint16(0)
    for at in range(first, first + _LANES):  # a fixed number and no way out: so this becomes vector instructions
        hit = np.uint16(hit | np.uint16(positions[at] == position))
    return hit != 0


@inlined
def _row_of(offsets, low, high, at):  # type: ignore[no-untyped-def]
    """Return the row among ``low`` to before ``high`` to which a position belongs."""
    while high - low > _U1:
        middle = (low + high) >> _U1
        if offsets[middle] <= at:
            low = middle
        else:
            high = middle
    return low


@inner
def _look_for(found, size, positions, offsets, row, end_row, first_row, posts, mask):  # type: ignore[no-untyped-def]
    """Append the synapses of a run of rows onto some winners of a block, winner by winner."""
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
def _walk(found, size, positions, offsets, row, end_row, first_row, base, marks, level):  # type: ignore[no-untyped-def]
    """Append the synapses of a run of rows onto the winners that are marked with at least some level."""
    for r in range(row, end_row):
        a = first_row + r - row
        for at in range(np.uint64(offsets[r]), np.uint64(offsets[r + _U1])):
            if marks[positions[at]] >= level:
                found[size] = (a << _ROW) | (base + np.uint64(positions[at]))
                size += _U1
    return size


@inlined
def _runs(kept, old):  # type: ignore[no-untyped-def]
    """Return where runs of rows begin that lie one after the other in a batch and are of one kind, and the end."""
    batch, row = kept.batch, kept.row
    starts, size = np.empty(len(batch) + 1, np.int64), 0
    for a in range(len(batch)):
        if a == 0 or not follows(batch, row, a) or old[a] != old[a - 1]:
            starts[size] = a
            size += 1
    starts[size] = len(batch)
    return starts[: size + 1]


@inner
def _search_block(found, size, block, kept, old, starts, every, fresh, bits, marks):  # type: ignore[no-untyped-def]
    """Append what is found in a block; ``every`` and ``fresh`` are the winners in it."""
    batch, row, batches = kept.batch, kept.row, kept.batches
    base, mask = np.uint64(block) << bits, (_U1 << bits) - _U1
    for post in every:
        marks[np.uint64(post) & mask] = 1
    for post in fresh:
        marks[np.uint64(post) & mask] = 2
    for run in range(len(starts) - 1):
        start, end = starts[run], starts[run + 1]
        posts, level = (fresh, 2) if old[start] else (every, 1)
        positions, offsets = kept_block(batches[batch[start]], block)
        first_row, end_row, at = np.uint64(row[start]), np.uint64(row[start] + end - start), np.uint64(start)
        if len(posts) > _MOST_LOOKED_FOR:
            size = _walk(found, size, positions, offsets, first_row, end_row, at, base, marks, level)
        elif len(posts):
            size = _look_for(found, size, positions, offsets, first_row, end_row, at, posts, mask)
    for post in every:
        marks[np.uint64(post) & mask] = 0
    return size


@compiled
def _search_blocks(first, end, kept, old, every, edges, fresh, fresh_edges, bits, found):  # type: ignore[no-untyped-def]
    """Search some blocks of kept rows for synapses onto ``every`` winner, for old rows onto ``fresh`` ones only.

    Those of the winners that lie in block ``b`` begin at ``edges[b]`` and ``fresh_edges[b]``.  A block holds at most a
    synapse for each row and winner, which says where the room of each range of blocks begins in ``found``.

    Returns
    -------
    begin, end : int
        Where what was found is.
    """
    starts, marks, size = _runs(kept, old), np.zeros(_U1 << bits, np.uint8), np.uint64(0)
    begin = len(old) * edges[first]
    room = found[begin:]
    for block in range(first, end):
        winners = every[edges[block] : edges[block + 1]]
        new = fresh[fresh_edges[block] : fresh_edges[block + 1]]
        if len(winners):
            size = _search_block(room, size, block, kept, old, starts, winners, new, bits, marks)
    return begin, begin + np.int64(size)


def search_kept(
    pre: Neurons,
    kept: Places,
    old: npt.NDArray[np.bool_],
    every: Neurons,
    fresh: Neurons,
    blocks: int,
    bits: np.uint64,
    threads: int,
) -> tuple[Neurons, Neurons]:
    """Return the synapses of neurons whose rows are kept onto ``every`` winner, for ``old`` ones onto ``fresh`` ones.

    Equal presynaptic neurons come together.
    """
    order = np.argsort((kept.batch << 32) + kept.row)  # as the rows lie in their batches
    borders = np.arange(blocks + 1) << int(bits)
    winners = every, np.searchsorted(every, borders), fresh, np.searchsorted(fresh, borders)
    room = np.empty(len(pre) * len(every), np.uint64)
    ranges = in_parts(_search_blocks, blocks, threads, kept.take(order), old[order], *winners, bits, room)
    found = np.concatenate([room[begin:end] for begin, end in ranges])
    found.sort()
    return pre[order][(found >> _ROW).astype(np.int64)], (found & _POST).astype(np.int64)
