"""What kernels are told about the areas and fibers of a brain: numbers and addresses, in tables that stay in place.

Handing a dozen arrays to a kernel takes longer than walking a thousand synapses.  So the arrays are announced once,
when they are allocated, by whoever owns them, and a round hands over the tables.  An owner writes the new address in
the same function that replaces the array.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.program import Program
from brainsim.kernels.state import Neurons

Record = np.void
Table = npt.NDArray[np.int64]


def _integers(*names: str, unsigned: tuple[str, ...]) -> np.dtype[np.void]:
    return np.dtype([*((name, np.int64) for name in names), *((name, np.uint64) for name in unsigned)])


# An area: the neurons that fired last, those that have just won, arrays with an item for every neuron, and the key that
# breaks its ties.
AREA = _integers("n", "firing", "fired", "winners", "won", "rank", "marks", unsigned=("key",))
# A fiber: its ends, the weight of a synapse that is not stored and whether there can be any, its stored synapses (see
# `Overlay`), its rule, its remembered steps (see `Existence`), and the key of its graph.
FIBER = _integers(
    *("source", "target", "base", "implicit"),
    *("rows", "start", "length", "slots", "post", "weight"),
    *("gain", "drift", "ceiling", "steps", "step_count", "shift"),
    *("pre_rows", "pre_masks", "post_rows", "post_masks"),
    unsigned=("key",),
)
# The counts of a round, item by item of a row: the address of the counts, their item size (0 where they are not known),
# the address of the peaks; where they are to be corrected, what to add and what to subtract, each by address and size.
COUNTS = 7


@lru_cache(maxsize=256)
def indices(fibers: tuple[int, ...]) -> Table:
    """Return the indices of some fibers as an array, which is not to be written to."""
    return np.array(fibers, np.int64)


class Named(NamedTuple):
    """A set of neurons and its name, by which what is known of it is found."""

    neurons: Neurons
    name: bytes


_NOBODY = Named(np.empty(0, np.int64), b"")


@compiled
def _announce_firing(areas, area, neurons):  # type: ignore[no-untyped-def]
    areas[area].firing, areas[area].fired = neurons.ctypes.data, len(neurons)


@compiled
def _announce_winners(areas, area, neurons):  # type: ignore[no-untyped-def]
    areas[area].winners, areas[area].won = neurons.ctypes.data, len(neurons)


class Tables:
    """The tables of a brain: ``areas`` and ``fibers`` by index, ``counts`` of the present round by fiber."""

    def __init__(self, program: Program) -> None:
        self.areas = np.zeros(len(program.areas), AREA)
        self.areas["n"] = [area.n for area in program.areas]
        self.areas["key"] = [area.key for area in program.areas]
        self.fibers = np.zeros(len(program.fibers), FIBER)
        self.fibers["key"] = [fiber.graph.key for fiber in program.fibers]
        self.fibers["source"] = [fiber.source for fiber in program.fibers]
        self.fibers["target"] = [fiber.target for fiber in program.fibers]
        self.fibers["base"] = [fiber.base for fiber in program.fibers]
        self.fibers["implicit"] = [fiber.graph.p > 0 for fiber in program.fibers]
        self.counts: Table = np.zeros((len(program.fibers), COUNTS), np.int64)
        # The sets whose addresses are in the table: they live as long as these do.
        self._firing = [_NOBODY] * len(program.areas)
        self._winners = [_NOBODY] * len(program.areas)

    def forget(self) -> None:
        """Forget all addresses: nobody fires, and no fiber has learned synapses."""
        for table in (self.areas, self.fibers, self.counts):
            table[...] = np.zeros(1, table.dtype)[0]
        self._firing = [_NOBODY] * len(self._firing)
        self._winners = [_NOBODY] * len(self._winners)

    def firing(self, area: int, neurons: Neurons) -> Named:
        """Announce the neurons of an area that fired last."""
        known = self._firing[area]
        if known.neurons is not neurons:
            last = self._winners[area]
            known = last if last.neurons is neurons else Named(neurons, neurons.tobytes())
            _announce_firing(self.areas, area, neurons)
            self._firing[area] = known
        return known

    def winners(self, area: int, neurons: Neurons) -> Named:
        """Announce the neurons of an area that have just won."""
        known = self._winners[area]
        if known.neurons is not neurons:
            last = self._firing[area]
            known = last if last.neurons is neurons else Named(neurons, neurons.tobytes())
            _announce_winners(self.areas, area, neurons)
            self._winners[area] = known
        return known

    @property
    def nbytes(self) -> int:
        """Bytes allocated, and those of the sets that are kept for their addresses, each with a name as long."""
        sets = {id(named.neurons): 2 * named.neurons.nbytes for named in (*self._firing, *self._winners)}
        return self.areas.nbytes + self.fibers.nbytes + self.counts.nbytes + sum(sets.values())
