"""Topographic fibers: all kernels of the cpu backend find the synapses of the law."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.arena import Arena
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.counts import FiberCounts
from brainsim.kernels.cpu.graph import graph_arrays, row_targets
from brainsim.kernels.cpu.lookup import synapses_among
from brainsim.kernels.cpu.new_synapses import find_new
from brainsim.kernels.cpu.records import FIBER, firing_set
from brainsim.kernels.cpu.row_index import RowIndex
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.visited import VisitedPairs
from brainsim.kernels.law.taper import Tapered

N = 19_997  # no multiple of a block, a chunk or a tile
SETS = [np.arange(0, 19_997, 331), np.arange(0, 19_997, 662), np.array([7, 9996]), np.arange(4000, 4060)]


@cache
def tapered(p: float, width: float, recurrent: bool) -> Tapered:
    return Tapered(99, N, N, p, recurrent, width)


@cache
def row(graph: Tapered, pre: int) -> Any:
    return graph.row(pre)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize(
    ("n_source", "n_target", "p", "width"),
    [
        (500, 500, 0.3, 0.1),
        (1000, 777, 0.05, 0.3),
        (90, 9001, 0.004, 0.02),
        (3, 70_000, 0.0005, 2.0),
        (64, 64, 1.0, 1e-3),
    ],
)
def test_rows_are_those_of_the_law(n_source: int, n_target: int, p: float, width: float, recurrent: bool) -> None:
    graph = Tapered(4, n_source, n_source if recurrent else n_target, p, recurrent, width)
    arrays = graph_arrays(graph)
    for pre in np.unique(np.linspace(0, n_source - 1, 40).astype(int)).tolist():
        assert row_targets(arrays, pre).tolist() == graph.row(pre).tolist()


@pytest.mark.parametrize("cache_mb", [0, 0.05, 64])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("p", "width", "recurrent"), [(0.05, 0.1, True), (0.004, 0.4, False), (0.6, 0.01, True)])
def test_counts_are_those_of_the_law(p: float, width: float, recurrent: bool, threads: int, cache_mb: float) -> None:
    graph, cache = tapered(p, width, recurrent), Cache(int(cache_mb * 2**20))
    arrays = graph_arrays(graph)
    kept = KeptRows(0, arrays, RowIndex(N), cache)
    for counts in (FiberCounts(0, arrays, kept, cache, 4096), FiberCounts(1, arrays, None, cache, 16_384)):
        for firing in (*SETS, SETS[0][1:]):
            expected = np.bincount(np.concatenate([row(graph, pre) for pre in firing.tolist()]), minlength=N)
            assert np.array_equal(counts.draw(firing_set(firing), threads).counts, expected)
    assert cache.nbytes(0) <= cache_mb * 2**20


def test_kept_rows_use_no_memory_for_removed_synapses() -> None:
    wide, narrow = (Cache(2**26) for _ in range(2))
    for room, width in ((wide, 1e6), (narrow, 0.01)):
        kept = KeptRows(0, graph_arrays(tapered(0.05, width, False)), RowIndex(N), room)
        kept.draw(SETS[0], 1)
        assert kept.find(SETS[0]).batch.all()
    assert narrow.nbytes(0) < wide.nbytes(0) / 4


@pytest.mark.parametrize(("p", "width", "recurrent"), [(0.05, 0.1, True), (0.004, 0.4, False)])
def test_look_ups_are_those_of_the_law(p: float, width: float, recurrent: bool) -> None:
    graph = tapered(p, width, recurrent)
    targets = np.unique(np.concatenate([SETS[0], np.arange(3990, 4300), [N - 1]]))
    found = synapses_among(SETS[3], targets, graph_arrays(graph), 2)
    expected = [np.intersect1d(row(graph, pre), targets) for pre in SETS[3].tolist()]
    assert found.tolist() == np.concatenate(expected).tolist()
    assert len(found) > 20


@pytest.mark.parametrize("kept_mb", [0, 64])
@pytest.mark.parametrize("winners", [3, 600])
@pytest.mark.parametrize("recurrent", [False, True])
def test_new_synapses_are_those_of_the_law(recurrent: bool, winners: int, kept_mb: float) -> None:
    """Few winners are looked up one by one, many are found in whole rows, and kept rows are searched."""
    graph = tapered(0.05, 0.1, recurrent)
    arrays, cache, index = graph_arrays(graph), Cache(int(kept_mb * 2**20)), RowIndex(N)
    kept = KeptRows(0, arrays, index, cache)
    kept.draw(SETS[3], 1)
    assert kept.find(SETS[3]).batch.any() == bool(kept_mb)
    post = np.arange(4030, 4030 + 3 * winners, 3)
    visited = VisitedPairs(index, index, Arena(FIBER, 1), 0)
    found = find_new(SETS[3], post, np.zeros(len(post), np.bool_), visited, kept, arrays, 2)
    expected = {(pre, j) for pre in SETS[3].tolist() for j in np.intersect1d(row(graph, pre), post).tolist()}
    assert set(zip(*(column.tolist() for column in found), strict=True)) == expected
    assert len(found[0]) == len(expected)
