"""How the host replaces the state on the device: with larger arrays if necessary, and completely or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.launches import Launches
from brainsim.kernels.gpu.rounds import Rounds
from brainsim.kernels.gpu.state import State
from brainsim.kernels.gpu.traces import Traces
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import Drives, Events, Neurons, Thresholds


class StateWriter:
    """Replaces values of the state; all launches must have taken effect.

    If there is no room, a `DeviceMemoryError` is raised, and nothing has changed.
    """

    def __init__(self, device: Device, launches: Launches, rounds: Rounds, state: State, traces: Traces) -> None:
        self._device = device
        self._launches = launches
        self._rounds = rounds
        self._state = state
        self._traces = traces

    def drives(self, area: int, drives: Drives) -> None:
        """Let some of the neurons of an area that fire have won with these drives."""
        with self._rounds.whole():
            self._state.set_drives(area, drives)

    def winners(self, area: int, neurons: Neurons) -> None:
        """Replace the neurons of an area that fire."""
        self._make_room(self._state.make_room_for_winners, area, len(neurons))
        with self._rounds.whole():
            self._state.set_winners(area, neurons.astype(np.uint32))

    def won(self, won: Mapping[int, Neurons]) -> None:
        """Let some neurons of areas be those that have won in the round under way."""
        for area, neurons in won.items():  # room for all first, because a larger array has none of them
            self._make_room(self._state.make_room_for_winners, area, len(neurons))
        with self._rounds.whole():
            for area, neurons in won.items():
                self._state.set_won(area, neurons.astype(np.uint32))

    def trace(self, fiber: int, end: int, events: Events) -> None:
        """Replace the neurons at one end of a fiber's trace: 0 for those that fired, 1 for those that won."""
        most = int(np.bincount(events.age, minlength=1).max())
        with uninterrupted():
            self._traces.make_room({fiber: (0, most) if end else (most, 0)})
        with self._rounds.whole():
            self._traces.write(fiber, end, events)

    def thresholds(self, area: int, thresholds: Thresholds) -> None:
        """Replace the thresholds of an area, none of them 0."""
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
