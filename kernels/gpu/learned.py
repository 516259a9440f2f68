"""The learned synapses as the host reads and writes them, fiber by fiber."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import PAGE, PAGE_BYTES, ROW
from brainsim.kernels.gpu.overlay import Overlay
from brainsim.kernels.gpu.tables import AreaTable
from brainsim.kernels.program import Program
from brainsim.kernels.state import NO_SYNAPSES, Synapses


class LearnedSynapses:
    """Converts between synapses of a fiber and rows of pages in the overlay.

    All fibers share one pool of pages, so the pool is written as a whole.  What is set is therefore *staged* on the
    host, and stored before the next round.
    """

    def __init__(self, program: Program, device: Device, areas: AreaTable, slots: list[int], overlay: Overlay) -> None:
        self._program = program
        self._device = device
        self._areas = areas
        self._slots = slots
        self._overlay = overlay
        self._storing = [f for f, fiber in enumerate(program.fibers) if fiber.stores]
        self._staged: dict[int, Synapses] = {}
        self._copy: tuple[npt.NDArray[Any], ...] | None = None

    @property
    def staged(self) -> bool:
        """Whether synapses have been set that are not on the device."""
        return bool(self._staged)

    def set(self, fiber: int, synapses: Synapses) -> None:
        """Replace the synapses of a fiber; they are stored later."""
        self._staged[fiber] = Synapses(*(column.copy() for column in synapses))

    def set_none(self) -> None:
        """Let no fiber have learned synapses, whatever is on the device."""
        self._staged = dict.fromkeys(self._storing, NO_SYNAPSES)

    def changed(self) -> None:
        """Note that the device's synapses may change."""
        self._copy = None

    def read(self, fiber: int, page_count: int) -> Synapses:
        """Return the synapses of a fiber; ``page_count`` pages of the pool are in use."""
        if fiber in self._staged:
            return Synapses(*(column.copy() for column in self._staged[fiber]))  # users may change theirs
        neurons, rows = self._rows_of(fiber)
        posts, weights, following = self._pool(page_count)
        length = rows["length"].astype(np.int64)
        found: list[tuple[npt.NDArray[np.int64], ...]] = []
        passed, pages = 0, rows["head"].astype(np.int64)
        while (here := length > passed).any():
            filled = np.arange(PAGE) < (length[here] - passed)[:, None]
            pre = np.broadcast_to(neurons[here, None], filled.shape)
            found.append((pre[filled], posts[pages[here]][filled], weights[pages[here]][filled]))
            passed += PAGE
            more = length > passed
            pages[more] = following[pages[more]]
        columns = [np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*found, strict=True)]
        pre, post, weight = columns or [np.empty(0, np.int64)] * 3
        order = np.lexsort((post, pre))
        return Synapses(pre[order], post[order], weight[order])

    def _places(self, area: int) -> slice:
        start = int(self._areas.items[area]["ranks"])
        return slice(start, start + self._program.areas[area].n)

    def _rows_of(self, fiber: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """Return the neurons at the source of a fiber that have rows, and those of the fiber."""
        places, held = self._places(self._program.fibers[fiber].source), self._overlay.record.arrays
        ranks = self._device.read(held["ranks"], places.start, places.stop)
        neurons = np.flatnonzero(ranks)
        rows = self._device.read(held["rows"])[ranks[neurons].astype(np.int64) - 1 + self._slots[fiber]]
        return neurons, rows

    def _pool(self, page_count: int) -> tuple[npt.NDArray[Any], ...]:
        """Return posts, weights and following pages; one copy serves all fibers, which are often asked for together."""
        if self._copy is None:
            held, slots = self._overlay.record.arrays, page_count * PAGE
            posts = self._device.read(held["posts"], 0, slots).reshape(-1, PAGE)
            weights = self._device.read(held["weights"], 0, slots).reshape(-1, PAGE)
            self._copy = posts, weights, self._device.read(held["next"], 0, page_count)
        return self._copy

    def make_room(self, page_count: int) -> None:
        """Make room for what is staged, beside what other fibers have; raises as `Overlay.grow`."""
        self._staged = {f: self.read(f, page_count) for f in self._storing}
        pages = sum(int(_page_counts(synapses)[1].sum()) for synapses in self._staged.values())
        self._overlay.grow(self._ranks(self._staged)[1], pages)

    def store(self) -> tuple[int, int]:
        """Store what is staged, for which there is room.

        Returns
        -------
        rows, pages : int
            How many are in use then.
        """
        ranks, row_count = self._ranks(self._staged)
        page_counts = {f: _page_counts(synapses) for f, synapses in self._staged.items()}
        page_count = sum(int(counts[1].sum()) for counts in page_counts.values())
        rows = np.zeros(row_count, ROW)
        posts, weights = np.zeros(page_count * PAGE, np.uint32), np.zeros(page_count * PAGE, np.int32)
        first = 0
        for f, synapses in self._staged.items():
            pre, pages, length = page_counts[f]
            head = first + np.cumsum(pages) - pages
            row = ranks[self._places(self._program.fibers[f].source)][pre].astype(np.int64) - 1 + self._slots[f]
            rows["head"][row], rows["tail"][row], rows["length"][row] = head, head + pages - 1, length
            within = np.arange(len(synapses.pre)) - np.repeat(np.cumsum(length) - length, length)
            slot = np.repeat(head * PAGE, length) + within
            posts[slot], weights[slot] = synapses.post, synapses.weight
            first += int(pages.sum())
        held = self._overlay.record.arrays
        self._device.clear(held["rows"])
        following = np.arange(1, page_count + 1, dtype=np.uint64)
        written = {"ranks": ranks, "rows": rows, "posts": posts, "weights": weights, "next": following}
        for name, values in written.items():
            self._device.write(held[name], 0, values)
        self._staged = {}
        self.changed()
        return row_count, page_count

    def _ranks(self, learned: Mapping[int, Synapses]) -> tuple[npt.NDArray[np.uint32], int]:
        """Return the rank of each neuron of each source area, and how many rows they need."""
        ranks, rows = np.zeros(self._overlay.record.arrays["ranks"].size, np.uint32), 0
        for area in dict.fromkeys(self._program.fibers[f].source for f in learned):
            here = [synapses.pre for f, synapses in learned.items() if self._program.fibers[f].source == area]
            neurons, slots = np.unique(np.concatenate(here)), int(self._areas.items[area]["slots"])
            ranks[self._places(area)][neurons] = rows + 1 + slots * np.arange(len(neurons))
            rows += slots * len(neurons)
        return ranks, rows

    def memory(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the bytes of each fiber's synapses, by its name, and those of the rest of the pool, by purpose.

        What is staged is counted on the host, and its old pages as free.
        """
        fibers = {fiber.name: self._bytes_of(f) for f, fiber in enumerate(self._program.fibers)}
        names = [fiber.name for f, fiber in enumerate(self._program.fibers) if f not in self._staged]
        held = self._overlay.record.arrays
        free = held["next"].size * PAGE_BYTES - sum(fibers[name] for name in names)
        return fibers, {"free pages": free, "rows": held["rows"].nbytes}

    def _bytes_of(self, fiber: int) -> int:
        if fiber in self._staged:
            return sum(column.nbytes for column in self._staged[fiber])
        if fiber not in self._storing:
            return 0
        lengths = self._rows_of(fiber)[1]["length"].astype(np.int64)
        return int(((lengths + PAGE - 1) // PAGE).sum()) * PAGE_BYTES


def _page_counts(synapses: Synapses) -> tuple[npt.NDArray[np.int64], ...]:
    pre, length = np.unique(synapses.pre, return_counts=True)
    return pre, (length + PAGE - 1) // PAGE, length
