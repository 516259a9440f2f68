"""Access to weights: looking at them, replacing them, forgetting what was learned."""

from __future__ import annotations

from brainsim.build import first_weights
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.errors import DeclarationError
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import WEIGHTS
from brainsim.simulate.connectome import Connectome
from brainsim.simulate.engine import Engine
from brainsim.simulate.guard import Guard
from brainsim.simulate.index import Index, Openable
from brainsim.simulate.probes import Probes


class Weights:
    """Hands out the connectomes of fibers, and puts weights back to what they were at the beginning."""

    def __init__(self, engine: Engine, guard: Guard, index: Index, probes: Probes) -> None:
        self._engine = engine
        self._guard = guard
        self._index = index
        self._probes = probes

    def connectome(self, fiber: Fiber | FiberSet) -> Connectome:
        """Return the synapses and present weights of one fiber."""
        chosen = self._index.fibers(fiber)
        if len(chosen) != 1:
            raise DeclarationError(f"Simulator.connectome: must be given one fiber (got {len(chosen)}: {fiber!r})")
        declared = list(self._index.brain.fibers)[chosen[0]]
        return Connectome(self._engine, self._guard, chosen[0], declared, self._may_write)

    def forget(self, fibers: Openable) -> None:
        """Let fibers have the weights of the beginning: all of them, or none."""
        self._may_write()
        every = list(self._index.brain.fibers)
        chosen = [f for f in self._index.fibers(fibers) if self._engine.program.fibers[f].stores]
        with uninterrupted():
            for f in chosen:
                self._engine.write(WEIGHTS, f, first_weights(every[f]))

    def _may_write(self) -> None:
        self._probes.refuse(
            "Simulator.frozen: a probe must not change weights; do it before or after, outside of frozen()"
        )
