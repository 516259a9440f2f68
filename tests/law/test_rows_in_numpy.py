"""Rows that NumPy draws for all blocks at once equal the rows of the law."""

from __future__ import annotations

import numpy as np
import pytest

from brainsim.kernels.law import rows
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rows import existing, row_targets
from brainsim.kernels.law.taper import Tapered


@pytest.mark.parametrize("n", [1, 63, 64, 65, 3000, 200_000])
@pytest.mark.parametrize("p", [0.0, 1e-4, 0.003, 0.05, 0.7, 1.0])
def test_rows_equal_those_of_the_law(p: float, n: int) -> None:
    for recurrent in (False, True):
        graph = Graph(fiber_key(n, "S", "T", ""), n, n, min(p, 0.05) if n > 10_000 else p, recurrent)
        for pre in {0, n // 2, n - 1}:
            found = row_targets(graph, pre)
            assert found.dtype == "int64"
            assert found.tolist() == graph.row(pre).tolist()


@pytest.mark.parametrize("p", [0.0, 1e-3, 0.05, 0.7, 1.0])
@pytest.mark.parametrize("width", [None, 0.1])
def test_synapses_exist_where_the_law_draws_them(
    p: float, width: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, n = fiber_key(3, "S", "S", ""), 70
    graph = Graph(key, n, n, p, True) if width is None else Tapered(key, n, n, p, True, width=width)
    pre, post = (each.ravel() for each in np.indices((n, n)))
    expected = [post in row for row in (set(graph.row(pre).tolist()) for pre in range(n)) for post in range(n)]
    assert existing(graph, pre, post).tolist() == expected
    monkeypatch.setattr(rows, "_MOST_BLOCKS", 100)
    assert existing(graph, pre, post).tolist() == expected
    shuffled = np.random.default_rng(0).permutation(len(pre))[:500]
    assert existing(graph, pre[shuffled], post[shuffled]).tolist() == np.array(expected)[shuffled].tolist()
    assert existing(graph, pre[:0], post[:0]).tolist() == []
