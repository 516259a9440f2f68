"""Rounds that run ahead of the host: launched, and later seen to have happened.

A round that finds no room for new synapses stalls, and with it all rounds after it.  When the host next looks, it makes
room and launches again what did not happen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from brainsim.kernels.backend import PHASES
from brainsim.kernels.errors import KernelError
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.device_plan import DeviceRound
from brainsim.kernels.gpu.launches import Launches
from brainsim.kernels.gpu.overlay import Overlay
from brainsim.kernels.gpu.ring import Recorder, Slot, Wanted
from brainsim.kernels.gpu.state import State
from brainsim.kernels.gpu.traces import Sizes, Traces
from brainsim.kernels.interrupts import uninterrupted

_MOST_PENDING = 512


class Progress(Enum):
    """What the host knows of the device.

    ======== ============= ======== ================================================
    from     by            to       meaning
    ======== ============= ======== ================================================
    SETTLED  a launch      AHEAD    rounds may not have happened yet, or have stalled
    AHEAD    settling      SETTLED  all rounds have happened
    any      a failure     LOST     the state on the device is inconsistent
    LOST     a restart     SETTLED  all of the state is about to be written
    ======== ============= ======== ================================================
    """

    SETTLED = "settled"
    AHEAD = "ahead"
    LOST = "lost"


@dataclass(eq=False)
class _Step:
    """A round that was launched, the moments between its phases, and where it is recorded."""

    round: DeviceRound
    slot: Slot | None
    moments: list[Any]


class Rounds:
    """Launches rounds, and waits for them.

    Attributes
    ----------
    progress : Progress
        What the host knows of the device.
    recorder : Recorder
        The winners that rounds recorded.
    """

    def __init__(self, device: Device, launches: Launches, state: State, overlay: Overlay, traces: Traces) -> None:
        self._device = device
        self._launches = launches
        self._state = state
        self._overlay = overlay
        self._traces = traces
        self._pending: list[_Step] = []
        self._seconds = dict.fromkeys(PHASES, 0.0)
        self._happened = 0
        self.progress = Progress.SETTLED
        self.recorder = Recorder(device)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Change the state on the device; if that fails half-way, it is lost.  Ctrl-C waits."""
        with uninterrupted():
            self.progress = Progress.LOST
            yield
            self.progress = Progress.AHEAD if self._pending else Progress.SETTLED

    def launch(self, round_: DeviceRound, record: Sequence[int], drives: Collection[int]) -> None:
        """Launch a round that notes the winners of some areas, and the drives of some of these.

        Raises `DeviceMemoryError` before anything changes.
        """
        self._check()
        if len(self._pending) >= _MOST_PENDING:
            self.settle()
        self._launches.prepare(round_.plan)
        self._make_room_to_remember(round_.plan.traced)
        slot = self._slot(record, [area for area in record if area in drives]) if record else None
        with self.whole():
            self._state.launched(round_.round_plan)
            self._launch(round_, slot)
            self._record(slot)

    def learn(self, rounds: Sequence[DeviceRound]) -> None:
        """Launch the rounds of a reinforcement, which are not counted; raises as `launch`."""
        self._check()
        for each in rounds:
            self._launches.prepare(each.plan)
        with self.whole():
            self._state.forget_look()
            for each in rounds:
                self._launch(each, None)

    def _launch(self, round_: DeviceRound, slot: Slot | None) -> None:
        self._pending.append(_Step(round_, slot, self._launches.launch(round_)))

    def _make_room_to_remember(self, sizes: Mapping[int, Sizes]) -> None:
        if not self._traces.has_room(sizes):
            self.settle()
            with uninterrupted():
                self._traces.make_room(sizes)

    def _check(self) -> None:
        if self.progress is Progress.LOST:
            raise KernelError("the state on the device is inconsistent, because a change failed; write all of it first")

    def _slot(self, areas: Sequence[int], drives: Sequence[int]) -> Slot:
        wanted = Wanted(tuple(areas), tuple(self._state.capacity(areas)), tuple(drives))
        if not self.recorder.has_room(wanted):
            self.settle()
        return self.recorder.slot(wanted)

    def _record(self, slot: Slot | None) -> None:
        if slot is not None:
            self._launches.record(slot)

    def settle(self) -> None:
        """Wait until all rounds have happened, making room for those that found none."""
        self._check()
        while self._pending:
            with self.whole():
                status = self._state.look().status
                happened, self._pending = self._pending[: status["done"]], self._pending[status["done"] :]
                self._count(happened)
                if self._pending:
                    self._launch_again(status)
                else:
                    self._state.set_status(status["rows_used"], status["pages_used"])

    def _count(self, steps: Sequence[_Step]) -> None:
        self._happened += sum(step.round.given is None for step in steps)
        self.recorder.filled(sum(step.slot is not None for step in steps))
        for step in steps:
            for phase, begin, end in zip(PHASES, step.moments[:-1], step.moments[1:], strict=True):
                self._seconds[phase] += self._device.seconds(begin, end)

    def _launch_again(self, status: Any) -> None:
        assert status["stalled"], "only rounds behind one that stalled do not happen"
        self._launches.forget()
        try:
            self._overlay.grow(int(status["rows_needed"]), int(status["pages_needed"]))
        except KernelError:
            self.recorder.drain()  # rounds that did happen
            raise
        self._state.set_status(status["rows_used"], status["pages_used"])
        self._state.forget_look()
        for step in self._pending:
            step.moments = self._launches.launch(step.round)
            self._record(step.slot)

    def restart(self) -> None:
        """Forget rounds that did not happen, and all that was learned: all of the state is about to be written."""
        assert self.progress is Progress.LOST
        self._pending = []
        with self.whole():
            self._launches.forget()
            self.recorder.drain()
            self._traces.forget()
            self._state.set_status(0, 0)
            self._state.restart()

    def take_happened(self) -> int:
        """Return how many rounds have happened since the last call."""
        happened, self._happened = self._happened, 0
        return happened

    def seconds(self) -> dict[str, float]:
        """Return how long each of the `PHASES` took, over all rounds that have happened."""
        return self._seconds
