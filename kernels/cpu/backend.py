"""The CPU backend: Numba kernels over implicit synapses, parallel over targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numba
import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory, Neurons, Synapses
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.connectome import GraphArrays, graph_arrays, row_targets
from brainsim.kernels.cpu.counts import CHUNK, Changed, Counted, Difference, FiberCounts
from brainsim.kernels.cpu.drive import MOST_SUSPECTS, Reached, choose, choose_reached, reach
from brainsim.kernels.cpu.existence import Existence
from brainsim.kernels.cpu.overlay import Overlay
from brainsim.kernels.cpu.roster import Roster
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.threads import use_threads
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.fixed_point import ONE, Update
from brainsim.kernels.spec import BrainSpec, FiberSpec, Options
from brainsim.kernels.stepped import SteppedBackend

_MIB = 1 << 20
_LOOK_UP = 8  # targets passed in a search for winners in the time that a synapse is looked up


class _Plastic:
    """What one learning fiber knows: its learned synapses, kept rows, and which synapses were looked for."""

    def __init__(
        self, fiber: int, graph: GraphArrays, update: Update, sources: Roster, targets: Roster, cache: Cache
    ) -> None:
        self.overlay = Overlay(sources, update)
        self.kept = KeptRows(fiber, graph, sources, cache)
        self.existence = Existence(graph, self.kept, sources, targets)


class CpuBackend(SteppedBackend):
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
        self._round_counts: dict[int, Counted | Changed] = {}
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
        """Add up what learning added to the synapses of the firing neurons, and make their counts known."""
        firing = [f for f in fibers if len(self._firing(f))]
        self._reached_clean = False
        for f in firing:
            if f in self._plastic:
                self._gather(self._plastic[f].overlay, self._firing(f))
        reached = int(self._reached.size[0])
        settled = reached >= self.spec.areas[area].k  # so that the winners may be among the reached
        for f in firing:
            counts = self._fiber_counts[f].find(self._firing(f), reached if settled else None)
            self._round_counts[f] = counts or self._draw(f)
        if self._changed(firing):
            self._look(firing, np.sort(self._reached.neurons[:reached]))

    def _draw(self, fiber: int) -> Counted:
        firing = self._firing(fiber)
        use_threads(self.options.threads, len(firing) * self._graphs[fiber].mean)
        return self._fiber_counts[fiber].draw(firing)

    def _changed(self, fibers: Sequence[int]) -> list[tuple[int, Changed]]:
        """Return those of some fibers whose counts are known at the reached neurons only."""
        return [(f, counts) for f in fibers if isinstance(counts := self._round_counts[f], Changed)]

    def _look(self, fibers: Sequence[int], targets: Neurons) -> None:
        """Correct the drives of some reached neurons, ascending, for the sets that fire instead of those counted."""
        for f, counts in self._changed(fibers):
            change = counts.difference
            work = _LOOK_UP * (len(change.come) + len(change.gone)) * len(targets)
            self._fiber_counts[f].look(self._firing(f), counts, targets, use_threads(self.options.threads, work))
            self._correct(change, targets, ONE)

    def _correct(self, change: Difference, targets: Neurons, weight: int) -> None:
        for hits, signed in ((change.added, weight), (change.removed, -weight)):
            place = np.minimum(np.searchsorted(targets, hits), len(targets) - 1)
            np.add.at(self._reached.extra, hits[targets[place] == hits], signed)

    def _gather(self, overlay: Overlay, firing: Neurons) -> None:
        while room := overlay.gather(firing, self._reached):
            self._make_room(room)

    def _make_room(self, room: int) -> None:
        """Let as many neurons be listed as reached."""
        if room > len(self._reached.neurons):
            neurons = np.empty(max(room, 2 * len(self._reached.neurons)), np.int64)
            neurons[: self._reached.size[0]] = self._reached.neurons[: self._reached.size[0]]
            self._reached = self._reached._replace(neurons=neurons)

    def _select(self, area: int) -> Neurons:
        fibers = [f for f in self._round_counts if self.spec.fibers[f].target == area]
        if self._changed(fibers):
            winners = self._select_reached(area, fibers)
            if winners is not None:
                return winners
        n, k = self.spec.areas[area].n, self.spec.areas[area].k
        winners = choose(self._reached, self._tables(fibers), n, k, use_threads(self.options.threads, n * len(fibers)))
        self._reached_clean = True
        return np.asarray(winners)

    def _select_reached(self, area: int, fibers: Sequence[int]) -> Neurons | None:
        """Return the winners without knowing all counts, or make them known."""
        n, k = self.spec.areas[area].n, self.spec.areas[area].k
        slack = sum(len(counts.difference.come) for _, counts in self._changed(fibers))
        for _ in range(2):  # once the suspects are looked at, there are no others: the bar does not fall
            threads = use_threads(self.options.threads, n * len(fibers))
            neurons, decided = choose_reached(self._reached, self._tables(fibers), n, k, slack, threads)
            if decided:
                self._reached_clean = True
                return np.asarray(neurons)
            if len(neurons) >= MOST_SUSPECTS:
                break
            self._make_room(int(self._reached.size[0]) + len(neurons))
            reach(self._reached, neurons)
            self._look(fibers, neurons)
        reached = np.sort(self._reached.neurons[: self._reached.size[0]])
        for f, counts in self._changed(fibers):
            self._correct(counts.difference, reached, -ONE)
            self._round_counts[f] = self._draw(f)
        return None

    def _tables(self, fibers: Sequence[int]) -> npt.NDArray[np.int64]:
        return np.array([self._round_counts[f].table for f in fibers], np.int64).reshape(-1, 3)

    def _strengthen(self, fiber: int, pre: Neurons, post: Neurons) -> None:
        plastic, counts = self._plastic[fiber], self._round_counts.get(fiber)
        missing = np.zeros(len(post), np.int64) if counts is None else counts.at(post)
        total = plastic.overlay.strengthen(pre, post, self._marks[self.spec.fibers[fiber].target], missing)
        if (total == 0 and counts is not None) or plastic.existence.looked_at(pre, post):
            return
        complete = np.zeros(len(post), np.bool_) if counts is None else missing <= 0
        threads = use_threads(self.options.threads, _LOOK_UP * len(pre) * len(post))
        added = plastic.overlay.add(*plastic.existence.new(pre, post, complete, threads))
        assert counts is None or added == total, "the counts of a projection disagree with its graph"

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
            self._plastic[fiber].existence.forget()
            self._plastic[fiber].overlay.replace(synapses)

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
