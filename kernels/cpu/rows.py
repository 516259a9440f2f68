"""Kept rows: the synapses of single neurons, drawn once, two bytes each, for as long as the cache has room.

A neuron that starts firing is drawn to count its synapses; when it stops they are subtracted again, and when it learns
the synapses onto the winners are looked up.  Kept rows save drawing them each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import address_of, array_16, array_32
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.compiling import inlined, inner
from brainsim.kernels.cpu.graph import GraphArrays, Offsets, Positions, Word, draw_rows
from brainsim.kernels.cpu.roster import Roster
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import Neurons

_LARGEST_SHARE = 2  # of the room for rows that those drawn together may take, so that they do not drive out all others
_FIRST_ROWS = 64
_GROUPS = 8  # of blocks, at least
_MOST_IN_GROUP = 1 << 31  # positions, so that 32 bits number them even if the room is doubled once
LANES = 128  # positions that a search compares at a time, up to this many beyond the end of a row
_U1 = np.uint64(1)

# Where a row is kept: the batch it was drawn in, its number in it, and the batch's positions and offsets by address.
# Each of the batch's ``rows`` has an offset in each block, and each group of ``2**group`` blocks ``room`` positions.
# A row that is not kept has the address 0.
PLACE = np.dtype([(name, np.int64) for name in ("positions", "offsets", "batch", "row", "rows", "room", "group")])
Places = npt.NDArray[np.void]


@inlined
def kept_block(place: Any, block: Any) -> tuple[Positions, Offsets]:
    """Return the positions of a row's batch in a group of blocks, and where those of each row begin in this block."""
    offsets = array_32(place.offsets + 4 * np.int64(block) * (place.rows + 1), place.rows + 1)
    return array_16(place.positions + 2 * (np.int64(block) >> place.group) * place.room, place.room + LANES), offsets


@inlined
def follows(places: Places, at: int) -> Any:
    """Return whether a row lies directly after that of the place before, in the same batch."""
    return places[at].batch == places[at - 1].batch and places[at].row == places[at - 1].row + 1


@inner
def add_kept_rows(counts: Any, low: Word, high: Word, place: Any, rows: int, step: Any, bits: Word) -> None:
    """Do for some rows that follow each other what `brainsim.kernels.cpu.graph.add_row` does by drawing."""
    first, end, size = np.uint64(place.row), np.uint64(place.row + rows), _U1 << bits
    for block in range(low >> bits, (high + size - _U1) >> bits):
        positions, offsets = kept_block(place, block)
        base = np.uint64(block) << bits
        for at in range(np.uint64(offsets[first]), np.uint64(offsets[end])):
            counts[base + positions[at]] += step


@dataclass(eq=False)
class _Batch:
    """Rows drawn together, block by block: in each block, all rows lie one after the other.

    So rows that come together are counted in one pass.  See `brainsim.kernels.cpu.graph.draw_rows` for the layout.
    """

    number: int
    positions: Positions
    offsets: Offsets
    index: _RowIndex
    rows: npt.NDArray[np.int64]
    group: int

    @property
    def nbytes(self) -> int:
        return self.positions.nbytes + 2 * LANES + self.offsets.nbytes + self.rows.nbytes

    def places(self) -> Places:
        """Return where the rows are kept."""
        places = np.empty(len(self.rows), PLACE)
        places["positions"], places["offsets"] = address_of(self.positions), address_of(self.offsets)
        places["batch"], places["row"] = self.number, np.arange(len(self.rows))
        places["rows"], places["room"], places["group"] = len(self.rows), self.positions.shape[1], self.group
        return places

    def on_evict(self) -> None:
        # The arrays are freed next, so no address of them may stay.
        self.index.places[self.rows] = np.zeros(1, PLACE)


class _RowIndex:
    """The place of the row of each row number."""

    def __init__(self) -> None:
        self.places: Places = np.zeros(_FIRST_ROWS, PLACE)

    def of(self, rows: npt.NDArray[np.int64], size: int) -> Places:
        """Return the places of some of the first ``size`` row numbers (a copy)."""
        if size > len(self.places):
            more = np.zeros(max(size, 2 * len(self.places)) - len(self.places), PLACE)
            self.places = np.concatenate([self.places, more])
        return self.places[rows]


class KeptRows:
    """The kept rows of one fiber; neurons are numbered by the roster of the source area."""

    def __init__(self, fiber: int, graph: GraphArrays, roster: Roster, cache: Cache) -> None:
        self._fiber = fiber
        self._graph = graph
        self._roster = roster
        self._cache = cache
        self._index = _RowIndex()
        self._batches = 0
        # The more blocks in a group, the less room is spare; several groups are drawn by several threads.
        self._group = max(0, (graph.blocks // _GROUPS).bit_length() - 1)
        self._groups = -(-graph.blocks >> self._group)

    @property
    def nbytes(self) -> int:
        """Bytes of the index; the rows themselves are in the cache."""
        return self._index.places.nbytes

    def fits(self, count: int) -> bool:
        """Return whether the cache has room for as many rows drawn together."""
        offsets = 4 * self._graph.blocks * (count + 1)
        nbytes = 2 * self._groups * self._room(count) + offsets + 8 * count + 2 * LANES
        return nbytes * _LARGEST_SHARE <= self._cache.room_for_evict_first and self._room(count) < _MOST_IN_GROUP

    def _room(self, count: int) -> int:
        """Return the synapses that rows drawn together have room for in each group: 5 standard deviations are spare."""
        mean = count * self._graph.mean / self._graph.n_target * (1 << int(self._graph.bits) + self._group)
        return int(mean + 5 * sqrt(mean)) + 16

    def find(self, neurons: Neurons) -> Places:
        """Return the places of the rows of ``neurons``, which hold until something else is put into the cache."""
        found = self._find(neurons)
        for batch in np.unique(found["batch"]).tolist():
            self._cache.get((self._fiber, "rows", batch))  # it is in use
        return found

    def _find(self, neurons: Neurons) -> Places:
        rows = self._roster.rows(neurons)
        found = self._index.of(np.maximum(rows, 0), self._roster.size)
        found[rows < 0] = np.zeros(1, PLACE)
        return found

    def draw(self, neurons: Neurons, threads: int) -> None:
        """Draw and keep the rows of ``neurons`` that are not kept yet, if they fit."""
        missing = neurons[self._find(neurons)["positions"] == 0]
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
        with uninterrupted():  # or a number could be given twice, or an address outlive its row
            rows = self._roster.enrol(neurons)
            self._index.of(rows, self._roster.size)
            self._batches += 1
            batch = _Batch(self._batches, positions, offsets, self._index, rows, self._group)
            if self._cache.keep((self._fiber, "rows", batch.number), batch, self._fiber, evict_first=True):
                self._index.places[rows] = batch.places()
        return True
