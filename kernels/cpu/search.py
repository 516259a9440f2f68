"""Numba kernels that search kept rows for winners: which synapses of some neurons onto some others exist.

Block after block, all rows of a batch that fire are searched together.  A few winners in a block are looked for one by
one, comparing whole vectors of positions; for many, every synapse in the block is looked at.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import prange

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.rows import LANES, Addresses, kept_block
from brainsim.kernels.state import Neurons

_MOST_LOOKED_FOR = 14  # winners in a block; for more, walking is faster
_LANES = np.uint64(LANES)
_U1 = np.uint64(1)
_ROW, _POST = np.uint64(31), np.uint64((1 << 31) - 1)  # what is found: a row, and in the low bits a target


@compiled()
def _runs(kept, old):  # type: ignore[no-untyped-def]
    """Return where runs of rows begin that lie one after the other in a batch and are of one kind, and the end."""
    starts, size = np.empty(len(kept) + 1, np.int64), 0
    for a in range(len(kept)):
        follows = a > 0 and kept[a, 2] == kept[a - 1, 2] and kept[a, 3] == kept[a - 1, 3] + 1
        if not (follows and old[a] == old[a - 1]):
            starts[size] = a
            size += 1
    starts[size] = len(kept)
    return starts[: size + 1]


@compiled(inline="always")
def _vector_holds(positions, first, position):  # type: ignore[no-untyped-def]
    hit = np.uint16(0)
    for at in range(first, first + _LANES):  # a fixed number and no way out: so this becomes vector instructions
        hit = np.uint16(hit | np.uint16(positions[at] == position))
    return hit != 0


@compiled()
def _row_of(offsets, low, high, at):  # type: ignore[no-untyped-def]
    """Return the row among ``low`` to before ``high`` to which a position belongs."""
    while high - low > _U1:
        middle = (low + high) >> _U1
        if offsets[middle] <= at:
            low = middle
        else:
            high = middle
    return low


@compiled()
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


@compiled()
def _walk(found, size, positions, offsets, row, end_row, first_row, base, marks, level):  # type: ignore[no-untyped-def]
    """Append the synapses of a run of rows onto the winners that are marked with at least some level."""
    for r in range(row, end_row):
        a = first_row + r - row
        for at in range(np.uint64(offsets[r]), np.uint64(offsets[r + _U1])):
            if marks[positions[at]] >= level:
                found[size] = (a << _ROW) | (base + np.uint64(positions[at]))
                size += _U1
    return size


@compiled()
def _search_block(found, size, block, kept, old, starts, every, fresh, bits, marks):  # type: ignore[no-untyped-def]
    """Append what is found in a block; ``every`` and ``fresh`` are the winners in it."""
    base, mask = np.uint64(block) << bits, (_U1 << bits) - _U1
    for post in every:
        marks[np.uint64(post) & mask] = 1
    for post in fresh:
        marks[np.uint64(post) & mask] = 2
    for run in range(len(starts) - 1):
        start, end = starts[run], starts[run + 1]
        posts, level = (fresh, 2) if old[start] else (every, 1)
        positions, offsets = kept_block(kept[start], block)
        rows = np.uint64(kept[start, 3]), np.uint64(kept[start, 3] + end - start), np.uint64(start)
        if len(posts) > _MOST_LOOKED_FOR:
            size = _walk(found, size, positions, offsets, *rows, base, marks, level)
        elif len(posts):
            size = _look_for(found, size, positions, offsets, *rows, posts, mask)
    for post in every:
        marks[np.uint64(post) & mask] = 0
    return size


@compiled(parallel=True)
def _search(kept, old, every, first, fresh, first_fresh, bits, parts):  # type: ignore[no-untyped-def]
    """Return the synapses of kept rows onto ``every`` winner, for old rows onto ``fresh`` ones only, in any order.

    Those of the winners that lie in block ``b`` begin at ``first[b]`` and ``first_fresh[b]``.
    """
    starts, blocks = _runs(kept, old), len(first) - 1
    found, sizes = np.empty(len(kept) * len(every), np.uint64), np.zeros(parts, np.int64)
    share = (blocks + parts - 1) // parts
    for part in prange(parts):
        marks, size = np.zeros(_U1 << bits, np.uint8), np.uint64(0)
        room = found[len(kept) * first[min(blocks, part * share)] :]
        for block in range(part * share, min(blocks, (part + 1) * share)):
            winners = every[first[block] : first[block + 1]]
            new = fresh[first_fresh[block] : first_fresh[block + 1]]
            if len(winners):
                size = _search_block(room, size, block, kept, old, starts, winners, new, bits, marks)
        sizes[part] = size
    result, at = np.empty(sizes.sum(), np.uint64), 0
    for part in range(parts):
        begin = len(kept) * first[min(blocks, part * share)]
        result[at : at + sizes[part]] = found[begin : begin + sizes[part]]
        at += sizes[part]
    return result


def search_kept(
    pre: Neurons,
    kept: Addresses,
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
    order = np.lexsort((kept[:, 3], kept[:, 2]))  # as the rows lie in their batches
    edges = np.arange(blocks + 1) << int(bits)
    winners = every, np.searchsorted(every, edges), fresh, np.searchsorted(fresh, edges)
    found = np.sort(_search(kept[order], old[order], *winners, bits, threads))
    return pre[order][(found >> _ROW).astype(np.int64)], (found & _POST).astype(np.int64)
