"""Stored weights: for each presynaptic neuron that ever strengthened a synapse, a growing row of (target, weight).

All rows of a fiber lie in two arrays of slots.  A row that outgrows its slots moves to the end and leaves a gap; when
the arrays are full, all rows are packed into larger ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.arena import Arena
from brainsim.kernels.cpu.compiling import compiled, inlined
from brainsim.kernels.cpu.row_index import RowIndex, Rows
from brainsim.kernels.law.rules import Update
from brainsim.kernels.state import Neurons, Synapses

_FIRST_CAPACITY = 8
Integers = npt.NDArray[np.int64]
Rank = npt.NDArray[np.int32]


class Table(NamedTuple):
    """The rows of an overlay: row ``r`` holds ``length[r]`` synapses from slot ``start[r]`` on."""

    start: Integers
    length: Integers
    post: npt.NDArray[np.int32]
    weight: npt.NDArray[np.int32]


@compiled
def _not_stored(pre: Neurons, post: Neurons, rank: Rank, table: Table) -> tuple[Rows, Neurons]:
    """Return those of some pairs for which no synapse is stored: their rows and targets."""
    rows, posts = np.empty(len(pre), np.int64), np.empty(len(pre), np.int64)
    size = 0
    for m in range(len(pre)):
        row, stored = rank[pre[m]] - 1, 0
        if row < len(table.start):  # the neuron has a row number, but this table may have no row for it yet
            for at in range(table.start[row], table.start[row] + table.length[row]):
                stored += table.post[at] == post[m]
        if stored == 0:
            rows[size], posts[size] = row, post[m]
            size += 1
    return rows[:size], posts[:size]


@inlined
def _larger(capacity: int, wanted: int) -> int:
    """Return the new capacity of a full row."""
    return max(_FIRST_CAPACITY, 2 * capacity, wanted)


@compiled
def _room_for(rows: Rows, length: Integers, capacity: Integers) -> int:
    """Return how many slots the rows that outgrow their slots will take; equal rows come together."""
    room, first = 0, 0
    while first < len(rows):
        end = first + 1
        while end < len(rows) and rows[end] == rows[first]:
            end += 1
        wanted = length[rows[first]] + end - first
        if wanted > capacity[rows[first]]:
            room += _larger(capacity[rows[first]], wanted)
        first = end
    return room


@compiled
def _add(rows: Rows, posts: Neurons, added_weight: int, table: Table, capacity: Integers, used: int) -> int:
    """Add synapses at the ends of their rows, of which full ones move to the end; return the slots in use."""
    start, length, post, weight = table
    first = 0
    while first < len(rows):
        row, end = rows[first], first + 1
        while end < len(rows) and rows[end] == row:
            end += 1
        old, size = start[row], length[row]
        if size + end - first > capacity[row]:
            capacity[row] = _larger(capacity[row], size + end - first)
            start[row] = used
            used += capacity[row]
            for at in range(size):
                post[start[row] + at], weight[start[row] + at] = post[old + at], weight[old + at]
        for m in range(first, end):
            post[start[row] + size + m - first], weight[start[row] + size + m - first] = posts[m], added_weight
        length[row] = size + end - first
        first = end
    return used


@compiled
def _pack(table: Table, capacity: Integers, new_post: npt.NDArray[np.int32], new_weight: npt.NDArray[np.int32]) -> int:
    """Copy all rows into new slots without the gaps that moved rows left; return the slots in use."""
    start, length, post, weight = table
    used = 0
    for row in range(len(start)):
        old = start[row]
        for at in range(length[row]):
            new_post[used + at], new_weight[used + at] = post[old + at], weight[old + at]
        start[row] = used
        used += capacity[row]
    return used


class Overlay:
    """The stored synapses of one fiber.

    Invariant: a row has ``capacity >= length`` slots of its own, and all slots from ``used`` on are free.  Changes of
    several arrays happen only where an interruption has to wait (learning, loading).
    """

    def __init__(self, index: RowIndex, update: Update, arena: Arena, fiber: int) -> None:
        self._index = index
        self._arena = arena
        self._fiber = fiber
        arena.set(fiber, gain=update.gain, drift=update.drift, shift=update.shift)
        arena.set(fiber, ceiling=update.ceiling, floor=update.floor)
        self._steps = np.array(update.steps, np.int64)
        arena.hold(fiber, "steps", self._steps)
        self._clear()

    def _clear(self) -> None:
        none = np.zeros(0, np.int64)
        self._set(Table(none, none, np.empty(0, np.int32), np.empty(0, np.int32)))
        self._capacity = none
        self._used = 0

    def _set(self, table: Table) -> None:
        """Replace arrays of the table, and their addresses in the record for kernels."""
        self._table = table
        for name, array in table._asdict().items():
            self._arena.hold(self._fiber, name, array)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return sum(array.nbytes for array in self._table) + self._capacity.nbytes + self._steps.nbytes

    def add(self, pre: Neurons, post: Neurons, weight: int) -> int:
        """Store those synapses ``(pre[m], post[m])`` that are not stored yet, with a weight; return their number.

        Equal neurons of ``pre`` come together; all of them have rows in the index.
        """
        rows, posts = _not_stored(pre, post, self._index.rank, self._table)
        if len(rows):
            self._make_rows()
            room = _room_for(rows, self._table.length, self._capacity)
            if self._used + room > len(self._table.post):
                self._grow(room)
            self._used = _add(rows, posts, weight, self._table, self._capacity, self._used)
        return len(rows)

    def _make_rows(self) -> None:
        """Add empty rows, so that every row of the index has one here."""
        if self._index.size > len(self._capacity):
            more = np.zeros(max(self._index.size, 2 * len(self._capacity)) - len(self._capacity), np.int64)
            start, length = np.append(self._table.start, more), np.append(self._table.length, more)
            self._set(self._table._replace(start=start, length=length))
            self._capacity = np.append(self._capacity, more)

    def _grow(self, room: int) -> None:
        size = (int(self._capacity.sum()) + room) * 5 // 4
        post, weight = np.empty(size, np.int32), np.empty(size, np.int32)
        self._used = _pack(self._table, self._capacity, post, weight)
        self._set(self._table._replace(post=post, weight=weight))

    def synapses(self) -> Synapses:
        """Return all stored synapses, sorted by ``(pre, post)``."""
        start, length, posts, weights = self._table
        length = length[: self._index.size]
        pre = np.repeat(self._index.neurons()[: len(length)], length)
        first = np.repeat(start[: len(length)] - (np.cumsum(length) - length), length)
        slots = first + np.arange(len(pre))
        post, weight = posts[slots].astype(np.int64), weights[slots].astype(np.int64)
        order = np.lexsort((post, pre))
        return Synapses(pre[order], post[order], weight[order])

    def replace(self, synapses: Synapses) -> None:
        """Store ``synapses`` (sorted by ``(pre, post)``) in place of all others."""
        self._clear()
        pre, length = np.unique(synapses.pre, return_counts=True)
        rows = self._index.assign_rows(pre)
        self._make_rows()
        self._table.start[rows] = np.cumsum(length) - length
        self._table.length[rows] = self._capacity[rows] = length
        post, weight = synapses.post.astype(np.int32), synapses.weight.astype(np.int32)
        self._set(self._table._replace(post=post, weight=weight))
        self._used = len(synapses.post)
