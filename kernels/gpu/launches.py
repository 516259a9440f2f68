"""The launches that make a round, in their order."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy.typing as npt

from brainsim.kernels.gpu.arrays import Array, Record, record
from brainsim.kernels.gpu.device import Device, Launch
from brainsim.kernels.gpu.device_plan import DevicePlan, DeviceRound
from brainsim.kernels.gpu.layout import ROUND, THREADS, WARPS
from brainsim.kernels.gpu.overlay import Overlay
from brainsim.kernels.gpu.ring import Slot
from brainsim.kernels.gpu.scratch import Scratch
from brainsim.kernels.gpu.state import State
from brainsim.kernels.gpu.tables import COUNT_BYTES, FiberTable
from brainsim.kernels.gpu.traces import Traces


class _Phases(NamedTuple):
    """The launches of a plan."""

    project: list[Launch]
    select: list[Launch]
    learn: list[Launch]
    commit: Launch
    round: Record


def _blocks(count: int, each: int) -> int:
    return -(-count // each)


class Launches:
    """Launches the kernels of plans.

    The launches of a plan are kept, and made again when an array that they use has been replaced.  A plan's table of
    fibers that learn is sent again if the rates in it are to change; what was launched before reads the old ones.
    """

    def __init__(self, device: Device, fibers: FiberTable, state: State, overlay: Overlay, traces: Traces) -> None:
        self._device = device
        self._fibers = fibers
        self._state = state
        self._overlay = overlay
        self._traces = traces
        self._scratch = Scratch(device)
        self._made_with: list[Record | Array] = []
        self._made: WeakKeyDictionary[DevicePlan, _Phases] = WeakKeyDictionary()
        self._sent: WeakKeyDictionary[DevicePlan, npt.NDArray[Any] | None] = WeakKeyDictionary()

    def prepare(self, plan: DevicePlan) -> None:
        """Make room for what a plan needs; raises `DeviceMemoryError` if the device has not got it."""
        self._scratch.fit(plan.scratch)

    def forget(self) -> None:
        """Forget what a round drew that stalled, and the launches, with the arrays that they keep alive."""
        self._scratch.clear()
        self._made.clear()
        self._made_with = []

    def memory(self) -> dict[str, int]:
        """Return the bytes of scratch memory, by purpose."""
        return self._scratch.memory()

    def launch(self, round_: DeviceRound) -> list[Any]:
        """Launch a round; return the moments at which its phases begin, and that at which it ends."""
        moments = [self._device.mark()]
        self._send(round_)
        phases = self._phases(round_)
        for phase in (phases.project, phases.select):
            self._launch(phase)
            moments.append(self._device.mark())
        self._launch(phases.learn)
        if round_.plan.traces:
            self._remember(round_.plan, phases.round)
        self._launch([phases.commit])
        return [*moments, self._device.mark()]

    def _launch(self, launches: list[Launch]) -> None:
        for launch in launches:
            self._device.launch(launch)

    def _remember(self, plan: DevicePlan, round_: Record) -> None:
        """Let traces note who fires and has won, until the round is committed."""
        records = (self._fibers.record, self._state.record, round_, self._traces.record)
        self._device.launch(self._device.prepare("remember", plan.traces, records))

    def _send(self, round_: DeviceRound) -> None:
        """Send the rates of a round, unless they are there."""
        plan = round_.plan
        if self._sent.get(plan, plan.learn_jobs) is not round_.learn_jobs:
            self._sent[plan] = None  # not known, if the device fails now
            self._device.write(plan.tables["learn_jobs"], 0, round_.learn_jobs)
            self._sent[plan] = round_.learn_jobs

    def record(self, slot: Slot) -> None:
        """Copy winners into a slot of a ring, if the round before has happened."""
        records = (self._state.record, slot.ring.record)
        self._device.launch(self._device.prepare("record", len(slot.ring.wanted.areas), records, number=slot.number))

    def _phases(self, round_: DeviceRound) -> _Phases:
        made_with: list[Record | Array] = [self._state.record, self._overlay.record]
        made_with += self._scratch.arrays.values()
        if made_with != self._made_with:
            self._made.clear()
            self._made_with = made_with
        if round_.plan not in self._made:
            self._made[round_.plan] = self._phases_of(round_.plan, round_.given or self._state.record)
        return self._made[round_.plan]

    def _phases_of(self, plan: DevicePlan, state: Record) -> _Phases:
        round_, sizes = record(ROUND, **plan.tables, **plan.sizes, **self._scratch.arrays), plan.sizes
        records = (self._fibers.record, state, self._overlay.record, round_)

        def launch(kernel: str, blocks: int, number: int | None = None, shared: int = 0) -> Launch:
            return self._device.prepare(kernel, blocks, records, number=number, shared=shared)

        gates = [launch("pass_gates", sizes["gate_count"])] if sizes["gate_count"] else []
        project = [
            launch("project", sizes["select_count"] + plan.tiles, shared=COUNT_BYTES << self._state.tile_bits),
            launch("gather", _blocks(sizes["gather_items"], WARPS)),
        ]
        channels = sizes["channel_count"] > 0
        select = [
            *([launch("sum_channels", plan.channel_blocks)] if channels else []),
            *(launch("count_digits", plan.tiles, number) for number in range(sizes["passes"])),
            launch("count_winners", plan.tiles),
            launch("list_winners", plan.tiles),
        ]
        find_new = [
            launch("assign_rows", 1),
            launch("list_starts", sizes["learn_count"]),
            launch("draw_pairs", _blocks(sizes["learn_pairs"], THREADS)),
            launch("cross_out", _blocks(sizes["learn_items"], WARPS)),
            launch("reserve", 1),
        ]
        learn = [
            *(find_new if sizes["learn_pairs"] else []),
            launch("strengthen", _blocks(sizes["learn_items"], WARPS)),
        ]
        selecting = sizes["select_count"]
        commit = launch("commit", max(1, selecting))
        if not selecting:
            project, select = [], []
        return _Phases([*gates, *project], select, learn, commit, round_)
