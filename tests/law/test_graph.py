"""The random graph: exact Bernoulli trials, a pure function of (seed, fiber, pre, post), equal in both implementations."""

from __future__ import annotations

import json
from bisect import bisect_right
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.counts import FiberCounts
from brainsim.kernels.cpu.graph import GraphArrays, graph_arrays, row_targets
from brainsim.kernels.cpu.records import firing_set
from brainsim.kernels.law.graph import (
    BLOCK_STEP,
    GOLDEN,
    MAX_BLOCK_BITS,
    Graph,
    block_bits,
    fiber_key,
    gap_thresholds,
    mix64,
)

KNOWN = json.loads(Path(__file__).with_name("known_graph.json").read_text())
MASK = (1 << 64) - 1
ALPHA = 1e-6  # the risk that a correct graph fails a test; graphs are fixed, so a test passes always or never


def graph(
    p: float, n_source: int = 100, n_target: int = 5000, *, seed: int = 1, label: str = "", recurrent: bool = False
) -> Graph:
    return Graph(fiber_key(seed, "A", "A" if recurrent else "B", label), n_source, n_target, p, recurrent)


def dense(g: Graph) -> np.ndarray:
    """Return the graph as a boolean matrix, drawn by the compiled kernels."""
    arrays, matrix = graph_arrays(g), np.zeros((g.n_source, g.n_target), bool)
    for i in range(g.n_source):
        matrix[i, row_targets(arrays, i)] = True
    return matrix


def count(arrays: GraphArrays, sources: np.ndarray, tile: int = 1 << MAX_BLOCK_BITS) -> np.ndarray:
    """Return how many of the sources synapse on each target, added up tile by tile."""
    fiber = FiberCounts(0, arrays, None, Cache(0), tile)
    return fiber.draw(firing_set(sources), threads=1).counts


def chi_square_p(observed: np.ndarray, expected: np.ndarray | float) -> float:
    return float(stats.chi2.sf(((observed - expected) ** 2 / expected).sum(), observed.size - 1))


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case["name"])
def test_graph_never_changes(case: dict) -> None:
    g = Graph(fiber_key(case["seed"], *case["fiber"]), case["n_source"], case["n_target"], case["p"], case["recurrent"])
    assert g.key == case["key"]
    for pre, targets in case["rows"].items():
        assert row_targets(graph_arrays(g), int(pre))[:20].tolist() == targets
        assert g.row(int(pre))[:20].tolist() == targets


@pytest.mark.parametrize("p", [0.0, 1e-6, 1e-4, 0.001, 0.0625, 0.05, 0.3, 0.5, 0.51, 0.97, 1.0])
@pytest.mark.parametrize(
    ("n", "recurrent"), [(1, False), (1, True), (63, False), (64, True), (5003, True), (40_001, False)]
)
def test_kernel_draws_the_same_rows_as_the_law(p: float, n: int, recurrent: bool) -> None:
    g = graph(p, n, n, recurrent=recurrent)
    arrays, counts = graph_arrays(g), np.zeros(n, np.uint16)
    sources = np.unique([0, n // 2, n - 1])
    for i in sources:
        row = g.row(int(i))
        assert np.array_equal(row_targets(arrays, i), row)
        assert np.all(np.diff(row) > 0)
        counts[row] += 1
    for tile in (1 << MAX_BLOCK_BITS, 3 << MAX_BLOCK_BITS, 1 << g.bits):
        assert np.array_equal(count(arrays, sources, tile), counts)


def test_contains_agrees_with_rows() -> None:
    g = graph(0.05, 20, 700, recurrent=True)
    for i in range(20):
        assert [j for j in range(700) if g.contains(i, j)] == g.row(i).tolist()


def test_p_zero_gives_no_synapses_and_p_one_all_except_self_synapses() -> None:
    assert len(graph(0.0).row(3)) == 0
    assert len(graph(1.0).row(3)) == 5000
    assert graph(1.0, 300, 300, recurrent=True).row(7).tolist() == [j for j in range(300) if j != 7]


@pytest.mark.parametrize("p", [0.001, 0.05, 0.2, 0.6])
def test_gap_table_is_the_geometric_distribution(p: float) -> None:
    absent = 1 - Fraction(p)
    table = gap_thresholds(p)
    for gap in (0, 1, 2, 11, len(table) // 2):
        assert table[gap] == int((1 - absent ** (gap + 1)) * 2**64)
    assert list(table) == sorted(table)


@pytest.mark.parametrize("p", [0.001, 0.05, 0.2, 0.6])
def test_gap_table_ends_where_no_probability_is_left(p: float) -> None:
    end = len(gap_thresholds(p))
    assert end == 1 << block_bits(p) or (1 - Fraction(p)) ** (end + 1) < Fraction(1, 2**64)


@pytest.mark.parametrize("finer", [0, (1 << 32) - 1])
def test_finer_bits_decide_where_the_first_do_not(finer: int) -> None:
    """Kernels compare 32 bits, and finer bits once in 10**8 gaps; here the first gap is at a threshold."""
    g = graph(0.05, 1, 2048)
    first = mix64((mix64(mix64((g.key + GOLDEN) & MASK) ^ BLOCK_STEP) + GOLDEN) & MASK) & 0xFFFFFFFF
    thresholds = [*gap_thresholds(0.05)]
    gap = bisect_right(thresholds, first << 32)
    thresholds[gap] = (first << 32) + finer
    object.__setattr__(g, "thresholds", tuple(thresholds))
    table = np.array(thresholds, np.uint64)
    arrays = graph_arrays(g)
    heads = np.append((table >> np.uint64(32)).astype(np.uint32), arrays.heads[-1])
    row = row_targets(arrays._replace(thresholds=table, heads=heads, guide=np.zeros_like(arrays.guide)), 0)
    assert row.tolist() == g.row(0).tolist()
    assert row[0] == gap + (finer == 0)


@pytest.mark.parametrize("p", [0.002, 0.05, 0.3, 0.8])
def test_degrees_are_binomial(p: float) -> None:
    matrix = dense(graph(p, 2000, 2000))
    for degrees in (matrix.sum(axis=1), matrix.sum(axis=0)):
        variance = 2000 * p * (1 - p)
        assert abs(stats.norm.ppf(ALPHA)) > abs(degrees.mean() - 2000 * p) / np.sqrt(variance / 2000)
        ratio = ((degrees - 2000 * p) ** 2).sum() / variance
        assert ALPHA < stats.chi2.cdf(ratio, 2000) < 1 - ALPHA


@pytest.mark.parametrize("p", [0.01, 0.05, 0.4])
def test_targets_are_uniform_within_and_across_blocks(p: float) -> None:
    g = graph(p, 4000, 16_384)
    counts, n = count(graph_arrays(g), np.arange(4000)), 16_384
    cell = 4000 * p * (1 - p)
    block = 1 << g.bits
    assert ALPHA < stats.chi2.cdf(((counts - 4000 * p) ** 2).sum() / cell, n) < 1 - ALPHA
    by_position = counts.reshape(-1, block).sum(axis=0)
    by_block = counts.reshape(-1, block).sum(axis=1)
    edges = counts.reshape(-1, block)[:, [0, -1]].sum()
    assert ((by_position - by_position.mean()) ** 2).sum() / (cell * (n // block)) < stats.chi2.isf(ALPHA, block)
    assert ((by_block - by_block.mean()) ** 2).sum() / (cell * block) < stats.chi2.isf(ALPHA, n // block)
    expected = 2 * (n // block) * 4000 * p
    assert abs(edges - expected) < -stats.norm.ppf(ALPHA) * np.sqrt(expected * (1 - p))


def pairs_are_independent(first: np.ndarray, second: np.ndarray, p: float) -> bool:
    """Return whether cells that are set in both matrices are as frequent as p * p predicts."""
    expected, size = p * p, first.size
    z = ((first & second).sum() - size * expected) / np.sqrt(size * expected * (1 - expected))
    return abs(z) < -stats.norm.ppf(ALPHA)


@pytest.mark.parametrize("p", [0.01, 0.05, 0.5])
def test_synapses_are_independent(p: float) -> None:
    block = 1 << block_bits(p)
    width = max(2048, 2 * block)
    base = dense(graph(p, 1000, width))
    others = {
        "sources": np.roll(base, 1, axis=0),
        "sources far apart": np.roll(base, 256, axis=0),
        "neighbours": np.roll(base, 1, axis=1),
        "blocks": np.roll(base, block, axis=1),
        "seeds": dense(graph(p, 1000, width, seed=2)),
        "fibers of equal shape": dense(graph(p, 1000, width, label="other")),
        "directions": dense(graph(p, width, 1000, label="back")).T,
    }
    for name, other in others.items():
        assert pairs_are_independent(base, other, p), name


def test_inputs_of_neurons_differ() -> None:
    matrix = dense(graph(0.05, 400, 20_000))
    assert len(np.unique(np.packbits(matrix, axis=0), axis=1).T) == 20_000


def test_numbers_of_common_targets_are_binomial() -> None:
    matrix = dense(graph(0.1, 300, 4000)).astype(np.float32)
    common = (matrix @ matrix.T)[np.triu_indices(300, 1)]
    z = (common - 40) / np.sqrt(4000 * 0.01 * 0.99)
    assert abs(z.mean()) < 0.05
    assert 0.97 < z.var() < 1.03


def test_rare_synapses_and_products_past_32_bits() -> None:
    n = 2**31 - 1
    g = graph(1e-6, n, n)
    arrays = graph_arrays(g)
    row = row_targets(arrays, n - 1)
    assert abs(len(row) - 2147) < 6 * np.sqrt(2147)
    assert row[0] >= 0
    assert row[-1] < n
    assert row[-1] > 2**31 * 0.99
    assert g.contains(n - 1, int(row[-1]))
    assert not np.array_equal(row, row_targets(arrays, n - 2))


def test_the_graph_of_a_small_area_is_part_of_that_of_a_larger_one() -> None:
    small, large = graph(0.05, 100, 777), graph(0.05, 100, 5000)
    for i in (0, 50, 99):
        row = large.row(i)
        assert np.array_equal(small.row(i), row[row < 777])


def test_different_fibers_have_different_keys() -> None:
    keys = {
        fiber_key(1, "AB", "C", ""),
        fiber_key(1, "A", "BC", ""),
        fiber_key(1, "A", "B", "C"),
        fiber_key(11, "A", "B", ""),
    }
    assert len(keys) == 4
