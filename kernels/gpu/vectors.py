"""Areas whose nodes hold vectors, on the gpu: their tables, and the launches of a round.

The vectors and the weights stay on the device.  Which nodes are active is asked of the host where a round depends on
it: messages to all nodes go ahead without waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.arrays import Array
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.edges import Edges
from brainsim.kernels.gpu.layout import THREADS, WARPS
from brainsim.kernels.gpu.messages import PURPOSE, Job, Messages, Phase, Values
from brainsim.kernels.law.weights import to_float
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import Learning, RoundPlan
from brainsim.kernels.state import ANCHORS, CHANNEL_WEIGHTS, INPUTS, TABLES, VECTORS, Floats, Neurons, Table
from brainsim.kernels.state_kind import StateKind
from brainsim.kernels.vectors.bounds import carrying_fibers, message_of, vectors_of
from brainsim.kernels.vectors.engine import VectorEngine
from brainsim.kernels.vectors.steps import Step, step_of

Marks = npt.NDArray[np.uint32]


class _Stepping(NamedTuple):
    """A step, the nodes that step, and where their new vectors will be."""

    step: Step
    nodes: Array | Neurons
    out: Array


class GpuVectors(VectorEngine):
    """Single precision; a warp for each node.

    Raises
    ------
    DeviceMemoryError
        If the device has not the memory for the vectors and the edges.
    """

    def __init__(self, program: Program, device: Device) -> None:
        super().__init__(program)
        self._device = device
        self._messages = Messages(device)
        self._edges = {f: Edges(device, message_of(program, f)) for f in carrying_fibers(program)}
        self._tables: dict[tuple[str, int], Array] = {}
        self._known: dict[tuple[str, int], Table] = {}
        self._spare: dict[int, Array] = {}
        self._every: dict[int, Array] = {}
        for kind in TABLES:
            for owner in kind.owners(program):
                rows, width = kind.shape_of(program, owner)
                self._tables[kind.name, owner] = device.zeros(rows * width, np.float32, PURPOSE)

    # State

    def read(self, kind: StateKind, owner: int) -> Table:
        key = kind.name, owner
        if key not in self._known:
            rows, width = kind.shape_of(self.program, owner)
            values = self._device.read(self._tables[key], 0, rows * width).reshape(rows, width)
            values.flags.writeable = False
            self._known[key] = Table(values)
        return self._known[key]

    def write(self, kind: StateKind, owner: int, value: Table) -> None:
        key = kind.name, owner
        rows = np.ascontiguousarray(value.rows)
        self._device.write(self._tables[key], 0, rows.reshape(-1))
        self._known.pop(key, None)
        if not rows.flags.writeable:
            self._known[key] = value

    # A round

    def run(self, plan: RoundPlan, active: Sequence[Neurons]) -> None:
        # Steps write into other arrays, so that learning reads the vectors of before, and they the weights of before.
        steps = [self._begun(step_of(self.program, each, active)) for each in plan.stepping]
        relaxed, rows = self._relaxed(plan.relaxing, active), [self._rows(each) for each in steps]
        phases = [
            *self._proposed(steps),
            Phase("normalize", rows),
            Phase("relax", relaxed),
            Phase("replace_rows", [row for each, row in zip(steps, rows, strict=True) if each.step.partial]),
        ]
        self._messages.launch(phases)
        for each in steps:
            self._take(each)
        for learner in plan.relaxing:
            self._known.pop((CHANNEL_WEIGHTS.name, learner.fiber), None)

    def _begun(self, step: Step) -> _Stepping:
        """Return where the new vectors of the nodes of an area that step will be."""
        dim = vectors_of(self.program, step.area).dim
        if not step.partial:
            return _Stepping(step, self._all(step.area), self._spare_of(step.area))
        return _Stepping(step, step.nodes, self._device.empty(len(step.nodes) * dim, np.float32, PURPOSE))

    def _proposed(self, steps: Sequence[_Stepping]) -> Iterator[Phase]:
        """Yield the first proposals to all areas, which write rows, and then those that add to the rows."""
        for number in range(max((len(each.step.proposals) for each in steps), default=0)):
            jobs = [self._proposal(each, number) for each in steps if number < len(each.step.proposals)]
            yield Phase("propose", jobs, int(number > 0))

    def _proposal(self, stepping: _Stepping, number: int) -> Job:
        step, nodes, out = stepping
        fiber, reached, places, _ = step.proposals[number]
        given = {
            "nodes": nodes if reached is step.nodes else reached,
            "places": places if step.partial or reached is not step.nodes else nodes,
            "out": out,
        }
        return self._message(fiber, _warps(len(reached)), len(reached), **given)

    def _rows(self, stepping: _Stepping) -> Job:
        """Return a job for kernels that work on rows of an area alone."""
        step, nodes, out = stepping
        fields: dict[str, Array | Neurons | int] = {
            "targets": self._tables[VECTORS.name, step.area],
            "dim": vectors_of(self.program, step.area).dim,
            "count": len(step.nodes),
            "nodes": nodes,
            "out": out,
        }
        return Job(_warps(len(step.nodes)), fields)

    def _take(self, stepping: _Stepping) -> None:
        """Let nodes have their new vectors."""
        area = stepping.step.area
        key = VECTORS.name, area
        if not stepping.step.partial:
            self._tables[key], self._spare[area] = self._spare[area], self._tables[key]
        self._known.pop(key, None)

    def _relaxed(self, relaxing: Sequence[Learning], active: Sequence[Neurons]) -> list[Job]:
        """Return the jobs of fibers whose weights learn."""
        fibers = [self.program.fibers[each.fiber] for each in relaxing]
        ends = zip(relaxing, fibers, strict=True)
        busy = [each for each, fiber in ends if len(active[fiber.source]) and len(active[fiber.target])]
        marks = {source: self._marks(active[source], source) for source in {fiber.source for fiber in fibers}}
        return [self._relax(each, marks[self.program.fibers[each.fiber].source], active) for each in busy]

    def _relax(self, learning: Learning, marks: Marks, active: Sequence[Neurons]) -> Job:
        f = learning.fiber
        rule, targets = message_of(self.program, f).relaxing, active[self.program.fibers[f].target]
        assert rule is not None, "only fibers with a rule learn"
        numbers = np.array([*(rate * to_float(learning.rate) for rate in rule.rates), rule.low, rule.high])
        given: dict[str, Values] = {"rule": numbers, "active": marks, "nodes": targets}
        return self._message(f, _warps(len(targets)), len(targets), **given)

    def sent(self, fiber: int, active: Neurons) -> tuple[Floats, Neurons]:
        spec, channels = self.program.fibers[fiber], len(message_of(self.program, fiber).channels)
        n = self.program.areas[spec.target].n
        sums = self._device.empty(n * channels, np.float32, PURPOSE)
        edges = self._device.empty(n, np.int64, PURPOSE)
        given: dict[str, Array | Values] = {"active": self._marks(active, spec.source), "places": edges, "out": sums}
        self._messages.launch([Phase("read_out", [self._message(fiber, -(-n // THREADS), n, **given)])])
        return self._device.read(sums).reshape(n, channels), self._device.read(edges)

    def _message(self, fiber: int, blocks: int, count: int, **given: Array | Values) -> Job:
        """Return a job for a fiber: its edges, the tables of its ends, and what is ``given``."""
        spec, edges = self.program.fibers[fiber], self._edges[fiber]
        targets = self._tables[VECTORS.name, spec.target]
        fields: dict[str, Array | Values | int] = {
            "starts": edges.starts,
            "neighbours": edges.neighbours,
            "ids": edges.ids,
            "shares": edges.shares,
            "weights": self._tables[CHANNEL_WEIGHTS.name, fiber],
            "sources": self._tables[VECTORS.name, spec.source],
            "targets": targets,
            "anchors": self._tables.get((ANCHORS.name, spec.target), targets),
            "dim": vectors_of(self.program, spec.target).dim,
            "channels": len(message_of(self.program, fiber).channels),
            "count": count,
            "flags": edges.flags,
        }
        if (inputs := self._tables.get((INPUTS.name, fiber))) is not None:
            fields["inputs"] = inputs
        return Job(blocks, {**fields, **given})

    def _marks(self, neurons: Neurons, area: int) -> Marks:
        marks = np.zeros(self.program.areas[area].n, np.uint32)
        marks[neurons] = 1
        return marks

    def _all(self, area: int) -> Array:
        """Return the numbers of all nodes of an area."""
        if area not in self._every:
            self._every[area] = self._device.upload(np.arange(self.program.areas[area].n), PURPOSE)
        return self._every[area]

    def _spare_of(self, area: int) -> Array:
        if area not in self._spare:
            self._spare[area] = self._device.empty(self._tables[VECTORS.name, area].size, np.float32, PURPOSE)
        return self._spare[area]

    # The rest

    def area_bytes(self, area: int) -> dict[str, int]:
        sizes = self._bytes("area", area)
        others = [held[area].nbytes for held in (self._spare, self._every) if area in held]
        return {**sizes, "vectors": sizes["vectors"] + sum(others)} if sizes else {}

    def fiber_bytes(self, fiber: int) -> dict[str, int]:
        return {"edges": self._edges[fiber].nbytes, **self._bytes("fiber", fiber)} if fiber in self._edges else {}

    @property
    def nbytes(self) -> int:
        """Bytes allocated for what no area or fiber has of its own."""
        return self._messages.nbytes

    def _bytes(self, kind_of_owner: str, owner: int) -> dict[str, int]:
        kinds = [kind.name for kind in TABLES if kind.owner == kind_of_owner]
        return {name: self._tables[name, owner].nbytes for name in kinds if (name, owner) in self._tables}

    def close(self) -> None:
        for held in (self._tables, self._known, self._spare, self._every, self._edges):
            held.clear()
        self._messages.close()


def _warps(items: int) -> int:
    """Return the blocks of as many warps as there are items."""
    return -(-items // WARPS)
