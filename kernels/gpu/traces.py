"""Traces on the device: who fired at a fiber and who won, in its last rounds that learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.arrays import record
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import TRACE, TRACES
from brainsim.kernels.program import Program
from brainsim.kernels.state import Events, Neurons

Sizes = tuple[int, int]
"""How many neurons fire at a fiber, and how many win, at most."""

_PURPOSE = "traces"


class Traces:
    """The traces of a brain's fibers: rings of slots, which rounds fill in turn.

    The host numbers the rounds that learn.  A round keeps its number if it is launched again, so a trace has each round
    once, whatever stalled.  Round ``t`` fills slot ``t % rounds`` of each trace.

    Attributes
    ----------
    fibers : dict of int to int
        The place of each fiber that has a trace among them.
    record : Record
        For kernels: ``items`` say where in ``neurons`` the slots of a trace begin, and how they are divided.
    """

    def __init__(self, program: Program, device: Device) -> None:
        self._device = device
        self._lengths = {f: len(fiber.trace.rates) for f, fiber in enumerate(program.fibers) if fiber.trace}
        self._launched = 0
        self.fibers = {f: place for place, f in enumerate(self._lengths)}
        areas = [min(area.n, area.k) for area in program.areas]
        sizes = {f: (areas[program.fibers[f].source], areas[program.fibers[f].target]) for f in self.fibers}
        self._lay_out(sizes, {f: [(_NONE, _NONE)] * length for f, length in self._lengths.items()})

    def _lay_out(self, sizes: dict[int, Sizes], pairs: Mapping[int, list[tuple[Neurons, Neurons]]]) -> None:
        """Use slots of some sizes, filled with who fired and won, the last round first."""
        items = np.zeros(len(self.fibers), TRACE)
        items["fiber"], items["rounds"] = list(self.fibers), list(self._lengths.values())
        items["sources"] = [sizes[f][0] for f in self.fibers]
        items["width"] = [sum(sizes[f]) + 2 for f in self.fibers]
        ends = np.cumsum(items["rounds"] * items["width"])
        items["first"] = ends - items["rounds"] * items["width"]
        neurons = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint32)
        for item, f in zip(items, self.fibers, strict=True):
            _fill(neurons[item["first"] :], item, [pairs[f][age] for age in self._ages(f)])
        there = self._device.upload(neurons, _PURPOSE)
        self.record = record(TRACES, items=self._device.upload(items, _PURPOSE), neurons=there)
        self._sizes, self._items = sizes, items

    def _ages(self, fiber: int) -> list[int]:
        """Return how many rounds ago each slot of a trace was filled; this is its own inverse."""
        return [(self._launched - 1 - slot) % self._lengths[fiber] for slot in range(self._lengths[fiber])]

    def has_room(self, sizes: Mapping[int, Sizes]) -> bool:
        """Return whether slots have room for events of some sizes."""
        return all(self._fits(fiber, size) for fiber, size in sizes.items())

    def _fits(self, fiber: int, size: Sizes) -> bool:
        return size[0] <= self._sizes[fiber][0] and size[1] <= self._sizes[fiber][1]

    def make_room(self, sizes: Mapping[int, Sizes]) -> None:
        """Let slots have room for events of some sizes; all launches must have taken effect.

        Raises
        ------
        DeviceMemoryError
            If there is no room for them; then nothing has changed.
        """
        larger = {
            f: (max(own[0], sizes.get(f, own)[0]), max(own[1], sizes.get(f, own)[1])) for f, own in self._sizes.items()
        }
        if larger != self._sizes:
            self._lay_out(larger, {f: self.pairs(f) for f in self.fibers})

    def number(self) -> int:
        """Return the number of the next round that learns, which is launched now."""
        self._launched += 1
        return self._launched - 1

    def pairs(self, fiber: int) -> list[tuple[Neurons, Neurons]]:
        """Return who fired and who won, the last round first; all launches must have taken effect."""
        slots = self._slots(fiber)
        sources = self._sizes[fiber][0]
        return [(_list(slots[slot]), _list(slots[slot, 1 + sources :])) for slot in self._ages(fiber)]

    def _slots(self, fiber: int) -> npt.NDArray[np.uint32]:
        item = self._items[self.fibers[fiber]]
        first, size = int(item["first"]), int(item["rounds"] * item["width"])
        return self._device.read(self.record.arrays["neurons"], first, first + size).reshape(item["rounds"], -1)

    def read(self, fiber: int, end: int) -> Events:
        """Return the neurons of one end of a fiber: 0 for those that fired, 1 for those that won."""
        sets = [pair[end] for pair in self.pairs(fiber)]
        return Events(np.repeat(np.arange(len(sets)), list(map(len, sets))), np.concatenate([_NONE, *sets]))

    def write(self, fiber: int, end: int, events: Events) -> None:
        """Replace the neurons of one end of a fiber, for which there is room."""
        pairs, item = self.pairs(fiber), self._items[self.fibers[fiber]]
        for age, (fired, won) in enumerate(pairs):
            mine = events.neuron[events.age == age]
            pairs[age] = (fired, mine) if end else (mine, won)
        slots = np.zeros(item["rounds"] * item["width"], np.uint32)
        _fill(slots, item, [pairs[age] for age in self._ages(fiber)])
        self._device.write(self.record.arrays["neurons"], int(item["first"]), slots)

    def forget(self) -> None:
        """Let all traces be empty, whatever has been launched."""
        self._device.clear(self.record.arrays["neurons"])
        self._launched = 0

    def nbytes(self, fiber: int) -> int:
        """Return the bytes allocated for the trace of a fiber."""
        item = self._items[self.fibers[fiber]]
        return int(item["rounds"] * item["width"]) * 4


_NONE: Neurons = np.empty(0, np.int64)


def _list(slot: npt.NDArray[np.uint32]) -> Neurons:
    """Return a list that is led by its length."""
    return slot[1 : 1 + int(slot[0])].astype(np.int64)


def _fill(there: npt.NDArray[np.uint32], item: Any, pairs: list[tuple[Neurons, Neurons]]) -> None:
    """Write who fired and who won into the slots of a trace, which begin where an array does."""
    for slot, pair in enumerate(pairs):
        for start, neurons in zip((0, 1 + int(item["sources"])), pair, strict=True):
            first = slot * int(item["width"]) + start
            there[first] = len(neurons)
            there[first + 1 : first + 1 + len(neurons)] = neurons
