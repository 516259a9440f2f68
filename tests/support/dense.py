"""A backend for small brains, written as CONTRIBUTING.md describes, with a full matrix of weights for each fiber."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rows import row_targets
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.selection import input_tag, winners
from brainsim.kernels.outcomes import Event, Won
from brainsim.kernels.parts import AmongTopK, TopK
from brainsim.kernels.phase_backend import PhaseBackend
from brainsim.kernels.program import FiberSpec, Options, Program
from brainsim.kernels.state import Neurons, Synapses, Thresholds

NO_SYNAPSE = -(2**63)


class Drive(NamedTuple):
    """The drives of one area in one round, less thresholds, and the tag that orders ties."""

    sums: npt.NDArray[np.int64]
    tag: int


class Matrix:
    """The weights of one fiber (`NO_SYNAPSE` for no synapse), flags of stored synapses, and flags of drawn rows."""

    def __init__(self, fiber: FiberSpec) -> None:
        self._fiber = fiber
        self.replace(Synapses(*np.empty((3, 0), np.int64)))

    def replace(self, synapses: Synapses) -> None:
        shape = self._fiber.graph.n_source, self._fiber.graph.n_target
        self.weight, self.stored = np.full(shape, NO_SYNAPSE, np.int64), np.zeros(shape, np.bool_)
        self._drawn = np.zeros(shape[0], np.bool_)
        self.weight[synapses.pre, synapses.post] = synapses.weight
        self.stored[synapses.pre, synapses.post] = True

    def synapses(self) -> Synapses:
        pre, post = np.nonzero(self.stored)
        return Synapses(pre, post, self.weight[pre, post])

    def sums(self, firing: Neurons) -> npt.NDArray[np.int64]:
        self._draw(firing)
        return np.where(self.weight[firing] == NO_SYNAPSE, 0, self.weight[firing]).sum(axis=0)

    def _draw(self, firing: Neurons) -> None:
        for pre in firing[~self._drawn[firing]]:
            post = row_targets(self._fiber.graph, int(pre))
            self.weight[pre, post] = np.where(self.stored[pre, post], self.weight[pre, post], self._fiber.base)
        self._drawn[firing] = True

    def learn(self, update: Update, event: Event) -> None:
        self._draw(event.fired)
        pre, post = (part.ravel() for part in np.meshgrid(event.fired, event.won, indexing="ij"))
        exists = self.weight[pre, post] != NO_SYNAPSE
        pre, post = pre[exists], post[exists]
        before, which = np.unique(self.weight[pre, post], return_inverse=True)
        after = np.array([update.apply(weight, event.rate) for weight in before.tolist()], np.int64)[which]
        self.weight[pre, post] = after
        self.stored[pre, post] |= after != self._fiber.base


class DenseBackend(PhaseBackend[Drive]):
    """Keeps a matrix of weights for each fiber."""

    name: ClassVar[str] = "dense"
    parts: ClassVar[frozenset[type]] = frozenset({TopK, AmongTopK, Graph, Update})

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._matrices = [Matrix(fiber) for fiber in program.fibers]
        self._transmissions = [np.zeros(fiber.graph.n_source, np.int64) for fiber in program.fibers]

    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> Drive:
        sums = np.zeros(self.program.areas[area].n, np.int64)
        for f in fibers:
            self._transmissions[f][self._fired(f)] += 1
            sums += self._matrices[f].sums(self._fired(f))
        sums[thresholds.neurons] -= thresholds.amount
        return Drive(sums, input_tag((self.program.fibers[f].graph.key, self._fired(f)) for f in fibers))

    def _select(self, area: int, drive: Drive) -> Won:
        spec = self.program.areas[area]
        chosen = winners(drive.sums, spec.k, spec.key, drive.tag)
        return Won(chosen, chosen, drive.sums[chosen])

    def _learn(self, events: Sequence[Event], drives: Mapping[int, Drive]) -> None:
        for event in events:
            update = self.program.fibers[event.fiber].update
            assert update is not None
            self._matrices[event.fiber].learn(update, event)

    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        return self._transmissions[fiber].copy()

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(self.program.fibers[fiber].graph, pre)

    def _read_weights(self, fiber: int) -> Synapses:
        return self._matrices[fiber].synapses()

    def _write_weights(self, fiber: int, synapses: Synapses) -> None:
        self._matrices[fiber].replace(synapses)

    def memory(self) -> Memory:
        pairs = zip(self.program.fibers, self._matrices, strict=True)
        sizes = {fiber.name: {"learned": each.weight.nbytes + each.stored.nbytes} for fiber, each in pairs}
        areas = {area.name: self._state_bytes(a) for a, area in enumerate(self.program.areas)}
        return {"fibers": sizes, "areas": areas, "shared": {}}

    def close(self) -> None:
        self._matrices.clear()
