"""The CPU backend: Numba kernels over implicit synapses, parallel over targets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.cpu.addresses import address_of
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.counts import CHUNK, Counts, FiberCounts, PatchedCounts
from brainsim.kernels.cpu.drive import MOST_SUSPECTS, Search, choose, choose_reached, drives_of
from brainsim.kernels.cpu.existence import Existence
from brainsim.kernels.cpu.graph import GraphArrays, graph_arrays, row_targets
from brainsim.kernels.cpu.overlay import Overlay
from brainsim.kernels.cpu.reached import GATHERED, SUSPECT, correct, gather, nobody, reach, subtract
from brainsim.kernels.cpu.roster import Roster
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.strengthen import strengthen
from brainsim.kernels.cpu.tables import Named, Record, Tables, indices
from brainsim.kernels.cpu.threads import LOOK_UP, MOST_THREADS, use_threads
from brainsim.kernels.cpu.ties import tie_key
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.host_backend import HostBackend
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rules import Update
from brainsim.kernels.program import FiberSpec, Options, Program, TopK
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import Neurons, Synapses, Thresholds

_MIB = 1 << 20


class _Plastic:
    """What one fiber with a rule knows: its learned synapses, kept rows, and which synapses were looked for."""

    def __init__(
        self, graph: GraphArrays, update: Update, kept: KeptRows, sources: Roster, targets: Roster, record: Record
    ) -> None:
        self.kept = kept
        self.overlay = Overlay(sources, update, record)
        self.existence = Existence(graph, kept, sources, targets, record)


class CpuBackend(HostBackend[None]):
    """Numba kernels; targets are generated directly, never tested pair by pair.

    Raises
    ------
    BackendUnavailableError
        If more than 1024 threads are asked for, or the tile is not a power of two of at least 4096.
    """

    name: ClassVar[str] = "cpu"
    parts: ClassVar[frozenset[type]] = frozenset({TopK, Graph, Update})

    def __init__(self, program: Program, options: Options) -> None:
        super().__init__(program, options)
        _check(options)
        self._cache = Cache(int(options.cache_mb * _MIB))
        self._tables = Tables(program)
        self._areas = range(len(program.areas))
        self._sources = [fiber.source for fiber in program.fibers]
        self._firing: list[Named] = []  # in the present round, by area
        self._graphs = [graph_arrays(fiber.graph) for fiber in program.fibers]
        storing = {f: fiber for f, fiber in enumerate(program.fibers) if fiber.stores}
        targets = {fiber.target for fiber in storing.values()}
        ends = targets | {fiber.source for fiber in storing.values()}
        self._rosters = {a: Roster(program.areas[a].n) for a in sorted(ends)}
        self._marks = {a: np.zeros(program.areas[a].n, np.int32) for a in sorted(targets)}
        for a, roster in self._rosters.items():
            self._tables.areas[a]["rank"] = address_of(roster.rank)
        for a, marks in self._marks.items():
            self._tables.areas[a]["marks"] = address_of(marks)
        self._plastic = {f: self._new_plastic(f, fiber) for f, fiber in storing.items()}
        self._fiber_counts = [self._counts_of(f) for f in range(len(program.fibers))]
        self._round_counts: dict[int, Counts | PatchedCounts] = {}
        self._reached = nobody(max(area.n for area in program.areas))

    def _new_plastic(self, index: int, fiber: FiberSpec) -> _Plastic:
        assert fiber.update is not None  # it stores weights
        graph, sources, targets = self._graphs[index], self._rosters[fiber.source], self._rosters[fiber.target]
        kept = KeptRows(index, graph, sources, self._cache)
        return _Plastic(graph, fiber.update, kept, sources, targets, self._tables.fibers[index])

    def _counts_of(self, fiber: int) -> FiberCounts:
        kept = self._plastic[fiber].kept if fiber in self._plastic else None
        return FiberCounts(fiber, self._graphs[fiber], kept, self._cache, self.options.tile)

    def run(self, plan: RoundPlan, record: Sequence[int] = ()) -> None:
        self._end_round()  # an interruption may have kept the last round from its end
        self._firing = list(map(self._tables.firing, self._areas, self._winners))
        try:
            super().run(plan, record)
        finally:
            self._end_round()

    def _project(self, area: int, fibers: Sequence[int], thresholds: Thresholds) -> None:
        """Add up what learning added to the synapses of the firing neurons, and make their counts known."""
        named = {f: known for f in fibers if (known := self._firing[self._sources[f]]).name}
        self._gather(area, named)
        reached = int(self._reached.size[0])
        # The winners may be among the reached; but others are looked at, too, where there are thresholds.
        tiring = self.program.areas[area].refraction or len(thresholds.neurons)
        settled = reached >= self.program.areas[area].k and not tiring
        for f, firing in named.items():
            counts = self._fiber_counts[f].find(firing, reached if settled else None)
            self._know(f, counts or self._draw(f))
        if self._changed(named):
            self._look(named, np.sort(self._reached.neurons[:reached]), GATHERED)
        if len(thresholds.neurons):
            self._subtract(thresholds)

    def _subtract(self, thresholds: Thresholds) -> None:
        self._make_room(int(self._reached.size[0]) + len(thresholds.neurons))
        subtract(self._reached, *thresholds)

    def _sums_at(self, area: int, drive: None, neurons: Neurons) -> npt.NDArray[np.int64]:
        del drive
        named = tuple(f for f in self._round_counts if self.program.fibers[f].target == area)
        self._gather(area, named)
        return drives_of(neurons, self._search(area, named))

    def _know(self, fiber: int, counts: Counts | PatchedCounts) -> None:
        """Use these counts of a fiber in this round."""
        self._round_counts[fiber] = counts
        self._tables.counts[fiber] = counts.table

    def _draw(self, fiber: int) -> Counts:
        named = self._firing[self._sources[fiber]]
        threads = use_threads(self.options.threads, len(named.neurons) * self._graphs[fiber].mean)
        return self._fiber_counts[fiber].draw(named, threads)

    def _changed(self, fibers: Iterable[int]) -> list[tuple[int, PatchedCounts]]:
        """Return those of some fibers whose counts are known at the reached neurons only."""
        return [(f, counts) for f in fibers if isinstance(counts := self._round_counts[f], PatchedCounts)]

    def _look(self, fibers: Collection[int], targets: Neurons, mark: int) -> None:
        """Correct the drives of the neurons marked so (ascending) for the sets that fire instead of those counted."""
        for f, counts in self._changed(fibers):
            named = self._firing[self._sources[f]]
            self._fiber_counts[f].look_up(named, counts, targets, self.options.threads)
            self._know(f, counts)
        correct(self._tables.counts, indices(tuple(fibers)), self._reached, mark)

    def _gather(self, area: int, fibers: Collection[int]) -> None:
        tables, n = self._tables, self.program.areas[area].n
        while room := gather(tables.areas, tables.fibers, indices(tuple(fibers)), n, self._reached):
            self._make_room(room)

    def _make_room(self, room: int) -> None:
        """Let as many neurons be listed as reached."""
        if room > len(self._reached.neurons):
            neurons = np.empty(max(room, 2 * len(self._reached.neurons)), np.int64)
            neurons[: self._reached.size[0]] = self._reached.neurons[: self._reached.size[0]]
            self._reached = self._reached._replace(neurons=neurons)

    def _select(self, area: int, drive: None) -> Neurons:
        del drive
        fibers = [f for f in self._round_counts if self.program.fibers[f].target == area]
        if self._changed(fibers):
            winners = self._select_reached(area, fibers)
            if winners is not None:
                return winners
        threads = use_threads(self.options.threads, self.program.areas[area].n * len(fibers))
        return choose(self._search(area, fibers), threads)

    def _search(self, area: int, fibers: Sequence[int]) -> Search:
        """Return what a search for winners looks at."""
        tables, chosen, spec = self._tables, indices(tuple(fibers)), self.program.areas[area]
        key = np.uint64(tie_key(tables.areas, tables.fibers, chosen, area))
        return Search(self._reached, tables.counts, chosen, spec.n, spec.k, key)

    def _select_reached(self, area: int, fibers: Sequence[int]) -> Neurons | None:
        """Return the winners without knowing all counts, or make them known."""
        search = self._search(area, fibers)
        threads = use_threads(self.options.threads, search.n * len(fibers))
        slack = sum(len(counts.difference.added) for _, counts in self._changed(fibers))
        for _ in range(2):  # once the suspects are looked at, there are no others: the bar does not fall
            neurons, decided = choose_reached(search._replace(reached=self._reached), slack, threads)
            if decided:
                return neurons
            if len(neurons) >= MOST_SUSPECTS:
                break
            self._make_room(int(self._reached.size[0]) + len(neurons))
            reach(self._reached, neurons)
            self._look(fibers, neurons, SUSPECT)
        for f, _ in self._changed(fibers):
            self._know(f, self._draw(f))
        self._gather(area, fibers)  # anew: what was corrected is right without
        return None

    def _learn(self, fibers: Sequence[int], after: Sequence[Neurons], drives: Mapping[int, None]) -> None:
        del drives
        tables = self._tables
        for area in self._areas:
            tables.winners(area, after[area])
        unknown, missing = strengthen(tables.areas, tables.fibers, tables.counts, indices(tuple(fibers)))
        for at in np.flatnonzero(unknown).tolist():
            target = self.program.fibers[fibers[at]].target
            self._store_new(fibers[at], after[target], missing[at, 1 : 1 + len(after[target])])

    def _store_new(self, fiber: int, post: Neurons, missing: npt.NDArray[np.int64]) -> None:
        """Store the synapses onto winners that are strengthened for the first time."""
        plastic, pre = self._plastic[fiber], self._winners[self._sources[fiber]]
        counted = fiber in self._round_counts
        complete = missing <= 0 if counted else np.zeros(len(post), np.bool_)
        threads = use_threads(self.options.threads, LOOK_UP * len(pre) * len(post))
        added = plastic.overlay.add(*plastic.existence.new(pre, post, complete, threads))
        assert not counted or added == missing.sum(), "the counts of a projection disagree with its graph"

    def _end_round(self) -> None:
        self._tables.counts[:] = 0
        self._round_counts.clear()

    def row(self, fiber: int, pre: int) -> Neurons:
        return row_targets(self._graphs[fiber], pre)

    def _read_weights(self, fiber: int) -> Synapses:
        return self._plastic[fiber].overlay.synapses()

    def _write_weights(self, fiber: int, synapses: Synapses) -> None:
        self._plastic[fiber].existence.forget()
        self._plastic[fiber].overlay.replace(synapses)

    def memory(self) -> Memory:
        fibers, areas = {}, {}
        for f, fiber in enumerate(self.program.fibers):
            plastic = self._plastic.get(f)
            learned = plastic.overlay.nbytes if plastic else 0
            index = plastic.kept.nbytes + plastic.existence.nbytes if plastic else 0
            fibers[fiber.name] = {"cache": self._cache.nbytes(f), "learned": learned, "index": index}
        for a, area in enumerate(self.program.areas):
            roster = self._rosters[a].nbytes if a in self._rosters else 0
            marks = self._marks[a].nbytes if a in self._marks else 0
            areas[area.name] = {"index": roster + marks, **self._state_bytes(a)}
        reached = sum(array.nbytes for array in self._reached)
        return {
            "fibers": fibers,
            "areas": areas,
            "shared": {"buffers": {"learned": reached, "tables": self._tables.nbytes}},
        }

    def close(self) -> None:
        with uninterrupted():
            self._close()

    def _close(self) -> None:
        self._tables.forget()  # at first: what follows frees arrays whose addresses they hold
        self._winners = [np.empty(0, np.int64) for _ in self._winners]
        self._cache.clear()
        self._plastic.clear()
        self._fiber_counts.clear()
        self._rosters.clear()
        self._marks.clear()
        self._reached = nobody(0)


def _check(options: Options) -> None:
    if not 1 <= options.threads <= MOST_THREADS:
        raise BackendUnavailableError(
            f"threads: the cpu backend can use 1 to {MOST_THREADS} (got {options.threads}); "
            "more than the machine has cores do not make it faster"
        )
    if options.tile < CHUNK or options.tile & (options.tile - 1):
        raise BackendUnavailableError(f"tile: must be a power of two of at least {CHUNK} (got {options.tile})")
