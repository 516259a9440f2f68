"""Recorded winners, kept on the device until there are many of them or somebody looks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainsim.kernels.backend import Neurons
from brainsim.kernels.gpu.device import Array, Device
from brainsim.kernels.gpu.layout import CHANNEL

_BYTES = 1 << 22
_MOST_SLOTS = 256


class Ring:
    """Room for the winners of some areas over several rounds, a slot for each round.

    Attributes
    ----------
    areas : tuple of int
        What is recorded.
    """

    def __init__(self, device: Device, areas: Sequence[int], capacity: Sequence[int]) -> None:
        self.areas = tuple(areas)
        self._device = device
        self._capacity = tuple(capacity)
        sizes = np.array(capacity, np.int64) + 1  # each list is led by its length
        channels = np.zeros(len(areas), CHANNEL)
        channels["area"], channels["offset"] = areas, np.cumsum(sizes) - sizes
        self._offsets = channels["offset"].tolist()
        self._width = int(sizes.sum())
        self._slots = max(1, min(_MOST_SLOTS, _BYTES // (4 * self._width)))
        self._used = 0
        self.channels = device.upload(channels, "recordings")
        self.items: Array = device.empty(self._slots * self._width, np.uint32, "recordings")

    def suits(self, areas: Sequence[int], capacity: Sequence[int]) -> bool:
        """Return whether it records these areas, and has room for so many winners of each."""
        return self.areas == tuple(areas) and self._capacity == tuple(capacity)

    @property
    def full(self) -> bool:
        """Whether no slot is left."""
        return self._used == self._slots

    def take_slot(self) -> int:
        """Return where the next slot begins."""
        self._used += 1
        return (self._used - 1) * self._width

    def drain(self) -> list[dict[int, Neurons]]:
        """Return the winners by area of every round recorded, and forget them; all launches must have taken effect."""
        slots = self._device.read(self.items, 0, self._used * self._width).reshape(self._used, self._width)
        self._used = 0
        return [
            {
                area: slot[offset + 1 : offset + 1 + slot[offset]].astype(np.int64)
                for area, offset in zip(self.areas, self._offsets, strict=True)
            }
            for slot in slots
        ]

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self.items.nbytes + self.channels.nbytes
