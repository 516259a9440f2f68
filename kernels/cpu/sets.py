"""Numba kernels on sets of neurons: ascending int64 arrays."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.cpu.compiling import compiled


@compiled()
def difference(ours, theirs):  # type: ignore[no-untyped-def]
    """Return the neurons of ``ours`` that are not in ``theirs``."""
    kept = np.empty(len(ours), np.int64)
    size, at = 0, 0
    for neuron in ours:
        while at < len(theirs) and theirs[at] < neuron:
            at += 1
        if at == len(theirs) or theirs[at] != neuron:
            kept[size] = neuron
            size += 1
    return kept[:size]


@compiled()
def members(ours, theirs):  # type: ignore[no-untyped-def]
    """Return for each neuron of ``ours`` whether it is in ``theirs``."""
    found = np.zeros(len(ours), np.bool_)
    at = 0
    for mine in range(len(ours)):
        while at < len(theirs) and theirs[at] < ours[mine]:
            at += 1
        found[mine] = at < len(theirs) and theirs[at] == ours[mine]
    return found


@compiled()
def nearest(sets, ends, firing):  # type: ignore[no-untyped-def]
    """Return which of some sets, which lie end to end in ``sets``, differs in the fewest neurons, and in how many."""
    best, fewest, start = -1, np.int64(np.iinfo(np.int64).max), 0
    for s in range(len(ends)):
        a, b, common = start, 0, 0
        while a < ends[s] and b < len(firing):
            common += int(sets[a] == firing[b])
            step = int(sets[a] <= firing[b])
            b += int(sets[a] >= firing[b])
            a += step
        different = ends[s] - start + len(firing) - 2 * common
        if different < fewest:
            best, fewest = s, different
        start = ends[s]
    return best, fewest
