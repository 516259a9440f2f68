"""The GPU backend: every round is a fixed sequence of launches, and the host does not wait for any of them.

What a round needs and the host cannot know (how many neurons fire, whether there is room for new synapses) stays on the
device; see `brainsim.kernels.gpu.rounds`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Backend, Drained, Memory
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.device_planner import DevicePlanner
from brainsim.kernels.gpu.device_plans import DevicePlans
from brainsim.kernels.gpu.gates import Gates
from brainsim.kernels.gpu.launches import Launches
from brainsim.kernels.gpu.learn_jobs import LearnJobs
from brainsim.kernels.gpu.learned import LearnedSynapses
from brainsim.kernels.gpu.overlay import Overlay
from brainsim.kernels.gpu.reinforcement import Reinforcement
from brainsim.kernels.gpu.rounds import Progress, Rounds
from brainsim.kernels.gpu.state import State
from brainsim.kernels.gpu.tables import AreaTable, FiberTable, tile_bits
from brainsim.kernels.gpu.traces import Traces
from brainsim.kernels.gpu.vectors import GpuVectors
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.law.rows import row_targets
from brainsim.kernels.parts import BUILT_IN_PARTS
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import (
    DRIVES,
    TABLES,
    THRESHOLDS,
    TRACED_SOURCES,
    TRACED_TARGETS,
    WEIGHTS,
    WINNERS,
    Events,
    Firing,
    Floats,
    Neurons,
    Thresholds,
    without_zeros,
)
from brainsim.kernels.state_kind import StateKind
from brainsim.kernels.vectors.steps import areas_asked


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
    parts: ClassVar[frozenset[type]] = BUILT_IN_PARTS
    forks: ClassVar[bool] = False  # CUDA does not outlive a fork
    device: ClassVar[Callable[[], Device]] = staticmethod(_open_device)

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._device = type(self).device()
        bits = tile_bits(program, self._device.description)
        areas = AreaTable(program, bits)
        gates = Gates(program)
        self._fibers = FiberTable(program, self._device, gates)
        self._state = State(program, self._device, areas, bits)
        self._overlay = Overlay(self._device, areas.ranks)
        self._learned = LearnedSynapses(program, self._device, areas, self._fibers.slots, self._overlay)
        self._traces = Traces(program, self._device)
        self._launches = Launches(self._device, self._fibers, self._state, self._overlay, self._traces)
        self._rounds = Rounds(self._device, self._launches, self._state, self._overlay, self._traces)
        jobs = LearnJobs(program, self._fibers.depressions)
        planner = DevicePlanner(program, self._device, bits, jobs, gates, self._state.transmissions)
        self._plans = DevicePlans(planner, jobs)
        self._reinforcement = Reinforcement(program, planner, self._state, self._traces)
        self._vectors = GpuVectors(program, self._device) if program.holds_vectors else None
        self._stepped = False

    @property
    def broken(self) -> bool:
        """Whether the state is inconsistent: because a change failed half-way, or a caller is replacing all of it."""
        return self._replacing or self._rounds.progress is Progress.LOST

    @broken.setter
    def broken(self, broken: bool) -> None:
        self._replacing = broken

    # Rounds

    def run(self, plan: RoundPlan, record: Sequence[int] = (), drives: Collection[int] = ()) -> None:
        self._store_learned()
        if self._vectors is not None and (plan.stepping or plan.relaxing):
            with uninterrupted():
                self.broken = True
                self._carry(self._vectors, plan)
                self._launch(plan, record, drives)
                self.broken = False
        else:
            self._launch(plan, record, drives)

    def _launch(self, plan: RoundPlan, record: Sequence[int], drives: Collection[int]) -> None:
        self._learned.changed()  # before the launch, after which an interruption may leave
        most, lift = tuple(self._state.most_firing), tuple(self._state.thresholds.threshold_lift)
        self._rounds.launch(self._plans.round(plan, most, lift), record, drives)

    def _carry(self, vectors: GpuVectors, plan: RoundPlan) -> None:
        """Let vectors step and the weights of messages learn, from the winners of the round before."""
        asked = areas_asked(self.program, plan)
        if asked:
            self._rounds.settle()
        none = np.empty(0, np.int64)
        active = [self._state.winners(a) if a in asked else none for a in range(len(self.program.areas))]
        vectors.run(plan, active)
        self._stepped = self._stepped or len(plan.stepping) > 0

    def _store_learned(self) -> None:
        """Store synapses that were set since the last round."""
        if self._learned.staged:
            self._rounds.settle()
            self._launches.forget()
            self._learned.make_room(self._pages_used())
            with self._rounds.whole():
                self._state.set_status(*self._learned.store())

    def _pages_used(self) -> int:
        return int(self._state.look().status["pages_used"])

    def sent(self, fiber: int) -> tuple[Floats, Neurons]:
        self._rounds.settle()
        assert self._vectors is not None, "only fibers that carry messages are asked"
        return self._vectors.sent(fiber, self._state.winners(self.program.fibers[fiber].source))

    def drain(self) -> Drained:
        if self._rounds.progress is Progress.LOST:
            return self._drained(stable=False, silent=False, fired=frozenset())
        self._rounds.settle()
        self._rounds.recorder.drain()
        silent, fired = not self._state.look().sizes.any(), frozenset(self._state.take_fired())
        silent, self._stepped = silent and not self._stepped, False
        return self._drained(stable=self._state.stable(), silent=silent, fired=fired)

    def changed(self) -> frozenset[int]:
        """Return the areas whose winners the last round changed; it is asked after `drain`."""
        return self._state.changed()

    def _drained(self, *, stable: bool, silent: bool, fired: frozenset[int]) -> Drained:
        happened, recorded = self._rounds.take_happened(), self._rounds.recorder.recorded()
        winners, drives = [each.winners for each in recorded], [each.drives for each in recorded]
        return Drained(happened, stable, silent, fired, winners, drives)

    def reinforce(self, fiber: int, rate: int) -> None:
        self._store_learned()
        self._rounds.settle()
        self._learned.changed()
        self._rounds.learn(self._reinforcement.rounds(fiber, rate))

    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        self._rounds.settle()
        return self._state.transmissions.read(fiber)

    @property
    def seconds(self) -> dict[str, float]:
        if self._rounds.progress is Progress.AHEAD:
            self._rounds.settle()
        return self._rounds.seconds()

    # State

    def read(self, kind: StateKind, owner: int) -> Any:
        self._rounds.settle()
        if kind is WINNERS:
            return Firing(self._state.winners(owner))
        if kind is WEIGHTS:
            return self._learned.read(owner, self._pages_used())
        if kind is DRIVES:
            return self._state.drives(owner)
        if kind in (TRACED_SOURCES, TRACED_TARGETS):
            return self._traces.read(owner, kind is TRACED_TARGETS)
        if kind is THRESHOLDS:
            return self._state.thresholds.read(owner)
        assert kind in TABLES, f"no backend keeps the state {kind.name}"
        assert self._vectors is not None, "only parts that hold or carry vectors have tables"
        return self._vectors.read(kind, owner)

    def write(self, kind: StateKind, owner: int, value: Any) -> None:
        if self._rounds.progress is Progress.LOST:
            self._rounds.restart()
            self._learned.set_none()
        self._rounds.settle()
        if kind is WINNERS:
            self._write_winners(owner, value.neurons)
        elif kind is WEIGHTS:
            self._learned.set(owner, value)
        elif kind in (TRACED_SOURCES, TRACED_TARGETS):
            self._write_trace(owner, kind is TRACED_TARGETS, value)
        elif kind is DRIVES:
            with self._rounds.whole():
                self._state.set_drives(owner, value)
        elif kind is THRESHOLDS:
            self._write_thresholds(owner, without_zeros(value))
        else:
            assert kind in TABLES, f"no backend keeps the state {kind.name}"
            assert self._vectors is not None, "only parts that hold or carry vectors have tables"
            self._vectors.write(kind, owner, value)

    def _write_winners(self, area: int, neurons: Neurons) -> None:
        self._make_room(self._state.make_room_for_winners, area, len(neurons))
        with self._rounds.whole():
            self._state.set_winners(area, neurons.astype(np.uint32))

    def _write_trace(self, fiber: int, end: int, events: Events) -> None:
        most = int(np.bincount(events.age, minlength=1).max())
        with uninterrupted():
            self._traces.make_room({fiber: (0, most) if end else (most, 0)})
        with self._rounds.whole():
            self._traces.write(fiber, end, events)

    def _write_thresholds(self, area: int, thresholds: Thresholds) -> None:
        if len(thresholds.neurons):
            self._make_room(self._state.make_room_for_thresholds, area)
        with self._rounds.whole():
            self._state.thresholds.write(area, thresholds)

    def _make_room(self, make_room: Callable[..., None], *arguments: int) -> None:
        """Make room for a state, and give back the memory of arrays that larger ones have replaced."""
        with uninterrupted():
            before = self._state.record
            make_room(*arguments)
            if self._state.record is not before:
                self._launches.forget()
                self._device.trim()

    # The rest

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(self.program.fibers[fiber].graph, pre)

    def memory(self) -> Memory:
        self._rounds.settle()
        learned, overlay = self._learned.memory()
        return {
            "fibers": {
                fiber.name: {WEIGHTS.name: learned[fiber.name], **self._bytes_of(f)}
                for f, fiber in enumerate(self.program.fibers)
            },
            "areas": {area.name: self._area_bytes(a) for a, area in enumerate(self.program.areas)},
            "shared": {
                "overlay": overlay,
                "tables": {"fibers": self._fibers.nbytes, "plans": self._plans.nbytes, **self._shared_by_vectors()},
                "buffers": {**self._launches.memory(), "recordings": self._rounds.recorder.nbytes},
            },
        }

    def _shared_by_vectors(self) -> dict[str, int]:
        return {} if self._vectors is None else {"messages": self._vectors.nbytes}

    def _area_bytes(self, area: int) -> dict[str, int]:
        held = {} if self._vectors is None else self._vectors.area_bytes(area)
        return {**self._state.memory(area), **held}

    def _bytes_of(self, fiber: int) -> dict[str, int]:
        sizes = {"transmissions": self._state.transmissions.nbytes(fiber)}
        sizes |= {} if self._vectors is None else self._vectors.fiber_bytes(fiber)
        return sizes | ({"trace": self._traces.nbytes(fiber)} if fiber in self._traces.fibers else {})

    def close(self) -> None:
        # A closed backend may live on; it must not hold memory of the device.
        del self._fibers, self._state, self._overlay, self._traces, self._learned, self._launches, self._rounds
        del self._plans, self._reinforcement
        if self._vectors is not None:
            self._vectors.close()
        self._device.close()
