"""Learned weights: for each presynaptic neuron that ever strengthened a synapse, a growing row of (target, weight)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Neurons, Synapses
from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.drive import Reached
from brainsim.kernels.cpu.roster import Roster
from brainsim.kernels.fixed_point import ONE, RATE_BITS, Update

_HALF = 1 << (RATE_BITS - 1)
_FIRST_CAPACITY = 8


class Table(NamedTuple):
    """The rows of an overlay: row ``r`` holds ``length[r]`` synapses from slot ``start[r]`` on."""

    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    post: npt.NDArray[np.int32]
    weight: npt.NDArray[np.int32]


@compiled()
def _known_row(rank, table, neuron):  # type: ignore[no-untyped-def]
    """Return the slots of a neuron's row, empty if it has none."""
    row = rank[neuron] - 1
    if row < 0 or row >= len(table.start):
        return 0, 0
    return table.start[row], table.start[row] + table.length[row]


@compiled()
def _gather(firing, rank, table, reached):  # type: ignore[no-untyped-def]
    """Add what learning added to the synapses of some neurons, and list whom they reach.

    Returns
    -------
    int
        0, or if ``reached`` has not room for all synapses, the room to make; then nothing has changed.
    """
    size = reached.size[0]
    room = size
    for neuron in firing:
        low, high = _known_row(rank, table, neuron)
        room += high - low
    room = min(room, len(reached.extra))  # each is listed once
    if room > len(reached.neurons):
        return room
    extra, marked, neurons, post, weight = reached.extra, reached.marked, reached.neurons, table.post, table.weight
    for neuron in firing:
        low, high = _known_row(rank, table, neuron)
        for at in range(low, high):
            j = post[at]
            extra[j] += weight[at] - ONE
            if marked[j] == 0:
                marked[j] = 1
                neurons[size] = j
                size += 1
    reached.size[0] = size
    return 0


@compiled()
def _strengthen(pre, rank, table, posts, marks, missing, gain, drift, ceiling):  # type: ignore[no-untyped-def]
    """Update the stored synapses from ``pre`` to ``posts``, and subtract them from ``missing``; return its sum."""
    post, weight = table.post, table.weight
    for m in range(len(posts)):
        marks[posts[m]] = m + 1
    for neuron in pre:
        low, high = _known_row(rank, table, neuron)
        for at in range(low, high):
            mark = marks[post[at]]
            if mark:
                old = np.int64(weight[at])
                weight[at] = max(0, min(old + ((gain * old + drift + _HALF) >> RATE_BITS), ceiling))
                missing[mark - 1] -= 1
    total = 0
    for m in range(len(posts)):
        marks[posts[m]] = 0
        total += missing[m]
    return total


@compiled()
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


@compiled(inline="always")
def _larger(capacity, wanted):  # type: ignore[no-untyped-def]
    """Return the capacity that a full row gets."""
    return max(_FIRST_CAPACITY, 2 * capacity, wanted)


@compiled()
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


@compiled()
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


@compiled()
def _pack(table, capacity, new_post, new_weight):  # type: ignore[no-untyped-def]
    """Copy all rows into a new arena without the gaps that moved rows left; return the slots in use."""
    start, length, post, weight = table
    used = 0
    for row in range(len(start)):
        old = start[row]
        new_post[used : used + length[row]] = post[old : old + length[row]]
        new_weight[used : used + length[row]] = weight[old : old + length[row]]
        start[row] = used
        used += capacity[row]
    return used


class Overlay:
    """The learned synapses of one fiber, by presynaptic row, in one arena that grows as needed."""

    def __init__(self, roster: Roster, update: Update) -> None:
        self._roster = roster
        self._update = update
        self._clear()

    def _clear(self) -> None:
        self._table = Table(np.zeros(0, np.int64), np.zeros(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))
        self._capacity = np.zeros(0, np.int64)
        self._used = 0

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return sum(array.nbytes for array in self._table) + self._capacity.nbytes

    def gather(self, firing: Neurons, reached: Reached) -> int:
        """Add what learning added to the synapses of ``firing`` to ``reached``; return the room to make, if any."""
        return int(_gather(firing, self._roster.rank, self._table, reached))

    def strengthen(
        self, pre: Neurons, posts: Neurons, marks: npt.NDArray[np.int32], missing: npt.NDArray[np.int64]
    ) -> int:
        """Apply the update to every stored synapse from ``pre`` to ``posts``.

        Parameters
        ----------
        pre, posts : int64 arrays
            Neurons that fired, and winners.
        marks : int32 array
            Zeroed array over the target area, zero again on return.
        missing : int64 array
            Number of synapses onto each of ``posts``; on return, of those that are not stored.

        Returns
        -------
        int
            The sum of ``missing``.
        """
        rule = (self._update.gain, self._update.drift, self._update.ceiling)
        return int(_strengthen(pre, self._roster.rank, self._table, posts, marks, missing, *rule))

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
            self._table = self._table._replace(start=start, length=length)
            self._capacity = np.append(self._capacity, more)

    def _grow(self, room: int) -> None:
        size = (int(self._capacity.sum()) + room) * 5 // 4
        post, weight = np.empty(size, np.int32), np.empty(size, np.int32)
        self._used = _pack(self._table, self._capacity, post, weight)
        self._table = self._table._replace(post=post, weight=weight)

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
        self._table = self._table._replace(post=synapses.post.astype(np.int32), weight=synapses.weight.astype(np.int32))
        self._used = len(synapses.post)
