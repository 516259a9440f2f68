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


def trace_places(program: Program) -> dict[int, int]:
    """Return the place of each fiber that has a trace among them."""
    fibers = [f for f, fiber in enumerate(program.fibers) if fiber.trace]
    return {f: place for place, f in enumerate(fibers)}


class Traces:
    """The traces of a brain's fibers: rings of slots, which rounds fill in turn.

    Each ring begins with the number of the slot that the next round fills.  The device counts it up, because only the
    device knows which rounds have stalled, and because the brains of a batch go through different numbers of rounds.

    Attributes
    ----------
    fibers : dict of int to int
        The place of each fiber that has a trace among them.
    record : Record
        For kernels: ``items`` say where in ``neurons`` the ring of a trace begins, and how its slots are divided.
    """

    def __init__(self, program: Program, device: Device) -> None:
        self._device = device
        self.fibers = trace_places(program)
        areas = [min(area.n, area.k) for area in program.areas]
        sizes = {f: (areas[program.fibers[f].source], areas[program.fibers[f].target]) for f in self.fibers}
        lengths = {f: len(fiber.trace.rates) for f, fiber in enumerate(program.fibers) if fiber.trace}
        self._lay_out(sizes, {f: [(_NONE, _NONE)] * length for f, length in lengths.items()})

    def _lay_out(self, sizes: dict[int, Sizes], pairs: Mapping[int, list[tuple[Neurons, Neurons]]]) -> None:
        """Use slots of some sizes, filled with who fired and won, the last round first."""
        items = np.zeros(len(self.fibers), TRACE)
        items["fiber"], items["rounds"] = list(self.fibers), [len(pairs[f]) for f in self.fibers]
        items["sources"] = [sizes[f][0] for f in self.fibers]
        items["width"] = [sum(sizes[f]) + 2 for f in self.fibers]
        lengths = 1 + items["rounds"] * items["width"]
        items["first"] = np.cumsum(lengths) - lengths
        rings = [_ring(item, pairs[f]) for item, f in zip(items, self.fibers, strict=True)]
        neurons = np.concatenate([np.empty(0, np.uint32), *rings])
        there = self._device.upload(neurons, _PURPOSE)
        self.record = record(TRACES, items=self._device.upload(items, _PURPOSE), neurons=there)
        self._sizes, self._items = sizes, items

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

    def pairs(self, fiber: int) -> list[tuple[Neurons, Neurons]]:
        """Return who fired and who won, the last round first; all launches must have taken effect."""
        item = self._items[self.fibers[fiber]]
        first, rounds, sources = (int(item[name]) for name in ("first", "rounds", "sources"))
        ring = self._device.read(self.record.arrays["neurons"], first, first + _length(item))
        slots, after = ring[1:].reshape(rounds, -1), int(ring[0])
        last_first = [slots[(after - 1 - age) % rounds] for age in range(rounds)]
        return [(_list(slot), _list(slot[1 + sources :])) for slot in last_first]

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
        self._device.write(self.record.arrays["neurons"], int(item["first"]), _ring(item, pairs))

    def forget(self) -> None:
        """Let all traces be empty, whatever has been launched."""
        self._device.clear(self.record.arrays["neurons"])

    def nbytes(self, fiber: int) -> int:
        """Return the bytes allocated for the trace of a fiber."""
        return _length(self._items[self.fibers[fiber]]) * 4


_NONE: Neurons = np.empty(0, np.int64)


def _list(slot: npt.NDArray[np.uint32]) -> Neurons:
    """Return a list that is led by its length."""
    return slot[1 : 1 + int(slot[0])].astype(np.int64)


def _length(item: Any) -> int:
    """Return the length of a ring: the number of the next slot, and the slots."""
    return 1 + int(item["rounds"] * item["width"])


def _ring(item: Any, pairs: list[tuple[Neurons, Neurons]]) -> npt.NDArray[np.uint32]:
    """Return the ring of who fired and who won, the last round first; the next round fills the first slot."""
    ring = np.zeros(_length(item), np.uint32)
    for slot, pair in enumerate(reversed(pairs)):
        for start, neurons in zip((0, 1 + int(item["sources"])), pair, strict=True):
            first = 1 + slot * int(item["width"]) + start
            ring[first] = len(neurons)
            ring[first + 1 : first + 1 + len(neurons)] = neurons
    return ring
