"""How often each neuron has fired at each fiber while it transmitted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.device import Device
from brainsim.kernels.program import Program

_PURPOSE = "transmissions"
MOST_ROUNDS = 2**32 - 1  # that counts of 32 bits hold


class Transmissions:
    """Counts on the device, with a part for each fiber from when it first transmits.

    Attributes
    ----------
    counts : uint32 array
        For each of these fibers, one count for each neuron of its source; `place` says where they begin.
    """

    def __init__(self, program: Program, device: Device) -> None:
        self._program = program
        self._device = device
        self._places: dict[int, int] = {}
        self._used = 0
        self._rounds = 0
        self._taken: dict[int, npt.NDArray[np.int64]] = {}
        self.counts = device.zeros(0, np.uint32, _PURPOSE)

    def make_room(self, fibers: Iterable[int]) -> None:
        """Let some fibers be counted, in a larger array if there is no room.

        Rounds that have been launched, and still count in the smaller one, run before it is copied.

        Raises
        ------
        DeviceMemoryError
            If there is no room for it; then nothing has changed.
        """
        sizes = {f: self._program.fibers[f].graph.n_source for f in fibers if f not in self._places}
        if not sizes:
            return
        larger = self._device.zeros(self._used + sum(sizes.values()), np.uint32, _PURPOSE)
        if self._used:
            self._device.copy(larger, self.counts)
        self.counts = larger
        for f, size in sizes.items():
            self._places[f], self._used = self._used, self._used + size

    def place(self, fiber: int) -> int:
        """Return where the counts of a fiber, for which there is room, begin."""
        return self._places[fiber]

    def launched(self) -> None:
        """Note that a round is to be launched."""
        if self._rounds >= MOST_ROUNDS:
            self._taken = {f: self.read(f) for f in self._places}
            self._device.clear(self.counts)
            self._rounds = 0
        self._rounds += 1

    def read(self, fiber: int) -> npt.NDArray[np.int64]:
        """Return how often each neuron has fired at a fiber; all launches must have taken effect."""
        size = self._program.fibers[fiber].graph.n_source
        total = self._taken.get(fiber, np.zeros(size, np.int64))
        if fiber not in self._places:
            return total
        place = self._places[fiber]
        counts: npt.NDArray[np.int64] = total + self._device.read(self.counts, place, place + size)
        return counts

    def nbytes(self, fiber: int) -> int:
        """Return the bytes allocated for a fiber on the device."""
        return 4 * self._program.fibers[fiber].graph.n_source if fiber in self._places else 0
