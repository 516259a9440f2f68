"""The compiled look-up of synapses finds those of the law."""

from __future__ import annotations

import numpy as np
import pytest

from brainsim.kernels.cpu import lookup
from brainsim.kernels.cpu.graph import graph_arrays
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rows import existing
from brainsim.kernels.law.taper import Tapered


@pytest.mark.parametrize("p", [0.003, 0.3])
@pytest.mark.parametrize("width", [None, 0.1])
def test_the_synapses_that_exist_are_those_of_the_law(p: float, width: float | None) -> None:
    key, n = fiber_key(3, "S", "S", ""), 300
    graph = Graph(key, n, n, p, True) if width is None else Tapered(key, n, n, p, True, width=width)
    arrays = graph_arrays(graph)
    rng = np.random.default_rng(1)
    pre, post = np.divmod(np.sort(rng.choice(n * n, 20_000, replace=False)), n)
    found = lookup.existing(pre, post, arrays, threads=2)
    assert found.any()
    assert found.tolist() == existing(graph, pre, post).tolist()
    assert lookup.existing(pre[found], post[found], arrays, threads=2).all()
    assert lookup.existing(pre[:0], post[:0], arrays, threads=2).tolist() == []
