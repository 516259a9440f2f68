"""A row drawn all blocks at a time is the row of the law."""

from __future__ import annotations

import pytest

from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rows import row_targets


@pytest.mark.parametrize("n", [1, 63, 64, 65, 3000, 200_000])
@pytest.mark.parametrize("p", [0.0, 1e-4, 0.003, 0.05, 0.7, 1.0])
def test_the_same_rows(p: float, n: int) -> None:
    for recurrent in (False, True):
        graph = Graph(fiber_key(n, "S", "T", ""), n, n, min(p, 0.05) if n > 10_000 else p, recurrent)
        for pre in {0, n // 2, n - 1}:
            found = row_targets(graph, pre)
            assert found.dtype == "int64"
            assert found.tolist() == graph.row(pre).tolist()
