"""Kept rows: the synapses of single neurons, drawn once and kept while the cache has room, two bytes each.

A neuron that starts firing is drawn to count its synapses; when it stops they are subtracted again, and when it learns
the synapses onto the winners are looked up.  Kept rows save drawing them each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import address_of, array_16, array_32
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.compiling import inlined, inner
from brainsim.kernels.cpu.graph import GraphArrays, Offsets, Positions, draw_rows
from brainsim.kernels.cpu.hashing import Word
from brainsim.kernels.cpu.row_index import RowIndex
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import Neurons

_LARGEST_SHARE = 2  # share of the room for rows that rows drawn together may take, so that they do not evict all others
_FIRST_BATCHES = 16
_GROUPS = 8  # of blocks, at least
_MOST_IN_GROUP = 1 << 31  # positions, so that 32 bits number them even if the room is doubled once
LANES = 128  # positions that a search compares at a time; it may read this many beyond the end of a row
_U1 = np.uint64(1)

# Rows that were drawn together: the addresses of their positions and offsets, how many rows there are, and how many
# positions there is room for in each group of ``2**group`` blocks.
BATCH = np.dtype([(name, np.int64) for name in ("positions", "offsets", "rows", "room", "group")])
Batches = npt.NDArray[np.void]
Indices = npt.NDArray[np.int64]


class Places(NamedTuple):
    """Where the rows of some neurons are kept.

    Attributes
    ----------
    batch : int64 array
        The batch of each row, 0 if it is not kept.
    row : int64 array
        The number of each row in its batch.
    batches : array of `BATCH`
        All batches of the fiber.
    """

    batch: Indices
    row: Indices
    batches: Batches

    def take(self, which: Any) -> Places:
        """Return the places of some of the neurons."""
        return Places(self.batch[which], self.row[which], self.batches)


@inlined
def kept_block(batch: Any, block: Any) -> tuple[Positions, Offsets]:
    """Return the positions of a batch in the group of a block, and where those of each row begin in this block."""
    offsets = array_32(batch.offsets + 4 * np.int64(block) * (batch.rows + 1), batch.rows + 1)
    return array_16(batch.positions + 2 * (np.int64(block) >> batch.group) * batch.room, batch.room + LANES), offsets


@inlined
def follows(batch: Indices, row: Indices, at: int) -> Any:
    """Return whether a row lies directly after that of the place before, in the same batch."""
    return batch[at] == batch[at - 1] and row[at] == row[at - 1] + 1


@inner
def add_kept_rows(
    counts: Any, low: Word, high: Word, batch: Any, first: Word, end: Word, step: Any, bits: Word
) -> None:
    """Add the rows ``first`` to ``end - 1`` of a batch to the counts, as `add_row` of cpu.graph does by drawing."""
    size = _U1 << bits
    for block in range(low >> bits, (high + size - _U1) >> bits):
        positions, offsets = kept_block(batch, block)
        base = np.uint64(block) << bits
        for at in range(np.uint64(offsets[first]), np.uint64(offsets[end])):
            counts[base + positions[at]] += step


@dataclass(eq=False)
class _Batch:
    """Rows drawn together, block by block: in each block, all rows lie one after the other.

    Rows that lie together are counted in one pass.  See `brainsim.kernels.cpu.graph.draw_rows` for the layout.
    """

    positions: Positions
    offsets: Offsets
    index: _PlaceIndex
    slot: int
    rows: Indices

    @property
    def nbytes(self) -> int:
        return self.positions.nbytes + 2 * LANES + self.offsets.nbytes + self.rows.nbytes

    def on_evict(self) -> None:
        # The arrays are freed next, so no address of them may remain.
        self.index.remove(self.slot, self.rows)


class _PlaceIndex:
    """The place of the row of each row number, and the table of batches."""

    def __init__(self) -> None:
        # One item more than there are row numbers: the last one stays 0 and is read for row number -1, which means no
        # row.
        self._batch: Indices = np.zeros(1, np.int64)
        self._row: Indices = np.zeros(1, np.int64)
        self._batches: Batches = np.zeros(_FIRST_BATCHES, BATCH)  # the first one means that no row is kept
        self._free = list(range(_FIRST_BATCHES - 1, 0, -1))

    @property
    def nbytes(self) -> int:
        return self._batch.nbytes + self._row.nbytes + self._batches.nbytes

    def of(self, rows: Indices, size: int) -> Places:
        """Return the places of some row numbers, all less than ``size``; -1 means no row."""
        if size >= len(self._batch):
            more = np.zeros(max(size + 1, 2 * len(self._batch)) - len(self._batch), np.int64)
            self._batch, self._row = np.append(self._batch, more), np.append(self._row, more)
        return Places(self._batch[rows], self._row[rows], self._batches)

    def free_slot(self) -> int:
        """Return a free slot of the table for another batch; `put` fills it."""
        if not self._free:
            size = len(self._batches)
            self._batches = np.concatenate([self._batches, np.zeros(size, BATCH)])
            self._free = list(range(2 * size - 1, size - 1, -1))
        return self._free[-1]

    def put(self, batch: _Batch, group: int) -> None:
        """Note that these rows are kept, at a free slot."""
        self._free.remove(batch.slot)
        rows, room = len(batch.rows), batch.positions.shape[1]
        self._batches[batch.slot] = (address_of(batch.positions), address_of(batch.offsets), rows, room, group)
        self._batch[batch.rows], self._row[batch.rows] = batch.slot, np.arange(rows)

    def remove(self, slot: int, rows: Indices) -> None:
        """Note that these rows are not kept any more."""
        self._batch[rows] = 0
        self._batches[slot] = np.zeros(1, BATCH)[0]
        self._free.append(slot)


class KeptRows:
    """The kept rows of one fiber; neurons are numbered by the row index of the source area."""

    def __init__(self, fiber: int, graph: GraphArrays, numbers: RowIndex, cache: Cache) -> None:
        self._fiber = fiber
        self._graph = graph
        self._numbers = numbers
        self._cache = cache
        self._index = _PlaceIndex()
        # Larger groups need less spare room; with several groups, several threads can draw.
        self._group = max(0, (graph.blocks // _GROUPS).bit_length() - 1)
        self._groups = -(-graph.blocks >> self._group)

    @property
    def nbytes(self) -> int:
        """Bytes of the index; the rows themselves are in the cache."""
        return self._index.nbytes

    def fits(self, count: int) -> bool:
        """Return whether the cache has room for as many rows drawn together."""
        offsets = 4 * self._graph.blocks * (count + 1)
        nbytes = 2 * self._groups * self._room(count) + offsets + 8 * count + 2 * LANES
        return nbytes * _LARGEST_SHARE <= self._cache.room_for_evict_first and self._room(count) < _MOST_IN_GROUP

    def _room(self, count: int) -> int:
        """Return the room of rows drawn together in each group, in synapses: 5 standard deviations above the mean."""
        mean = count * self._graph.mean / self._graph.n_target * (1 << int(self._graph.bits) + self._group)
        return int(mean + 5 * sqrt(mean)) + 16

    def find(self, neurons: Neurons) -> Places:
        """Return the places of the rows of ``neurons``, valid until something else is put into the cache."""
        found = self._find(neurons)
        for slot in np.flatnonzero(np.bincount(found.batch)).tolist():
            self._cache.get((self._fiber, "rows", slot))  # it is in use
        return found

    def _find(self, neurons: Neurons) -> Places:
        return self._index.of(self._numbers.rows(neurons), self._numbers.size)

    def _without_spare_room(self, positions: Positions, offsets: Offsets) -> Positions:
        """Return a copy with room for the fullest group only, because thinned rows may need little.

        Behind the last row there are `LANES` positions that a search may read.
        """
        last = np.minimum(np.arange(1, self._groups + 1) << self._group, self._graph.blocks) - 1
        room = max(1, int(offsets[last, -1].max()))
        kept = np.empty(self._groups * room + LANES, np.uint16)[:-LANES].reshape(self._groups, room)
        kept[:] = positions[:, :room]
        return kept

    def draw(self, neurons: Neurons, threads: int) -> None:
        """Draw and keep the rows of ``neurons`` that are not kept yet, if they fit."""
        missing = neurons[self._find(neurons).batch == 0]
        if not len(missing) or not self.fits(len(missing)):
            return
        room = self._room(len(missing))
        while not self._draw(missing, room, threads):
            room *= 2

    def _draw(self, neurons: Neurons, room: int, threads: int) -> bool:
        # A search compares `LANES` positions at a time, and may read as many beyond the end of the last row.
        positions = np.empty(self._groups * room + LANES, np.uint16)[:-LANES].reshape(self._groups, room)
        offsets = np.empty((self._graph.blocks, len(neurons) + 1), np.uint32)
        arrays = positions, offsets, neurons, self._group, self._graph
        if any(in_parts(draw_rows, self._groups, threads, *arrays)):
            return False
        if self._graph.tapered:
            positions = self._without_spare_room(positions, offsets)
        with uninterrupted():  # or a number could be given twice, or an address remain after its row is freed
            rows = self._numbers.assign_rows(neurons)
            self._index.of(rows, self._numbers.size)
            slot = self._index.free_slot()
            batch = _Batch(positions, offsets, self._index, slot, rows)
            self._index.put(batch, self._group)
            self._cache.keep((self._fiber, "rows", slot), batch, self._fiber, evict_first=True)
        return True
