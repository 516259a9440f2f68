"""The learned synapses on the device: pages of 32 in one pool, which only grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.errors import CapacityError, DeviceMemoryError
from brainsim.kernels.gpu.device import Array, Device
from brainsim.kernels.gpu.layout import PAGE, ROW
from brainsim.kernels.gpu.tables import AreaTable
from brainsim.kernels.program import Program
from brainsim.kernels.state import Synapses

FIRST_ROWS = 1024
FIRST_PAGES = 1024
PAGE_BYTES = PAGE * 8 + 8
_MOST_ROWS = 2**32 - 1  # ranks have 32 bits
_PURPOSE = "learned synapses"


class Overlay:
    """Rows and pages of all fibers; how many are in use, the device's status says.

    Attributes
    ----------
    ranks : uint32 array
        For each neuron of an area where plastic fibers start, one more than the number of its first row, or 0.
    rows : ROW array
        A row for each of these fibers: a chain of pages.
    posts, weights : uint32 and int32 arrays
        Targets and weights, `PAGE` to a page.
    following : uint64 array
        The page that follows each page.
    """

    def __init__(self, program: Program, device: Device, areas: AreaTable, slots: list[int]) -> None:
        self._program = program
        self._device = device
        self._areas = areas
        self._slots = slots
        self._copy: tuple[npt.NDArray[Any], ...] | None = None
        self.ranks = device.zeros(areas.ranks, np.uint32, "the index of learned synapses")
        self._allocate(FIRST_ROWS, FIRST_PAGES)

    def _allocate(self, rows: int, pages: int) -> None:
        self.rows = self._device.zeros(rows, ROW, _PURPOSE)
        self.posts, self.weights, self.following = self._pages(pages)

    def _pages(self, pages: int) -> tuple[Array, Array, Array]:
        return (
            self._device.empty(pages * PAGE, np.uint32, _PURPOSE),
            self._device.empty(pages * PAGE, np.int32, _PURPOSE),
            self._device.empty(pages, np.uint64, _PURPOSE),
        )

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
        if rows > self.rows.size:
            grown["rows"] = self._device.zeros(min(max(rows, factor * self.rows.size), _MOST_ROWS), ROW, _PURPOSE)
        if pages > self.following.size:
            enough = max(pages, factor * self.following.size)
            grown.update(zip(("posts", "weights", "following"), self._pages(enough), strict=True))
        for name, larger in grown.items():
            self._device.copy(larger, getattr(self, name))
            setattr(self, name, larger)

    def _places(self, area: int) -> slice:
        start = int(self._areas.items[area]["ranks"])
        return slice(start, start + self._program.areas[area].n)

    def rows_of(self, fiber: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """Return the neurons that are enrolled at the source of a fiber, and their rows."""
        places = self._places(self._program.fibers[fiber].source)
        ranks = self._device.read(self.ranks, places.start, places.stop)
        neurons = np.flatnonzero(ranks)
        rows = self._device.read(self.rows)[ranks[neurons].astype(np.int64) - 1 + self._slots[fiber]]
        return neurons, rows

    def forget_copy(self) -> None:
        """Drop the host's copy of the pool, because the device's may change."""
        self._copy = None

    def _pool(self, page_count: int) -> tuple[npt.NDArray[Any], ...]:
        """Return posts, weights and following pages; one copy serves all fibers, which are often asked for together."""
        if self._copy is None:
            posts = self._device.read(self.posts, 0, page_count * PAGE).reshape(-1, PAGE)
            weights = self._device.read(self.weights, 0, page_count * PAGE).reshape(-1, PAGE)
            self._copy = posts, weights, self._device.read(self.following, 0, page_count)
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
        self._device.write(self.ranks, 0, ranks)
        self._device.clear(self.rows)
        self._device.write(self.rows, 0, rows)
        self._device.write(self.posts, 0, posts)
        self._device.write(self.weights, 0, weights)
        self._device.write(self.following, 0, np.arange(1, page_count + 1, dtype=np.uint64))
        return row_count, page_count

    def _ranks(self, learned: Mapping[int, Synapses]) -> tuple[npt.NDArray[np.uint32], int]:
        ranks, rows = np.zeros(self.ranks.size, np.uint32), 0
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
