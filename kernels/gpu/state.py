"""The state of all areas on the device: who fires, who won, and the sums between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.arrays import Array, Record, record
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import STATE, STATUS
from brainsim.kernels.gpu.tables import AreaTable
from brainsim.kernels.gpu.thresholds import ThresholdPool
from brainsim.kernels.gpu.transmissions import Transmissions
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import Drives, Neurons, amounts_at


class Look(NamedTuple):
    """What the host has seen: the status, and by area whether it changed, whether it fired, how many fire."""

    status: Any
    changed: npt.NDArray[np.uint32]
    fired: npt.NDArray[np.uint32]
    sizes: npt.NDArray[np.uint32]


class State:
    """Arrays that hold a part for each area, and what the host knows about them.

    ``areas`` says where in the other arrays each area has its part.  ``winners`` has the neurons that fire, ascending,
    ``sizes`` how many, and ``drives`` with which drive each has won, 0 if it was presented; ``next_winners``,
    ``next_sizes`` and ``next_drives`` belong to those that have won in the round under way.  ``drive``
    has the summed inputs of areas that fibers end in, less ``thresholds``, in fixed point; ``peaks`` the largest drive
    of each tile, and ``won`` how many winners it holds.  ``changed`` says whether an area's winners changed in the last
    round that it selected in, ``fired`` whether it has fired at all, and ``counted`` whether ``transmissions`` has what
    transmits to it in the round under way.

    Attributes
    ----------
    record : Record
        These arrays for kernels.
    thresholds : ThresholdPool
        What is subtracted from the drives.
    transmissions : Transmissions
        How often each neuron has fired at each fiber.
    tile_bits : int
        A tile has ``2**tile_bits`` targets.
    most_firing : list of int
        How many neurons of each area may fire, at most.
    """

    def __init__(self, program: Program, device: Device, areas: AreaTable, tile_bits: int) -> None:
        count = len(program.areas)
        self._program = program
        self._device = device
        self._table = areas
        self._known: Look | None = None
        self._known_winners: npt.NDArray[np.uint32] | None = None
        self._known_drives: npt.NDArray[np.int64] | None = None
        self.tile_bits = tile_bits
        self.most_firing = [0] * count
        self._selected: list[int] = []
        on_device = device.upload(areas.items, "areas")
        self.thresholds = ThresholdPool(program, device, areas, on_device)
        self.transmissions = Transmissions(program, device)
        # What the host looks at lies side by side, so that one copy brings it all.
        self._look = device.zeros(STATUS.itemsize + 12 * count, np.uint8, "status")
        flags = (self._look.part(STATUS.itemsize + 4 * count * which, count, np.uint32) for which in range(3))
        self._arrays = {
            "areas": on_device,
            "status": self._look.part(0, 1, STATUS),
            **dict(zip(("changed", "fired", "sizes"), flags, strict=True)),
            "next_sizes": device.zeros(count, np.uint32, "winners"),
            "counted": device.zeros(count, np.uint32, "status"),
            "drive": device.empty(areas.drives, np.int64, "drives"),
            "peaks": device.empty(areas.tiles, np.int64, "drives"),
            "won": device.empty(areas.tiles, np.uint32, "drives"),
        }
        counts = self.transmissions.counts
        self._use(thresholds=self.thresholds.amounts, transmissions=counts, **self._lists(areas.winners))

    def _use(self, **arrays: Array) -> None:
        """Take some arrays into use, in place of those of the same name."""
        self._arrays |= arrays
        self.record = record(STATE, **self._arrays, tile_bits=self.tile_bits)

    def _lists(self, total: int) -> dict[str, Array]:
        kinds = {"winners": np.uint32, "next_winners": np.uint32, "drives": np.int64, "next_drives": np.int64}
        return {name: self._device.empty(total, kind, "winners") for name, kind in kinds.items()}

    def look(self) -> Look:
        """Wait for all launches, and return what the host may want to know of them: one small copy."""
        if self._known is None:
            seen = self._device.read(self._look)
            flags = seen[STATUS.itemsize :].view(np.uint32).reshape(3, -1)
            self._known = Look(seen[: STATUS.itemsize].view(STATUS)[0], *flags)
        return self._known

    def set_status(self, rows: int, pages: int) -> None:
        """Count rounds from 0 again, with so many rows and pages of learned synapses in use."""
        status = np.zeros(1, STATUS)
        status["rows_used"], status["pages_used"] = rows, pages
        self._device.write(self._arrays["status"], 0, status)
        if self._known is not None:
            self._known = self._known._replace(status=status[0])

    def take_fired(self) -> set[int]:
        """Return the areas that have fired since this was last asked."""
        fired = set(np.flatnonzero(self.look().fired).tolist())
        if fired:
            self.forget_fired()
            self.look().fired[:] = 0
        return fired

    def forget_fired(self) -> None:
        """Let no area have fired."""
        self._device.clear(self._arrays["fired"])

    def restart(self) -> None:
        """Forget rounds that have not happened."""
        self.forget_fired()
        self._device.clear(self._arrays["counted"])

    def capacity(self, areas: Sequence[int]) -> list[int]:
        """Return how many winners there is room for in some areas."""
        return [int(self._table.capacity[area]) for area in areas]

    def launched(self, plan: RoundPlan) -> None:
        """Note that a round is launched."""
        self.forget_look()
        self.transmissions.launched()
        if self.transmissions.counts is not self._arrays["transmissions"]:
            self._use(transmissions=self.transmissions.counts)
        self._selected = [selection.area for selection in plan.selections]
        for area in self._selected:
            self.most_firing[area] = min(self._program.areas[area].n, self._program.areas[area].k)
        self.thresholds.raised(plan.raising)

    def forget_look(self) -> None:
        """Forget what the host has seen, because the device may change it."""
        self._known = self._known_winners = self._known_drives = None

    def stable(self) -> bool:
        """Return whether the last round changed no winner of any area; all launches must have taken effect."""
        return not self.changed()

    def changed(self) -> frozenset[int]:
        """Return the areas whose winners the last round changed; all launches must have taken effect."""
        return frozenset(area for area in self._selected if self.look().changed[area])

    def winners(self, area: int) -> Neurons:
        """Return the neurons of an area that fire, ascending; all launches must have taken effect."""
        if self._known_winners is None:
            self._known_winners = self._device.read(self._arrays["winners"])
        start = int(self._table.items[area]["winners"])
        return self._known_winners[start : start + int(self.look().sizes[area])].astype(np.int64)

    def drives(self, area: int) -> Drives:
        """Return with which drives the neurons of an area that fire have won; all launches must have taken effect."""
        if self._known_drives is None:
            self._known_drives = self._device.read(self._arrays["drives"])
        start, neurons = int(self._table.items[area]["winners"]), self.winners(area)
        amount = self._known_drives[start : start + len(neurons)]
        return Drives(neurons[amount != 0], amount[amount != 0])

    def set_drives(self, area: int, drives: Drives) -> None:
        """Let some of the neurons of an area that fire have won with these drives."""
        amounts = amounts_at(drives, self.winners(area))
        self._device.write(self._arrays["drives"], int(self._table.items[area]["winners"]), amounts)
        self._known_drives = None

    def make_room_for_winners(self, area: int, count: int) -> None:
        """Let so many neurons of an area fire, with larger arrays if necessary; all launches must have taken effect.

        Raises
        ------
        DeviceMemoryError
            If there is no room for them; then nothing has changed.
        """
        if count > int(self._table.capacity[area]):
            self._widen(area, count)

    def set_winners(self, area: int, neurons: npt.NDArray[np.uint32]) -> None:
        """Make some neurons, for which there is room, those of an area that fire; they have not won."""
        start = int(self._table.items[area]["winners"])
        self._device.write(self._arrays["winners"], start, neurons)
        if len(neurons):
            drives = self._arrays["drives"]
            self._device.clear(drives.part(start * drives.dtype.itemsize, len(neurons), drives.dtype))
        self._device.write(self._arrays["sizes"], area, np.array([len(neurons)], np.uint32))
        self.most_firing[area] = len(neurons)
        self.forget_look()

    def may_fire(self, area: int, count: int) -> None:
        """Let rounds reckon with so many firing neurons of an area at least, so that more of them share a plan."""
        self.most_firing[area] = max(self.most_firing[area], count)

    def set_won(self, area: int, neurons: npt.NDArray[np.uint32]) -> None:
        """Let some neurons of an area, for which there is room, be those that have won in the round under way."""
        self._device.write(self._arrays["next_winners"], int(self._table.items[area]["winners"]), neurons)
        self._device.write(self._arrays["next_sizes"], area, np.array([len(neurons)], np.uint32))

    def _widen(self, area: int, count: int) -> None:
        areas = range(len(self._program.areas))
        winners, drives = [self.winners(a) for a in areas], [self.drives(a) for a in areas]
        lists = self._lists(self._table.winners_with(area, count))
        self._table.widen(area, count)
        self._use(**lists)
        self._device.write(self._arrays["areas"], 0, self._table.items)
        for a, neurons in enumerate(winners):
            start = int(self._table.items[a]["winners"])
            self._device.write(self._arrays["winners"], start, neurons.astype(np.uint32))
            self._device.write(self._arrays["drives"], start, amounts_at(drives[a], neurons))

    def given(self, source: int, fired: Neurons, target: int, won: Neurons) -> Record:
        """Return a state for kernels in which some neurons fire at one area, and others have won at another."""
        areas, count = self._table.items.copy(), len(self._program.areas)
        areas["winners"] = 0
        sizes, next_sizes = np.zeros(count, np.uint32), np.zeros(count, np.uint32)
        sizes[source], next_sizes[target] = len(fired), len(won)
        tables = {"areas": areas, "winners": fired.astype(np.uint32), "next_winners": won.astype(np.uint32)}
        tables |= {"sizes": sizes, "next_sizes": next_sizes}
        there = self._device.upload_all(list(tables.values()), "traces")
        return record(STATE, **{**self._arrays, **dict(zip(tables, there, strict=True))}, tile_bits=self.tile_bits)

    def make_room_for_thresholds(self, area: int) -> None:
        """Let an area have thresholds; raises as `ThresholdPool.make_room`."""
        self.thresholds.make_room(area)
        if self.thresholds.amounts is not self._arrays["thresholds"]:
            self._use(thresholds=self.thresholds.amounts)

    def memory(self, area: int) -> dict[str, int]:
        """Return the bytes allocated for an area, by purpose."""
        item, size = self._table.items[area], self._program.areas[area].n
        reached = bool(self._program.into(area))
        return {
            "winners": int(self._table.capacity[area]) * 24,
            "drive": (size + int(item["rivals"]) * (item["channel"] > 1)) * 8 if reached else 0,
            "index": size * 4 if item["slots"] else 0,
            "thresholds": self.thresholds.nbytes(area),
        }
