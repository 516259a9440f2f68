"""The reference backend: slow, short, and obviously right.  Every other backend must agree with it bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.law.selection import input_tag, winners, winners_in_channels
from brainsim.kernels.outcomes import Event, Won
from brainsim.kernels.parts import BUILT_IN_PARTS, AmongTopK, Channels
from brainsim.kernels.phase_backend import PhaseBackend
from brainsim.kernels.program import Options, Program
from brainsim.kernels.state import Neurons, Synapses, Thresholds

_BYTES_PER_LEARNED = 200  # two boxed integers and their dictionary slot


class Drive(NamedTuple):
    """The drives of one area in one round.

    ``sums`` are the summed weights less the thresholds, an int64 array of shape ``(n,)``; ``tag`` breaks ties.
    """

    sums: npt.NDArray[np.int64]
    tag: int


class ReferenceBackend(PhaseBackend[Drive]):
    """The law of the model in NumPy: rows drawn one by one, dense drives, learned weights in dictionaries."""

    name: ClassVar[str] = "reference"
    parts: ClassVar[frozenset[type]] = BUILT_IN_PARTS | {AmongTopK}

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        self._weights: list[dict[int, dict[int, int]]] = [{} for _ in program.fibers]
        self._rows: dict[tuple[int, int], Neurons] = {}
        self._transmissions = [np.zeros(fiber.graph.n_source, np.int64) for fiber in program.fibers]

    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> Drive:
        sums = np.zeros(self.program.areas[area].n, np.int64)
        for f in fibers:
            base = self.program.fibers[f].base
            self._transmissions[f][self._fired(f)] += 1
            for pre in self._fired(f).tolist():
                sums[self.row(f, pre)] += base
                for post, weight in self._weights[f].get(pre, {}).items():
                    sums[post] += weight - base
        sums[thresholds.neurons] -= thresholds.amount
        tag = input_tag((self.program.fibers[f].graph.key, self._fired(f)) for f in fibers)
        return Drive(sums, tag)

    def _select(self, area: int, drive: Drive) -> Won:
        part = self.program.areas[area]
        order = part.key, drive.tag, part.first_channel
        if isinstance(part.activation, Channels):
            chosen = winners_in_channels(drive.sums, part.channel, part.k, *order)
        else:
            chosen = winners(drive.sums, part.k, *order)
        return Won(chosen, chosen, drive.sums[chosen])

    def _learn(self, events: Sequence[Event], drives: Mapping[int, Drive]) -> None:
        del drives
        for event in events:
            self._depress(event)
            self._potentiate(event)

    def _potentiate(self, event: Event) -> None:
        fiber = self.program.fibers[event.fiber]
        assert fiber.update is not None  # the round asks only fibers that learn
        stored = self._weights[event.fiber]
        for i in event.fired.tolist():
            row = stored.setdefault(i, {})
            existing = np.union1d(self.row(event.fiber, i), np.array(list(row), np.int64))
            for j in np.intersect1d(existing, event.won).tolist():
                weight = fiber.update.apply(row.get(j, fiber.base), event.rate)
                if j in row or weight != fiber.base:
                    row[j] = weight

    def _depress(self, event: Event) -> None:
        rule = self.program.fibers[event.fiber].depression
        if rule is None or not event.depresses:
            return
        won, lost = set(event.won.tolist()), set(event.lost.tolist())
        for i in event.fired.tolist():
            row = self._weights[event.fiber].get(i, {})
            for j in row:
                if j not in won if rule.losers else j in lost:
                    row[j] = rule.apply(row[j], event.rate)

    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        return self._transmissions[fiber].copy()

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
            sizes = {"rows": rows, "learned": learned, "trace": self._traces.nbytes(index)}
            fibers[fiber.name] = sizes | self._message_bytes(index)
        areas = {area.name: self._state_bytes(a) for a, area in enumerate(self.program.areas)}
        return {"fibers": fibers, "areas": areas, "shared": {}}

    def close(self) -> None:
        self._rows.clear()
        self._weights.clear()
        if self._vectors is not None:
            self._vectors.close()
