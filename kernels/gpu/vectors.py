"""Areas whose nodes hold vectors, on the gpu: their tables, and the launches of a round.

The vectors and the weights stay on the device.  Which nodes are active is asked of the host where a round depends on
it: messages to all nodes go ahead without waiting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainsim.kernels.gpu.arrays import Array, Record, record
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import F32, F64, I32, I64, MESSAGE, THREADS, U32, WARPS
from brainsim.kernels.law.weights import to_float
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import Learning, RoundPlan
from brainsim.kernels.state import ANCHORS, CHANNEL_WEIGHTS, INPUTS, TABLES, VECTORS, Floats, Neurons, Table
from brainsim.kernels.state_kind import StateKind
from brainsim.kernels.vectors.bounds import carrying_fibers, message_of, vectors_of
from brainsim.kernels.vectors.engine import VectorEngine
from brainsim.kernels.vectors.parts import Message
from brainsim.kernels.vectors.steps import Step, step_of

_PURPOSE = "vectors"
_BY_ROW, _COSINE, _ONTO_SELF, _SYMMETRIC, _PRODUCT, _WITH_INPUT = 1, 2, 4, 8, 16, 32


def _flags(message: Message) -> int:
    rule = message.relaxing
    flags = {
        _BY_ROW: message.by_row,
        _COSINE: message.cosine,
        _ONTO_SELF: message.onto_self,
        _SYMMETRIC: message.edges.symmetric,
        _PRODUCT: rule is not None and rule.goal == "product",
        _WITH_INPUT: rule is not None and rule.goal == "input",
    }
    return sum(flag for flag, holds in flags.items() if holds)


class _Edges:
    """What never changes of a fiber that carries messages, on the device."""

    def __init__(self, device: Device, message: Message) -> None:
        table = message.edges
        self.starts = device.upload(table.starts, _PURPOSE)
        self.neighbours = device.upload(table.neighbours, _PURPOSE)
        self.ids = device.upload(table.ids, _PURPOSE)
        self.shares = device.upload(np.array([message.keep, message.anchor, *message.mix], np.float32), _PURPOSE)
        self.flags = _flags(message)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self.starts.nbytes + self.neighbours.nbytes + self.ids.nbytes + self.shares.nbytes


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
        self._none = {kind: device.zeros(1, kind, _PURPOSE) for kind in (F32, F64, I32, I64, U32)}
        self._edges = {f: _Edges(device, message_of(program, f)) for f in carrying_fibers(program)}
        self._tables: dict[tuple[str, int], Array] = {}
        self._known: dict[tuple[str, int], Table] = {}
        self._spare: dict[int, Array] = {}
        self._every: dict[int, Array] = {}
        for kind in TABLES:
            for owner in kind.owners(program):
                rows, width = kind.shape_of(program, owner)
                self._tables[kind.name, owner] = device.zeros(rows * width, np.float32, _PURPOSE)

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
        steps = [step_of(self.program, each, active) for each in plan.stepping]
        new = [self._stepped(step) for step in steps]
        for each in plan.relaxing:
            self._relax(each, active)
        for step, launched in zip(steps, new, strict=True):
            self._take(step, launched)

    def _stepped(self, step: Step) -> Record:
        """Launch what computes the new vectors of the nodes of an area that step; return where they are."""
        dim, count = vectors_of(self.program, step.area).dim, len(step.nodes)
        nodes = self._device.upload(step.nodes, _PURPOSE) if step.partial else self._all(step.area)
        out = self._device.empty(count * dim, np.float32, _PURPOSE) if step.partial else self._spare_of(step.area)
        for fiber, reached, places, add in step.proposals:
            listed = {
                "nodes": nodes if reached is step.nodes else self._device.upload(reached, _PURPOSE),
                "places": self._device.upload(places, _PURPOSE) if step.partial or reached is not step.nodes else nodes,
            }
            message = self._message(fiber, len(reached), out=out, **listed)
            self._launch("propose", _warps(len(reached)), message, int(add))
        rows = self._rows(step.area, count, nodes, out)
        self._launch("normalize", _warps(count), rows)
        return rows

    def _take(self, step: Step, rows: Record) -> None:
        """Let nodes have their new vectors."""
        key = VECTORS.name, step.area
        if step.partial:
            self._launch("replace_rows", _warps(len(step.nodes)), rows)
        else:
            self._tables[key], self._spare[step.area] = self._spare[step.area], self._tables[key]
        self._known.pop(key, None)

    def _relax(self, learning: Learning, active: Sequence[Neurons]) -> None:
        f = learning.fiber
        spec, rule = self.program.fibers[f], message_of(self.program, f).relaxing
        assert rule is not None, "only fibers with a rule learn"
        sources, targets = active[spec.source], active[spec.target]
        if not len(sources) or not len(targets):
            return
        numbers = np.array([*(rate * to_float(learning.rate) for rate in rule.rates), rule.low, rule.high])
        given = {
            "rule": self._device.upload(numbers, _PURPOSE),
            "active": self._marks(sources, spec.source),
            "nodes": self._device.upload(targets, _PURPOSE),
        }
        self._launch("relax", _warps(len(targets)), self._message(f, len(targets), **given))
        self._known.pop((CHANNEL_WEIGHTS.name, f), None)

    def sent(self, fiber: int, active: Neurons) -> tuple[Floats, Neurons]:
        spec, channels = self.program.fibers[fiber], len(message_of(self.program, fiber).channels)
        n = self.program.areas[spec.target].n
        sums = self._device.empty(n * channels, np.float32, _PURPOSE)
        edges = self._device.empty(n, np.int64, _PURPOSE)
        message = self._message(fiber, n, active=self._marks(active, spec.source), places=edges, out=sums)
        self._launch("read_out", -(-n // THREADS), message)
        return self._device.read(sums).reshape(n, channels), self._device.read(edges)

    # Launches

    def _message(self, fiber: int, count: int, **given: Array) -> Record:
        """Return what kernels take of a fiber: its edges, the tables of its ends, and what is ``given``."""
        spec, edges = self.program.fibers[fiber], self._edges[fiber]
        targets = self._tables[VECTORS.name, spec.target]
        fields: dict[str, Array | int] = {
            "starts": edges.starts,
            "neighbours": edges.neighbours,
            "ids": edges.ids,
            "shares": edges.shares,
            "weights": self._tables[CHANNEL_WEIGHTS.name, fiber],
            "sources": self._tables[VECTORS.name, spec.source],
            "targets": targets,
            "anchors": self._tables.get((ANCHORS.name, spec.target), targets),
            "inputs": self._tables.get((INPUTS.name, fiber), self._none[F32]),
            "dim": vectors_of(self.program, spec.target).dim,
            "channels": len(message_of(self.program, fiber).channels),
            "count": count,
            "flags": edges.flags,
        }
        return self._record(fields, given)

    def _rows(self, area: int, count: int, nodes: Array, out: Array) -> Record:
        """Return what kernels take that work on rows of an area alone."""
        fields: dict[str, Array | int] = {
            "targets": self._tables[VECTORS.name, area],
            "dim": vectors_of(self.program, area).dim,
            "count": count,
        }
        return self._record(fields, {"nodes": nodes, "out": out})

    def _record(self, fields: dict[str, Array | int], given: dict[str, Array]) -> Record:
        """Return a structure in which what a kernel does not use is empty."""
        unused = {name: 0 if items is None else self._none[items] for name, items in MESSAGE.fields.items()}
        return record(MESSAGE, **{**unused, **fields, **given})

    def _launch(self, kernel: str, blocks: int, message: Record, number: int | None = None) -> None:
        self._device.launch(self._device.prepare(kernel, blocks, [message], number=number))

    def _marks(self, neurons: Neurons, area: int) -> Array:
        marks = np.zeros(self.program.areas[area].n, np.uint32)
        marks[neurons] = 1
        return self._device.upload(marks, _PURPOSE)

    def _all(self, area: int) -> Array:
        """Return the numbers of all nodes of an area."""
        if area not in self._every:
            self._every[area] = self._device.upload(np.arange(self.program.areas[area].n), _PURPOSE)
        return self._every[area]

    def _spare_of(self, area: int) -> Array:
        if area not in self._spare:
            self._spare[area] = self._device.empty(self._tables[VECTORS.name, area].size, np.float32, _PURPOSE)
        return self._spare[area]

    # The rest

    def area_bytes(self, area: int) -> dict[str, int]:
        sizes = self._bytes("area", area)
        others = [held[area].nbytes for held in (self._spare, self._every) if area in held]
        return {**sizes, "vectors": sizes["vectors"] + sum(others)} if sizes else {}

    def fiber_bytes(self, fiber: int) -> dict[str, int]:
        return {"edges": self._edges[fiber].nbytes, **self._bytes("fiber", fiber)} if fiber in self._edges else {}

    def _bytes(self, kind_of_owner: str, owner: int) -> dict[str, int]:
        kinds = [kind.name for kind in TABLES if kind.owner == kind_of_owner]
        return {name: self._tables[name, owner].nbytes for name in kinds if (name, owner) in self._tables}

    def close(self) -> None:
        for held in (self._tables, self._known, self._spare, self._every, self._edges, self._none):
            held.clear()


def _warps(items: int) -> int:
    """Return the blocks of as many warps as there are items."""
    return -(-items // WARPS)
