"""The GPU backend: every round is a fixed sequence of launches, and the host does not wait for any of them.

What a round needs and the host cannot know (how many neurons fire, whether there is room for new synapses) stays on the
device.  A round that finds no room stalls, and with it all rounds after it: when the host next looks, it makes room and
launches again what did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import (
    NO_SYNAPSES,
    PHASES,
    Backend,
    Memory,
    Neurons,
    Synapses,
    Thresholds,
    uninterrupted,
    without_zeros,
)
from brainsim.kernels.errors import KernelError
from brainsim.kernels.gpu.device import Device, Record
from brainsim.kernels.gpu.launches import Launches
from brainsim.kernels.gpu.layout import PAGE
from brainsim.kernels.gpu.overlay import PAGE_BYTES, Overlay
from brainsim.kernels.gpu.plan import Plan, Planner
from brainsim.kernels.gpu.ring import Recorder
from brainsim.kernels.gpu.state import State
from brainsim.kernels.gpu.tables import AreaTable, FiberTable, tile_bits
from brainsim.kernels.program import Options, Program

_MOST_PLANS = 256
_MOST_PENDING = 512  # rounds launched and not looked at


@dataclass(eq=False)
class _Step:
    """A round that was launched, the moments between its phases, and where in the ring it was recorded."""

    plan: Plan
    moments: list[Any]
    slots: list[int] = field(default_factory=list)


def _open_device() -> Device:
    from brainsim.kernels.gpu.cuda_device import CupyDevice

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

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._device = type(self).device()
        bits = tile_bits(program, self._device.description.multiprocessors)
        areas = AreaTable(program, bits)
        self._fibers = FiberTable(program, self._device)
        self._state = State(program, self._device, areas, bits)
        self._overlay = Overlay(program, self._device, areas, self._fibers.slots)
        self._launches = Launches(self._device, self._fibers, self._state, self._overlay)
        self._planner = Planner(program, self._device, bits)
        self._recorder = Recorder(self._device)
        self._plans: dict[Any, Plan] = {}
        self._loaded: dict[int, Synapses] = {}
        self._pending: list[_Step] = []
        self._selected: tuple[int, ...] = ()
        self._seconds = dict.fromkeys(PHASES, 0.0)
        self._lost = False

    # Rounds

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Launch all of something; if that fails half-way, what the device holds is the state of no moment."""
        with uninterrupted():
            before, self.broken, self._lost = self.broken, True, True
            yield
            self.broken, self._lost = before, False

    def round(self, open_fibers: Sequence[int], fixed: Collection[int], *, learn: bool) -> None:
        if self._lost or len(self._pending) >= _MOST_PENDING:
            self._settle()
        self._store_loaded()
        plan = self._plan(open_fibers, fixed, learn)
        self._launches.prepare(plan)
        with self._whole():
            self._state.moved(plan.selecting)
            if learn:
                self._state.thresholds.raised(plan.selecting)
            self._overlay.forget_copy()
            self._pending.append(_Step(plan, self._launches.round(plan)))
            self._selected = plan.selecting

    def _plan(self, open_fibers: Sequence[int], fixed: Collection[int], learn: bool) -> Plan:
        most, lift = tuple(self._state.most_firing), tuple(self._state.thresholds.most_lift)
        key = (tuple(open_fibers), frozenset(fixed), learn, most, lift)
        if key not in self._plans:
            if len(self._plans) >= _MOST_PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = self._planner.plan(open_fibers, fixed, learn, most, lift)
        return self._plans[key]

    def _settle(self) -> None:
        """Wait until all rounds have happened, making room for those that found none."""
        if self._lost:
            self._give_up()
        while self._pending:
            with self._whole():
                status = self._state.look().status
                done, self._pending = self._pending[: status["done"]], self._pending[status["done"] :]
                self._count_seconds(done)
                self._recorder.filled(sum(len(step.slots) for step in done))
                if self._pending:
                    self._make_room(status)
                self._state.set_status(status["rows_used"], status["pages_used"])
                for step in self._pending:
                    self._state.moved(())
                    step.moments = self._launches.round(step.plan)
                    for slot in step.slots:
                        assert self._recorder.ring is not None  # it gave out the slot
                        self._launches.record(self._recorder.ring, slot)

    def _make_room(self, status: Any) -> None:
        assert status["stalled"], "a round did not happen for no reason"
        self._launches.forget()
        try:
            self._overlay.grow(int(status["rows_needed"]), int(status["pages_needed"]))
        except KernelError:
            self._recorder.drain()  # rounds that did happen
            raise

    def _give_up(self) -> None:
        """Forget rounds that did not happen whole, and all that was learned: it is about to be set anew."""
        self._pending = []
        self._launches.forget()
        self._recorder.drain()
        self._state.set_status(0, 0)
        self._state.forget_fired()
        self._loaded = dict.fromkeys(self._storing(), NO_SYNAPSES)
        self._lost = False

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
            before = self._state.record
            self._state.set_winners(area, np.array(neurons, np.uint32))
            self._let_go(before)

    def _let_go(self, before: Record) -> None:
        """Give back the memory of arrays that have been replaced, if any."""
        if self._state.record is not before:
            self._launches.forget()
            self._device.trim()

    def stable(self) -> bool:
        self._settle()
        changed = self._state.look().changed
        return not any(changed[area] for area in self._selected)

    def fired(self) -> set[int]:
        if self._lost:
            return set()
        self._settle()
        return self._state.take_fired()

    def record(self, areas: Sequence[int]) -> None:
        ring, slot = self._recorder.slot(areas, self._state.capacity(areas), self._settle)
        with self._whole():
            self._launches.record(ring, slot)
            if self._pending:
                self._pending[-1].slots.append(slot)
            else:
                self._recorder.filled(1)

    def recorded(self) -> list[dict[int, Neurons]]:
        if not self._lost:
            self._settle()
            self._recorder.drain()
        return self._recorder.recorded()

    @property
    def seconds(self) -> dict[str, float]:
        if not self._lost:
            self._settle()
        return self._seconds

    def row(self, fiber: int, pre: int) -> Neurons:
        return self.program.fibers[fiber].graph.row(pre)

    # Weights

    def _storing(self) -> list[int]:
        return [f for f, fiber in enumerate(self.program.fibers) if fiber.stores]

    def learned(self, fiber: int) -> Synapses:
        self._settle()
        if fiber in self._loaded:
            return self._loaded[fiber]
        if not self.program.fibers[fiber].stores:
            return NO_SYNAPSES
        return self._overlay.read(fiber, int(self._state.look().status["pages_used"]))

    def set_learned(self, fiber: int, synapses: Synapses) -> None:
        if not self.program.fibers[fiber].stores:
            return
        self._settle()
        if not self._loaded:
            # While a whole state is set anew, what there was before is not asked for.
            self._loaded = {f: NO_SYNAPSES if self.broken else self.learned(f) for f in self._storing()}
        self._loaded[fiber] = synapses

    def _store_loaded(self) -> None:
        """Store what was set: all of it at once, since all fibers share one pool."""
        if not self._loaded:
            return
        self._settle()
        self._launches.forget()
        self._overlay.grow(*self._overlay.room_for(self._loaded))
        with self._whole():
            self._state.set_status(*self._overlay.replace(self._loaded))
            self._loaded = {}

    # Thresholds

    def thresholds(self, area: int) -> Thresholds:
        self._settle()
        return self._state.thresholds.read(area)

    def set_thresholds(self, area: int, thresholds: Thresholds) -> None:
        self._settle()
        thresholds = without_zeros(thresholds)
        with uninterrupted():
            before = self._state.record
            if len(thresholds.neurons):
                self._state.make_room_for_thresholds(area)
            self._let_go(before)
        with self._whole():
            self._state.thresholds.write(area, thresholds)

    # Life

    def memory(self) -> Memory:
        self._store_loaded()
        self._settle()
        fibers: dict[str, dict[str, int]] = {}
        for f, fiber in enumerate(self.program.fibers):
            lengths = self._overlay.rows_of(f)[1]["length"].astype(np.int64) if fiber.stores else np.empty(0, np.int64)
            fibers[fiber.name] = {"learned": int(((lengths + PAGE - 1) // PAGE).sum()) * PAGE_BYTES}
        used = sum(each["learned"] for each in fibers.values())
        held = self._overlay.record.arrays
        overlay = {"free pages": held["next"].size * PAGE_BYTES - used, "rows": held["rows"].nbytes}
        ring = self._recorder.ring
        shared = {
            "overlay": overlay,
            "tables": {"fibers": self._fibers.nbytes, "plans": sum(plan.nbytes for plan in self._plans.values())},
            "buffers": {**self._launches.memory(), "recordings": ring.nbytes if ring is not None else 0},
        }
        areas = {area.name: self._state.memory(a) for a, area in enumerate(self.program.areas)}
        return {"fibers": fibers, "areas": areas, "shared": shared}

    def close(self) -> None:
        # Nothing that is on the device is held any longer, whoever holds this object.
        del self._fibers, self._state, self._overlay, self._launches, self._planner, self._recorder
        del self._plans, self._pending, self._loaded
        self._device.close()
