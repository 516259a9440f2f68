"""Which fibers are open: inhibition and disinhibition of areas and fibers."""

from __future__ import annotations

from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.kernels.program import Program
from brainsim.simulate.index import AreaLike, Index, Openable
from brainsim.simulate.state import BrainState


class Gates:
    """Closes fibers, and all fibers into and out of areas."""

    def __init__(self, program: Program, index: Index, state: BrainState) -> None:
        self._program = program
        self._index = index
        self._state = state

    def inhibit(self, targets: tuple[AreaLike | Fiber | FiberSet, ...]) -> None:
        """Close fibers, or all fibers into and out of areas."""
        areas, fibers = self._index.gates(targets)
        self._state.inhibited |= areas
        self._state.inhibited_fibers |= fibers

    def disinhibit(self, targets: tuple[AreaLike | Fiber | FiberSet, ...]) -> None:
        """Undo `inhibit` for areas and fibers: for all of them if none is named."""
        areas, fibers = self._index.gates(targets)
        self._state.inhibited -= areas if targets else set(self._state.inhibited)
        self._state.inhibited_fibers -= fibers if targets else set(self._state.inhibited_fibers)

    def closed(self, fiber: int) -> bool:
        """Return whether inhibition closes a fiber: its own, or that of an area that it starts or ends in."""
        spec = self._program.fibers[fiber]
        return fiber in self._state.inhibited_fibers or not self._state.inhibited.isdisjoint((spec.source, spec.target))

    def transmitting(self, fibers: Openable) -> list[int]:
        """Return the fibers among some that a round would open."""
        return [f for f in self._index.fibers(fibers) if not self.closed(f)]
