"""The GPU backend: every round is a fixed sequence of launches, and the host does not wait for any of them.

What a round needs and the host cannot know (how many neurons fire, whether there is room for new synapses) stays on the
device.  A round that finds no room stalls, and with it all rounds after it: when the host next looks, it makes room and
launches again what did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import PHASES, Backend, Memory, Neurons, Synapses, uninterrupted
from brainsim.kernels.cpu.connectome import graph_arrays, row_targets
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.launches import Launches
from brainsim.kernels.gpu.layout import STATUS
from brainsim.kernels.gpu.overlay import PAGE_BYTES, Overlay
from brainsim.kernels.gpu.plan import Plan, Planner
from brainsim.kernels.gpu.ring import Ring
from brainsim.kernels.gpu.state import State
from brainsim.kernels.gpu.tables import AreaTable, FiberTable, tile_bits
from brainsim.kernels.spec import BrainSpec, Options

_MOST_PLANS = 256
_MOST_PENDING = 512  # rounds launched and not looked at
_NOTHING = Synapses(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(eq=False)
class _Step:
    """A round that was launched, where in the ring it was recorded, and the moments between its phases."""

    plan: Plan
    slot: int | None
    moments: list[Any]


def _open_device() -> Device:
    from brainsim.kernels.gpu.cupy_device import CupyDevice

    return CupyDevice()


class GpuBackend(Backend):
    """CUDA kernels; ``device`` opens what they run on (by default the current CUDA device).

    Raises
    ------
    DeviceMemoryError
        If the device has not the memory for the brain.
    """

    name: ClassVar[str] = "gpu"
    device: ClassVar[Callable[[], Device]] = staticmethod(_open_device)

    def __init__(self, spec: BrainSpec, options: Options) -> None:
        super().__init__(spec, options)
        self._device = type(self).device()
        bits = tile_bits(spec, self._device.description.multiprocessors)
        areas = AreaTable(spec, bits)
        self._fibers = FiberTable(spec, self._device)
        self._state = State(spec, self._device, areas)
        self._overlay = Overlay(spec, self._device, areas, self._fibers.slots)
        self._launches = Launches(self._device, self._fibers, self._state, self._overlay, bits)
        self._planner = Planner(spec, self._device, bits)
        self._plans: dict[Any, Plan] = {}
        self._loaded: dict[int, Synapses] = {}
        self._pending: list[_Step] = []
        self._last: Plan | None = None
        self._ring: Ring | None = None
        self._recorded: list[dict[int, Neurons]] = []
        self._seconds = dict.fromkeys(PHASES, 0.0)

    # Rounds

    def round(self, open_fibers: Sequence[int], fixed: Collection[int], *, learn: bool) -> None:
        if len(self._pending) >= _MOST_PENDING:
            self._settle()
        self._store_loaded()
        plan = self._plan(open_fibers, fixed, learn)
        self._launches.prepare(plan)
        with uninterrupted():
            self._pending.append(_Step(plan, None, self._launches.round(plan)))
            self._last = plan
            self._state.moved(plan.selecting)

    def _plan(self, open_fibers: Sequence[int], fixed: Collection[int], learn: bool) -> Plan:
        bounds = tuple(self._state.bounds)
        key = (tuple(open_fibers), frozenset(fixed), learn, bounds)
        if key not in self._plans:
            if len(self._plans) >= _MOST_PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = self._planner.plan(open_fibers, fixed, learn, bounds)
        return self._plans[key]

    def _settle(self) -> None:
        """Wait until all rounds have happened, making room for those that found none."""
        with uninterrupted():
            while self._pending:
                status = self._device.read(self._state.status)[0]
                done, self._pending = self._pending[: status["done"]], self._pending[status["done"] :]
                self._count_seconds(done)
                status["done"] = 0
                if self._pending:
                    self._make_room(status)
                self._device.write(self._state.status, 0, np.array([status], STATUS))
                for step in self._pending:
                    step.moments = self._launches.round(step.plan)
                    if step.slot is not None and self._ring is not None:
                        self._launches.record(self._ring, step.slot)

    def _make_room(self, status: Any) -> None:
        assert status["stalled"], "a round did not happen for no reason"
        self._launches.forget()
        pending, self._pending, self.broken = self._pending, [], True
        self._overlay.grow(int(status["rows_needed"]), int(status["pages_needed"]))
        self._pending, self.broken = pending, False
        status["stalled"] = 0

    def _count_seconds(self, steps: Sequence[_Step]) -> None:
        for step in steps:
            for phase, begin, end in zip(PHASES, step.moments[:-1], step.moments[1:], strict=True):
                self._seconds[phase] += self._device.seconds(begin, end)

    # Looking

    def winners(self, area: int) -> Neurons:
        self._settle()
        return self._state.winners(area)

    def set_winners(self, area: int, neurons: npt.ArrayLike) -> None:
        self._settle()
        with uninterrupted():
            self._state.set_winners(area, np.array(neurons, np.uint32))

    def stable(self) -> bool:
        self._settle()
        changed = self._device.read(self._state.changed)
        return self._last is None or not any(changed[area] for area in self._last.selecting)

    def fired(self) -> set[int]:
        if self.broken:
            return set()
        self._settle()
        fired = np.flatnonzero(self._device.read(self._state.fired)).tolist()
        self._device.clear(self._state.fired)
        return set(fired)

    def record(self, areas: Sequence[int]) -> None:
        capacity = self._state.capacity(areas)
        if self._ring is not None and (self._ring.full or not self._ring.suits(areas, capacity)):
            self._drain()
        if self._ring is None or not self._ring.suits(areas, capacity):
            self._ring = Ring(self._device, areas, capacity)
        with uninterrupted():
            slot = self._ring.take_slot()
            if self._pending:
                self._pending[-1].slot = slot
            self._launches.record(self._ring, slot)

    def recorded(self) -> list[dict[int, Neurons]]:
        if not self.broken:
            self._drain()
        recorded, self._recorded = self._recorded, []
        return recorded

    def _drain(self) -> None:
        self._settle()
        if self._ring is not None:
            self._recorded += self._ring.drain()

    @property
    def seconds(self) -> dict[str, float]:
        if not self.broken:
            self._settle()
        return self._seconds

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(graph_arrays(self.spec.fibers[fiber].graph), pre)

    # Weights

    def learned(self, fiber: int) -> Synapses:
        if fiber in self._loaded:
            return self._loaded[fiber]
        if not self.spec.fibers[fiber].learns:
            return _NOTHING
        self._settle()
        return self._overlay.read(fiber)

    def set_learned(self, fiber: int, synapses: Synapses) -> None:
        if not self.spec.fibers[fiber].learns:
            return
        if not self._loaded:
            learning = [f for f, spec in enumerate(self.spec.fibers) if spec.learns]
            # While a whole state is set anew, what there was before is not to be asked for.
            self._loaded = {f: _NOTHING if self.broken else self.learned(f) for f in learning}
        self._loaded[fiber] = synapses

    def _store_loaded(self) -> None:
        """Store what was set: all of it at once, since all fibers share one pool."""
        if not self._loaded:
            return
        self._settle()
        with uninterrupted():
            rows, pages = self._overlay.replace(self._loaded)
            status = np.zeros(1, STATUS)
            status["rows_used"], status["pages_used"] = rows, pages
            self._device.write(self._state.status, 0, status)
            self._loaded = {}

    # Life

    def memory(self) -> Memory:
        self._store_loaded()
        self._settle()
        fibers: dict[str, dict[str, int]] = {}
        used = 0
        for f, fiber in enumerate(self.spec.fibers):
            lengths = (
                self._overlay.row_lengths(f)[1]["length"].astype(np.int64) if fiber.learns else np.empty(0, np.int64)
            )
            fibers[fiber.name] = {"learned": int(((lengths + 31) // 32).sum()) * PAGE_BYTES}
            used += fibers[fiber.name]["learned"]
        overlay = {"free pages": self._overlay.following.size * PAGE_BYTES - used, "rows": self._overlay.rows.nbytes}
        recordings = self._ring.nbytes if self._ring is not None else 0
        shared = {
            "overlay": overlay,
            "tables": {"fibers": self._fibers.nbytes, "plans": sum(plan.nbytes for plan in self._plans.values())},
            "buffers": {**self._launches.memory(), "recordings": recordings},
        }
        areas = {area.name: self._state.memory(a) for a, area in enumerate(self.spec.areas)}
        return {"fibers": fibers, "areas": areas, "shared": shared}

    def close(self) -> None:
        del (
            self._fibers,
            self._state,
            self._overlay,
            self._launches,
            self._planner,
            self._plans,
            self._pending,
            self._ring,
        )
        self._device.close()
