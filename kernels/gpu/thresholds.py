"""The thresholds of all areas on the device: an amount for each neuron of those areas that have any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainsim.kernels.gpu.arrays import Array
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.tables import AreaTable
from brainsim.kernels.program import Program
from brainsim.kernels.state import NO_THRESHOLDS, Thresholds

_PURPOSE = "thresholds"


class ThresholdPool:
    """The areas' parts of one array: those that refract always have one, others from when they are given thresholds.

    Attributes
    ----------
    amounts : int64 array
        What is subtracted from the drive of each neuron; the part of an area begins at its place.
    threshold_lift : list of int
        By how much thresholds below 0 may add to the drives of each area, at most; rounded up, so that there are few
        values, and few plans that differ by them.
    """

    def __init__(self, program: Program, device: Device, table: AreaTable, there: Array) -> None:
        self._program = program
        self._device = device
        self._table = table
        self._there = there  # the table's items on the device
        self._places: dict[int, int] = {}
        self._known = dict.fromkeys(range(len(program.areas)), NO_THRESHOLDS)
        self._used = 0
        self.threshold_lift = [0] * len(program.areas)
        for area, each in enumerate(program.areas):
            if each.refraction and program.into(area):
                self._places[area], self._used = self._used, self._used + each.n
        self.amounts = device.zeros(self._used, np.int64, _PURPOSE)
        for area in self._places:
            self._use(area, True)

    def _use(self, area: int, used: bool) -> None:
        """Let rounds subtract the amounts of an area, or none."""
        self._table.items["thresholds"][area] = self._places[area] if used else -1
        self._device.write(self._there, area, self._table.items[area : area + 1])

    def make_room(self, area: int) -> None:
        """Let an area have thresholds, in a larger array if necessary; all launches must have taken effect.

        Raises
        ------
        DeviceMemoryError
            If there is no room for it; then nothing has changed.
        """
        if area in self._places:
            return
        larger = self._device.empty(self._used + self._program.areas[area].n, np.int64, _PURPOSE)
        if self._used:
            self._device.copy(larger, self.amounts)
        self.amounts, self._places[area], self._used = larger, self._used, larger.size

    def raised(self, areas: Sequence[int]) -> None:
        """Note that a round is launched that raises the thresholds of some areas."""
        for area in areas:
            self._known.pop(area, None)

    def read(self, area: int) -> Thresholds:
        """Return the thresholds of an area that are not 0; all launches must have taken effect."""
        if area not in self._known:
            place = self._places[area]
            amounts = self._device.read(self.amounts, place, place + self._program.areas[area].n)
            neurons = np.flatnonzero(amounts)
            self._known[area] = Thresholds(neurons, amounts[neurons])
        return self._known[area]

    def write(self, area: int, thresholds: Thresholds) -> None:
        """Replace the thresholds of an area, none of them 0, for which there is room."""
        if thresholds is self._known.get(area):
            return  # put back after a probe, in which nothing is learned
        self._known.pop(area, None)
        neurons, amount = thresholds
        if area in self._places:
            used = len(neurons) > 0 or self._program.areas[area].refraction > 0
            if used:
                amounts = np.zeros(self._program.areas[area].n, np.int64)
                amounts[neurons] = amount
                self._device.write(self.amounts, self._places[area], amounts)
            self._use(area, used)
        self.threshold_lift[area] = (1 << max(0, -int(amount.min(initial=0))).bit_length()) - 1
        self._known[area] = thresholds

    def nbytes(self, area: int) -> int:
        """Return the bytes allocated for an area."""
        return self._program.areas[area].n * 8 if area in self._places else 0
