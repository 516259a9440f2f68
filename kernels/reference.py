"""The reference backend: slow, short, and obviously right.  Every other backend must agree with it bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.host_backend import HostBackend
from brainsim.kernels.law.selection import input_tag, winners
from brainsim.kernels.program import BUILT_IN_PARTS, AmongTopK, Options, Program
from brainsim.kernels.state import Neurons, Synapses, Thresholds

_BYTES_PER_LEARNED = 200  # two boxed integers and their dictionary slot


class Drive(NamedTuple):
    """The drives of one area in one round.

    ``sums`` are the summed weights and ``beyond`` the same less the thresholds, int64 arrays of shape ``(n,)``; ``tag``
    breaks ties.
    """

    sums: npt.NDArray[np.int64]
    beyond: npt.NDArray[np.int64]
    tag: int


class ReferenceBackend(HostBackend[Drive]):
    """The law of the model in NumPy: rows drawn one by one, dense drives, learned weights in dictionaries."""

    name: ClassVar[str] = "reference"
    parts: ClassVar[frozenset[type]] = BUILT_IN_PARTS | {AmongTopK}

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._weights: list[dict[int, dict[int, int]]] = [{} for _ in program.fibers]
        self._rows: dict[tuple[int, int], Neurons] = {}

    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> Drive:
        sums = np.zeros(self.program.areas[area].n, np.int64)
        for f in fibers:
            base = self.program.fibers[f].base
            for pre in self._firing(f).tolist():
                sums[self.row(f, pre)] += base
                for post, weight in self._weights[f].get(pre, {}).items():
                    sums[post] += weight - base
        beyond = sums.copy()
        beyond[thresholds.neurons] -= thresholds.amount
        tag = input_tag((self.program.fibers[f].graph.key, self._firing(f)) for f in fibers)
        return Drive(sums, beyond, tag)

    def _firing(self, fiber: int) -> Neurons:
        return self._winners[self.program.fibers[fiber].source]

    def _select(self, area: int, drive: Drive) -> Neurons:
        part = self.program.areas[area]
        return winners(drive.beyond, part.k, part.key, drive.tag)

    def _sums_at(self, area: int, drive: Drive, neurons: Neurons) -> npt.NDArray[np.int64]:
        del area
        return drive.sums[neurons]

    def _learn(self, fibers: Sequence[int], after: Sequence[Neurons], drives: Mapping[int, Drive]) -> None:
        del drives
        for f in fibers:
            fiber = self.program.fibers[f]
            assert fiber.update is not None  # the round asks only fibers that learn
            for i in self._firing(f).tolist():
                stored = self._weights[f].setdefault(i, {})
                existing = np.union1d(self.row(f, i), np.array(list(stored), np.int64))
                for j in np.intersect1d(existing, after[fiber.target]).tolist():
                    stored[j] = fiber.update.apply(stored.get(j, fiber.base))

    def row(self, fiber: int, pre: int) -> Neurons:
        if (fiber, pre) not in self._rows:
            self._rows[fiber, pre] = self.program.fibers[fiber].graph.row(pre)
        return self._rows[fiber, pre]

    def _read_weights(self, fiber: int) -> Synapses:
        entries = [(i, j, w) for i, row in self._weights[fiber].items() for j, w in row.items()]
        table = np.array(sorted(entries), dtype=np.int64).reshape(-1, 3)
        return Synapses(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())

    def _write_weights(self, fiber: int, synapses: Synapses) -> None:
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
        areas = {area.name: self._state_bytes(a) for a, area in enumerate(self.program.areas)}
        return {"fibers": fibers, "areas": areas, "shared": {}}

    def close(self) -> None:
        self._rows.clear()
        self._weights.clear()
