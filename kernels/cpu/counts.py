"""Synapse counts of firing sets: for each target, how many of the firing neurons synapse on it.

The graph never changes, so a count depends on the fiber and the firing neurons alone.  Assemblies recur; their counts
are remembered within a budget, and a set that differs from the fiber's last one in a few neurons is reached by
adding and subtracting rows.  Counts are integers, so both ways give the same bits.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Neurons
from brainsim.kernels.cpu.connectome import GraphArrays, add_rows, difference

Counts = npt.NDArray[np.unsignedinteger[Any]]
_Key = tuple[int, bytes]


def count_type(most_firing: int) -> type[np.uint16] | type[np.uint32]:
    """Return the narrowest count type that ``most_firing`` neurons cannot overflow."""
    return np.uint16 if most_firing < 1 << 16 else np.uint32


class Counted(NamedTuple):
    """Counts over all targets, not to be written to, and the largest of them."""

    counts: Counts
    peak: int


class CountCache:
    """Counts by (fiber, firing neurons), least recently used out first, within ``budget`` bytes."""

    def __init__(self, budget: int, tile: int) -> None:
        self._budget = budget
        self._tile = tile
        self._counted: OrderedDict[_Key, Counted] = OrderedDict()
        self._latest: dict[int, _Key] = {}
        self._bytes: dict[int, int] = {}

    def nbytes(self, fiber: int) -> int:
        """Bytes held for one fiber."""
        return self._bytes.get(fiber, 0)

    def get(self, fiber: int, graph: GraphArrays, firing: Neurons) -> Counted:
        """Return the counts of ``firing`` over all targets of the fiber."""
        key = (fiber, firing.tobytes())
        counted = self._counted.get(key)
        if counted is None:
            counts = self._draw(fiber, graph, firing)
            counted = Counted(counts, int(counts.max()))
            self._keep(key, counted)
        else:
            self._counted.move_to_end(key)
        self._latest[fiber] = key
        return counted

    def _draw(self, fiber: int, graph: GraphArrays, firing: Neurons) -> Counts:
        kind = count_type(len(firing))
        near = self._counted.get(self._latest.get(fiber, (fiber, b"")))
        if near is not None and near.counts.dtype == kind:
            before = np.frombuffer(self._latest[fiber][1], np.int64)
            gone, come = difference(before, firing), difference(firing, before)
            if len(gone) + len(come) < len(firing):
                counts = near.counts.copy()
                add_rows(counts, come, kind(1), graph, self._tile)
                add_rows(counts, gone, kind(np.iinfo(kind).max), graph, self._tile)  # subtracts 1, modulo its range
                return counts
        fresh = np.zeros(graph.n_target, kind)
        add_rows(fresh, firing, kind(1), graph, self._tile)
        return fresh

    def _keep(self, key: _Key, counted: Counted) -> None:
        size = counted.counts.nbytes + len(key[1])
        if size > self._budget:
            return
        self._counted[key] = counted
        self._bytes[key[0]] = self.nbytes(key[0]) + size
        while sum(self._bytes.values()) > self._budget:
            (fiber, firing), oldest = self._counted.popitem(last=False)
            self._bytes[fiber] -= oldest.counts.nbytes + len(firing)

    def clear(self) -> None:
        """Forget everything."""
        self._counted.clear()
        self._latest.clear()
        self._bytes.clear()
