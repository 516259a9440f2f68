"""Numba kernels that find the winners of an area without summing the drives of all its neurons.

A drive is what learning added (`extra`, for the few neurons that learned synapses reach) plus the counts of all open
fibers at base weight.  The reached neurons are summed one by one and give a bar, the drive of the k-th best of them.
All others lie in chunks whose counts have known peaks: a chunk in which even the sum of the peaks stays below the bar
cannot hold a winner and is not looked at; one in which it may equal the bar is, since ties go by precedence, wherever a
neuron lies (the block-max idea of text retrieval; Ding & Suel, SIGIR 2011).
"""

from __future__ import annotations

import numpy as np
from numba import prange

from brainsim.kernels.cpu.addresses import array_8, array_16, array_32
from brainsim.kernels.cpu.best import beats, keep_best
from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.counts import CHUNK
from brainsim.kernels.cpu.reached import clear
from brainsim.kernels.law.weights import WEIGHT_BITS

_NARROW = 255  # counts are summed in 8 bits where the peaks allow, else in 32, which suffice: see `check_capacity`
_STEP = 64
MOST_SUSPECTS = 1024
_WORTH_THREADS = 64  # chunks to be looked at: for fewer, waking a second thread costs more than it saves
_SHIFT = np.int64(WEIGHT_BITS)
_ROUND_UP = (1 << WEIGHT_BITS) - 1


@compiled(inline="always")
def _accumulate(sums, counts):  # type: ignore[no-untyped-def]
    for at in range(len(sums)):
        sums[at] += counts[at]


@compiled()
def _sum_chunk(sums, table, start):  # type: ignore[no-untyped-def]
    """Set ``sums``, which cannot overflow, to the counts of all fibers together for the targets from ``start`` on."""
    sums[:] = 0
    for fiber in range(len(table)):
        first = table[fiber, 0] + start * table[fiber, 1]
        if table[fiber, 1] == 1:
            _accumulate(sums, array_8(first, len(sums)))
        elif table[fiber, 1] == 2:
            _accumulate(sums, array_16(first, len(sums)))
        else:
            _accumulate(sums, array_32(first, len(sums)))


@compiled()
def _bounds(table, n, slack):  # type: ignore[no-untyped-def]
    """Return for each chunk what no count can exceed: the sum of the peaks of all fibers, and ``slack``."""
    bounds = np.full((n + CHUNK - 1) // CHUNK, slack, np.int64)
    for fiber in range(len(table)):
        if table[fiber, 1] == 1:
            _accumulate(bounds, array_8(table[fiber, 2], len(bounds)))
        elif table[fiber, 1] == 2:
            _accumulate(bounds, array_16(table[fiber, 2], len(bounds)))
        else:
            _accumulate(bounds, array_32(table[fiber, 2], len(bounds)))
    return bounds


@compiled(inline="always")
def _may_beat(bound, bar):  # type: ignore[no-untyped-def]
    """Return whether a neuron with as many counts may be better than the bar: it may tie with it and come before."""
    return bound > 0 and bound << _SHIFT >= bar[0]


@compiled()
def _open(bounds, bar):  # type: ignore[no-untyped-def]
    """Return the chunks that may hold a neuron better than the bar."""
    found, size = np.empty(len(bounds), np.int64), 0
    for chunk in range(len(bounds)):
        found[size] = chunk
        size += int(_may_beat(bounds[chunk], bar))
    return found[:size]


@compiled(inline="always")
def _add_counts(drives, neurons, counts):  # type: ignore[no-untyped-def]
    for at in range(len(neurons)):
        drives[at] += np.int64(counts[neurons[at]]) << _SHIFT


@compiled()
def _sum_drives(drives, known, reached, table, n):  # type: ignore[no-untyped-def]
    """Write the drives of some neurons."""
    for at in range(len(known)):
        drives[at] = reached.extra[known[at]]
    for fiber in range(len(table)):
        if table[fiber, 1] == 1:
            _add_counts(drives, known, array_8(table[fiber, 0], n))
        elif table[fiber, 1] == 2:
            _add_counts(drives, known, array_16(table[fiber, 0], n))
        else:
            _add_counts(drives, known, array_32(table[fiber, 0], n))


@compiled()
def drives_of(neurons, reached, counts, chosen, n):  # type: ignore[no-untyped-def]
    """Return the drives of some neurons, at which all counts are right, and clear what learning added."""
    drives = np.empty(len(neurons), np.int64)
    _sum_drives(drives, neurons, reached, counts[chosen], n)
    clear(reached)
    return drives


@compiled()
def _candidates(drives, neurons, reached, table, n):  # type: ignore[no-untyped-def]
    """Write the drives of the reached neurons that are driven at all; return their number."""
    known = reached.neurons[: reached.size[0]]
    _sum_drives(drives, known, reached, table, n)
    size = 0
    for at in range(len(known)):
        if drives[at] > 0:
            drives[size], neurons[size] = drives[at], known[at]
            size += 1
    return size


@compiled()
def _scan_chunk(sums, start, drives, neurons, size, k, bar, key, marked, table):  # type: ignore[no-untyped-def]
    """Add the neurons of a chunk that were not reached and are better than the bar to the candidates.

    Returns
    -------
    size, bar
        As `keep_best` returns them: when the arrays are full, only the best ``k`` stay, and the bar rises.
    """
    _sum_chunk(sums, table, start)
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
                    size, bar = keep_best(drives, neurons, size, k, key)
    return size, bar


@compiled()
def _scan(chunks, bounds, drives, neurons, k, bar, key, marked, table, n):  # type: ignore[no-untyped-def]
    """List the best of some chunks, of those not reached and better than the bar; return their number."""
    size, narrow, wide = 0, np.empty(CHUNK, np.uint8), np.empty(CHUNK, np.uint32)
    for chunk in chunks:
        start, bound = chunk * CHUNK, bounds[chunk]
        if not _may_beat(bound, bar):  # the bar has risen
            continue
        state = (drives, neurons, size, k, bar, key, marked, table)
        length = min(CHUNK, n - start)
        if bound <= _NARROW:
            size, bar = _scan_chunk(narrow[:length], start, *state)
        else:
            size, bar = _scan_chunk(wide[:length], start, *state)
    return keep_best(drives, neurons, size, k, key)[0] if size > k else size


@compiled()
def _suspects(chunks, found, slack, bar, key, marked, table, n):  # type: ignore[no-untyped-def]
    """List the neurons of some chunks that would beat the bar with ``slack`` more; return their number.

    Returns ``len(found)`` as soon as there are as many.
    """
    size, buffer = 0, np.empty(CHUNK, np.uint32)
    limit = np.uint32(max(np.int64(0), (bar[0] >> _SHIFT) - 1 - slack))
    for chunk in chunks:
        start = chunk * CHUNK
        sums = buffer[: min(CHUNK, n - start)]
        _sum_chunk(sums, table, start)
        for at in range(len(sums)):
            most = (np.int64(sums[at]) + slack) << _SHIFT
            if sums[at] >= limit and not marked[start + at] and beats(bar, most, key, start + at):
                if size == len(found):
                    return size
                found[size] = start + at
                size += 1
    return size


@compiled(parallel=True)
def _suspects_of_parts(chunks, found, sizes, slack, bar, key, marked, table, n):  # type: ignore[no-untyped-def]
    share = (len(chunks) + len(sizes) - 1) // len(sizes)
    for part in prange(len(sizes)):
        some = chunks[part * share : (part + 1) * share]
        sizes[part] = _suspects(some, found[part], slack, bar, key, marked, table, n)


@compiled()
def choose_reached(reached, counts, chosen, n, k, key, slack, parts):  # type: ignore[no-untyped-def]
    """Return the winners if they are certain to be among the reached neurons, else whoever else may be one.

    The counts are right for the reached neurons; for others, they may be too low by ``slack``, or too high at will.

    Returns
    -------
    neurons : int64 array
        The winners as `choose` returns them; or else, ascending, neurons that may win and have to be looked at, at
        least `MOST_SUSPECTS` if they are too many to say; then nothing is cleared.
    decided : bool
        Whether they are the winners.
    """
    table = counts[chosen]
    drives, neurons = np.empty(max(reached.size[0], k), np.int64), np.empty(max(reached.size[0], k), np.int64)
    size = _candidates(drives, neurons, reached, table, n)
    size, bar = keep_best(drives, neurons, size, k, key)
    chunks = _open(_bounds(table, n, slack), bar)
    parts = parts if len(chunks) >= _WORTH_THREADS else 1
    found, sizes = np.empty((parts, MOST_SUSPECTS), np.int64), np.zeros(parts, np.int64)
    search = (slack, bar, key, reached.marked, table, n)
    if parts == 1:
        sizes[0] = _suspects(chunks, found[0], *search)
    else:
        _suspects_of_parts(chunks, found, sizes, *search)
    if sizes.sum() > 0:
        suspects, at = np.empty(sizes.sum(), np.int64), 0
        for part in range(parts):
            suspects[at : at + sizes[part]] = found[part, : sizes[part]]
            at += sizes[part]
        return suspects, False
    clear(reached)
    return np.sort(neurons[:size]), True


@compiled(parallel=True)
def _scan_parts(chunks, bounds, drives, neurons, sizes, k, bar, key, marked, table, n):  # type: ignore[no-untyped-def]
    share = (len(chunks) + len(sizes) - 1) // len(sizes)
    for part in prange(len(sizes)):
        some, found = chunks[part * share : (part + 1) * share], (drives[part], neurons[part])
        sizes[part] = _scan(some, bounds, *found, k, bar, key, marked, table, n)


@compiled()
def choose(reached, counts, chosen, n, k, key, parts):  # type: ignore[no-untyped-def]
    """Return the ``k`` neurons of largest positive drive, ascending, and clear what learning added.

    Ties go to the larger precedence.  The order (drive, then precedence) is total, so the result depends neither on the
    number of ``parts`` nor on the order in which neurons are looked at.

    Parameters
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
    parts : int
        Into how many parts to cut the work.
    """
    table, room = counts[chosen], min(2 * k, n) + 1
    drives = np.empty(max(reached.size[0], k) + parts * k, np.int64)
    neurons = np.empty(len(drives), np.int64)
    size = _candidates(drives, neurons, reached, table, n)
    size, bar = keep_best(drives, neurons, size, k, key)
    bounds = _bounds(table, n, 0)
    chunks = _open(bounds, bar)
    parts = parts if len(chunks) >= _WORTH_THREADS else 1
    part_drives, part_neurons = np.empty((parts, room), np.int64), np.empty((parts, room), np.int64)
    sizes = np.zeros(parts, np.int64)
    search = (k, bar, key, reached.marked, table, n)
    if parts == 1:
        sizes[0] = _scan(chunks, bounds, part_drives[0], part_neurons[0], *search)
    else:
        _scan_parts(chunks, bounds, part_drives, part_neurons, sizes, *search)
    for part in range(parts):
        drives[size : size + sizes[part]] = part_drives[part, : sizes[part]]
        neurons[size : size + sizes[part]] = part_neurons[part, : sizes[part]]
        size += sizes[part]
    if sizes.sum():
        size = keep_best(drives, neurons, size, k, key)[0]
    clear(reached)
    return np.sort(neurons[:size])
