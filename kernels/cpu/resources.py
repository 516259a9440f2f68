"""The resources that the cpu backend keeps between rounds."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.counts import FiberCounts
from brainsim.kernels.cpu.depress import depression_arrays
from brainsim.kernels.cpu.graph import graph_arrays
from brainsim.kernels.cpu.plastic import PlasticFiber
from brainsim.kernels.cpu.records import FiringSet, Tables
from brainsim.kernels.cpu.row_index import RowIndex
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.sparse_drive import SparseDrive
from brainsim.kernels.cpu.transmissions import TransmissionCounts
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.parts import Channels
from brainsim.kernels.program import FiberSpec, Options, Program

_MIB = 1 << 20


class Resources:
    """The data and caches that the phases of a round use.  Nothing here depends on the present round.

    Attributes
    ----------
    program, options : Program, Options
        Of the backend.
    tables : Tables
        Records of all areas and fibers, for kernels.
    cache : Cache
        Holds counts, differences and kept rows.
    graphs : list of GraphArrays
        By fiber.
    counts : list of FiberCounts
        By fiber.
    plastic : dict of int to PlasticFiber
        The fibers that store weights.
    transmitted : list of TransmissionCounts
        By fiber.
    depressions : dict of int to DepressionArrays
        The second steps of rules, by fiber.
    stored : frozenset of int
        The fibers whose synapses are all stored, so that none is counted.
    scaled : frozenset of int
        The other fibers whose base weight is not 1.
    channels : dict of int to int
        The size of the channels of each area that has any.
    sparse : SparseDrive
        For one area at a time, from its projection to its selection.
    """

    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.options = options
        self.tables = Tables(program)
        self.cache = Cache(int(options.cache_mb * _MIB))
        self.graphs = [graph_arrays(fiber.graph) for fiber in program.fibers]
        self.stored = frozenset(f for f, fiber in enumerate(program.fibers) if not fiber.graph.p)
        scaled = frozenset(f for f, fiber in enumerate(program.fibers) if fiber.base != ONE)
        self.scaled = scaled - self.stored
        parts = [(a, area.activation) for a, area in enumerate(program.areas)]
        self.channels = {a: part.size for a, part in parts if isinstance(part, Channels)}
        self.sparse = SparseDrive(max((program.areas[fiber.target].n for fiber in program.fibers), default=0))
        storing = {f: fiber for f, fiber in enumerate(program.fibers) if fiber.stores}
        self._indices = self._row_indices(storing)
        self._hold_marks(storing)
        self.plastic = {f: self._plastic_fiber(f, fiber) for f, fiber in storing.items()}
        self.depressions = {f: depression_arrays(fiber.depression) for f, fiber in storing.items() if fiber.depression}
        self.transmitted = [self._counters(f) for f in range(len(program.fibers))]
        self.counts = [self._fiber_counts(f) for f in range(len(program.fibers))]

    def _row_indices(self, storing: dict[int, FiberSpec]) -> dict[int, RowIndex]:
        """Return row numbers for the neurons of each source, and of each area into which a fiber stores weights."""
        ends = {fiber.source for fiber in self.program.fibers} | {fiber.target for fiber in storing.values()}
        indices = {area: RowIndex(self.program.areas[area].n) for area in sorted(ends)}
        for area, index in indices.items():
            self.tables.areas.hold(area, "rank", index.rank)
        return indices

    def _hold_marks(self, storing: dict[int, FiberSpec]) -> None:
        """Give each area in which synapses learn an array for marks."""
        targets = sorted({fiber.target for fiber in storing.values()})
        for area in targets:
            self.tables.areas.hold(area, "marks", np.zeros(self.program.areas[area].n, np.int32))

    def _plastic_fiber(self, f: int, fiber: FiberSpec) -> PlasticFiber:
        sources, targets = self._indices[fiber.source], self._indices[fiber.target]
        kept = KeptRows(f, self.graphs[f], sources, self.cache)
        return PlasticFiber(f, fiber, self.graphs[f], kept, sources, targets, self.tables.fibers)

    def _fiber_counts(self, f: int) -> FiberCounts:
        kept = self.plastic[f].kept if f in self.plastic else None
        return FiberCounts(f, self.graphs[f], kept, self.cache, self.options.tile, self.program.fibers[f].base)

    def firing(self, fiber: int) -> FiringSet:
        """Return the neurons that fire at a fiber in this round."""
        return self.tables.fired(fiber)

    def _counters(self, f: int) -> TransmissionCounts:
        return TransmissionCounts(f, self._indices[self.program.fibers[f].source], self.tables.fibers)

    def without_stored(self, firing: dict[int, FiringSet]) -> dict[int, FiringSet]:
        """Return those of some fibers that have synapses which are not stored."""
        return {f: fired for f, fired in firing.items() if f not in self.stored}

    def fiber_bytes(self, f: int) -> dict[str, int]:
        """Return the bytes held for a fiber, by purpose."""
        plastic = self.plastic.get(f)
        return {
            "cache": self.cache.nbytes(f),
            "learned": plastic.weight_bytes if plastic else 0,
            "index": plastic.index_bytes if plastic else 0,
            "transmissions": self.transmitted[f].nbytes,
        }

    def index_bytes(self, area: int) -> int:
        """Return the bytes that number and mark the neurons of an area."""
        index, marks = self._indices.get(area), self.tables.areas.held(area, "marks")
        return (index.nbytes if index else 0) + (marks.nbytes if marks is not None else 0)

    def shared_bytes(self) -> dict[str, int]:
        """Return the bytes held for the whole brain, by purpose."""
        return {"learned": self.sparse.nbytes, "tables": self.tables.nbytes}

    def close(self) -> None:
        """Free everything."""
        self.tables.drop_all()
        self.cache.clear()
        self.plastic.clear()
        self.transmitted.clear()
        self.counts.clear()
        self._indices.clear()
        self.sparse = SparseDrive(0)
