"""The learned synapses on the device: pages of 32 in one pool, which only grows."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.errors import CapacityError, DeviceMemoryError
from brainsim.kernels.gpu.arrays import Array, record
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import OVERLAY, PAGE, PAGE_BYTES, ROW

_FIRST_SHARE = 1 << 10
_MOST_ROWS = 2**32 - 1  # ranks have 32 bits
_PURPOSE = "learned synapses"


def first_room(memory: int) -> tuple[int, int]:
    """Return how many rows and pages there is room for at first, on a device with so many bytes.

    They take a 1024th of its memory.  With less, more rounds would find no room, and all that were launched after them
    would be launched again.
    """
    first = max(1, memory // (_FIRST_SHARE * (ROW.itemsize + PAGE_BYTES)))
    return first, first


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

    def __init__(self, device: Device, ranks: int) -> None:
        self._device = device
        rows, pages = first_room(device.description.memory)
        self._use(
            ranks=device.zeros(ranks, np.uint32, "the index of learned synapses"),
            rows=device.zeros(rows, ROW, _PURPOSE),
            **self._pages(pages),
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
