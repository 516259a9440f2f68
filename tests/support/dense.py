"""A backend for small brains, written as CONTRIBUTING says: whole matrices of weights, nothing sparse, nothing shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.host_backend import HostBackend
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rows import row_targets
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.selection import input_tag, winners
from brainsim.kernels.program import AmongTopK, FiberSpec, Options, Program, TopK
from brainsim.kernels.state import Neurons, Synapses, Thresholds

NO_SYNAPSE = -1


class Drive(NamedTuple):
    """Of one area in one round: summed weights, the same less the thresholds, and what breaks ties."""

    sums: npt.NDArray[np.int64]
    beyond: npt.NDArray[np.int64]
    tag: int


class Matrix:
    """The weights of one fiber, `NO_SYNAPSE` where there is none; which are part of the state; which rows are drawn."""

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
        return np.maximum(self.weight[firing], 0).sum(axis=0)

    def _draw(self, firing: Neurons) -> None:
        for pre in firing[~self._drawn[firing]]:
            post = row_targets(self._fiber.graph, int(pre))
            self.weight[pre, post] = np.where(self.stored[pre, post], self.weight[pre, post], self._fiber.base)
        self._drawn[firing] = True

    def learn(self, update: Update, fired: Neurons, won: Neurons) -> None:
        self._draw(fired)
        pre, post = (part.ravel() for part in np.meshgrid(fired, won, indexing="ij"))
        exists = self.weight[pre, post] != NO_SYNAPSE
        pre, post = pre[exists], post[exists]
        before, which = np.unique(self.weight[pre, post], return_inverse=True)
        self.weight[pre, post] = np.array([update.apply(weight) for weight in before.tolist()], np.int64)[which]
        self.stored[pre, post] = True


class DenseBackend(HostBackend[Drive]):
    """Keeps a matrix of weights for each fiber."""

    name: ClassVar[str] = "dense"
    parts: ClassVar[frozenset[type]] = frozenset({TopK, AmongTopK, Graph, Update})

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._matrices = [Matrix(fiber) for fiber in program.fibers]

    def _firing(self, fiber: int) -> Neurons:
        return self._winners[self.program.fibers[fiber].source]

    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> Drive:
        sums = np.zeros(self.program.areas[area].n, np.int64)
        for f in fibers:
            sums += self._matrices[f].sums(self._firing(f))
        beyond = sums.copy()
        beyond[thresholds.neurons] -= thresholds.amount
        return Drive(sums, beyond, input_tag((self.program.fibers[f].graph.key, self._firing(f)) for f in fibers))

    def _select(self, area: int, drive: Drive) -> Neurons:
        spec = self.program.areas[area]
        return winners(drive.beyond, spec.k, spec.key, drive.tag)

    def _sums_at(self, area: int, drive: Drive, neurons: Neurons) -> npt.NDArray[np.int64]:
        return drive.sums[neurons]

    def _learn(self, fibers: Sequence[int], after: Sequence[Neurons], drives: Mapping[int, Drive]) -> None:
        for f in fibers:
            fiber = self.program.fibers[f]
            assert fiber.update is not None
            self._matrices[f].learn(fiber.update, self._firing(f), after[fiber.target])

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
