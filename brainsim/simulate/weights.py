"""Access to weights: looking at them, replacing them, forgetting what was learned."""

from __future__ import annotations

from brainsim.build import first_channel_weights, first_weights
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.errors import DeclarationError
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import CHANNEL_WEIGHTS, WEIGHTS
from brainsim.simulate.connectome import Connectome
from brainsim.simulate.edges import Edges
from brainsim.simulate.engine import Engine
from brainsim.simulate.guard import Guard
from brainsim.simulate.index import Index, Openable
from brainsim.simulate.probes import Probes
from brainsim.simulate.state import BrainState


class Weights:
    """Hands out the connectomes of fibers, and puts weights back to what they were at the beginning."""

    def __init__(self, engine: Engine, guard: Guard, index: Index, state: BrainState, probes: Probes) -> None:
        self._engine = engine
        self._guard = guard
        self._index = index
        self._state = state
        self._probes = probes

    def connectome(self, fiber: Fiber | FiberSet) -> Connectome:
        """Return the synapses and present weights of one fiber."""
        number, declared = self._one("connectome", fiber)
        if declared.message is not None:
            cure = "Simulator.edges(fiber) returns its edges"
            raise DeclarationError(f"Fiber {declared.name!r}: carries a message and has no synapses; {cure}", cure=cure)
        return Connectome(self._engine, self._guard, number, declared, self._may_write)

    def edges(self, fiber: Fiber | FiberSet) -> Edges:
        """Return the edges and present weights of one fiber that carries messages."""
        number, declared = self._one("edges", fiber)
        if declared.message is None:
            cure = "Simulator.connectome(fiber) returns its synapses"
            raise DeclarationError(f"Fiber {declared.name!r}: carries no message and has no edges; {cure}", cure=cure)
        return Edges(self._engine, self._guard, number, declared, self._may_write, lambda: self._open(number))

    def _open(self, fiber: int) -> None:
        """Note that a fiber has been used; loading a state replaces the set."""
        self._state.opened.add(fiber)

    def _one(self, method: str, fiber: Fiber | FiberSet) -> tuple[int, Fiber]:
        """Return the number and the declaration of the one fiber that is given."""
        chosen = self._index.fibers(fiber)
        if len(chosen) != 1:
            raise DeclarationError(f"Simulator.{method}: must be given one fiber (got {len(chosen)}: {fiber!r})")
        return chosen[0], list(self._index.brain.fibers)[chosen[0]]

    def forget(self, fibers: Openable) -> None:
        """Let fibers have the weights of the beginning: all of them, or none."""
        self._may_write()
        every = list(self._index.brain.fibers)
        chosen = self._index.fibers(fibers)
        with uninterrupted():
            for f in chosen:
                if every[f].message is not None:
                    self._engine.write(CHANNEL_WEIGHTS, f, first_channel_weights(every[f]))
                elif self._engine.program.fibers[f].stores:
                    self._engine.write(WEIGHTS, f, first_weights(every[f]))

    def _may_write(self) -> None:
        self._probes.refuse(
            "Simulator.frozen: a probe must not change weights; do it before or after, outside of frozen()"
        )
