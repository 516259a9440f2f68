"""Recorded winners and drives, kept on the device until there are many of them or they are asked for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.arrays import record
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import RECORD_JOB, RING
from brainsim.kernels.state import Neurons

_BYTES = 1 << 22
_SLOTS = (8, 256)  # least and most


class Wanted(NamedTuple):
    """Areas whose winners are recorded, for how many of each there is room, and those whose drives are, too."""

    areas: tuple[int, ...]
    capacity: tuple[int, ...]
    drives: tuple[int, ...]


class Recorded(NamedTuple):
    """What was recorded after a round, by area: winners, and the drives of some."""

    winners: dict[int, Neurons]
    drives: dict[int, npt.NDArray[np.int64]]


class Ring:
    """Room for the winners of some areas over several rounds, a slot for each round.

    Attributes
    ----------
    record : Record
        For kernels: ``jobs`` say where in a slot an area's winners begin, led by their number, and where their drives;
        ``items`` and ``drives`` have the slots, of ``width`` and ``drive_width`` items each.
    """

    def __init__(self, device: Device, wanted: Wanted) -> None:
        self.wanted = wanted
        self._device = device
        self._jobs = jobs = np.zeros(len(wanted.areas), RECORD_JOB)
        capacity = np.array(wanted.capacity, np.int64)
        sizes = capacity + 1  # each list is led by its length
        drives = np.where(np.isin(wanted.areas, wanted.drives), capacity, 0)
        jobs["area"], jobs["offset"] = wanted.areas, np.cumsum(sizes) - sizes
        jobs["first_drive"] = np.where(np.isin(wanted.areas, wanted.drives), np.cumsum(drives) - drives, -1)
        self._width, self._drive_width = int(sizes.sum()), int(drives.sum())
        self.slots = min(_SLOTS[1], max(_SLOTS[0], _BYTES // (4 * self._width + 8 * self._drive_width)))
        self.record = record(
            RING,
            jobs=device.upload(jobs, "recordings"),
            items=device.empty(self.slots * self._width, np.uint32, "recordings"),
            drives=device.empty(self.slots * self._drive_width, np.int64, "recordings"),
            width=self._width,
            drive_width=self._drive_width,
        )

    def read(self, count: int) -> list[Recorded]:
        """Return what the first slots hold; all launches must have taken effect."""
        items = self._device.read(self.record.arrays["items"], 0, count * self._width)
        drives = self._device.read(self.record.arrays["drives"], 0, count * self._drive_width)
        slots = zip(items.reshape(count, self._width), drives.reshape(count, self._drive_width), strict=True)
        return [self._recorded(*slot) for slot in slots]

    def _recorded(self, slot: npt.NDArray[np.uint32], amounts: npt.NDArray[np.int64]) -> Recorded:
        winners, drives = {}, {}
        for area, offset, first in self._jobs.tolist():
            size = int(slot[offset])
            winners[area] = slot[offset + 1 : offset + 1 + size].astype(np.int64)
            if first >= 0:
                drives[area] = amounts[first : first + size].copy()
        return Recorded(winners, drives)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self.record.nbytes


class Slot(NamedTuple):
    """A place in a ring for the winners of one round, and its number."""

    ring: Ring
    number: int


class Recorder:
    """Gives out the slots of a ring, and takes what was recorded to the host."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._ring: Ring | None = None
        self._taken = 0
        self._filled = 0
        self._recorded: list[Recorded] = []

    def has_room(self, wanted: Wanted) -> bool:
        """Return whether `slot` can be called before all slots that were taken have been filled."""
        return self._taken == 0 or (self._suits(wanted) and self._taken < self._slots)

    def _suits(self, wanted: Wanted) -> bool:
        return self._ring is not None and self._ring.wanted == wanted

    @property
    def _slots(self) -> int:
        return self._ring.slots if self._ring is not None else 0

    def slot(self, wanted: Wanted) -> Slot:
        """Return the next slot; raises `DeviceMemoryError` if there is no room for it."""
        if not self.has_room(wanted):
            self.drain()
        if self._ring is None or not self._suits(wanted):
            self._ring = Ring(self._device, wanted)
        self._taken += 1
        return Slot(self._ring, self._taken - 1)

    def filled(self, count: int) -> None:
        """Note that so many more slots have been filled."""
        self._filled += count

    def drain(self) -> None:
        """Take what has been filled to the host; slots that were taken and never filled are given up."""
        if self._ring is not None and self._filled:
            self._recorded += self._ring.read(self._filled)
        self._taken = self._filled = 0

    def recorded(self) -> list[Recorded]:
        """Return what has been taken to the host, and forget it."""
        recorded, self._recorded = self._recorded, []
        return recorded

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._ring.nbytes if self._ring is not None else 0
