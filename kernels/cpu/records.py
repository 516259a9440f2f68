"""The records that kernels read: one for each area, each fiber, and the counts of each fiber that transmits.

A round passes these records instead of dozens of arrays.  The arrays are those of `Overlay`, `VisitedPairs`,
`RowIndex`, `Counts` and of the sets of firing neurons, which say what they hold.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import SPAN, address_of, integers
from brainsim.kernels.cpu.arena import Arena, Records
from brainsim.kernels.cpu.compiling import inlined
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.law.graph import GOLDEN
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Program
from brainsim.kernels.state import Neurons

AreaRecord = Any
FiberRecord = Any
CountsRecord = Any

_NUMBER, _KEY = np.int64, np.uint64
_MASK = (1 << 64) - 1
AREA = np.dtype(
    [
        ("n", _NUMBER),
        ("key", _KEY),  # breaks ties
        ("shift", _KEY),  # added to the key that orders neurons: see `transmit`
        ("firing", SPAN),  # int64: the neurons that fired in the previous round, ascending
        ("winners", SPAN),  # int64: those that have just won, ascending
        ("rank", SPAN),  # int32 by neuron: its row in the area's `RowIndex`, plus 1
        ("marks", SPAN),  # int32 by neuron: marks that a kernel gives the winners; zero between two kernels
    ]
)
FIBER = np.dtype(
    [
        ("source", _NUMBER),
        ("target", _NUMBER),
        ("key", _KEY),  # of its graph
        ("base", _NUMBER),  # weight of a synapse that is not stored
        ("implicit", _NUMBER),  # 0 if all synapses are stored
        ("firing", SPAN),  # int64: the neurons that fire at the fiber, if not all of its source do; see `firing_at`
        ("transmitted", SPAN),  # int64 by row of the source neuron: see `TransmissionCounts`
        # The rule: see `brainsim.kernels.law.rules.Update`.
        ("gain", _NUMBER),
        ("drift", _NUMBER),
        ("ceiling", _NUMBER),
        ("floor", _NUMBER),
        ("shift", _NUMBER),
        ("steps", SPAN),  # int64
        ("plain", _NUMBER),  # 1 if the step is a line and no weight can be below the floor
        # Stored synapses, by the row of their presynaptic neuron: see `Overlay`.
        ("start", SPAN),  # int64
        ("length", SPAN),  # int64
        ("post", SPAN),  # int32
        ("weight", SPAN),  # int32
        # Visited pairs, by the row of the neuron: see `VisitedPairs`.
        ("source_bits", SPAN),  # uint64
        ("target_bits", SPAN),  # uint64
    ]
)
COUNTS = np.dtype(
    [
        ("counts", SPAN),  # unsigned integers by target; the size is in items
        ("itemsize", _NUMBER),  # bytes of a count, 0 if the counts are not known
        ("peaks", SPAN),  # uint32: the largest count of every chunk
        ("base", _NUMBER),  # weight of each of the synapses that are counted, in fixed point
        ("gains", SPAN),  # int64: targets that have one synapse more than counted, once for each synapse
        ("losses", SPAN),  # int64: and one less
    ]
)
_COMPLETE, _PATCH = struct.Struct("=6q"), struct.Struct("=4q")
NO_PATCH = bytes(_PATCH.size)
NOT_COUNTED = bytes(COUNTS.itemsize)
assert _COMPLETE.size + _PATCH.size == COUNTS.itemsize


def counts_record(counts: npt.NDArray[Any], peaks: npt.NDArray[np.uint32], base: int = ONE) -> bytes:
    """Return a record of `COUNTS` without a patch.  It is valid as long as its owner keeps the arrays."""
    spans = address_of(counts), len(counts), counts.itemsize, address_of(peaks), len(peaks)
    return _COMPLETE.pack(*spans, base) + NO_PATCH


def patch_of(gains: Neurons, losses: Neurons) -> bytes:
    """Return the last fields of a record of `COUNTS`, which are valid as long as their owner keeps the arrays."""
    return _PATCH.pack(address_of(gains), len(gains), address_of(losses), len(losses))


def patched(record: bytes, patch: bytes) -> bytes:
    """Return a record of `COUNTS` with another patch."""
    return record[: _COMPLETE.size] + patch


def joined(records: Sequence[bytes]) -> Records:
    """Return some records of `COUNTS` as one read-only array."""
    return np.frombuffer(b"".join(records), COUNTS)


@inlined
def firing_at(fiber: FiberRecord, source: AreaRecord) -> Neurons:
    """Return the neurons that fire at a fiber: its own set, or that of its source if it has none."""
    return integers(fiber.firing if fiber.firing.address else source.firing)


@lru_cache(maxsize=256)
def int_array(numbers: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return some numbers, such as indices of fibers, as a read-only array."""
    return np.array(numbers, np.int64)


class FiringSet(NamedTuple):
    """A set of neurons, ascending, and its name, which is the key of its counts."""

    neurons: Neurons
    name: bytes


NO_FIRING_SET = FiringSet(np.empty(0, np.int64), b"")


def firing_set(neurons: Neurons) -> FiringSet:
    """Return a set with its name."""
    return FiringSet(neurons, neurons.tobytes())


class Tables:
    """The records of a brain: ``areas`` and ``fibers``, by index."""

    def __init__(self, program: Program) -> None:
        self.areas = Arena(AREA, len(program.areas))
        self.fibers = Arena(FIBER, len(program.fibers))
        for a, area in enumerate(program.areas):
            self.areas.set(a, n=area.n, key=area.key, shift=area.first_channel * GOLDEN & _MASK)
        for f, fiber in enumerate(program.fibers):
            self.fibers.set(f, source=fiber.source, target=fiber.target, key=fiber.graph.key)
            self.fibers.set(f, base=fiber.base, implicit=int(fiber.graph.p > 0))
        self._sources = [fiber.source for fiber in program.fibers]
        self._own: dict[int, FiringSet] = {}
        self._firing = [NO_FIRING_SET] * len(program.areas)
        self._winners = [NO_FIRING_SET] * len(program.areas)

    def fired(self, fiber: int) -> FiringSet:
        """Return the neurons that fire at a fiber, with their name."""
        return self._own.get(fiber) or self._firing[self._sources[fiber]]

    def hold_fired(self, fiber: int, neurons: Neurons) -> None:
        """Show kernels the neurons that fire at a fiber, until `share_fired`."""
        if self.fired(fiber).neurons is not neurons:
            with uninterrupted():  # or kernels would see another set than `fired` names
                self.fibers.hold(fiber, "firing", neurons)
                self._own[fiber] = firing_set(neurons)

    def share_fired(self) -> None:
        """Make all neurons that fired in an area fire at each fiber from it."""
        if self._own:
            with uninterrupted():
                for fiber in self._own:
                    self.fibers.drop(fiber, "firing")
                self._own.clear()

    def hold_firing(self, area: int, neurons: Neurons) -> None:
        """Show kernels the neurons of an area that fired in the previous round."""
        if self._firing[area].neurons is neurons:
            return
        if self._winners[area].neurons is neurons:  # the winners of a round fire in the next
            self.areas.share(area, "firing", "winners")
            self._firing[area] = self._winners[area]
        else:
            self.areas.hold(area, "firing", neurons)
            self._firing[area] = self._with_name(area, neurons)

    def hold_winners(self, area: int, neurons: Neurons) -> None:
        """Show kernels the neurons of an area that have just won."""
        if self._winners[area].neurons is not neurons:
            self.areas.hold(area, "winners", neurons)
            self._winners[area] = self._with_name(area, neurons)

    def _with_name(self, area: int, neurons: Neurons) -> FiringSet:
        """Return a set with its name, if known from the last round: naming a large set takes time."""
        for known in (self._winners[area], self._firing[area]):
            if known.neurons is neurons:
                return known
        return firing_set(neurons)

    def drop_all(self) -> None:
        """Release all arrays: no neuron fires, and no synapse is stored."""
        self.areas.drop_all()
        self.fibers.drop_all()
        self._firing = [NO_FIRING_SET] * len(self._firing)
        self._winners = [NO_FIRING_SET] * len(self._winners)
        self._own.clear()

    @property
    def nbytes(self) -> int:
        """Bytes of the records and of the sets held for them; the name of a set takes as many bytes as the set."""
        held = (*self._firing, *self._winners, *self._own.values())
        sets = {id(known.neurons): 2 * known.neurons.nbytes for known in held}
        return self.areas.nbytes + self.fibers.nbytes + sum(sets.values())
