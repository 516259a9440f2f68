"""Topographic graphs: pure functions of (key, pre, post) with the declared probabilities."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rows import row_targets
from brainsim.kernels.law.taper import Tapered, position_scale, taper

KEY = fiber_key(7, "S", "T", "")
MASK = (1 << 64) - 1
KNOWN = [119, 129, 133, 137, 141, 147, 148, 152, 153, 158, 159, 160, 161, 167, 168, 172, 174, 177, 188, 197, 210, 212]


def tapered(n_source: int, n_target: int, p: float, width: float, recurrent: bool = False) -> Tapered:
    return Tapered(KEY, n_source, n_target, p, recurrent, width=width)


def mix(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def kept_by_hand(graph: Tapered, pre: int, post: int) -> bool:
    """Return whether the law keeps a pair, computed with Python integers."""
    here, there = ((i * (2**63 // n)) >> 31 for i, n in ((pre, graph.n_source), (post, graph.n_target)))
    golden = 0x9E3779B97F4A7C15
    row = mix((mix(KEY ^ 0x5851F42D4C957F2D) + (pre + 1) * golden) & MASK)
    return mix((row + (post + 1) * golden) & MASK) >> 32 < taper(graph.width)[abs(here - there) >> 20]


@pytest.mark.parametrize(("n_source", "n_target"), [(100, 700), (700, 100), (313, 313)])
def test_the_synapses_are_those_of_the_random_graph_that_the_law_keeps(n_source: int, n_target: int) -> None:
    graph = tapered(n_source, n_target, 0.3, 0.1, recurrent=n_source == n_target)
    plain = Graph(KEY, n_source, n_target, 0.3, graph.recurrent)
    for pre in range(0, n_source, 7):
        expected = [post for post in plain.row(pre).tolist() if kept_by_hand(graph, pre, post)]
        assert graph.row(pre).tolist() == expected
        assert row_targets(graph, pre).tolist() == expected
        assert [post for post in range(n_target) if graph.contains(pre, post)] == expected


def test_a_row_equals_the_known_answer() -> None:
    assert tapered(50, 400, 0.5, 0.05).row(20).tolist() == KNOWN


def test_the_probability_falls_with_the_distance_as_declared() -> None:
    n, p, width = 4000, 0.5, 0.1
    graph = tapered(n, n, p, width)
    rows = range(0, n, 40)
    distances = np.concatenate([np.abs(row_targets(graph, i) - i) / n for i in rows])
    pairs = np.concatenate([np.abs(np.arange(n) - i) / n for i in rows])
    for low in np.arange(0, 0.4, 0.05):
        inside = [((low <= d) & (d < low + 0.05)).sum() for d in (distances, pairs)]
        expected = np.mean([p * math.exp(-((low + x) ** 2) / (2 * width**2)) for x in np.linspace(0, 0.05, 51)])
        spread = math.sqrt(expected * (1 - expected) / inside[1])
        assert abs(inside[0] / inside[1] - expected) < 5 * spread + 0.002


def test_a_table_begins_at_one_and_falls() -> None:
    table = taper(0.1)
    assert len(table) == 4096
    assert table[0] / 2**32 == pytest.approx(1, abs=1e-5)
    assert all(a >= b for a, b in pairwise(table))
    assert table[410] / 2**32 == pytest.approx(math.exp(-((410.5 / 4096 / 0.1) ** 2) / 2), rel=1e-6)


@pytest.mark.parametrize("n", [1, 2, 1000, 2**31 - 1])
def test_positions_stay_within_32_bits(n: int) -> None:
    last = ((n - 1) * position_scale(n)) >> 31
    assert 0 <= last < 2**32
    assert (n - 1) * position_scale(n) < 2**63
    assert last / 2**32 == pytest.approx((n - 1) / n, abs=1e-9)
