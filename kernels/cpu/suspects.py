"""Winners from patched counts: the winners, or the neurons that may be winners, too.

Counts of a set that differs little from a counted one are patched at the listed neurons only.  At other neurons they
may be too low by at most the number of neurons added to the set, the *slack*.  If no other neuron reaches the bar even
with the slack, the winners are certain.  Neurons that do reach it are suspects: they are listed and their counts looked
up.
"""

from __future__ import annotations

import numpy as np

from brainsim.kernels.cpu.best import Bar, beats
from brainsim.kernels.cpu.compiling import compiled, inner
from brainsim.kernels.cpu.counts import CHUNK
from brainsim.kernels.cpu.drives import Integers, Search, sum_chunk
from brainsim.kernels.cpu.scan import WORTH_THREADS, begin, won
from brainsim.kernels.cpu.threads import in_parts
from brainsim.kernels.outcomes import Won
from brainsim.kernels.state import Neurons

MOST_SUSPECTS = 1024


@inner
def _list_suspects(chunks: Integers, found: Neurons, slack: int, bar: Bar, search: Search) -> int:
    """List the neurons of some chunks that would beat the bar with ``slack`` more; return their number.

    Returns ``len(found)`` as soon as there are as many.
    """
    marked, key, n, shift = search.sparse.marked, search.key, search.n, search.shift
    size, buffer = 0, np.empty(CHUNK, np.uint32)
    limit = np.uint32(max(np.int64(0), (bar[0] >> shift) - 1 - slack))  # a quick test that every suspect passes
    for chunk in chunks:
        start = chunk * CHUNK
        sums = buffer[: min(CHUNK, n - start)]
        sum_chunk(sums, search, start)
        for at in range(len(sums)):
            most = (np.int64(sums[at]) + slack) << shift
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
def _find(
    search: Search,
    slack: int,
    most: int,
    drives: Integers,
    neurons: Neurons,
    bounds: Integers,
    chunks: Integers,
    suspects: Neurons,
) -> tuple[int, Bar, int, int]:
    """Write the best listed neurons, and the suspects, unless more than ``most`` chunks have to be read for these.

    Returns
    -------
    size, bar, found
        As `begin` returns them, where ``found`` is 0 if all is done.
    suspected : int
        Number of suspects.
    """
    size, bar, found = begin(search, slack, drives, neurons, bounds, chunks)
    if found > most:
        return size, bar, found, 0
    return size, bar, 0, _list_suspects(chunks[:found], suspects, slack, bar, search) if found else 0


def winners_or_suspects(search: Search, slack: int, threads: int) -> tuple[Won, Neurons]:
    """Return the winners if they are certain to be among the listed neurons; otherwise the other neurons that may win.

    Parameters
    ----------
    search : Search
        Its counts are right at the listed neurons; at others they may be too low by up to ``slack``, or too high by any
        amount.
    slack : int
        As above.
    threads : int
        How many to use.

    Returns
    -------
    winners : Won
        The winners, if there are no suspects.
    suspects : int64 array
        Ascending; not all of them if there are `MOST_SUSPECTS` or more.
    """
    room, length = max(int(search.sparse.size[0]), search.k), -(-search.n // CHUNK)
    drives, neurons = np.empty(room, np.int64), np.empty(room, np.int64)
    bounds, chunks = np.empty(length, np.int64), np.empty(length, np.int64)
    suspects = np.empty(MOST_SUSPECTS, np.int64)
    most = WORTH_THREADS - 1 if threads > 1 else length
    size, bar, found, suspected = _find(search, slack, most, drives, neurons, bounds, chunks, suspects)
    suspects = suspects[:suspected]
    if found:
        suspects = np.concatenate(in_parts(_suspects_of_part, found, threads, chunks, slack, bar, search))
    size = 0 if len(suspects) else size
    return won(drives, neurons, size), suspects
