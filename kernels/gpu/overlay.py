"""The learned synapses on the device: pages of 32 in one pool, which only grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Synapses
from brainsim.kernels.errors import CapacityError, DeviceMemoryError
from brainsim.kernels.gpu.device import Array, Device, record
from brainsim.kernels.gpu.layout import OVERLAY, PAGE, ROW
from brainsim.kernels.gpu.tables import AreaTable
from brainsim.kernels.program import Program

FIRST_ROWS = 1024
FIRST_PAGES = 1024
PAGE_BYTES = PAGE * 8 + 8
_MOST_ROWS = 2**32 - 1  # ranks have 32 bits
_PURPOSE = "learned synapses"


class Overlay:
    """Rows and pages of all fibers; how many are in use, the device's status says.

    A neuron has a row for each plastic fiber that starts at its area; a row is a chain of pages.  ``ranks`` has, for
    each neuron of these areas, one more than the number of its first row, or 0 if it has none.  ``posts`` and
    ``weights`` have `PAGE` synapses to a page, and ``next`` the page that follows each page.

    Attributes
    ----------
    record : Record
        These arrays for kernels, and for how many rows and pages there is room.
    """

    def __init__(self, program: Program, device: Device, areas: AreaTable, slots: list[int]) -> None:
        self._program = program
        self._device = device
        self._areas = areas
        self._slots = slots
        self._copy: tuple[npt.NDArray[Any], ...] | None = None
        self._use(
            ranks=device.zeros(areas.ranks, np.uint32, "the index of learned synapses"),
            rows=device.zeros(FIRST_ROWS, ROW, _PURPOSE),
            **self._pages(FIRST_PAGES),
        )

    def _use(self, **arrays: Array) -> None:
        rows, pages = arrays["rows"].size, arrays["next"].size
        self.record = record(OVERLAY, **arrays, row_capacity=rows, page_capacity=pages)

    def _pages(self, pages: int) -> dict[str, Array]:
        return {
            "posts": self._device.empty(pages * PAGE, np.uint32, _PURPOSE),
            "weights": self._device.empty(pages * PAGE, np.int32, _PURPOSE),
            "next": self._device.empty(pages, np.uint64, _PURPOSE),
        }

    def grow(self, rows: int, pages: int) -> None:
        """Make room for so many rows and pages, or twice what there is; what is stored stays.

        Raises
        ------
        DeviceMemoryError
            If the device has not the memory; then nothing has changed.
        CapacityError
            If there are more rows than ranks can number.
        """
        if rows > _MOST_ROWS:
            raise CapacityError(
                f"{rows:_} neurons and fibers with learned synapses, above the limit of the gpu backend, {_MOST_ROWS:_}"
            )
        try:
            self._grow(rows, pages, 2)
        except DeviceMemoryError:
            self._grow(rows, pages, 1)
        self._device.trim()

    def _grow(self, rows: int, pages: int, factor: int) -> None:
        """Allocate everything before anything is replaced."""
        grown: dict[str, Array] = {}
        held = self.record.arrays
        if rows > held["rows"].size:
            enough = min(max(rows, factor * held["rows"].size), _MOST_ROWS)
            grown["rows"] = self._device.zeros(enough, ROW, _PURPOSE)
        if pages > held["next"].size:
            grown |= self._pages(max(pages, factor * held["next"].size))
        for name, larger in grown.items():
            self._device.copy(larger, held[name])
        self._use(**{**held, **grown})

    def _places(self, area: int) -> slice:
        start = int(self._areas.items[area]["ranks"])
        return slice(start, start + self._program.areas[area].n)

    def rows_of(self, fiber: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """Return the neurons at the source of a fiber that have rows, and those of the fiber."""
        places = self._places(self._program.fibers[fiber].source)
        ranks = self._device.read(self.record.arrays["ranks"], places.start, places.stop)
        neurons = np.flatnonzero(ranks)
        rows = self._device.read(self.record.arrays["rows"])[ranks[neurons].astype(np.int64) - 1 + self._slots[fiber]]
        return neurons, rows

    def forget_copy(self) -> None:
        """Drop the host's copy of the pool, because the device's may change."""
        self._copy = None

    def _pool(self, page_count: int) -> tuple[npt.NDArray[Any], ...]:
        """Return posts, weights and following pages; one copy serves all fibers, which are often asked for together."""
        if self._copy is None:
            held, slots = self.record.arrays, page_count * PAGE
            posts = self._device.read(held["posts"], 0, slots).reshape(-1, PAGE)
            weights = self._device.read(held["weights"], 0, slots).reshape(-1, PAGE)
            self._copy = posts, weights, self._device.read(held["next"], 0, page_count)
        return self._copy

    def read(self, fiber: int, page_count: int) -> Synapses:
        """Return the learned synapses of a fiber; ``page_count`` pages of all fibers are in use."""
        neurons, rows = self.rows_of(fiber)
        posts, weights, following = self._pool(page_count)
        found: list[tuple[npt.NDArray[np.int64], ...]] = []
        passed, pages = 0, rows["head"].astype(np.int64)
        while (here := rows["length"].astype(np.int64) > passed).any():
            filled = np.arange(PAGE) < (rows["length"][here].astype(np.int64) - passed)[:, None]
            pre = np.broadcast_to(neurons[here, None], filled.shape)
            found.append((pre[filled], posts[pages[here]][filled], weights[pages[here]][filled]))
            passed += PAGE
            more = rows["length"].astype(np.int64) > passed
            pages[more] = following[pages[more]]
        columns = [np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*found, strict=True)]
        pre, post, weight = columns or [np.empty(0, np.int64)] * 3
        order = np.lexsort((post, pre))
        return Synapses(pre[order], post[order], weight[order])

    def room_for(self, learned: Mapping[int, Synapses]) -> tuple[int, int]:
        """Return how many rows and pages some synapses take."""
        pages = sum(int(self._page_counts(synapses)[1].sum()) for synapses in learned.values())
        return self._ranks(learned)[1], pages

    def replace(self, learned: Mapping[int, Synapses]) -> tuple[int, int]:
        """Store the synapses of all plastic fibers, for which there is room, in place of all others.

        Returns
        -------
        rows, pages : int
            How many they take.
        """
        ranks, row_count = self._ranks(learned)
        page_counts = {f: self._page_counts(synapses) for f, synapses in learned.items()}
        page_count = sum(int(counts[1].sum()) for counts in page_counts.values())
        rows = np.zeros(row_count, ROW)
        posts, weights = np.zeros(page_count * PAGE, np.uint32), np.zeros(page_count * PAGE, np.int32)
        first = 0
        for f, synapses in learned.items():
            pre, pages, length = page_counts[f]
            head = first + np.cumsum(pages) - pages
            row = ranks[self._places(self._program.fibers[f].source)][pre].astype(np.int64) - 1 + self._slots[f]
            rows["head"][row], rows["tail"][row], rows["length"][row] = head, head + pages - 1, length
            within = np.arange(len(synapses.pre)) - np.repeat(np.cumsum(length) - length, length)
            slot = np.repeat(head * PAGE, length) + within
            posts[slot], weights[slot] = synapses.post, synapses.weight
            first += int(pages.sum())
        self.forget_copy()
        held = self.record.arrays
        self._device.clear(held["rows"])
        following = np.arange(1, page_count + 1, dtype=np.uint64)
        written = {"ranks": ranks, "rows": rows, "posts": posts, "weights": weights, "next": following}
        for name, values in written.items():
            self._device.write(held[name], 0, values)
        return row_count, page_count

    def _ranks(self, learned: Mapping[int, Synapses]) -> tuple[npt.NDArray[np.uint32], int]:
        ranks, rows = np.zeros(self.record.arrays["ranks"].size, np.uint32), 0
        for area in dict.fromkeys(self._program.fibers[f].source for f in learned):
            here = [synapses.pre for f, synapses in learned.items() if self._program.fibers[f].source == area]
            neurons, slots = np.unique(np.concatenate(here)), int(self._areas.items[area]["slots"])
            ranks[self._places(area)][neurons] = rows + 1 + slots * np.arange(len(neurons))
            rows += slots * len(neurons)
        return ranks, rows

    @staticmethod
    def _page_counts(synapses: Synapses) -> tuple[npt.NDArray[np.int64], ...]:
        pre, length = np.unique(synapses.pre, return_counts=True)
        return pre, (length + PAGE - 1) // PAGE, length
