"""The reference backend: slow, short, and obviously right.  Every other backend must agree with it bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory, Neurons, Synapses, Thresholds
from brainsim.kernels.host_backend import SteppedBackend
from brainsim.kernels.law.selection import NO_TAG, input_tag, winners
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Options, Program

_BYTES_PER_LEARNED = 200  # two boxed integers and their dictionary slot


class ReferenceBackend(SteppedBackend):
    """The law of the model in NumPy: rows drawn one by one, dense drives, learned weights in dictionaries."""

    name: ClassVar[str] = "reference"

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._weights: list[dict[int, dict[int, int]]] = [{} for _ in program.fibers]
        self._rows: dict[tuple[int, int], Neurons] = {}
        self._tag = NO_TAG
        self._drive: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def _project(self, area: int, fibers: Sequence[int]) -> None:
        self._drive = np.zeros(self.program.areas[area].n, np.int64)
        fibers_in = [self.program.fibers[f] for f in fibers]
        self._tag = input_tag((fiber.graph.key, self._winners[fiber.source]) for fiber in fibers_in)
        for f in fibers:
            for pre in self._winners[self.program.fibers[f].source].tolist():
                self._drive[self.row(f, pre)] += ONE
                for post, weight in self._weights[f].get(pre, {}).items():
                    self._drive[post] += weight - ONE

    def _subtract(self, thresholds: Thresholds) -> None:
        self._drive[thresholds.neurons] -= thresholds.amount

    def _drives(self, area: int, fibers: Sequence[int], neurons: Neurons) -> npt.NDArray[np.int64]:
        self._project(area, fibers)
        return self._drive[neurons]

    def _select(self, area: int) -> Neurons:
        part = self.program.areas[area]
        return winners(self._drive, part.k, part.key, self._tag)

    def _strengthen(self, fibers: Sequence[int], after: Sequence[Neurons]) -> None:
        for f in fibers:
            fiber = self.program.fibers[f]
            assert fiber.update is not None  # the round asks only fibers that learn
            for i in self._winners[fiber.source].tolist():
                for j in np.intersect1d(self.row(f, i), after[fiber.target]).tolist():
                    weights = self._weights[f].setdefault(i, {})
                    weights[j] = fiber.update.apply(weights.get(j, ONE))

    def row(self, fiber: int, pre: int) -> Neurons:
        if (fiber, pre) not in self._rows:
            self._rows[fiber, pre] = self.program.fibers[fiber].graph.row(pre)
        return self._rows[fiber, pre]

    def learned(self, fiber: int) -> Synapses:
        entries = [(i, j, w) for i, row in self._weights[fiber].items() for j, w in row.items()]
        table = np.array(sorted(entries), dtype=np.int64).reshape(-1, 3)
        return Synapses(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())

    def set_learned(self, fiber: int, synapses: Synapses) -> None:
        weights: dict[int, dict[int, int]] = {}
        for i, j, w in zip(*(column.tolist() for column in synapses), strict=True):
            weights.setdefault(i, {})[j] = w
        self._weights[fiber] = weights

    def memory(self) -> Memory:
        fibers = {}
        for index, fiber in enumerate(self.program.fibers):
            rows = sum(row.nbytes for (f, _), row in self._rows.items() if f == index)
            learned = sum(len(row) for row in self._weights[index].values()) * _BYTES_PER_LEARNED
            fibers[fiber.name] = {"rows": rows, "learned": learned}
        areas = {
            area.name: {"winners": self._winners[a].nbytes, "thresholds": self._thresholds_nbytes(a)}
            for a, area in enumerate(self.program.areas)
        }
        return {"fibers": fibers, "areas": areas, "shared": {"buffers": {"drive": self._drive.nbytes}}}

    def close(self) -> None:
        self._rows.clear()
        self._weights.clear()
        self._drive = np.empty(0, np.int64)
