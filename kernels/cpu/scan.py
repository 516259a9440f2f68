"""The search for the winners of an area, which does not sum the drives of all its neurons.

The drives of the neurons listed in the sparse drive are summed one by one; the k-th best of them is the bar.  All other
neurons lie in chunks whose counts have known peaks.  If even the sum of the peaks is below the bar, no neuron of the
chunk can win, and the chunk is not read.  If the sum equals the bar, the chunk is read, because a tied neuron may come
before (the block-max idea of text retrieval; Ding & Suel, SIGIR 2011).

The order of neurons (larger drive, then larger precedence) is total.  So the winners depend neither on the order in
which chunks are read nor on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brainsim.kernels.cpu.best import Bar, beats, keep_best
from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.counts import CHUNK
from brainsim.kernels.cpu.drives import Integers, Search, set_bounds, sum_chunk, sum_drives
from brainsim.kernels.cpu.sparse_drive import ZERO, clear
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.outcomes import Won
from brainsim.kernels.state import Neurons

WORTH_THREADS = 64  # chunks to be read; for fewer, waking a second thread costs more than it saves
_NARROW = 255  # counts are summed in 8 bits where the peaks allow, else in 32, which suffice: see `check_capacity`
_NARROW_SUMS, _WIDE_SUMS, _WEIGHTS = np.empty(0, np.uint8), np.empty(0, np.uint32), np.empty(0, np.int64)
_Kind = Any  # an empty array of the type of the sums, so that kernels are compiled for the types in use only
_STEP = 64
_SPARE = 8  # room for candidates, in multiples of the number of winners


@inlined
def _may_beat(bound: Any, bar: Bar, shift: Any) -> Any:
    """Return whether a neuron with this sum may be better than the bar, or tie with it and come before."""
    return bound > 0 and bound << shift >= bar[0]


@inner
def begin(
    search: Search, slack: int, drives: Integers, neurons: Neurons, bounds: Integers, chunks: Integers
) -> tuple[int, Bar, int]:
    """Write the best of the listed neurons, with their drives, and the chunks that may hold better ones.

    The counts of the other neurons may be too low by ``slack``.

    Returns
    -------
    size, bar
        As `keep_best` returns them.
    found : int
        How many chunks there are.
    """
    listed = search.sparse.neurons[: search.sparse.size[0]]
    sum_drives(drives, listed, search)
    size = ZERO
    for at in range(len(listed)):
        if drives[at] > 0:
            drives[size], neurons[size] = drives[at], listed[at]
            size += 1
    size, bar = keep_best(drives, neurons, size, search.k, search.key)
    set_bounds(bounds, search, slack)
    found: Any = 0
    for chunk in range(len(bounds)):
        chunks[found] = chunk
        found += np.int64(_may_beat(bounds[chunk], bar, search.shift))
    return size, bar, found


@inner
def _scan_chunk(
    sums: Any, start: int, drives: Integers, neurons: Neurons, size: int, bar: Bar, search: Search
) -> tuple[int, Bar]:
    """Add the neurons of a chunk that are not listed and better than the bar to the candidates.

    Returns
    -------
    size, bar
        As `keep_best` returns them: when the arrays are full, only the best ``k`` stay, and the bar rises.
    """
    marked, key, shift = search.sparse.marked, search.key, search.shift
    sum_chunk(sums, search, start)
    for first in range(0, len(sums), _STEP):
        some = sums[first : first + _STEP]
        # A sum above `limit` is at least the bar, and above 0: drives of neurons that are not listed are whole sums.
        limit = sums.dtype.type(max(np.int64(1), (bar[0] + (1 << shift) - 1) >> shift) - 1)
        enough = 0
        for at in range(len(some)):  # counting, unlike a search, becomes vector instructions
            enough += some[at] > limit
        if enough == 0:
            continue
        for at in range(len(some)):
            neuron, drive = start + first + at, np.int64(some[at]) << shift
            if some[at] > limit and not marked[neuron] and beats(bar, drive, key, neuron):
                drives[size], neurons[size] = drive, neuron
                size += 1
                if size == len(drives):
                    size, bar = keep_best(drives, neurons, size, search.k, key)
    return size, bar


@inner
def _scan(
    chunks: Integers,
    bounds: Integers,
    kind: _Kind,
    drives: Integers,
    neurons: Neurons,
    size: int,
    bar: Bar,
    search: Search,
) -> int:
    """Add the best of some chunks, of those not listed and better than the bar, to ``size`` candidates.

    Returns
    -------
    int
        Number of candidates; if more than ``k``, the best have to be selected.
    """
    sums = np.empty(CHUNK, kind.dtype)
    for chunk in chunks:
        if _may_beat(bounds[chunk], bar, search.shift):  # the bar may have risen
            start = chunk * CHUNK
            some = sums[: min(CHUNK, search.n - start)]
            size, bar = _scan_chunk(some, start, drives, neurons, size, bar, search)
    return size


@compiled
def _find(
    search: Search, kind: _Kind, most: int, drives: Integers, neurons: Neurons, bounds: Integers, chunks: Integers
) -> tuple[int, Bar, int]:
    """Write the winners, unless more than ``most`` chunks have to be read.

    Returns
    -------
    size, bar, found
        As `begin` returns them, where ``found`` is 0 if all is done and the sparse drive cleared.
    """
    size, bar, found = begin(search, ZERO, drives, neurons, bounds, chunks)
    if found > most:
        return size, bar, found
    if found:
        size = _scan(chunks[:found], bounds, kind, drives, neurons, size, bar, search)
        size, bar = keep_best(drives, neurons, size, search.k, search.key)
    clear(search.sparse)
    return size, bar, 0


@compiled
def _scan_part(
    first: int, end: int, chunks: Integers, bounds: Integers, kind: _Kind, bar: Bar, search: Search
) -> tuple[Integers, Neurons]:
    """Return the best of some chunks, of those not listed and better than the bar, and their drives."""
    room = min(2 * search.k, search.n) + 1
    drives, neurons = np.empty(room, np.int64), np.empty(room, np.int64)
    size = _scan(chunks[first:end], bounds, kind, drives, neurons, ZERO, bar, search)
    return drives[:size], neurons[:size]


@compiled
def _finish(drives: Integers, neurons: Neurons, search: Search) -> int:
    """Move the best of the candidates to the front, clear the sparse drive, and return their number."""
    size, _ = keep_best(drives, neurons, len(drives), search.k, search.key)
    clear(search.sparse)
    return size


def won(drives: Integers, neurons: Neurons, size: int) -> Won:
    """Return the winners: the first ``size`` of some neurons, with their drives."""
    winners = neurons[:size].copy()
    winners.sort()
    if len(neurons) > _SPARE * size:  # otherwise most of the arrays is needed
        neurons, drives = neurons[:size].copy(), drives[:size].copy()
    return Won(winners, neurons, drives)


def find_winners(search: Search, peak: int, threads: int) -> Won:
    """Return the ``k`` neurons of largest positive drive, and clear the sparse drive.

    All counts are right, and no sum of them exceeds ``peak``.  Among equal drives the larger precedence wins.
    """
    counted = _NARROW_SUMS if peak <= _NARROW else _WIDE_SUMS
    kind = counted if search.shift else _WEIGHTS
    room, length = max(int(search.sparse.size[0]), 3 * search.k + 1), -(-search.n // CHUNK)
    drives, neurons = np.empty(room, np.int64), np.empty(room, np.int64)
    bounds, chunks = np.empty(length, np.int64), np.empty(length, np.int64)
    most = WORTH_THREADS - 1 if threads > 1 else length
    size, bar, found = _find(search, kind, most, drives, neurons, bounds, chunks)
    if found:
        parts = in_parts(_scan_part, found, threads, chunks, bounds, kind, bar, search)
        drives = np.concatenate([drives[:size], *(part[0] for part in parts)])
        neurons = np.concatenate([neurons[:size], *(part[1] for part in parts)])
        size = _finish(drives, neurons, search)
    return won(drives, neurons, size)
