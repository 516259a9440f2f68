"""Recorded winners, kept on the device until there are many of them or they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from brainsim.kernels.gpu.arrays import record
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import RECORD_JOB, RING
from brainsim.kernels.state import Neurons

_BYTES = 1 << 22
_SLOTS = (8, 256)  # least and most


class Ring:
    """Room for the winners of some areas over several rounds, a slot for each round.

    Attributes
    ----------
    record : Record
        For kernels: ``jobs`` say where in a slot an area's winners begin, led by their number; ``items`` has the slots.
    """

    def __init__(self, device: Device, areas: Sequence[int], capacity: Sequence[int]) -> None:
        self.areas = tuple(areas)
        self.capacity = tuple(capacity)
        self._device = device
        sizes = np.array(capacity, np.int64) + 1  # each list is led by its length
        jobs = np.zeros(len(areas), RECORD_JOB)
        jobs["area"], jobs["offset"] = areas, np.cumsum(sizes) - sizes
        self._offsets = jobs["offset"].tolist()
        self.width = int(sizes.sum())
        self.slots = min(_SLOTS[1], max(_SLOTS[0], _BYTES // (4 * self.width)))
        items = device.empty(self.slots * self.width, np.uint32, "recordings")
        self.record = record(RING, jobs=device.upload(jobs, "recordings"), items=items)

    def read(self, count: int) -> list[dict[int, Neurons]]:
        """Return the winners by area in the first slots; all launches must have taken effect."""
        slots = self._device.read(self.record.arrays["items"], 0, count * self.width).reshape(count, self.width)
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
        return self.record.nbytes


class Slot(NamedTuple):
    """A place in a ring for the winners of one round, and where it begins."""

    ring: Ring
    start: int


class Recorder:
    """Gives out the slots of a ring, and takes what was recorded to the host."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._ring: Ring | None = None
        self._taken = 0
        self._filled = 0
        self._recorded: list[dict[int, Neurons]] = []

    def has_room(self, areas: Sequence[int], capacity: Sequence[int]) -> bool:
        """Return whether `slot` can be called before all slots that were taken have been filled."""
        return self._taken == 0 or (self._suits(areas, capacity) and self._taken < self._slots)

    def _suits(self, areas: Sequence[int], capacity: Sequence[int]) -> bool:
        return self._ring is not None and (self._ring.areas, self._ring.capacity) == (tuple(areas), tuple(capacity))

    @property
    def _slots(self) -> int:
        return self._ring.slots if self._ring is not None else 0

    def slot(self, areas: Sequence[int], capacity: Sequence[int]) -> Slot:
        """Return the next slot for the winners of some areas; raises `DeviceMemoryError` if there is no room for it."""
        if not self.has_room(areas, capacity):
            self.drain()
        if self._ring is None or not self._suits(areas, capacity):
            self._ring = Ring(self._device, areas, capacity)
        self._taken += 1
        return Slot(self._ring, (self._taken - 1) * self._ring.width)

    def filled(self, count: int) -> None:
        """Note that so many more slots have been filled."""
        self._filled += count

    def drain(self) -> None:
        """Take what has been filled to the host; slots that were taken and never filled are given up."""
        if self._ring is not None and self._filled:
            self._recorded += self._ring.read(self._filled)
        self._taken = self._filled = 0

    def recorded(self) -> list[dict[int, Neurons]]:
        """Return what has been taken to the host, and forget it."""
        recorded, self._recorded = self._recorded, []
        return recorded

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._ring.nbytes if self._ring is not None else 0
