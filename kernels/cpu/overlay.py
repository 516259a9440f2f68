"""Learned weights: for each presynaptic neuron that ever strengthened a synapse, a growing row of (target, weight)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Neurons, Synapses
from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.connectome import GraphArrays, draw_block, row_key, scratch
from brainsim.kernels.fixed_point import ONE, RATE_BITS, Update

_HALF = 1 << (RATE_BITS - 1)
_FIRST_CAPACITY = 8


class Touched(NamedTuple):
    """Neurons that learned synapses reach in a round: a mark for each of the area, and a list."""

    marked: npt.NDArray[np.uint8]
    neurons: npt.NDArray[np.int64]


@compiled()
def _gather(rows, start, length, post, weight, extra, touched, known):  # type: ignore[no-untyped-def]
    """Add learned weight to ``extra`` and list the neurons it reaches; return how many are listed by now.

    ``touched.marked`` is 1 where a neuron is listed already, so that each is listed once.
    """
    for row in rows:
        for at in range(start[row], start[row] + length[row]):
            j = post[at]
            extra[j] += weight[at] - ONE
            if touched.marked[j] == 0:
                touched.marked[j] = 1
                touched.neurons[known] = j
                known += 1
    return known


@compiled()
def _strengthen_known(rows, start, length, post, weight, marks, missing, gain, drift, ceiling):  # type: ignore[no-untyped-def]
    """Update the stored synapses onto marked neurons; ``missing`` counts down to the synapses not stored yet."""
    for row in rows:
        for at in range(start[row], start[row] + length[row]):
            mark = marks[post[at]]
            if mark:
                old = np.int64(weight[at])
                weight[at] = max(0, min(old + ((gain * old + drift + _HALF) >> RATE_BITS), ceiling))
                missing[mark - 1] -= 1


@compiled()
def _find_new(pre, rows, posts, marks, missing, graph, start, length, post, new_row, new_post):  # type: ignore[no-untyped-def]
    """Draw the blocks that hold winners with missing synapses, and list the synapses that are not stored yet."""
    seen, out = scratch(graph)
    known = np.full(len(posts), -1, np.int64)
    found = 0
    for a in range(len(pre)):
        row = rows[a]
        for at in range(start[row], start[row] + length[row]):
            mark = marks[post[at]]
            if mark:
                known[mark - 1] = a
        key = row_key(graph, pre[a])
        last_block = np.int64(-1)
        for m in range(len(posts)):
            block = posts[m] >> graph.bits
            if missing[m] == 0 or block == last_block:
                continue
            last_block = block
            base = block << graph.bits
            for f in range(draw_block(graph, key, block, seen, out)):
                j = base + out[f]
                if j >= graph.n_target or (graph.recurrent and j == pre[a]):
                    continue
                mark = marks[j]
                if mark and known[mark - 1] != a:
                    new_row[found], new_post[found] = row, j
                    missing[mark - 1] -= 1
                    found += 1
    return found


@compiled()
def _move(rows, new_start, start, length, post, weight):  # type: ignore[no-untyped-def]
    """Copy rows to their new places in the arena."""
    for at in range(len(rows)):
        row = rows[at]
        old, new = start[row], new_start[at]
        post[new : new + length[row]] = post[old : old + length[row]]
        weight[new : new + length[row]] = weight[old : old + length[row]]
        start[row] = new


@compiled()
def _append(new_row, new_post, first_weight, start, length, post, weight):  # type: ignore[no-untyped-def]
    """Add synapses at the ends of their rows, which have room."""
    for at in range(len(new_row)):
        row = new_row[at]
        end = start[row] + length[row]
        post[end], weight[end] = new_post[at], first_weight
        length[row] += 1


@compiled()
def _pack(start, length, capacity, post, weight, new_post, new_weight):  # type: ignore[no-untyped-def]
    """Copy all rows into a new arena without the gaps that moved rows left; return the slots in use."""
    used = 0
    for row in range(len(start)):
        old = start[row]
        new_post[used : used + length[row]] = post[old : old + length[row]]
        new_weight[used : used + length[row]] = weight[old : old + length[row]]
        start[row] = used
        used += capacity[row]
    return used


class Roster:
    """The order in which the neurons of a source area first learned: neuron to row number.

    One per area, shared by its outgoing fibers.  Untouched pages of the index cost no memory.
    """

    def __init__(self, n: int) -> None:
        self._rank = np.zeros(n, np.int32)  # 0: no row yet
        self.size = 0

    def rows(self, neurons: Neurons) -> npt.NDArray[np.int64]:
        """Return the row of each neuron, -1 for those that have none."""
        return self._rank[neurons].astype(np.int64) - 1

    def enrol(self, neurons: Neurons) -> npt.NDArray[np.int64]:
        """Return the row of each neuron, giving new rows to those that have none."""
        new = neurons[self._rank[neurons] == 0]
        self._rank[new] = np.arange(self.size + 1, self.size + 1 + len(new))
        self.size += len(new)
        return self.rows(neurons)

    def neurons(self) -> Neurons:
        """Return the neuron of each row."""
        neurons = np.flatnonzero(self._rank)
        ordered = np.empty(self.size, np.int64)
        ordered[self._rank[neurons] - 1] = neurons
        return ordered

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._rank.nbytes


class Overlay:
    """The learned synapses of one fiber, by presynaptic row, in one arena that grows as needed."""

    def __init__(self, roster: Roster, graph: GraphArrays, update: Update) -> None:
        self._roster = roster
        self._graph = graph
        self._update = update
        self._clear()

    def _clear(self) -> None:
        self._start = np.zeros(0, np.int64)
        self._length = np.zeros(0, np.int64)
        self._capacity = np.zeros(0, np.int64)
        self._post = np.empty(0, np.int32)
        self._weight = np.empty(0, np.int32)
        self._used = 0

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        arrays = (self._start, self._length, self._capacity, self._post, self._weight)
        return sum(array.nbytes for array in arrays)

    def rows_of(self, pre: Neurons) -> tuple[npt.NDArray[np.int64], int]:
        """Return the rows of ``pre``, as far as they have any, and the number of synapses in them."""
        rows = self._roster.rows(pre)
        rows = rows[(rows >= 0) & (rows < len(self._start))]
        return rows, int(self._length[rows].sum())

    def gather(self, rows: npt.NDArray[np.int64], extra: npt.NDArray[np.int64], touched: Touched, known: int) -> int:
        """Add to ``extra`` what learning added to the base weights of some rows; list the neurons reached.

        Returns
        -------
        int
            How many neurons ``touched`` lists, ``known`` before.
        """
        table = (self._start, self._length, self._post, self._weight)
        return int(_gather(rows, *table, extra, touched, known))

    def strengthen(
        self,
        pre: Neurons,
        rows: npt.NDArray[np.int64],
        posts: Neurons,
        existing: npt.NDArray[np.int64],
        marks: npt.NDArray[np.int32],
    ) -> None:
        """Apply the update to every synapse from ``pre``, whose rows are ``rows``, to ``posts``.

        ``existing[m]`` is the number of neurons in ``pre`` that synapse on ``posts[m]``: known from the projection, it
        tells when all synapses are stored already, so that assemblies that recur cost no hash.  ``marks`` is a zeroed
        array over the target area, and is zero again on return.
        """
        self._make_rows()
        missing = existing.astype(np.int64)
        table = (self._start, self._length, self._post, self._weight)
        rule = self._update
        marks[posts] = np.arange(1, len(posts) + 1)
        try:
            _strengthen_known(rows, *table, marks, missing, rule.gain, rule.drift, rule.ceiling)
            wanted = int(missing.sum())
            if wanted:
                new_row, new_post = np.empty(wanted, np.int64), np.empty(wanted, np.int64)
                found = _find_new(pre, rows, posts, marks, missing, self._graph, *table[:3], new_row, new_post)
                assert found == wanted, "the counts of a projection disagree with its graph"
                self._store(new_row, new_post)
        finally:
            marks[posts] = 0

    def _make_rows(self) -> None:
        if self._roster.size > len(self._start):
            more = max(self._roster.size, 2 * len(self._start)) - len(self._start)
            self._start = np.append(self._start, np.zeros(more, np.int64))
            self._length = np.append(self._length, np.zeros(more, np.int64))
            self._capacity = np.append(self._capacity, np.zeros(more, np.int64))

    def _store(self, new_row: npt.NDArray[np.int64], new_post: npt.NDArray[np.int64]) -> None:
        # The synapses of a row come together, since they were found row by row.
        first = np.flatnonzero(np.diff(new_row, prepend=-1))
        rows, added = new_row[first], np.diff(first, append=len(new_row))
        wanted = self._length[rows] + added
        outgrown = wanted > self._capacity[rows]
        rows = rows[outgrown]
        capacity = np.maximum(np.maximum(2 * self._capacity[rows], wanted[outgrown]), _FIRST_CAPACITY)
        room = int(capacity.sum())
        if self._used + room > len(self._post):
            self._grow(room)
        new_start = self._used + np.cumsum(capacity) - capacity
        _move(rows, new_start, self._start, self._length, self._post, self._weight)
        self._capacity[rows] = capacity
        self._used += room
        table = (self._start, self._length, self._post, self._weight)
        _append(new_row, new_post, self._update.apply(ONE), *table)

    def _grow(self, room: int) -> None:
        size = (int(self._capacity.sum()) + room) * 5 // 4
        post, weight = np.empty(size, np.int32), np.empty(size, np.int32)
        table = (self._start, self._length, self._capacity, self._post, self._weight)
        self._used = _pack(*table, post, weight)
        self._post, self._weight = post, weight

    def synapses(self) -> Synapses:
        """Return all learned synapses, sorted by ``(pre, post)``."""
        length = self._length[: self._roster.size]
        pre = np.repeat(self._roster.neurons()[: len(length)], length)
        first = np.repeat(self._start[: len(length)] - (np.cumsum(length) - length), length)
        slots = first + np.arange(len(pre))
        post, weight = self._post[slots].astype(np.int64), self._weight[slots].astype(np.int64)
        order = np.lexsort((post, pre))
        return Synapses(pre[order], post[order], weight[order])

    def replace(self, synapses: Synapses) -> None:
        """Store ``synapses`` (sorted by ``(pre, post)``) in place of all others."""
        self._clear()
        pre, length = np.unique(synapses.pre, return_counts=True)
        rows = self._roster.enrol(pre)
        self._make_rows()
        self._start[rows] = np.cumsum(length) - length
        self._length[rows] = self._capacity[rows] = length
        self._post = synapses.post.astype(np.int32)
        self._weight = synapses.weight.astype(np.int32)
        self._used = len(self._post)
