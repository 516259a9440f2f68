"""Learned weights: for each presynaptic neuron that ever strengthened a synapse, a growing row of (target, weight)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import address_of
from brainsim.kernels.cpu.compiling import compiled, inlined
from brainsim.kernels.cpu.roster import Roster
from brainsim.kernels.cpu.tables import Record
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.state import Neurons, Synapses

_FIRST_CAPACITY = 8


class Table(NamedTuple):
    """The rows of an overlay: row ``r`` holds ``length[r]`` synapses from slot ``start[r]`` on."""

    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    post: npt.NDArray[np.int32]
    weight: npt.NDArray[np.int32]


@inlined
def _known_row(rank, table, neuron):  # type: ignore[no-untyped-def]
    """Return the slots of a neuron's row, empty if it has none."""
    row = rank[neuron] - 1
    if row < 0 or row >= len(table.start):
        return 0, 0
    return table.start[row], table.start[row] + table.length[row]


@compiled
def _not_stored(pre, post, rank, table):  # type: ignore[no-untyped-def]
    """Return those of some pairs for which no synapse is stored: their rows and targets."""
    rows, posts = np.empty(len(pre), np.int64), np.empty(len(pre), np.int64)
    size = 0
    for m in range(len(pre)):
        low, high = _known_row(rank, table, pre[m])
        stored = 0
        for at in range(low, high):
            stored += table.post[at] == post[m]
        if stored == 0:
            rows[size], posts[size] = rank[pre[m]] - 1, post[m]
            size += 1
    return rows[:size], posts[:size]


@inlined
def _larger(capacity, wanted):  # type: ignore[no-untyped-def]
    """Return the capacity that a full row gets."""
    return max(_FIRST_CAPACITY, 2 * capacity, wanted)


@compiled
def _room_for(rows, length, capacity):  # type: ignore[no-untyped-def]
    """Return how many slots rows that would outgrow their places will take; equal rows come together."""
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
def _add(rows, posts, first_weight, table, capacity, used):  # type: ignore[no-untyped-def]
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
            post[start[row] + size + m - first], weight[start[row] + size + m - first] = posts[m], first_weight
        length[row] = size + end - first
        first = end
    return used


@compiled
def _pack(table, capacity, new_post, new_weight):  # type: ignore[no-untyped-def]
    """Copy all rows into a new arena without the gaps that moved rows left; return the slots in use."""
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
    """The learned synapses of one fiber, by presynaptic row, in one arena that grows as needed."""

    def __init__(self, roster: Roster, update: Update, record: Record) -> None:
        self._roster = roster
        self._update = update
        self._record = record
        self._steps = np.array(update.steps, np.int64)  # lives as long as its address is known
        record["gain"], record["drift"], record["ceiling"] = update.gain, update.drift, update.ceiling
        record["steps"], record["step_count"] = address_of(self._steps), len(self._steps)
        record["shift"] = update.shift
        self._clear()

    def _clear(self) -> None:
        none = np.zeros(0, np.int64)
        self._set(Table(none, none, np.empty(0, np.int32), np.empty(0, np.int32)))
        self._capacity = none
        self._used = 0

    def _set(self, table: Table) -> None:
        """Replace arrays of the table, and tell the kernels where they are."""
        record = self._record
        record["rows"] = record["slots"] = 0  # nothing is to be found meanwhile
        self._table = table
        record["start"], record["length"] = address_of(table.start), address_of(table.length)
        record["post"], record["weight"] = address_of(table.post), address_of(table.weight)
        record["rows"], record["slots"] = len(table.start), len(table.post)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return sum(array.nbytes for array in self._table) + self._capacity.nbytes + self._steps.nbytes

    def add(self, pre: Neurons, post: Neurons) -> int:
        """Store those synapses ``(pre[m], post[m])`` that are not stored yet, strengthened once; return their number.

        Equal neurons of ``pre`` come together; all of them are in the roster.
        """
        rows, posts = _not_stored(pre, post, self._roster.rank, self._table)
        if len(rows):
            self._make_rows()
            room = _room_for(rows, self._table.length, self._capacity)
            if self._used + room > len(self._table.post):
                self._grow(room)
            first_weight = self._update.apply(ONE)
            self._used = _add(rows, posts, first_weight, self._table, self._capacity, self._used)
        return len(rows)

    def _make_rows(self) -> None:
        if self._roster.size > len(self._capacity):
            more = np.zeros(max(self._roster.size, 2 * len(self._capacity)) - len(self._capacity), np.int64)
            start, length = np.append(self._table.start, more), np.append(self._table.length, more)
            self._set(self._table._replace(start=start, length=length))
            self._capacity = np.append(self._capacity, more)

    def _grow(self, room: int) -> None:
        size = (int(self._capacity.sum()) + room) * 5 // 4
        post, weight = np.empty(size, np.int32), np.empty(size, np.int32)
        self._used = _pack(self._table, self._capacity, post, weight)
        self._set(self._table._replace(post=post, weight=weight))

    def synapses(self) -> Synapses:
        """Return all learned synapses, sorted by ``(pre, post)``."""
        start, length, posts, weights = self._table
        length = length[: self._roster.size]
        pre = np.repeat(self._roster.neurons()[: len(length)], length)
        first = np.repeat(start[: len(length)] - (np.cumsum(length) - length), length)
        slots = first + np.arange(len(pre))
        post, weight = posts[slots].astype(np.int64), weights[slots].astype(np.int64)
        order = np.lexsort((post, pre))
        return Synapses(pre[order], post[order], weight[order])

    def replace(self, synapses: Synapses) -> None:
        """Store ``synapses`` (sorted by ``(pre, post)``) in place of all others."""
        self._clear()
        pre, length = np.unique(synapses.pre, return_counts=True)
        rows = self._roster.enrol(pre)
        self._make_rows()
        self._table.start[rows] = np.cumsum(length) - length
        self._table.length[rows] = self._capacity[rows] = length
        post, weight = synapses.post.astype(np.int32), synapses.weight.astype(np.int32)
        self._set(self._table._replace(post=post, weight=weight))
        self._used = len(synapses.post)
