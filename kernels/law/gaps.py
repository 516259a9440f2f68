"""The geometric distribution of gaps as a look-up table for fast kernels."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log2
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import gap_thresholds

_S32 = np.uint64(32)


class GapTable(NamedTuple):
    """The cumulative distribution of `gap_thresholds`, split by precision.

    ``guide[u >> shift]`` is the smallest gap that a 32-bit ``u`` can mean, and ``heads`` are the upper halves of the
    ``thresholds``.  With both, one comparison nearly always determines a gap.  ``last`` is the largest gap.
    """

    shift: np.uint64
    last: np.uint64
    guide: npt.NDArray[np.uint16]
    heads: npt.NDArray[np.uint32]
    thresholds: npt.NDArray[np.uint64]


@lru_cache(maxsize=8)
def gap_table(p: float) -> GapTable:
    """Return the table for a connection probability."""
    thresholds = np.array(gap_thresholds(p), dtype=np.uint64)
    # No 32-bit number is above the sentinel; if one equals it, the full thresholds decide.
    heads = np.append((thresholds >> _S32).astype(np.uint32), np.uint32(0xFFFFFFFF))
    # Fine enough that one comparison decides 99 % of the gaps.
    width = 4 if p == 0 else min(16, max(4, ceil(log2(80) - log2(p))))
    lowest = np.arange(1 << width, dtype=np.uint64) << np.uint64(64 - width)
    guide = np.minimum(np.searchsorted(thresholds, lowest, side="right"), 0xFFFF).astype(np.uint16)
    return GapTable(np.uint64(32 - width), np.uint64(len(thresholds)), guide, heads, thresholds)
