"""Open and closed fibers: inhibition and disinhibition of areas and fibers by locks."""

from __future__ import annotations

from collections.abc import Mapping

from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.kernels.program import Program
from brainsim.simulate.index import AreasLike, Index
from brainsim.simulate.locks import add, by_name, lock_name, remove
from brainsim.simulate.state import BrainState


class Gates:
    """Close fibers, or all fibers into and out of areas, with locks; a fiber without locks is open."""

    def __init__(self, program: Program, index: Index, state: BrainState) -> None:
        self._program = program
        self._index = index
        self._state = state

    def inhibit(self, targets: tuple[AreasLike | Fiber | FiberSet, ...], lock: str) -> None:
        """Put a lock on fibers, or on areas, which closes all fibers into and out of them."""
        lock = lock_name("Simulator.inhibit: lock", lock)
        areas, fibers = self._index.gates(targets)
        add(self._state.area_locks, areas, lock)
        add(self._state.fiber_locks, fibers, lock)

    def disinhibit(self, targets: tuple[AreasLike | Fiber | FiberSet, ...], lock: str) -> None:
        """Remove a lock from areas and fibers; from all of them if none is named."""
        lock = lock_name("Simulator.disinhibit: lock", lock)
        areas, fibers = self._index.gates(targets)
        remove(self._state.area_locks, areas if targets else set(self._state.area_locks), lock)
        remove(self._state.fiber_locks, fibers if targets else set(self._state.fiber_locks), lock)

    def open_all(self) -> None:
        """Remove all locks."""
        self._state.area_locks.clear()
        self._state.fiber_locks.clear()

    @property
    def locks(self) -> Mapping[str, tuple[str, ...]]:
        """The locks on each area and fiber that has one."""
        fibers = by_name(self._state.fiber_locks, (fiber.name for fiber in self._program.fibers))
        return {**by_name(self._state.area_locks, self._index.area_names), **fibers}

    def closed(self, fiber: int) -> bool:
        """Return whether a lock closes a fiber: its own, or one of an area that it starts or ends in."""
        spec, areas = self._program.fibers[fiber], self._state.area_locks
        return fiber in self._state.fiber_locks or spec.source in areas or spec.target in areas

    def why_closed(self, fiber: int) -> str:
        """Return the locks that close a fiber, as text."""
        spec, locks = self._program.fibers[fiber], self.locks
        ends = (self._index.area_names[area] for area in dict.fromkeys((spec.source, spec.target)))
        return ", ".join(f"lock {lock!r} on {owner}" for owner in (spec.name, *ends) for lock in locks.get(owner, ()))
