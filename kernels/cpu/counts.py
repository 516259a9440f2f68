"""Synapse counts of firing sets: for each target, how many of the firing neurons synapse on it.

The graph never changes, so a count depends on the fiber and the firing neurons alone.  Assemblies recur; their counts
are remembered within a budget, and a set that differs from a remembered one in a few neurons is reached by adding and
subtracting rows.  Counts are integers, so all ways give the same bits.  They are as narrow as they can be: a byte
nearly always, since even thousands of neurons seldom meet at one target more than 255 times; a wider type if they do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import prange

from brainsim.kernels.cpu.addresses import address_of
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.connectome import GraphArrays, add_rows
from brainsim.kernels.cpu.lookup import synapses_among
from brainsim.kernels.cpu.rows import PLACE, KeptRows, add_kept_rows, run_length
from brainsim.kernels.cpu.sets import difference, nearest
from brainsim.kernels.cpu.tables import Named
from brainsim.kernels.cpu.threads import LOOK_UP, use_threads
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.state import Neurons

CHUNK = 4096  # targets that share one peak
_U1 = np.uint64(1)
_KINDS = (np.uint8, np.uint16, np.uint32)
_MOST_COMPARED = 64
_NO_CHANGE = (0, 0, 0, 0)
_BLOCKS_PER_TARGET = 4  # blocks in a row, from which on looking single targets up pays

Counts = npt.NDArray[np.unsignedinteger[Any]]


@compiled()
def _peak(counts, low, high):  # type: ignore[no-untyped-def]
    peak = counts[low]
    for j in range(low + _U1, high):
        peak = max(peak, counts[j])
    return peak


@compiled()
def _find_peaks(counts, peaks, low, high):  # type: ignore[no-untyped-def]
    """Set the peaks of the chunks of a tile; return the largest."""
    largest = np.uint64(0)
    for start in range(low, high, np.uint64(CHUNK)):
        end = min(np.uint64(start) + np.uint64(CHUNK), high)
        peak = _peak(counts, np.uint64(start), end)
        peaks[np.uint64(start) // np.uint64(CHUNK)] = peak
        largest = max(largest, np.uint64(peak))
    return largest


@compiled()
def _add(counts, low, high, neurons, kept, step, graph):  # type: ignore[no-untyped-def]
    """Add ``step`` for the synapses of ``neurons`` within a tile, from kept rows where there are any."""
    at = 0
    while at < len(neurons):
        if kept[at, 0]:
            rows = run_length(kept, at)
            add_kept_rows(counts, low, high, kept[at], rows, step, graph.bits)
            at += rows
        else:
            add_rows(counts, low, high, neurons[at : at + 1], step, graph)
            at += 1


@compiled(parallel=True)
def _count(counts, peaks, gone, gone_kept, come, come_kept, graph, tile, limit):  # type: ignore[no-untyped-def]
    """Count the synapses of ``come`` in and those of ``gone`` out, and keep the peaks.

    Each thread owns tiles of targets (whole blocks and whole chunks) and walks all neurons over them, so no two
    threads write one count, and the counts at work stay in the processor's cache.

    Returns
    -------
    bool
        Whether all counts are certain to be within ``limit``, the most that their type holds; if not, they are
        worthless.
    """
    one, minus_one = counts.dtype.type(1), counts.dtype.type(limit)  # modulo the range of the type
    failed = 0
    for t in prange((graph.n_target + tile - 1) // tile):
        low = np.uint64(t) * np.uint64(tile)
        high = min(np.uint64(graph.n_target), low + np.uint64(tile))
        _add(counts, low, high, gone, gone_kept, minus_one, graph)
        peak = _find_peaks(counts, peaks, low, high)
        at = np.uint64(0)
        # A count grows by at most the number of rows added, so the peak tells how many rows are safe.
        while at < len(come) and peak < limit:
            end = at + min(np.uint64(len(come)) - at, np.uint64(limit) - peak)
            _add(counts, low, high, come[at:end], come_kept[at:end], one, graph)
            peak = _find_peaks(counts, peaks, low, high)
            at = end
        failed += int(at < len(come))
    return failed == 0


@dataclass(eq=False)
class Counted:
    """Counts over all targets, not to be written to, and the largest of every `CHUNK` of them."""

    firing: Neurons
    counts: Counts
    peaks: Counts
    table: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.table = (address_of(self.counts), self.counts.itemsize, address_of(self.peaks), *_NO_CHANGE)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.counts.nbytes + self.peaks.nbytes + 2 * self.firing.nbytes  # twice: the key

    def forget(self) -> None:
        """Do nothing: nobody looks for counts elsewhere than in the cache."""


@dataclass(eq=False)
class Difference:
    """How the counts of a set differ from those of a similar one, as far as was looked.

    ``come`` and ``gone`` are the neurons that make the difference; ``added`` and ``removed`` their synapses onto the
    targets in ``looked``, which are ascending.
    """

    base: bytes
    come: Neurons
    gone: Neurons
    looked: Neurons
    added: Neurons
    removed: Neurons
    table: tuple[int, ...] = _NO_CHANGE

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        arrays = (self.come, self.gone, self.looked, self.added, self.removed)
        return 2 * len(self.base) + sum(array.nbytes for array in arrays)  # twice: the key is as long

    def forget(self) -> None:
        """Do nothing: nobody looks for differences elsewhere than in the cache."""

    def look(self, targets: Neurons, graph: GraphArrays, most_threads: int) -> bool:
        """Look at some targets, ascending; return whether any of them was new.

        An interruption has to wait, or the same targets would be looked at again, and count twice.
        """
        new = difference(targets, self.looked)
        if len(new):
            threads = use_threads(most_threads, LOOK_UP * (len(self.come) + len(self.gone)) * len(new))
            added = np.append(self.added, synapses_among(self.come, new, graph, threads))
            removed = np.append(self.removed, synapses_among(self.gone, new, graph, threads))
            looked = np.union1d(self.looked, new)
            self.added, self.removed, self.looked = added, removed, looked
            self.table = (address_of(added), len(added), address_of(removed), len(removed))
        return len(new) > 0


class Changed(NamedTuple):
    """Counts of a set that differs little from a counted one, known at those targets only that were looked at."""

    base: Counted
    difference: Difference

    @property
    def table(self) -> tuple[int, ...]:
        """The table of the counted set, and how to correct it."""
        return (*self.base.table[:3], *self.difference.table)


class FiberCounts:
    """The counts of one fiber."""

    def __init__(self, fiber: int, graph: GraphArrays, kept: KeptRows | None, cache: Cache, tile: int) -> None:
        self._fiber = fiber
        self._graph = graph
        self._kept = kept
        self._cache = cache
        # Whole blocks and whole chunks: all are powers of two.
        self._tile = max(tile, CHUNK, 1 << int(graph.bits))
        self._recent: dict[bytes, Neurons] = {}

    def find(self, named: Named, targets: int | None) -> Counted | Changed | None:
        """Return remembered counts of a set, or those of a similar set if so few targets matter that it pays."""
        firing, name = named
        known: Counted | Difference | None = self._cache.get((self._fiber, name))
        if isinstance(known, Counted):
            return known
        if targets is None or self._graph.blocks < _BLOCKS_PER_TARGET * targets:
            return None
        base = self._cache.get((self._fiber, known.base)) if known else None
        if known and isinstance(base, Counted):
            return Changed(base, known)
        near = self._nearest(firing)
        if near is None:
            return None
        come, gone, nobody = difference(firing, near.firing), difference(near.firing, firing), firing[:0]
        return Changed(near, Difference(near.firing.tobytes(), come, gone, nobody, nobody, nobody))

    def look(self, named: Named, counts: Changed, targets: Neurons, most_threads: int) -> None:
        """Make the counts of some targets, ascending, known, and remember them."""
        with uninterrupted():  # or the account of the cache would not hear of what has been added
            if counts.difference.look(targets, self._graph, most_threads):
                self._cache.keep((self._fiber, named.name), counts.difference, self._fiber)

    def draw(self, named: Named) -> Counted:
        """Count and remember the synapses of a set onto all targets of the fiber."""
        firing, name = named
        counted = self._draw(firing)
        if self._cache.keep((self._fiber, name), counted, self._fiber):
            self._remember(name, firing)
        return counted

    def _remember(self, name: bytes, firing: Neurons) -> None:
        self._recent.pop(name, None)
        self._recent[name] = firing
        if len(self._recent) > _MOST_COMPARED:
            del self._recent[next(iter(self._recent))]

    def _draw(self, firing: Neurons) -> Counted:
        near = self._nearest(firing)
        gone = difference(near.firing, firing) if near else firing[:0]
        come = difference(firing, near.firing) if near else firing
        for kind in _KINDS:
            limit = int(np.iinfo(kind).max)
            if near is not None and near.counts.dtype != kind:
                continue
            if near is None and len(firing) > limit and _likely_peak(len(firing), self._graph) > limit:
                continue
            counts: Counts = near.counts.copy() if near else np.zeros(self._graph.n_target, kind)
            peaks: Counts = np.zeros(-(-self._graph.n_target // CHUNK), kind)
            if self._count(counts, peaks, gone, come, limit):
                return Counted(firing, counts, peaks)
            near, gone, come = None, firing[:0], firing
        raise AssertionError("32 bits hold every count: no area has as many neurons")

    def _count(self, counts: Counts, peaks: Counts, gone: Neurons, come: Neurons, limit: int) -> bool:
        if self._kept is None:
            none = np.zeros((max(len(gone), len(come)), PLACE), np.int64)
            kept = none[: len(gone)], none[: len(come)]
        else:
            self._kept.draw(come)
            kept = self._kept.find(gone), self._kept.find(come)
        return bool(_count(counts, peaks, gone, kept[0], come, kept[1], self._graph, self._tile, limit))

    def _nearest(self, firing: Neurons) -> Counted | None:
        """Return remembered counts of a set from which ``firing`` is reached with fewer rows than from nothing."""
        for name in [name for name in self._recent if not self._cache.holds((self._fiber, name))]:
            del self._recent[name]
        if not self._recent:
            return None
        sets = list(self._recent.values())
        best, different = nearest(np.concatenate(sets), np.cumsum([len(s) for s in sets]), firing)
        if different >= len(firing):
            return None
        return self._cache.get((self._fiber, sets[best].tobytes()))  # type: ignore[no-any-return]


def _likely_peak(firing: int, graph: GraphArrays) -> float:
    """Return a count that few targets exceed; a guess that only decides which type is tried first."""
    mean = firing * graph.mean / graph.n_target
    return mean + 8 * sqrt(mean) + 8
