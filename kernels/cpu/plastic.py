"""State of a plastic fiber: stored weights, visited pairs and kept rows."""

from __future__ import annotations

from brainsim.kernels.cpu.arena import Arena
from brainsim.kernels.cpu.graph import GraphArrays
from brainsim.kernels.cpu.new_synapses import find_new
from brainsim.kernels.cpu.overlay import Overlay
from brainsim.kernels.cpu.row_index import RowIndex
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.sets import Flags
from brainsim.kernels.cpu.visited import VisitedPairs
from brainsim.kernels.program import FiberSpec
from brainsim.kernels.state import Neurons, Synapses

_MOST_RATES = 1024


class PlasticFiber:
    """The stored weights of one fiber, and the data that find synapses which are not stored yet.

    Invariant: all existing synapses of the visited pairs are stored, and a stored synapse stays so until `replace`,
    whatever its weight.  A step that does not change the base weight stores nothing, so it visits no pairs.
    """

    def __init__(
        self,
        fiber: int,
        spec: FiberSpec,
        graph: GraphArrays,
        kept: KeptRows,
        sources: RowIndex,
        targets: RowIndex,
        arena: Arena,
    ) -> None:
        assert spec.update is not None, "it stores weights"
        self.kept = kept
        self._graph = graph
        self._base = spec.base
        self._update = spec.update
        self._first_weights: dict[int, int | None] = {}
        self._overlay = Overlay(sources, spec.update, arena, fiber)
        lowest = min(spec.base, spec.depression.floor) if spec.depression else spec.base
        arena.set(fiber, plain=int(not spec.update.steps and lowest >= spec.update.floor))
        self._visited = VisitedPairs(sources, targets, arena, fiber)

    def first_weight(self, rate: int) -> int | None:
        """Return the base weight after a step, ``None`` if the step does not change it."""
        if rate not in self._first_weights:
            if len(self._first_weights) >= _MOST_RATES:
                self._first_weights.clear()
            weight = self._update.apply(self._base, rate)
            self._first_weights[rate] = None if weight == self._base else weight
        return self._first_weights[rate]

    def store_new(self, pre: Neurons, post: Neurons, complete: Flags, weight: int, threads: int) -> int:
        """Store all synapses from ``pre`` to ``post`` that are not stored yet, with a weight; return their number.

        Winners that are ``complete`` have no such synapse.
        """
        new = find_new(pre, post, complete, self._visited, self.kept, self._graph, threads)
        return self._overlay.add(*new, weight)

    def synapses(self) -> Synapses:
        """Return all stored synapses."""
        return self._overlay.synapses()

    def replace(self, synapses: Synapses) -> None:
        """Store these synapses in place of all others."""
        self._visited.clear()  # pairs that were visited need not have their synapses among the new ones
        self._overlay.replace(synapses)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the stored weights."""
        return self._overlay.nbytes

    @property
    def index_bytes(self) -> int:
        """Bytes of the data that find synapses."""
        return self.kept.nbytes + self._visited.nbytes
