"""The state of all areas on the device: who fires, who won, and the sums between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Neurons
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import STATUS
from brainsim.kernels.gpu.tables import AreaTable
from brainsim.kernels.spec import BrainSpec


class State:
    """Arrays that hold a part for each area, and what the host knows about them.

    Attributes
    ----------
    areas : Area array
        Where in the other arrays each area has its part.
    winners, sizes, next_winners, next_sizes : uint32 arrays
        Neurons that fire, ascending, and how many; those that have won in the round under way.
    drive : int64 array
        Summed inputs in fixed point, of areas that fibers end in.
    peaks, greater, equal : int64 and uint32 arrays
        The largest drive of each tile; how many lie above the bar, and on it.
    changed, fired : uint32 arrays
        Whether an area's winners changed in the last round that it selected in, and whether it has fired at all.
    status : Status array of one item
        See `kernels/cuda/types.cuh`.
    bounds : list of int
        How many neurons of each area may fire, at most.
    """

    def __init__(self, spec: BrainSpec, device: Device, areas: AreaTable) -> None:
        count = len(spec.areas)
        self._spec = spec
        self._device = device
        self._table = areas
        self._known: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]] | None = None
        self.bounds = [0] * count
        self.areas = device.upload(areas.items, "areas")
        self.sizes, self.next_sizes = (
            device.zeros(count, np.uint32, "winners"),
            device.zeros(count, np.uint32, "winners"),
        )
        self.winners_pool, self.next_winners = self._pools()
        self.drive = device.empty(areas.drives, np.int64, "drives")
        self.peaks = device.empty(areas.tiles, np.int64, "drives")
        self.greater = device.empty(areas.tiles, np.uint32, "drives")
        self.equal = device.empty(areas.tiles, np.uint32, "drives")
        self.changed, self.fired = device.zeros(count, np.uint32, "winners"), device.zeros(count, np.uint32, "winners")
        self.status = device.zeros(1, STATUS, "status")

    def _pools(self) -> tuple[Any, Any]:
        total = self._table.winners
        return self._device.empty(total, np.uint32, "winners"), self._device.empty(total, np.uint32, "winners")

    def capacity(self, areas: Sequence[int]) -> list[int]:
        """Return how many winners there is room for in some areas."""
        return [int(self._table.capacity[area]) for area in areas]

    def moved(self, areas: Sequence[int]) -> None:
        """Note that some areas have selected, or will have, before anybody looks."""
        self._known = None
        for area in areas:
            self.bounds[area] = min(self._spec.areas[area].n, self._spec.areas[area].k)

    def _look(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
        if self._known is None:
            self._known = self._device.read(self.winners_pool), self._device.read(self.sizes)
        return self._known

    def winners(self, area: int) -> Neurons:
        """Return the neurons of an area that fire, ascending; all launches must have taken effect."""
        winners, sizes = self._look()
        start = int(self._table.items[area]["winners"])
        return winners[start : start + int(sizes[area])].astype(np.int64)

    def set_winners(self, area: int, neurons: npt.NDArray[np.uint32]) -> None:
        """Make some neurons those of an area that fire; all launches must have taken effect."""
        if len(neurons) > self._table.capacity[area]:
            self._widen(area, len(neurons))
        self._device.write(self.winners_pool, int(self._table.items[area]["winners"]), neurons)
        self._device.write(self.sizes, area, np.array([len(neurons)], np.uint32))
        self.bounds[area] = len(neurons)
        self._known = None

    def _widen(self, area: int, count: int) -> None:
        winners = [self.winners(a) for a in range(len(self._spec.areas))]
        self._table.widen(area, count)
        self.winners_pool, self.next_winners = self._pools()
        self._device.write(self.areas, 0, self._table.items)
        for a, neurons in enumerate(winners):
            self._device.write(self.winners_pool, int(self._table.items[a]["winners"]), neurons.astype(np.uint32))

    def memory(self, area: int) -> dict[str, int]:
        """Return the bytes allocated for an area, by purpose."""
        item, spec = self._table.items[area], self._spec.areas[area]
        reached = bool(self._spec.into(area))
        return {
            "winners": int(self._table.capacity[area]) * 8,
            "drive": spec.n * 8 if reached else 0,
            "index": spec.n * 4 if item["slots"] else 0,
        }
