"""The engine of vectors on the host: state as tables, and the order of a round."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from brainsim.kernels.law.weights import to_float
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import Learning, RoundPlan
from brainsim.kernels.state import ANCHORS, CHANNEL_WEIGHTS, INPUTS, TABLES, VECTORS, Floats, Neurons, Table
from brainsim.kernels.state_kind import StateKind
from brainsim.kernels.vectors.engine import VectorEngine
from brainsim.kernels.vectors.held import Held
from brainsim.kernels.vectors.steps import Step, step_of


class HostVectors(VectorEngine):
    """Keeps every table in an array.  A subclass implements `_propose`, `_normalize`, `_relax` and `sent`."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._held = {
            (kind.name, owner): Held(np.zeros(kind.shape_of(program, owner), np.float32))
            for kind in TABLES
            for owner in kind.owners(program)
        }

    def read(self, kind: StateKind, owner: int) -> Table:
        return self._held[kind.name, owner].read()

    def write(self, kind: StateKind, owner: int, value: Table) -> None:
        self._held[kind.name, owner].write(value)

    def run(self, plan: RoundPlan, active: Sequence[Neurons]) -> None:
        # Steps write into other arrays, so that learning reads the old vectors, and the steps the old weights.
        steps = [step_of(self.program, each, active) for each in plan.stepping]
        new = [self._stepped(step) for step in steps]
        for each in plan.relaxing:
            self._learn(each, active)
        for step, rows in zip(steps, new, strict=True):
            held = self._held[VECTORS.name, step.area]
            if not step.partial:
                held.swap()
            elif len(step.nodes):
                held.own()[step.nodes] = rows

    def _stepped(self, step: Step) -> Floats:
        """Return the new vectors of the nodes of an area that step; those of all nodes stand in the spare array."""
        dim = self.vectors(step.area).shape[1]
        out = np.empty((len(step.nodes), dim), np.float32) if step.partial else self._spare(step.area)
        for fiber, nodes, places, add in step.proposals:
            self._propose(fiber, nodes, places, out, add=add)
        self._normalize(step.area, step.nodes, out)
        return out

    def _spare(self, area: int) -> Floats:
        return self._held[VECTORS.name, area].spare()

    def _learn(self, learning: Learning, active: Sequence[Neurons]) -> None:
        fiber = self.program.fibers[learning.fiber]
        sources, targets = active[fiber.source], active[fiber.target]
        if len(sources) and len(targets):
            weights = self._held[CHANNEL_WEIGHTS.name, learning.fiber].own()
            self._relax(learning.fiber, to_float(learning.rate), sources, targets, weights)

    def vectors(self, area: int) -> Floats:
        """Return the present vectors of an area."""
        return self._held[VECTORS.name, area].rows

    def weights(self, fiber: int) -> Floats:
        """Return the present weights of a fiber."""
        return self._held[CHANNEL_WEIGHTS.name, fiber].rows

    def anchors(self, area: int) -> Floats:
        """Return the first vectors of an area, or the present ones if no message pulls towards them."""
        held = self._held.get((ANCHORS.name, area))
        return self.vectors(area) if held is None else held.rows

    def inputs(self, fiber: int) -> Floats | None:
        """Return the inputs of the nodes of a fiber, ``None`` if its rule needs none."""
        held = self._held.get((INPUTS.name, fiber))
        return None if held is None else held.rows

    @abstractmethod
    def _propose(self, fiber: int, nodes: Neurons, places: Neurons, out: Floats, *, add: bool) -> None:
        """Write what a message proposes to some nodes of its target into rows of an array, or add it to them."""

    @abstractmethod
    def _normalize(self, area: int, nodes: Neurons, out: Floats) -> None:
        """Make unit vectors of the proposals to some nodes, one row each; a node without a direction keeps its own."""

    @abstractmethod
    def _relax(self, fiber: int, rate: float, sources: Neurons, targets: Neurons, weights: Floats) -> None:
        """Apply the rule of a fiber to the edges among active nodes."""

    def area_bytes(self, area: int) -> dict[str, int]:
        return self._bytes("area", area)

    def fiber_bytes(self, fiber: int) -> dict[str, int]:
        message = self.program.fibers[fiber].message
        return {} if message is None else {"edges": message.edges.nbytes, **self._bytes("fiber", fiber)}

    def _bytes(self, kind_of_owner: str, owner: int) -> dict[str, int]:
        kinds = [kind.name for kind in TABLES if kind.owner == kind_of_owner]
        return {name: self._held[name, owner].nbytes for name in kinds if (name, owner) in self._held}

    def close(self) -> None:
        self._held.clear()
