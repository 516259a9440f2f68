"""Rows drawn once and kept: the synapses of single neurons, two bytes each, for as long as the cache has room.

A neuron that starts firing is drawn to count its synapses; when it stops they are counted out, and when it learns the
synapses to the winners are looked up.  Kept rows save drawing them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import prange

from brainsim.kernels.backend import Neurons, uninterrupted
from brainsim.kernels.cpu.addresses import address_of, array_16, array_32
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.connectome import GraphArrays, draw_row, is_set
from brainsim.kernels.cpu.roster import Roster

_LARGEST_SHARE = 2  # of the room for rows that those drawn together may take, so that they do not drive out all others
_FIRST_ROWS = 64
_U1 = np.uint64(1)

Addresses = npt.NDArray[np.int64]


@compiled(parallel=True)
def _draw_rows(positions, offsets, sources, graph):  # type: ignore[no-untyped-def]
    failed = 0
    for r in prange(len(sources)):
        failed += int(not draw_row(positions[r], offsets[r], sources[r], graph))
    return failed == 0


@compiled()
def add_kept_row(counts, low, high, kept, step, bits, blocks):  # type: ignore[no-untyped-def]
    """Do for a kept row, given by two addresses, what `brainsim.kernels.cpu.connectome.add_rows` does by drawing."""
    size = _U1 << bits
    offsets = array_32(kept[1], blocks + 1)
    positions = array_16(kept[0], offsets[blocks])
    for block in range(low >> bits, (high + size - _U1) >> bits):
        base = np.uint64(block) << bits
        for at in range(np.uint64(offsets[block]), np.uint64(offsets[block + 1])):
            counts[base + positions[at]] += step


@compiled()
def scan_kept_row(found, wanted, kept, bits, blocks):  # type: ignore[no-untyped-def]
    """Do for a kept row what `brainsim.kernels.cpu.connectome.scan_row` does by drawing."""
    offsets, size = array_32(kept[1], blocks + 1), np.uint64(0)
    positions = array_16(kept[0], offsets[blocks])
    for block in range(np.uint64(blocks)):
        base = np.uint64(block) << bits
        for at in range(np.uint64(offsets[block]), np.uint64(offsets[block + _U1])):
            j = base + np.uint64(positions[at])
            if is_set(wanted, j):
                found[size] = j
                size += _U1
    return size


@dataclass(eq=False)
class _Batch:
    """Rows drawn together; ``places`` is told when they are forgotten."""

    number: int
    positions: npt.NDArray[np.uint16]
    offsets: npt.NDArray[np.uint32]
    places: _Places
    rows: npt.NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        return self.positions.nbytes + self.offsets.nbytes + self.rows.nbytes

    def forget(self) -> None:
        self.places.addresses[self.rows] = 0


class _Places:
    """By row number the addresses of positions and of offsets, and the batch; 0 where nothing is kept."""

    def __init__(self) -> None:
        self.addresses: Addresses = np.zeros((_FIRST_ROWS, 3), np.int64)

    def of(self, rows: npt.NDArray[np.int64], size: int) -> Addresses:
        if size > len(self.addresses):
            more = np.zeros((max(size, 2 * len(self.addresses)) - len(self.addresses), 3), np.int64)
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

    @property
    def nbytes(self) -> int:
        """Bytes of the index; the rows themselves are in the cache."""
        return self._places.addresses.nbytes

    def fits(self, count: int) -> bool:
        """Return whether the cache has room for as many rows drawn together."""
        bytes_per_row = 2 * self._graph.room + 4 * self._graph.blocks + 12
        return count * bytes_per_row * _LARGEST_SHARE <= self._cache.room_for_cheap

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
        room = self._graph.room
        while not self._draw(missing, room):
            room *= 2

    def _draw(self, neurons: Neurons, room: int) -> bool:
        positions = np.empty((len(neurons), room), np.uint16)
        offsets = np.empty((len(neurons), self._graph.blocks + 1), np.uint32)
        if not _draw_rows(positions, offsets, neurons, self._graph):
            return False
        with uninterrupted():  # or a number could be given twice, or an address outlive its row
            rows = self._roster.enrol(neurons)
            self._places.of(rows, self._roster.size)
            self._batches += 1
            batch = _Batch(self._batches, positions, offsets, self._places, rows)
            if self._cache.keep((self._fiber, "rows", batch.number), batch, self._fiber, cheap=True):
                self._places.addresses[rows] = _addresses(batch)
        return True


def _addresses(batch: _Batch) -> Addresses:
    step: npt.NDArray[Any] = np.arange(len(batch.rows), dtype=np.int64)
    return np.column_stack(
        [
            address_of(batch.positions) + step * batch.positions.strides[0],
            address_of(batch.offsets) + step * batch.offsets.strides[0],
            np.full_like(step, batch.number),
        ]
    )
