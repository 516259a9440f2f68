"""Rows drawn once and kept: the synapses of single neurons, two bytes each, for as long as the cache has room.

A neuron that starts firing is drawn to count its synapses; when it stops they are counted out, and when it learns the
synapses to the winners are looked up.  Kept rows save drawing them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from numba import prange

from brainsim.kernels.cpu.addresses import address_of, array_16, array_32
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.connectome import GraphArrays, draw_rows_of_block
from brainsim.kernels.cpu.roster import Roster
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import Neurons

_LARGEST_SHARE = 2  # of the room for rows that those drawn together may take, so that they do not drive out all others
_FIRST_ROWS = 64
_GROUPS = 8  # of blocks, at least
_MOST_IN_GROUP = 1 << 31  # positions, so that 32 bits number them even if the room is doubled once
PLACE = 7  # numbers that say where a row is kept
LANES = 128  # positions compared without a branch
_U1 = np.uint64(1)

Addresses = npt.NDArray[np.int64]


@compiled(parallel=True)
def _draw_rows(positions, offsets, sources, group, graph):  # type: ignore[no-untyped-def]
    failed = 0
    for g in prange(len(positions)):
        used = np.uint64(0)
        for block in range(g << group, min(len(offsets), (g + 1) << group)):
            if used <= len(positions[g]):
                used = draw_rows_of_block(positions[g], used, offsets[block], sources, block, graph)
        failed += int(used > len(positions[g]))
    return failed == 0


@compiled(inline="always")
def kept_block(kept, block):  # type: ignore[no-untyped-def]
    """Return the positions of a batch in a group of blocks, and where those of each row begin in this block.

    The first row is at ``kept[3]``.
    """
    offsets = array_32(kept[1] + 4 * np.int64(block) * (kept[4] + 1), kept[4] + 1)
    return array_16(kept[0] + 2 * (np.int64(block) >> kept[6]) * kept[5], kept[5] + LANES), offsets


@compiled()
def run_length(kept, first):  # type: ignore[no-untyped-def]
    """Return how many rows from ``first`` on lie one after the other in a batch."""
    end = first + 1
    while end < len(kept) and kept[end, 2] == kept[first, 2] and kept[end, 3] == kept[end - 1, 3] + 1:
        end += 1
    return end - first


@compiled()
def add_kept_rows(counts, low, high, kept, rows, step, bits):  # type: ignore[no-untyped-def]
    """Do for a run of kept rows what `brainsim.kernels.cpu.connectome.add_rows` does by drawing."""
    first, end, size = np.uint64(kept[3]), np.uint64(kept[3] + rows), _U1 << bits
    for block in range(low >> bits, (high + size - _U1) >> bits):
        positions, offsets = kept_block(kept, block)
        base = np.uint64(block) << bits
        for at in range(np.uint64(offsets[first]), np.uint64(offsets[end])):
            counts[base + positions[at]] += step


@dataclass(eq=False)
class _Batch:
    """Rows drawn together, block by block: all rows of a block lie one after the other.

    The synapses of row ``r`` in block ``b`` are at ``positions[g, offsets[b, r]:offsets[b, r + 1]]``, where ``g`` is
    the group of ``2**group`` blocks that ``b`` is in.  So rows that come together are counted in one walk.  ``places``
    is told when they are forgotten.
    """

    number: int
    positions: npt.NDArray[np.uint16]
    offsets: npt.NDArray[np.uint32]
    places: _Places
    rows: npt.NDArray[np.int64]
    group: int

    @property
    def nbytes(self) -> int:
        return self.positions.nbytes + 2 * LANES + self.offsets.nbytes + self.rows.nbytes

    def forget(self) -> None:
        self.places.addresses[self.rows] = 0


class _Places:
    """Where the row of each row number is kept, 0 where it is not.

    The addresses of the batch's positions and of its offsets, its number, the row's place in it, its rows, its room in
    each group of blocks, and the size of a group in bits.
    """

    def __init__(self) -> None:
        self.addresses: Addresses = np.zeros((_FIRST_ROWS, PLACE), np.int64)

    def of(self, rows: npt.NDArray[np.int64], size: int) -> Addresses:
        if size > len(self.addresses):
            more = np.zeros((max(size, 2 * len(self.addresses)) - len(self.addresses), PLACE), np.int64)
            self.addresses = np.concatenate([self.addresses, more])
        return self.addresses[rows]


class KeptRows:
    """The kept rows of one fiber; neurons are numbered by the roster of the source area."""

    def __init__(self, fiber: int, graph: GraphArrays, roster: Roster, cache: Cache) -> None:
        self._fiber = fiber
        self._graph = graph
        self._roster = roster
        self._cache = cache
        self._places = _Places()
        self._batches = 0
        # The more blocks in a group, the less room is spare; several groups are drawn by several threads.
        self._group = max(0, (graph.blocks // _GROUPS).bit_length() - 1)
        self._groups = -(-graph.blocks >> self._group)

    @property
    def nbytes(self) -> int:
        """Bytes of the index; the rows themselves are in the cache."""
        return self._places.addresses.nbytes

    def fits(self, count: int) -> bool:
        """Return whether the cache has room for as many rows drawn together."""
        offsets = 4 * self._graph.blocks * (count + 1)
        nbytes = 2 * self._groups * self._room(count) + offsets + 8 * count + 2 * LANES
        return nbytes * _LARGEST_SHARE <= self._cache.room_for_cheap and self._room(count) < _MOST_IN_GROUP

    def _room(self, count: int) -> int:
        """Return the synapses that rows drawn together have room for in each group: 5 standard deviations are spare."""
        mean = count * self._graph.mean / self._graph.n_target * (1 << int(self._graph.bits) + self._group)
        return int(mean + 5 * sqrt(mean)) + 16

    def find(self, neurons: Neurons) -> Addresses:
        """Return the addresses of the rows of ``neurons``, 0 where none is kept: good until the cache keeps more."""
        found = self._find(neurons)
        for batch in np.unique(found[:, 2]).tolist():
            self._cache.get((self._fiber, "rows", batch))  # it is in use
        return found

    def _find(self, neurons: Neurons) -> Addresses:
        rows = self._roster.rows(neurons)
        found = self._places.of(np.maximum(rows, 0), self._roster.size)
        found[rows < 0] = 0
        return found

    def draw(self, neurons: Neurons) -> None:
        """Draw and keep the rows of ``neurons`` that are not kept yet, if they fit."""
        missing = neurons[self._find(neurons)[:, 0] == 0]
        if not len(missing) or not self.fits(len(missing)):
            return
        room = self._room(len(missing))
        while not self._draw(missing, room):
            room *= 2

    def _draw(self, neurons: Neurons, room: int) -> bool:
        # Whoever compares many positions at a time reads past the end of a row.
        positions = np.empty(self._groups * room + LANES, np.uint16)[:-LANES].reshape(self._groups, room)
        offsets = np.empty((self._graph.blocks, len(neurons) + 1), np.uint32)
        if not _draw_rows(positions, offsets, neurons, self._group, self._graph):
            return False
        with uninterrupted():  # or a number could be given twice, or an address outlive its row
            rows = self._roster.enrol(neurons)
            self._places.of(rows, self._roster.size)
            self._batches += 1
            batch = _Batch(self._batches, positions, offsets, self._places, rows, self._group)
            if self._cache.keep((self._fiber, "rows", batch.number), batch, self._fiber, cheap=True):
                self._places.addresses[rows] = _addresses(batch)
        return True


def _addresses(batch: _Batch) -> Addresses:
    rows = len(batch.rows)
    places = np.empty((rows, PLACE), np.int64)
    room, addresses = batch.positions.shape[1], (address_of(batch.positions), address_of(batch.offsets))
    places[:] = (*addresses, batch.number, 0, rows, room, batch.group)
    places[:, 3] = np.arange(rows)
    return places
