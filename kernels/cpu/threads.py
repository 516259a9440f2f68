"""How many threads the next parallel kernel runs on."""

from __future__ import annotations

import threading

import numba

_WORTH_A_THREAD = 1 << 18  # targets or pairs looked at: for less, waking a second thread costs more than it saves
LOOK_UP = 8  # targets passed in a search for winners in the time that a synapse is looked up
_chosen = threading.local()


def use_threads(most: int, work: float) -> int:
    """Let the next kernels of this thread run on as many threads as some work is worth; return their number."""
    count = max(1, min(most, int(work / _WORTH_A_THREAD)))
    if getattr(_chosen, "count", None) != count:  # asking Numba each time would cost more than a small kernel
        numba.set_num_threads(count)
        _chosen.count = count
    return count
