"""Visited pairs: which pairs of neurons of a fiber have been searched for a synapse, so that none is searched twice.

A learning step visits every pair of a neuron that fired and a neuron that won, and stores the synapses that exist.
Assemblies recur, so most pairs have been visited before.  The last `STEPS` steps are remembered: each neuron has a bit
for every remembered step in which it took part, on its side of the fiber.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.arena import Arena
from brainsim.kernels.cpu.compiling import inner
from brainsim.kernels.cpu.row_index import RowIndex, Rows
from brainsim.kernels.state import Neurons

WORDS = 4  # 64-bit words of a neuron's bits
STEPS = 64 * WORDS
MOST_LISTED = 1 / 64  # share of the rows of a side: a step with fewer rows lists them, so that it is forgotten in O(k)

Bits = npt.NDArray[np.uint64]
Words = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
Side = Literal["source", "target"]
_Name = tuple[Side, bytes]
_NO_NEURONS = np.empty(0, np.int64)


@inner
def common_steps(words: Words, neurons: Neurons, rank: npt.NDArray[np.int32], bits: Bits) -> Words:
    """Return the bits that all neurons have in common; ``bits`` holds the words of each row."""
    first, second, third, fourth = words
    for neuron in neurons:
        row = rank[neuron] - 1
        if not 0 <= row < len(bits) // WORDS or first | second | third | fourth == 0:
            return np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        at = row * WORDS
        first, second = first & bits[at], second & bits[at + 1]
        third, fourth = third & bits[at + 2], fourth & bits[at + 3]
    return first, second, third, fourth


class _Side:
    """The bits of the neurons on one side of a fiber, by row."""

    def __init__(self, side: Side, index: RowIndex, arena: Arena, fiber: int) -> None:
        self._name = f"{side}_bits"
        self._index = index
        self._arena = arena
        self._fiber = fiber
        # The rows that have the bit of each step, or None if there are too many to list them.
        self._listed: list[list[npt.NDArray[np.int32]] | None] = [[] for _ in range(STEPS)]
        self._set(np.zeros((64, WORDS), np.uint64))

    def _set(self, bits: Bits) -> None:
        self._bits = bits
        self._arena.hold(self._fiber, self._name, bits)

    def of(self, neurons: Neurons) -> Bits:
        """Return the words of some neurons (a copy)."""
        rows = self._rows(neurons)  # may replace the array
        return self._bits[rows]

    def _rows(self, neurons: Neurons) -> Rows:
        """Return the rows of some neurons, assigning rows where there are none."""
        rows = self._index.assign_rows(neurons)
        if self._index.size > len(self._bits):
            more = np.zeros((max(self._index.size, 2 * len(self._bits)) - len(self._bits), WORDS), np.uint64)
            self._set(np.concatenate([self._bits, more]))
        return rows

    def clear(self, step: int) -> None:
        """Clear the bit of a step for all neurons.

        An area has many more rows than a step has neurons, so the rows of a step are listed if they are few.
        """
        others, listed = ~np.uint64(1 << step % 64), self._listed[step]
        for rows in [slice(None)] if listed is None else listed:
            self._bits[rows, step // 64] &= others
        self._listed[step] = []

    def add(self, neurons: Neurons, step: int) -> None:
        """Set the bit of a step for some neurons."""
        rows = self._rows(neurons)  # may replace the array
        self._bits[rows, step // 64] |= np.uint64(1 << step % 64)
        if (listed := self._listed[step]) is not None:
            listed.append(rows.astype(np.int32))
            if sum(map(len, listed)) > MOST_LISTED * len(self._bits):
                self._listed[step] = None

    @property
    def nbytes(self) -> int:
        return self._bits.nbytes + sum(rows.nbytes for listed in self._listed for rows in listed or ())


class VisitedPairs:
    """Pairs (source neuron, target neuron) of one fiber that are certain to have been visited.

    Invariant: if a source neuron and a target neuron have a bit in common, they have been visited together.  For a step
    with sources ``S`` and targets ``T``, that is: all of ``S × T`` has been visited.

    A new visit of ``S' × T'`` may take a step of its own, in place of the oldest.  But if ``S'`` equals the ``S`` of a
    remembered step, its targets may grow by ``T'``, because ``S × (T ∪ T')`` has been visited then.  From then on the
    step's targets are not those of a single visit, so its sources must not grow: a later visit of ``S'' × T'`` says
    nothing about ``S'' × T``.  The same holds with the sides exchanged.  A step therefore grows on one side only.

    Attributes
    ----------
    last : tuple of two int64 arrays
        Sources and targets of the last visit, which is the cheapest to compare with.
    """

    def __init__(self, sources: RowIndex, targets: RowIndex, arena: Arena, fiber: int) -> None:
        self._indices = sources, targets
        self._arena = arena
        self._fiber = fiber
        self.clear()

    def clear(self) -> None:
        """Take all pairs as not visited."""
        sources, targets = self._indices
        self._sources = _Side("source", sources, self._arena, self._fiber)
        self._targets = _Side("target", targets, self._arena, self._fiber)
        self.last = (_NO_NEURONS, _NO_NEURONS)
        # Steps by the set of neurons on a side, while it is the set of a single visit.
        self._steps: dict[_Name, int] = {}
        self._names: list[tuple[_Name, ...]] = [()] * STEPS  # by step: the names of its sets when it began
        self._count = 0

    def bits(self, sources: Neurons, targets: Neurons) -> tuple[Bits, Bits]:
        """Return the words of some source and target neurons, one row of `WORDS` for each neuron."""
        return self._sources.of(sources), self._targets.of(targets)

    def visit(self, sources: Neurons, targets: Neurons) -> None:
        """Note that all pairs of some source and target neurons have been visited."""
        self.last = (sources, targets)
        by_sources, by_targets = _name("source", sources), _name("target", targets)
        if by_sources in self._steps:
            self._targets.add(targets, self._grow(by_sources))
        elif by_targets in self._steps:
            self._sources.add(sources, self._grow(by_targets))
        else:
            self._begin(by_sources, by_targets, sources, targets)

    def _grow(self, name: _Name) -> int:
        """Return the step with a set of neurons on one side; it cannot be found by its other side any more."""
        step = self._steps[name]
        self._forget(step)
        self._steps[name] = step
        return step

    def _forget(self, step: int) -> None:
        """Remove the sets with which a step began, so that it is not found by them."""
        for name in self._names[step]:
            if self._steps.get(name) == step:
                del self._steps[name]

    def _begin(self, by_sources: _Name, by_targets: _Name, sources: Neurons, targets: Neurons) -> None:
        """Note a visit as a step of its own, in place of the oldest if there are `STEPS`."""
        step = self._count % STEPS
        self._count += 1
        self._forget(step)
        self._names[step] = by_sources, by_targets
        self._steps[by_sources] = self._steps[by_targets] = step
        for side, neurons in ((self._sources, sources), (self._targets, targets)):
            side.clear(step)
            side.add(neurons, step)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._sources.nbytes + self._targets.nbytes + sum(neurons.nbytes for neurons in self.last)


def _name(side: Side, neurons: Neurons) -> _Name:
    return side, blake2b(neurons.tobytes(), digest_size=16).digest()
