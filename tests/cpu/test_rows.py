"""Kept rows, and searches in them, agree with the graph."""

from __future__ import annotations

import numpy as np
import pytest

from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.counts import FiberCounts
from brainsim.kernels.cpu.graph import GraphArrays, graph_arrays, row_targets
from brainsim.kernels.cpu.records import firing_set
from brainsim.kernels.cpu.row_index import RowIndex
from brainsim.kernels.cpu.rows import KeptRows
from brainsim.kernels.cpu.search import search_kept
from brainsim.kernels.law.graph import Graph

N = 20_000
SETS = [np.arange(0, 300, 3), np.arange(0, 300, 2), np.array([7]), np.arange(5, 600, 7)]


def kept_rows(p: float, recurrent: bool, cache_mb: float = 64) -> tuple[GraphArrays, KeptRows, Cache]:
    graph = graph_arrays(Graph(1234, N, N, p, recurrent))
    cache = Cache(int(cache_mb * 2**20))
    return graph, KeptRows(0, graph, RowIndex(N), cache), cache


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("p", [0.004, 0.05, 0.6])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_search_finds_the_synapses_of_the_graph(p: float, recurrent: bool, threads: int) -> None:
    graph, kept, _ = kept_rows(p, recurrent)
    for some in SETS:
        kept.draw(some, 1)
    rng = np.random.default_rng(0)
    pre = np.unique(np.concatenate(SETS))[::2]
    rows = {int(i): set(row_targets(graph, int(i)).tolist()) for i in pre}
    for size in (1, 40, 3000):  # few are looked up one by one, many by walking along the row
        every = np.unique(np.append(rng.choice(N, size, replace=False), pre[:3]))
        fresh, old = every[::3], rng.random(len(pre)) < 0.5
        found = search_kept(pre, kept.find(pre), old, every, fresh, graph.blocks, graph.bits, threads)
        expected = [
            (int(i), j)
            for i, was in zip(pre, old, strict=True)
            for j in (fresh if was else every).tolist()
            if j in rows[int(i)]
        ]
        assert sorted(zip(*(column.tolist() for column in found), strict=True)) == expected
        pieces = np.count_nonzero(np.diff(found[0])) + 1
        assert len(expected) == 0 or pieces == len(set(found[0].tolist()))  # synapses of a neuron are contiguous


@pytest.mark.parametrize("p", [0.004, 0.05])
def test_counts_of_kept_rows_are_those_of_the_graph(p: float) -> None:
    graph, kept, cache = kept_rows(p, recurrent=True)
    counts = FiberCounts(0, graph, kept, cache, 4096)
    for firing in (*SETS, np.unique(np.concatenate(SETS[:3]))):
        expected = np.zeros(N, np.int64)
        for i in firing.tolist():
            expected[row_targets(graph, i)] += 1
        assert np.array_equal(counts.draw(firing_set(firing), 1).counts, expected)


def test_rows_that_exceed_their_buffer_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, kept, _ = kept_rows(0.05, recurrent=False)
    monkeypatch.setattr(KeptRows, "_room", lambda self, count: 1)
    kept.draw(SETS[0], 1)
    places = kept.find(SETS[0])
    assert places.batch.all()
    every = np.arange(500)
    found = search_kept(SETS[0], places, np.zeros(len(SETS[0]), bool), every, every, graph.blocks, graph.bits, 1)
    assert len(found[0]) == sum(int((row_targets(graph, int(i)) < 500).sum()) for i in SETS[0])


@pytest.mark.parametrize("cache_mb", [0, 0.05, 0.5])
def test_kept_rows_stay_within_the_cache(cache_mb: float) -> None:
    _, kept, cache = kept_rows(0.05, recurrent=False, cache_mb=cache_mb)
    for start in range(0, 400, 20):
        kept.draw(np.arange(start, start + 20), 1)
        assert cache.nbytes(0) <= cache_mb * 2**20
    held = (kept.find(np.arange(400)).batch != 0).sum()
    assert (held > 0) == (cache_mb == 0.5)
    assert held < 400
