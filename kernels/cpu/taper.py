"""Numba kernels that thin rows of the random graph by distance, as `brainsim.kernels.law.taper` has it.

Rows are drawn as in the random graph and thinned afterwards, so that fibers without a taper run unchanged inner loops.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import inlined, inner
from brainsim.kernels.cpu.hashing import Word, hash_of
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.share import first_of, whole_of
from brainsim.kernels.law.taper import POSITION_BITS, TAPER_BITS, Tapered

_U1 = np.uint64(1)
_S31, _S32 = np.uint64(31), np.uint64(32)
_TO_ITEM = np.uint64(POSITION_BITS - TAPER_BITS)


# How the rows of a graph are thinned; see `brainsim.kernels.law.taper.Tapered`.
TAPER = np.dtype(
    [
        ("key", np.uint64),
        ("source_scale", np.uint64),
        ("target_scale", np.uint64),
        ("first", np.uint64),  # what targets are counted from
        ("table", np.uint32, (1 << TAPER_BITS,)),
    ]
)
Taper = npt.NDArray[np.void]


def taper_of(graph: Graph) -> Taper:
    """Return one record of `TAPER`, or an empty array if the graph is not tapered."""
    whole = whole_of(graph)
    if not isinstance(whole, Tapered):
        return np.zeros(0, TAPER)
    numbers = whole.taper_key, whole.source_scale, whole.target_scale, first_of(graph)
    return np.array([(*numbers, whole.table)], TAPER)


@inlined
def _source_position(pre: Any, taper: Any) -> Any:
    return np.int64((np.uint64(pre) * taper.source_scale) >> _S31)


@inlined
def _target_position(post: Word, scale: Word) -> Any:
    return np.int64((post * scale) >> _S31)


@inlined
def out_of_reach(pre: Any, base: Word, size: Word, taper: Taper) -> Any:
    """Return whether all synapses of ``pre`` onto the ``size`` targets from ``base`` on are thinned away.

    Probabilities fall with the distance, so it is enough to test the nearest target.
    """
    record = taper[0]
    start = base + record.first
    here, first = _source_position(pre, record), _target_position(start, record.target_scale)
    last = _target_position(start + size - _U1, record.target_scale)
    distance = max(np.int64(0), max(first - here, here - last))
    return record.table[np.uint64(distance) >> _TO_ITEM] == 0


@inner
def thin(targets: Any, first: Word, end: Word, base: Word, pre: Any, taper: Taper) -> Word:
    """Keep those of ``targets[first:end]`` that ``pre`` synapses on in the tapered graph; return the new end.

    Targets are counted from ``base``.
    """
    record = taper[0]
    start = base + record.first
    row, table, scale = hash_of(record.key, pre), record.table, record.target_scale
    here, kept = _source_position(pre, record), first
    for at in range(first, end):
        post = start + np.uint64(targets[at])
        distance = abs(_target_position(post, scale) - here)
        decides = hash_of(row, np.int64(post)) >> _S32
        # Every target is written, but the end moves only past those that are kept.  About half are, so a branch would
        # often be mispredicted.
        targets[kept] = targets[at]
        kept += np.uint64(decides < table[np.uint64(distance) >> _TO_ITEM])
    return kept
