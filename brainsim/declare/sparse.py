"""Synapses as SciPy sparse arrays: given by users, or of small graphs, for inspection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.errors import DeclarationError
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.taper import TAPER_BITS, Tapered
from brainsim.kernels.law.weights import ONE

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MAX_SYNAPSES = 10**8
MAX_STORED = 2 * 10**8
"""Largest number of synapses of a graph that stores them."""
BYTES_PER_SYNAPSE = 24

Neurons = npt.NDArray[np.int64]


class Stored(NamedTuple):
    """Synapses that are stored: sources, targets and weights in fixed point, sorted by source and target."""

    pre: Neurons
    post: Neurons
    weight: Neurons


def check_stored(where: str, synapses: int) -> None:
    """Refuse a graph with more synapses than may be stored.

    Raises
    ------
    DeclarationError
        If there are more than ``MAX_STORED``; the message says how much memory they would take.
    """
    if synapses > MAX_STORED:
        raise DeclarationError(
            where=f"{where}: synapses",
            value=synapses,
            allowed=f"at most MAX_STORED = {MAX_STORED:_}, since each is stored in {BYTES_PER_SYNAPSE} bytes",
            cure="lower n, or take a graph that is not stored, such as Random(p) or Topographic(p, width)",
        )


def check_sparse(where: str, weights: Any) -> None:
    """Refuse anything but a SciPy sparse array."""
    if not hasattr(weights, "tocoo"):
        cure = "scipy.sparse.coo_array(dense) makes one"
        raise DeclarationError(where=where, value=type(weights), allowed="a SciPy sparse array", cure=cure)


def sorted_synapses(where: str, weights: Any, fixed: Callable[[npt.NDArray[Any]], Neurons]) -> Stored:
    """Return the items of a sparse array as synapses, read-only; ``fixed`` makes weights of its values.

    Raises
    ------
    DeclarationError
        If an item comes twice.
    """
    given = weights.tocoo()
    stored = Stored(given.row.astype(np.int64), given.col.astype(np.int64), fixed(np.asarray(given.data)))
    twice, ascends = _order(stored)
    if not ascends:
        order = np.lexsort((stored.post, stored.pre))
        stored = Stored(*(column[order] for column in stored))
        twice, _ = _order(stored)
    if len(twice):
        i, j = int(stored.pre[twice[0]]), int(stored.post[twice[0]])
        raise DeclarationError(
            f"{where}: the synapse {i} -> {j} is given twice; array.sum_duplicates() adds both weights up",
            where=where,
            value=(i, j),
        )
    for column in stored:
        column.flags.writeable = False
    return stored


def _order(synapses: Stored) -> tuple[Neurons, bool]:
    """Return where a synapse equals the next one, and whether all are in ascending order."""
    same = synapses.pre[1:] == synapses.pre[:-1]
    ascends = (synapses.pre[1:] > synapses.pre[:-1]) | (same & (synapses.post[1:] >= synapses.post[:-1]))
    return np.flatnonzero(same & (synapses.post[1:] == synapses.post[:-1])), bool(ascends.all())


def check_symmetric(where: str, ends: Neurons, values: npt.NDArray[Any]) -> None:
    """Refuse sorted edges that differ in the two directions, or lead to their own node.

    Raises
    ------
    DeclarationError
        Naming an edge.
    """
    wrong = np.flatnonzero(ends[0] == ends[1])
    if len(wrong):
        i = int(ends[0, wrong[0]])
        raise DeclarationError(where=where, value=(i, i), allowed="without edges from a node to itself, if symmetric")
    back = np.lexsort((ends[0], ends[1]))
    same = (ends[::-1, back] == ends).all(axis=0) & (values[back] == values)
    if not same.all():
        i, j = ends[:, np.argmin(same)].tolist()
        cure = "array + array.T is symmetric, or leave symmetric out"
        raise DeclarationError(
            f"{where}: is not symmetric: the edge {i} -> {j} has no equal in the other direction; {cure}",
            where=where,
            value=(i, j),
            cure=cure,
        )


def to_csr(
    name: str, graph: Graph, row: Callable[[int], npt.NDArray[np.int64]], weight: int = ONE
) -> csr_array[np.float64]:
    """Return a graph that is not stored as a sparse matrix, shape ``(n_source, n_target)``, rows sorted.

    Parameters
    ----------
    name : str
        Of the fiber.
    graph : Graph
        The graph.
    row : callable
        Returns the targets of a source neuron.
    weight : int
        Of all synapses, in fixed point.

    Raises
    ------
    DeclarationError
        If more than 10**8 synapses are expected.
    """
    from scipy.sparse import csr_array

    expected = graph.n_source * graph.n_target * density(graph)
    if expected > MAX_SYNAPSES:
        raise DeclarationError(
            f"Fiber {name!r}.to_scipy: must have at most {MAX_SYNAPSES:_} synapses (expects {expected:.3g}); use row(i)"
        )
    rows = [row(i) for i in range(graph.n_source)]
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate(rows)
    return csr_array((np.full(len(columns), weight / ONE), columns, ends), shape=(graph.n_source, graph.n_target))


def density(graph: Graph) -> float:
    """Return the fraction of all pairs of neurons that a graph connects, as expected."""
    if not isinstance(graph, Tapered):
        return graph.p
    # Two places drawn uniformly from a line of length 1 are at distance d with density 2 (1 - d).
    distance = (np.arange(1 << TAPER_BITS) + 0.5) / (1 << TAPER_BITS)
    return graph.p * float((graph.table / 2.0**32 * 2 * (1 - distance)).mean())


def stored_csr(synapses: tuple[Neurons, Neurons, Neurons], shape: tuple[int, int]) -> csr_array[np.float64]:
    """Return stored synapses (sources, targets, weights in fixed point; sorted) as a sparse matrix of weights."""
    from scipy.sparse import csr_array

    pre, post, weight = synapses
    ends = np.searchsorted(pre, np.arange(shape[0] + 1))
    return csr_array((weight / ONE, post, ends), shape=shape)
