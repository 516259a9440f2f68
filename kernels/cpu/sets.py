"""Sets of neurons: ascending int64 arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.state import Neurons

Flags = npt.NDArray[np.bool_]


@compiled
def _find_members(ours: Neurons, theirs: Neurons, found: Flags) -> None:
    at = 0
    for mine in range(len(ours)):
        while at < len(theirs) and theirs[at] < ours[mine]:
            at += 1
        found[mine] = at < len(theirs) and theirs[at] == ours[mine]


def members(ours: Neurons, theirs: Neurons) -> Flags:
    """Return for each neuron of ``ours`` whether it is in ``theirs``."""
    found = np.empty(len(ours), np.bool_)
    _find_members(ours, theirs, found)
    return found


def difference(ours: Neurons, theirs: Neurons) -> Neurons:
    """Return the neurons of ``ours`` that are not in ``theirs``."""
    return ours[~members(ours, theirs)]


@compiled
def nearest(sets: Neurons, ends: Neurons, firing: Neurons) -> tuple[int, int]:
    """Return which of some sets, which lie end to end in ``sets``, differs in the fewest neurons, and in how many."""
    best, fewest, start = -1, len(sets) + len(firing) + 1, 0
    for s in range(len(ends)):
        a: Any = start
        b: Any = 0
        common: Any = 0
        while a < ends[s] and b < len(firing):
            # Without a branch, since which of the two is smaller cannot be predicted.
            common += np.int64(sets[a] == firing[b])
            step = np.int64(sets[a] <= firing[b])
            b += np.int64(sets[a] >= firing[b])
            a += step
        different = ends[s] - start + len(firing) - 2 * common
        if different < fewest:
            best, fewest = s, different
        start = ends[s]
    return best, fewest
