"""Conversion of small implicit graphs to SciPy sparse arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from brainsim.errors import DeclarationError
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.weights import ONE

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MAX_SYNAPSES = 10**8
Neurons = npt.NDArray[np.int64]


def to_csr(name: str, graph: Graph, row: Callable[[int], npt.NDArray[np.int64]]) -> csr_array[np.float64]:
    """Return a graph as a sparse matrix of ones, shape ``(n_source, n_target)``, rows sorted.

    Raises
    ------
    DeclarationError
        If more than 10**8 synapses are expected.
    """
    from scipy.sparse import csr_array

    expected = graph.n_source * graph.n_target * graph.p
    if expected > MAX_SYNAPSES:
        raise DeclarationError(
            f"Fiber {name!r}.to_scipy: must have at most {MAX_SYNAPSES:_} synapses (expects {expected:.3g}); use row(i)"
        )
    rows = [row(i) for i in range(graph.n_source)]
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate(rows)
    return csr_array((np.ones(len(columns)), columns, ends), shape=(graph.n_source, graph.n_target))


def stored_csr(synapses: tuple[Neurons, Neurons, Neurons], shape: tuple[int, int]) -> csr_array[np.float64]:
    """Return stored synapses (sources, targets, weights in fixed point; sorted) as a sparse matrix of weights."""
    from scipy.sparse import csr_array

    pre, post, weight = synapses
    ends = np.searchsorted(pre, np.arange(shape[0] + 1))
    return csr_array((weight / ONE, post, ends), shape=shape)
