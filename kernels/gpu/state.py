"""The state of all areas on the device: who fires, who won, and the sums between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.device import Array, Device
from brainsim.kernels.gpu.layout import STATUS
from brainsim.kernels.gpu.tables import AreaTable
from brainsim.kernels.gpu.thresholds import ThresholdPool
from brainsim.kernels.program import Program
from brainsim.kernels.state import Neurons


class Look(NamedTuple):
    """What the host has seen: the status, and by area whether it changed, whether it fired, how many fire."""

    status: Any
    changed: npt.NDArray[np.uint32]
    fired: npt.NDArray[np.uint32]
    sizes: npt.NDArray[np.uint32]


class State:
    """Arrays that hold a part for each area, and what the host knows about them.

    Attributes
    ----------
    areas : Area array
        Where in the other arrays each area has its part.
    winners_pool, sizes, next_winners, next_sizes : uint32 arrays
        Neurons that fire, ascending, and how many; those that have won in the round under way.
    drive : int64 array
        Summed inputs in fixed point, of areas that fibers end in.
    peaks, won : int64 and uint32 arrays
        The largest drive of each tile, and how many winners it holds.
    changed, fired : uint32 arrays
        Whether an area's winners changed in the last round that it selected in, and whether it has fired at all.
    status : Status array of one item
        See `kernels/cuda/types.cuh`.
    thresholds : ThresholdPool
        What is subtracted from the drives.
    bounds : list of int
        How many neurons of each area may fire, at most.
    """

    def __init__(self, program: Program, device: Device, areas: AreaTable) -> None:
        count = len(program.areas)
        self._program = program
        self._device = device
        self._table = areas
        self._known: Look | None = None
        self._known_winners: npt.NDArray[np.uint32] | None = None
        self.bounds = [0] * count
        self.areas = device.upload(areas.items, "areas")
        self._look = device.zeros(STATUS.itemsize + 12 * count, np.uint8, "status")
        self.status = self._look.part(0, 1, STATUS)
        self.changed, self.fired, self.sizes = (
            self._look.part(STATUS.itemsize + 4 * count * which, count, np.uint32) for which in range(3)
        )
        self.next_sizes = device.zeros(count, np.uint32, "winners")
        self.winners_pool, self.next_winners = self._pools(areas.winners)
        self.drive = device.empty(areas.drives, np.int64, "drives")
        self.peaks = device.empty(areas.tiles, np.int64, "drives")
        self.won = device.empty(areas.tiles, np.uint32, "drives")
        self.thresholds = ThresholdPool(program, device, areas, self.areas)

    def _pools(self, total: int) -> tuple[Array, Array]:
        return self._device.empty(total, np.uint32, "winners"), self._device.empty(total, np.uint32, "winners")

    def look(self) -> Look:
        """Wait for all launches, and return what the host may want to know of them: one small copy."""
        if self._known is None:
            seen = self._device.read(self._look)
            flags = seen[STATUS.itemsize :].view(np.uint32).reshape(3, -1)
            self._known = Look(seen[: STATUS.itemsize].view(STATUS)[0], *flags)
        return self._known

    def set_status(self, rows: int, pages: int) -> None:
        """Begin to count rounds anew, with so many rows and pages of learned synapses in use."""
        status = np.zeros(1, STATUS)
        status["rows_used"], status["pages_used"] = rows, pages
        self._device.write(self.status, 0, status)
        if self._known is not None:
            self._known = self._known._replace(status=status[0])

    def take_fired(self) -> set[int]:
        """Return the areas that have fired since this was last asked."""
        fired = set(np.flatnonzero(self.look().fired).tolist())
        if fired:
            self._device.clear(self.fired)
            self.look().fired[:] = 0
        return fired

    def capacity(self, areas: Sequence[int]) -> list[int]:
        """Return how many winners there is room for in some areas."""
        return [int(self._table.capacity[area]) for area in areas]

    def moved(self, areas: Sequence[int]) -> None:
        """Note that a round is launched in which some areas select."""
        self._known = self._known_winners = None
        for area in areas:
            self.bounds[area] = min(self._program.areas[area].n, self._program.areas[area].k)

    def winners(self, area: int) -> Neurons:
        """Return the neurons of an area that fire, ascending; all launches must have taken effect."""
        if self._known_winners is None:
            self._known_winners = self._device.read(self.winners_pool)
        start = int(self._table.items[area]["winners"])
        return self._known_winners[start : start + int(self.look().sizes[area])].astype(np.int64)

    def set_winners(self, area: int, neurons: npt.NDArray[np.uint32]) -> bool:
        """Make some neurons those of an area that fire; all launches must have taken effect.

        Returns
        -------
        bool
            Whether arrays have been replaced by larger ones.
        """
        widens = len(neurons) > int(self._table.capacity[area])
        if widens:
            self._widen(area, len(neurons))
        self._device.write(self.winners_pool, int(self._table.items[area]["winners"]), neurons)
        self._device.write(self.sizes, area, np.array([len(neurons)], np.uint32))
        self.bounds[area] = len(neurons)
        self._known = self._known_winners = None
        return widens

    def _widen(self, area: int, count: int) -> None:
        winners = [self.winners(a) for a in range(len(self._program.areas))]
        pools = self._pools(self._table.winners_with(area, count))  # if there is no room, nothing has changed
        self._table.widen(area, count)
        self.winners_pool, self.next_winners = pools
        self._device.write(self.areas, 0, self._table.items)
        for a, neurons in enumerate(winners):
            self._device.write(self.winners_pool, int(self._table.items[a]["winners"]), neurons.astype(np.uint32))

    def memory(self, area: int) -> dict[str, int]:
        """Return the bytes allocated for an area, by purpose."""
        item, size = self._table.items[area], self._program.areas[area].n
        reached = bool(self._program.into(area))
        return {
            "winners": int(self._table.capacity[area]) * 8,
            "drive": size * 8 if reached else 0,
            "index": size * 4 if item["slots"] else 0,
            "thresholds": self.thresholds.nbytes(area),
        }
