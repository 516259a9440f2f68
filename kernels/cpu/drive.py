"""Numba kernels that find the winners of an area without summing the drives of all its neurons.

A drive is what learning added (`extra`, for the few neurons that learned synapses reach) plus the counts of all open
fibers at base weight.  The reached neurons are summed one by one and give a bar, the drive of the k-th best of them.
All others lie in chunks whose counts have known peaks: a chunk in which even the sum of the peaks stays below the bar
cannot hold a winner and is not looked at; one in which it may equal the bar is, since ties go by precedence, wherever a
neuron lies (the block-max idea of text retrieval; Ding & Suel, SIGIR 2011).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.addresses import array_8, array_16, array_32
from brainsim.kernels.cpu.best import Bar, beats, keep_best
from brainsim.kernels.cpu.compiling import compiled, inlined, inner
from brainsim.kernels.cpu.counts import CHUNK
from brainsim.kernels.cpu.reached import Reached, clear
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.law.weights import WEIGHT_BITS
from brainsim.kernels.state import Neurons

_NARROW = 255  # counts are summed in 8 bits where the peaks allow, else in 32, which suffice: see `check_capacity`
_STEP = 64
MOST_SUSPECTS = 1024
_WORTH_THREADS = 64  # chunks to be looked at: for fewer, waking a second thread costs more than it saves
_SHIFT = np.int64(WEIGHT_BITS)
_ROUND_UP = (1 << WEIGHT_BITS) - 1
_NONE: Any = np.int64(0)  # typed: for a literal 0 its callee would be compiled a second time

Integers = npt.NDArray[np.int64]


class Search(NamedTuple):
    """What a search for the winners of an area looks at.

    Attributes
    ----------
    reached : Reached
        Neurons that learned synapses reach, with what is to be added to their counts.
    counts : int64 array
        A row of each fiber, as in `brainsim.kernels.cpu.tables.COUNTS`.
    chosen : int64 array
        The fibers that project, none of them with a silent source.
    n, k : int
        Neurons and winners.
    key : uint64
        What orders neurons that tie, from `tie_key`.
    """

    reached: Reached
    counts: Integers
    chosen: Integers
    n: int
    k: int
    key: np.uint64


@inlined
def _accumulate(sums: Any, counts: Any) -> None:
    for at in range(len(sums)):
        sums[at] += counts[at]


@inner
def _sum_chunk(sums: Any, search: Search, start: int) -> None:
    """Set ``sums``, which cannot overflow, to the counts of all fibers together for the targets from ``start`` on."""
    for at in range(len(sums)):
        sums[at] = 0
    for f in search.chosen:
        size = search.counts[f, 1]
        first = search.counts[f, 0] + start * size
        if size == 1:
            _accumulate(sums, array_8(first, len(sums)))
        elif size == 2:
            _accumulate(sums, array_16(first, len(sums)))
        else:
            _accumulate(sums, array_32(first, len(sums)))


@inlined
def _set_bounds(bounds: Integers, search: Search, slack: int) -> None:
    """Set for each chunk what no count can exceed: the sum of the peaks of all fibers, and ``slack``."""
    for at in range(len(bounds)):
        bounds[at] = slack
    for f in search.chosen:
        _accumulate(bounds, array_32(search.counts[f, 2], len(bounds)))


@inlined
def _may_beat(bound: Any, bar: Bar) -> Any:
    """Return whether a neuron with as many counts may be better than the bar: it may tie with it and come before."""
    return bound > 0 and bound << _SHIFT >= bar[0]


@inlined
def _add_counts(drives: Integers, neurons: Neurons, counts: Any) -> None:
    for at in range(len(neurons)):
        drives[at] += np.int64(counts[neurons[at]]) << _SHIFT


@inner
def _sum_drives(drives: Integers, neurons: Neurons, search: Search) -> None:
    """Write the drives of some neurons."""
    for at in range(len(neurons)):
        drives[at] = search.reached.extra[neurons[at]]
    for f in search.chosen:
        if search.counts[f, 1] == 1:
            _add_counts(drives, neurons, array_8(search.counts[f, 0], search.n))
        elif search.counts[f, 1] == 2:
            _add_counts(drives, neurons, array_16(search.counts[f, 0], search.n))
        else:
            _add_counts(drives, neurons, array_32(search.counts[f, 0], search.n))


@compiled
def _write_drives(drives: Integers, neurons: Neurons, search: Search) -> None:
    _sum_drives(drives, neurons, search)
    clear(search.reached)


def drives_of(neurons: Neurons, search: Search) -> Integers:
    """Return the drives of some neurons, at which all counts are right, and clear what learning added."""
    drives = np.empty(len(neurons), np.int64)
    _write_drives(drives, neurons, search)
    return drives


@inner
def _begin(
    search: Search, slack: int, drives: Integers, neurons: Neurons, bounds: Integers, chunks: Integers
) -> tuple[int, Bar, int]:
    """Write the best of the reached neurons, with their drives, and the chunks that may hold better ones.

    Returns
    -------
    size, bar
        As `keep_best` returns them.
    found : int
        How many chunks there are.
    """
    known = search.reached.neurons[: search.reached.size[0]]
    _sum_drives(drives, known, search)
    size = _NONE
    for at in range(len(known)):
        if drives[at] > 0:
            drives[size], neurons[size] = drives[at], known[at]
            size += 1
    size, bar = keep_best(drives, neurons, size, search.k, search.key)
    _set_bounds(bounds, search, slack)
    found: Any = 0
    for chunk in range(len(bounds)):
        chunks[found] = chunk
        found += np.int64(_may_beat(bounds[chunk], bar))
    return size, bar, found


@inner
def _scan_chunk(
    sums: Any, start: int, drives: Integers, neurons: Neurons, size: int, bar: Bar, search: Search
) -> tuple[int, Bar]:
    """Add the neurons of a chunk that were not reached and are better than the bar to the candidates.

    Returns
    -------
    size, bar
        As `keep_best` returns them: when the arrays are full, only the best ``k`` stay, and the bar rises.
    """
    marked, key = search.reached.marked, search.key
    _sum_chunk(sums, search, start)
    for first in range(0, len(sums), _STEP):
        some = sums[first : first + _STEP]
        limit = sums.dtype.type(max(np.int64(1), (bar[0] + _ROUND_UP) >> _SHIFT) - 1)
        enough = 0
        for at in range(len(some)):  # counting, unlike a search, becomes vector instructions
            enough += some[at] > limit
        if enough == 0:
            continue
        for at in range(len(some)):
            neuron, drive = start + first + at, np.int64(some[at]) << _SHIFT
            if some[at] > limit and not marked[neuron] and beats(bar, drive, key, neuron):
                drives[size], neurons[size] = drive, neuron
                size += 1
                if size == len(drives):
                    size, bar = keep_best(drives, neurons, size, search.k, key)
    return size, bar


@inner
def _scan(
    chunks: Integers, bounds: Integers, drives: Integers, neurons: Neurons, size: int, bar: Bar, search: Search
) -> int:
    """Add the best of some chunks, of those not reached and better than the bar, to ``size`` candidates.

    Returns
    -------
    int
        How many candidates there are: if more than ``k``, they have to be cut to the best.
    """
    narrow, wide = np.empty(CHUNK, np.uint8), np.empty(CHUNK, np.uint32)
    for chunk in chunks:
        start, bound = chunk * CHUNK, bounds[chunk]
        if not _may_beat(bound, bar):  # the bar has risen
            continue
        length = min(CHUNK, search.n - start)
        if bound <= _NARROW:
            size, bar = _scan_chunk(narrow[:length], start, drives, neurons, size, bar, search)
        else:
            size, bar = _scan_chunk(wide[:length], start, drives, neurons, size, bar, search)
    return size


@compiled
def _choose(
    search: Search, most: int, drives: Integers, neurons: Neurons, bounds: Integers, chunks: Integers
) -> tuple[int, Bar, int]:
    """Write the winners, unless more than ``most`` chunks have to be looked at.

    Returns
    -------
    size, bar, found
        As `_begin` returns them, where ``found`` is 0 if all is done and cleared.
    """
    size, bar, found = _begin(search, _NONE, drives, neurons, bounds, chunks)
    if found > most:
        return size, bar, found
    if found:
        size = _scan(chunks[:found], bounds, drives, neurons, size, bar, search)
        size, bar = keep_best(drives, neurons, size, search.k, search.key)
    clear(search.reached)
    return size, bar, 0


@compiled
def _scan_part(
    first: int, end: int, chunks: Integers, bounds: Integers, bar: Bar, search: Search
) -> tuple[Integers, Neurons]:
    """Return the best of some chunks, of those not reached and better than the bar, and their drives."""
    room = min(2 * search.k, search.n) + 1
    drives, neurons = np.empty(room, np.int64), np.empty(room, np.int64)
    size = _scan(chunks[first:end], bounds, drives, neurons, _NONE, bar, search)
    return drives[:size], neurons[:size]


@compiled
def _finish(drives: Integers, neurons: Neurons, search: Search) -> int:
    """Move the best of the candidates to the front, clear what learning added, and return their number."""
    size, _ = keep_best(drives, neurons, len(drives), search.k, search.key)
    clear(search.reached)
    return size


def choose(search: Search, threads: int) -> Neurons:
    """Return the ``k`` neurons of largest positive drive, ascending, and clear what learning added.

    Ties go to the larger precedence.  The order (drive, then precedence) is total, so the result depends neither on the
    number of threads nor on the order in which neurons are looked at.
    """
    room, length = max(int(search.reached.size[0]), 3 * search.k + 1), -(-search.n // CHUNK)
    drives, neurons = np.empty(room, np.int64), np.empty(room, np.int64)
    bounds, chunks = np.empty(length, np.int64), np.empty(length, np.int64)
    most = _WORTH_THREADS - 1 if threads > 1 else length
    size, bar, found = _choose(search, most, drives, neurons, bounds, chunks)
    if found:
        parts = in_parts(_scan_part, found, threads, chunks, bounds, bar, search)
        drives = np.concatenate([drives[:size], *(part[0] for part in parts)])
        neurons = np.concatenate([neurons[:size], *(part[1] for part in parts)])
        size = _finish(drives, neurons, search)
    winners = neurons[:size]
    winners.sort()
    return winners.copy()


@inner
def _list_suspects(chunks: Integers, found: Neurons, slack: int, bar: Bar, search: Search) -> int:
    """List the neurons of some chunks that would beat the bar with ``slack`` more; return their number.

    Returns ``len(found)`` as soon as there are as many.
    """
    marked, key, n = search.reached.marked, search.key, search.n
    size, buffer = 0, np.empty(CHUNK, np.uint32)
    limit = np.uint32(max(np.int64(0), (bar[0] >> _SHIFT) - 1 - slack))
    for chunk in chunks:
        start = chunk * CHUNK
        sums = buffer[: min(CHUNK, n - start)]
        _sum_chunk(sums, search, start)
        for at in range(len(sums)):
            most = (np.int64(sums[at]) + slack) << _SHIFT
            if sums[at] >= limit and not marked[start + at] and beats(bar, most, key, start + at):
                if size == len(found):
                    return size
                found[size] = start + at
                size += 1
    return size


@compiled
def _suspects_of_part(first: int, end: int, chunks: Integers, slack: int, bar: Bar, search: Search) -> Neurons:
    found = np.empty(MOST_SUSPECTS, np.int64)
    return found[: _list_suspects(chunks[first:end], found, slack, bar, search)]


@compiled
def _choose_reached(
    search: Search,
    slack: int,
    most: int,
    drives: Integers,
    neurons: Neurons,
    bounds: Integers,
    chunks: Integers,
    suspects: Neurons,
) -> tuple[int, Bar, int, int]:
    """Write the winners, or the suspects, unless more than ``most`` chunks have to be looked at for these.

    Returns
    -------
    size, bar, found
        As `_begin` returns them, where ``found`` is 0 if all is done; what learning added is then still there.
    suspected : int
        How many suspects there are.
    """
    size, bar, found = _begin(search, slack, drives, neurons, bounds, chunks)
    if found > most:
        return size, bar, found, 0
    return size, bar, 0, _list_suspects(chunks[:found], suspects, slack, bar, search) if found else 0


def choose_reached(search: Search, slack: int, threads: int) -> tuple[Neurons, bool]:
    """Return the winners if they are certain to be among the reached neurons, else all others that may be winners.

    The counts are right for the reached neurons; for others, they may be too low by ``slack``, or too high at will.

    Returns
    -------
    neurons : int64 array
        The winners as `choose` returns them; or else, ascending, neurons that may win and have to be looked at, at
        least `MOST_SUSPECTS` if they are too many to say; then nothing is cleared.
    decided : bool
        Whether they are the winners.
    """
    room, length = max(int(search.reached.size[0]), search.k), -(-search.n // CHUNK)
    drives, neurons = np.empty(room, np.int64), np.empty(room, np.int64)
    bounds, chunks = np.empty(length, np.int64), np.empty(length, np.int64)
    suspects = np.empty(MOST_SUSPECTS, np.int64)
    most = _WORTH_THREADS - 1 if threads > 1 else length
    size, bar, found, suspected = _choose_reached(search, slack, most, drives, neurons, bounds, chunks, suspects)
    suspects = suspects[:suspected]
    if found:
        suspects = np.concatenate(in_parts(_suspects_of_part, found, threads, chunks, slack, bar, search))
    if len(suspects):
        return suspects, False
    clear(search.reached)
    return np.sort(neurons[:size]), True
