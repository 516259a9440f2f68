"""The CPU backend: Numba kernels over implicit synapses, parallel over targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numba
import numpy as np

from brainsim.kernels.backend import Backend, Memory, Neurons, Synapses
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.connectome import GraphArrays, graph_arrays, row_targets
from brainsim.kernels.cpu.counts import CHUNK, Counted, FiberCounts
from brainsim.kernels.cpu.drive import MAX_SUM, Reached, choose
from brainsim.kernels.cpu.existence import Existence
from brainsim.kernels.cpu.overlay import Overlay
from brainsim.kernels.cpu.roster import Roster
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.threads import use_threads
from brainsim.kernels.errors import BackendUnavailableError, CapacityError
from brainsim.kernels.fixed_point import Update
from brainsim.kernels.spec import BrainSpec, FiberSpec, Options

_MIB = 1 << 20


class _Plastic:
    """What one learning fiber knows: its learned synapses, kept rows, and which synapses were looked for."""

    def __init__(
        self, fiber: int, graph: GraphArrays, update: Update, sources: Roster, targets: Roster, cache: Cache
    ) -> None:
        self.overlay = Overlay(sources, update)
        self.kept = KeptRows(fiber, graph, sources, cache)
        self.existence = Existence(graph, self.kept, sources, targets)


class CpuBackend(Backend):
    """Numba kernels; targets are generated directly, never tested pair by pair.

    Raises
    ------
    BackendUnavailableError
        If more threads are asked for than Numba was started with, or the tile is not a power of two of at least 4096.
    """

    name: ClassVar[str] = "cpu"

    def __init__(self, spec: BrainSpec, options: Options) -> None:
        super().__init__(spec, options)
        _check(options)
        self._cache = Cache(int(options.cache_mb * _MIB))
        self._graphs = [graph_arrays(fiber.graph) for fiber in spec.fibers]
        learning = {f: fiber for f, fiber in enumerate(spec.fibers) if fiber.learns}
        targets = {fiber.target for fiber in learning.values()}
        ends = targets | {fiber.source for fiber in learning.values()}
        self._rosters = {a: Roster(spec.areas[a].n) for a in sorted(ends)}
        self._marks = {a: np.zeros(spec.areas[a].n, np.int32) for a in sorted(targets)}
        self._plastic = {f: self._new_plastic(f, fiber) for f, fiber in learning.items()}
        self._fiber_counts = [self._counts_of(f) for f in range(len(spec.fibers))]
        self._round_counts: dict[int, Counted] = {}
        self._reached = _nobody(max(area.n for area in spec.areas))
        self._reached_clean = True

    def _new_plastic(self, index: int, fiber: FiberSpec) -> _Plastic:
        assert fiber.update is not None  # it learns
        rosters = self._rosters[fiber.source], self._rosters[fiber.target]
        return _Plastic(index, self._graphs[index], fiber.update, *rosters, self._cache)

    def _counts_of(self, fiber: int) -> FiberCounts:
        kept = self._plastic[fiber].kept if fiber in self._plastic else None
        return FiberCounts(fiber, self._graphs[fiber], kept, self._cache, self.options.tile)

    def _firing(self, fiber: int) -> Neurons:
        return self._winners[self.spec.fibers[fiber].source]

    def _project(self, area: int, fibers: Sequence[int]) -> None:
        """Make the counts of the firing neurons known, and add up what learning added to their synapses."""
        self._round_counts = {f: counts for f, counts in self._round_counts.items() if f not in fibers}
        firing = [f for f in fibers if len(self._firing(f))]
        if sum(len(self._firing(f)) for f in firing) > MAX_SUM:
            raise CapacityError(f"Area {self.spec.areas[area].name!r}: more than {MAX_SUM} neurons fire at it at once")
        for f in firing:
            use_threads(self.options.threads, len(self._firing(f)) * self._graphs[f].mean)
            self._round_counts[f] = self._fiber_counts[f].get(self._firing(f))
        self._reached_clean = False
        for f in firing:
            if f in self._plastic:
                self._gather(self._plastic[f].overlay, self._firing(f))

    def _gather(self, overlay: Overlay, firing: Neurons) -> None:
        while room := overlay.gather(firing, self._reached):
            neurons = np.empty(max(room, 2 * len(self._reached.neurons)), np.int64)
            neurons[: self._reached.size[0]] = self._reached.neurons[: self._reached.size[0]]
            self._reached = self._reached._replace(neurons=neurons)

    def _select(self, area: int) -> Neurons:
        spec = self.spec.areas[area]
        counted = [c for f, c in self._round_counts.items() if self.spec.fibers[f].target == area]
        table = np.array([c.table for c in counted], np.int64).reshape(-1, 3)
        threads = use_threads(self.options.threads, spec.n * len(counted))
        winners = choose(self._reached, table, spec.n, spec.k, threads)
        self._reached_clean = True
        return np.asarray(winners)

    def _strengthen(self, fiber: int, pre: Neurons, post: Neurons) -> None:
        plastic, counted = self._plastic[fiber], self._round_counts.get(fiber)
        marks = self._marks[self.spec.fibers[fiber].target]
        missing, total = plastic.overlay.strengthen(pre, post, marks, counted.table[:2] if counted else (0, 0))
        if counted and not total:
            return
        if plastic.existence.looked_at(pre, post):
            return
        complete = missing <= 0 if counted else np.zeros(len(post), np.bool_)
        threads = use_threads(self.options.threads, 8 * len(pre) * len(post))
        added = plastic.overlay.add(*plastic.existence.new(pre, post, complete, threads))
        assert not counted or added == total, "the counts of a projection disagree with its graph"

    def _end_round(self) -> None:
        self._round_counts.clear()
        if not self._reached_clean:  # the round was interrupted, and which neurons it had reached is not known
            self._reached = _nobody(len(self._reached.extra))
            self._reached_clean = True

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(self._graphs[fiber], pre)

    def learned(self, fiber: int) -> Synapses:
        if fiber in self._plastic:
            return self._plastic[fiber].overlay.synapses()
        return Synapses(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))

    def set_learned(self, fiber: int, synapses: Synapses) -> None:
        if fiber in self._plastic:
            self._plastic[fiber].overlay.replace(synapses)
            self._plastic[fiber].existence.forget()

    def memory(self) -> Memory:
        fibers, areas = {}, {}
        for f, fiber in enumerate(self.spec.fibers):
            plastic = self._plastic.get(f)
            learned = plastic.overlay.nbytes if plastic else 0
            index = plastic.kept.nbytes + plastic.existence.nbytes if plastic else 0
            fibers[fiber.name] = {"cache": self._cache.nbytes(f), "learned": learned, "index": index}
        for a, area in enumerate(self.spec.areas):
            roster = self._rosters[a].nbytes if a in self._rosters else 0
            marks = self._marks[a].nbytes if a in self._marks else 0
            areas[area.name] = {"index": roster + marks, "winners": self._winners[a].nbytes}
        reached = sum(array.nbytes for array in self._reached)
        return {"fibers": fibers, "areas": areas, "shared": {"buffers": {"learned": reached}}}

    def close(self) -> None:
        self._cache.clear()
        self._plastic.clear()
        self._fiber_counts.clear()
        self._rosters.clear()
        self._marks.clear()
        self._reached = _nobody(0)


def _nobody(n: int) -> Reached:
    # Zeroed pages that are never used cost no memory.
    return Reached(np.zeros(n, np.int64), np.zeros(n, np.uint8), np.empty(0, np.int64), np.zeros(1, np.int64))


def _check(options: Options) -> None:
    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    if not 1 <= options.threads <= most:
        raise BackendUnavailableError(
            f"threads: the cpu backend can use 1 to {most} here (got {options.threads}); "
            f"set the environment variable NUMBA_NUM_THREADS before starting Python to allow more"
        )
    if options.tile < CHUNK or options.tile & (options.tile - 1):
        raise BackendUnavailableError(f"tile: must be a power of two of at least {CHUNK} (got {options.tile})")
