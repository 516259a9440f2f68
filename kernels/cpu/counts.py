"""Synapse counts of firing sets: for each target, how many of the firing neurons synapse on it.

The graph never changes, so a count depends on the fiber and the firing neurons alone.  Assemblies recur; their counts
are cached within a budget, and the counts of a set that differs from a cached one in a few neurons follow by adding and
subtracting rows.  Counts are integers, so all ways give the same bits.  They have the narrowest type that fits: nearly
always a byte, since even thousands of neurons rarely share one target more than 255 times; otherwise a wider type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.compiling import compiled, inner
from brainsim.kernels.cpu.graph import GraphArrays, add_row
from brainsim.kernels.cpu.hashing import Word
from brainsim.kernels.cpu.lookup import synapses_among
from brainsim.kernels.cpu.records import NO_PATCH, FiringSet, counts_record, patch_of, patched
from brainsim.kernels.cpu.rows import BATCH, KeptRows, Places, add_kept_rows, follows
from brainsim.kernels.cpu.sets import difference, nearest
from brainsim.kernels.cpu.threads import LOOK_UP, in_parts, use_threads
from brainsim.kernels.interrupts import uninterrupted
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.state import Neurons

CHUNK = 4096  # targets that share one peak
_U1 = np.uint64(1)
_CHUNK = np.uint64(CHUNK)
_KINDS = (np.uint8, np.uint16, np.uint32)
_MOST_COMPARED = 64
_NO_BATCHES = np.zeros(1, BATCH)
_NONE: Any = np.int64(0)  # typed: for a literal 0 its callee would be compiled a second time
_BLOCKS_PER_TARGET = 4  # in rows of at least this many blocks, looking up single targets is faster

CountArray = npt.NDArray[np.unsignedinteger[Any]]
Peaks = npt.NDArray[np.uint32]


@inner
def _find_peaks(counts: Any, peaks: Peaks, low: Word, high: Word) -> Any:
    """Set the peaks of the chunks of a tile; return the largest."""
    largest = np.uint64(0)
    for start in range(low, high, _CHUNK):
        peak = counts[start]
        for j in range(start + _U1, min(start + _CHUNK, high)):
            peak = max(peak, counts[j])
        peaks[start // _CHUNK] = peak
        largest = max(largest, np.uint64(peak))
    return largest


@inner
def _add(
    counts: Any,
    low: Word,
    high: Word,
    neurons: Neurons,
    places: Places,
    first: int,
    end: int,
    step: Any,
    graph: GraphArrays,
) -> None:
    """Add ``step`` for the synapses of ``neurons[first:end]`` in a tile, from kept rows where there are any."""
    batch, row, batches, bits = places.batch, places.row, places.batches, graph.bits
    at = first
    while at < end:
        start = at
        at += 1
        if batch[start]:
            while at < end and follows(batch, row, at):
                at += 1
            run, kept = np.uint64(row[start]), batches[batch[start]]
            add_kept_rows(counts, low, high, kept, run, run + np.uint64(at - start), step, bits)
        else:
            add_row(counts, low, high, neurons[start], step, graph)


@compiled
def _count_tiles(
    first: int,
    end: int,
    counts: Any,
    peaks: Peaks,
    removed: Neurons,
    removed_places: Places,
    added: Neurons,
    added_places: Places,
    graph: GraphArrays,
    tile: int,
    limit: int,
) -> int:
    """Subtract the rows of ``removed``, add those of ``added``, and set the peaks, in a range of tiles.

    A tile is whole blocks and whole chunks of targets.  All neurons are processed for one tile before the next, so that
    its counts stay in the processor's cache.  ``limit`` is the largest value that the type of a count holds.

    Returns
    -------
    int
        Number of tiles in which a count might exceed ``limit``; unless it is 0, the counts are not valid.
    """
    one, minus_one = counts.dtype.type(1), counts.dtype.type(limit)  # modulo the range of the type
    failed = 0
    for t in range(first, end):
        low = np.uint64(t) * np.uint64(tile)
        high = min(np.uint64(graph.n_target), low + np.uint64(tile))
        _add(counts, low, high, removed, removed_places, _NONE, len(removed), minus_one, graph)
        peak = _find_peaks(counts, peaks, low, high)
        at = _NONE
        # A row adds at most 1 to a count, so as many rows are safe as the peak is below the limit.
        while at < len(added) and peak < limit:
            stop = at + min(len(added) - at, np.int64(limit - peak))
            _add(counts, low, high, added, added_places, at, stop, one, graph)
            peak = _find_peaks(counts, peaks, low, high)
            at = stop
        if at < len(added):
            failed += 1
    return failed


@dataclass(eq=False)
class Counts:
    """Read-only counts of a set over all targets, the largest count of every `CHUNK` targets, and the largest of all.

    ``base`` is the weight of each synapse, for kernels that read the record; the counts do not depend on it.
    """

    firing: Neurons
    counts: CountArray
    peaks: Peaks
    base: int
    peak: int = field(init=False)
    record: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.peak = int(self.peaks.max())
        self.record = counts_record(self.counts, self.peaks, self.base)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.counts.nbytes + self.peaks.nbytes + 2 * self.firing.nbytes  # twice: the key

    def on_evict(self) -> None:
        """Do nothing: counts are found through the cache only."""


@dataclass(eq=False)
class Difference:
    """How the counts of a set differ from those of a similar one, the base, at some targets.

    Attributes
    ----------
    base : bytes
        The name of the base.
    added, removed : int64 array
        The neurons of the set that are not in the base, and those of the base that are not in the set.
    known_at : int64 array
        The targets at which the difference is known, ascending.
    gains, losses : int64 array
        For each synapse of ``added`` or ``removed`` onto one of these targets, the target.
    """

    base: bytes
    added: Neurons
    removed: Neurons
    known_at: Neurons
    gains: Neurons
    losses: Neurons
    patch: bytes = NO_PATCH

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        arrays = (self.added, self.removed, self.known_at, self.gains, self.losses)
        return 2 * len(self.base) + sum(array.nbytes for array in arrays)  # twice: the key is as long

    def on_evict(self) -> None:
        """Do nothing: differences are found through the cache only."""

    def look_up(self, targets: Neurons, graph: GraphArrays, most_threads: int) -> bool:
        """Make the difference known at some targets, ascending; return whether any of them was new.

        An interruption must not happen here: the same targets would be looked up again and counted twice.
        """
        new = difference(targets, self.known_at)
        if len(new):
            threads = use_threads(most_threads, LOOK_UP * (len(self.added) + len(self.removed)) * len(new))
            gains = np.append(self.gains, synapses_among(self.added, new, graph, threads))
            losses = np.append(self.losses, synapses_among(self.removed, new, graph, threads))
            known_at = np.union1d(self.known_at, new)
            self.gains, self.losses, self.known_at = gains, losses, known_at
            self.patch = patch_of(gains, losses)
        return len(new) > 0


class PatchedCounts(NamedTuple):
    """Counts of a set that differs little from a counted one; right only at the targets that were looked up."""

    base: Counts
    difference: Difference

    @property
    def peak(self) -> int:
        """The largest count of the base."""
        return self.base.peak

    @property
    def record(self) -> bytes:
        """A record of the counts of the base, and of their corrections."""
        return patched(self.base.record, self.difference.patch)


class FiberCounts:
    """The counts of one fiber."""

    def __init__(
        self, fiber: int, graph: GraphArrays, kept: KeptRows | None, cache: Cache, tile: int, base: int = ONE
    ) -> None:
        self._fiber = fiber
        self._base = base
        self._graph = graph
        self._kept = kept
        self._cache = cache
        # Whole blocks and whole chunks, because all sizes are powers of two.
        self._tile = max(tile, CHUNK, 1 << int(graph.bits))
        self._recent: dict[bytes, Neurons] = {}

    def find(self, fired: FiringSet, targets: int | None) -> Counts | PatchedCounts | None:
        """Return cached counts of a set, or those of a similar set if few enough targets matter."""
        firing, name = fired
        known: Counts | Difference | None = self._cache.get((self._fiber, name))
        if isinstance(known, Counts):
            return known
        if targets is None or self._graph.blocks < _BLOCKS_PER_TARGET * targets:
            return None
        base = self._cache.get((self._fiber, known.base)) if known else None
        if known and isinstance(base, Counts):
            return PatchedCounts(base, known)
        near = self._nearest(firing)
        if near is None:
            return None
        added, removed, none = difference(firing, near.firing), difference(near.firing, firing), firing[:0]
        return PatchedCounts(near, Difference(near.firing.tobytes(), added, removed, none, none, none))

    def look_up(self, fired: FiringSet, counts: PatchedCounts, targets: Neurons, most_threads: int) -> None:
        """Correct the counts of some targets, ascending, and cache the corrections."""
        with uninterrupted():  # or the cache would not account for what has been added
            if counts.difference.look_up(targets, self._graph, most_threads):
                self._cache.keep((self._fiber, fired.name), counts.difference, self._fiber)

    def draw(self, fired: FiringSet, threads: int) -> Counts:
        """Count the synapses of a set onto all targets of the fiber, and cache the counts."""
        firing, name = fired
        counts = self._draw(firing, threads)
        if self._cache.keep((self._fiber, name), counts, self._fiber):
            self._remember(name, firing)
        return counts

    def _remember(self, name: bytes, firing: Neurons) -> None:
        self._recent.pop(name, None)
        self._recent[name] = firing
        if len(self._recent) > _MOST_COMPARED:
            del self._recent[next(iter(self._recent))]

    def _draw(self, firing: Neurons, threads: int) -> Counts:
        near = self._nearest(firing)
        removed = difference(near.firing, firing) if near else firing[:0]
        added = difference(firing, near.firing) if near else firing
        for kind in _KINDS:
            limit = int(np.iinfo(kind).max)
            if near is not None and near.counts.dtype != kind:
                continue
            if near is None and len(firing) > limit and _likely_peak(len(firing), self._graph) > limit:
                continue
            counts: CountArray = near.counts.copy() if near else np.zeros(self._graph.n_target, kind)
            peaks = np.zeros(-(-self._graph.n_target // CHUNK), np.uint32)
            if self._count(counts, peaks, removed, added, limit, threads):
                return Counts(firing, counts, peaks, self._base)
            near, removed, added = None, firing[:0], firing
        raise AssertionError("32 bits hold every count: no area has as many neurons")

    def _count(
        self, counts: CountArray, peaks: Peaks, removed: Neurons, added: Neurons, limit: int, threads: int
    ) -> bool:
        if self._kept is None:
            places = _nowhere(removed), _nowhere(added)
        else:
            self._kept.draw(added, threads)
            places = self._kept.find(removed), self._kept.find(added)
        rows = removed, places[0], added, places[1]
        tiles = -(-self._graph.n_target // self._tile)
        return not any(in_parts(_count_tiles, tiles, threads, counts, peaks, *rows, self._graph, self._tile, limit))

    def _nearest(self, firing: Neurons) -> Counts | None:
        """Return cached counts of a set from which those of ``firing`` follow with fewer rows than from zero."""
        for name in [name for name in self._recent if not self._cache.holds((self._fiber, name))]:
            del self._recent[name]
        if not self._recent:
            return None
        sets = list(self._recent.values())
        best, different = nearest(np.concatenate(sets), np.cumsum([len(s) for s in sets]), firing)
        if different >= len(firing):
            return None
        return self._cache.get((self._fiber, sets[best].tobytes()))  # type: ignore[no-any-return]


def _nowhere(neurons: Neurons) -> Places:
    """Return the places of neurons whose rows are not kept."""
    none = np.zeros(len(neurons), np.int64)
    return Places(none, none, _NO_BATCHES)


def _likely_peak(firing: int, graph: GraphArrays) -> float:
    """Estimate a count that few targets exceed; it only decides which type is tried first."""
    mean = firing * graph.mean / graph.n_target
    return mean + 8 * sqrt(mean) + 8
