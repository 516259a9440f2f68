"""The edges of a fiber that carries messages, from the graph that it was declared with."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from brainsim.declare.graph import Connectivity, memory_text
from brainsim.declare.sparse import check_sparse, check_stored, check_symmetric
from brainsim.errors import DeclarationError
from brainsim.kernels.vectors.parts import EdgeTable

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from brainsim.declare.area import Area

Pairs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EdgeGraph(Connectivity):
    """The graph of a fiber that carries messages: its edges, and the values that they were given.

    Attributes
    ----------
    table : EdgeTable
        The edges, listed by the nodes that they lead to.
    values : float32 array, shape (edges,)
        Value of each edge in the graph; 1 if the graph has none.
    made_by : str
        The graph that the fiber was declared with, as text.
    """

    table: EdgeTable
    values: Floats
    made_by: str

    def checked(self, *_: Any) -> EdgeGraph:
        """Return the graph."""
        return self

    def neighbours(self, node: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the source nodes that send to a target node, ascending, and the edges from them."""
        entries = slice(self.table.starts[node], self.table.starts[node + 1])
        return self.table.neighbours[entries].astype(np.int64), self.table.ids[entries].astype(np.int64)

    def targets(self, node: int) -> npt.NDArray[np.int64]:
        """Return the target nodes to which a source node sends, ascending."""
        if self.table.symmetric:
            return self.neighbours(node)[0]
        return np.asarray(
            np.searchsorted(self.table.starts, np.flatnonzero(self.table.neighbours == node), "right") - 1
        )

    def to_scipy(self, weight: float, shape: tuple[int, int]) -> csr_array[np.float64]:
        """Return the first weight of each edge as a sparse matrix of shape ``(source.n, target.n)``."""
        from scipy.sparse import csc_array

        table = self.table
        return csc_array(
            (self.values[table.ids] * np.float64(weight), table.neighbours, table.starts), shape=shape
        ).tocsr()

    def ends(self) -> npt.NDArray[np.int32]:
        """Return the two ends of each edge, shape (edges, 2): source and target, or the smaller and the larger node."""
        table = self.table
        targets = np.repeat(np.arange(len(table.starts) - 1, dtype=np.int32), np.diff(table.starts))
        chosen = table.neighbours < targets if table.symmetric else np.ones(len(targets), np.bool_)
        ends = np.empty((table.count, 2), np.int32)
        ends[table.ids[chosen], 0], ends[table.ids[chosen], 1] = table.neighbours[chosen], targets[chosen]
        return ends

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EdgeGraph):
            return NotImplemented
        return self.table == other.table and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash(self.table)

    def __str__(self) -> str:
        kind = "undirected edges" if self.table.symmetric else "edges"
        edges = f"{self.table.count:_} {kind}, {memory_text(self.table.nbytes)}"
        return f"{self.made_by}: {edges}" if self.made_by else edges


def edge_graph(where: str, graph: Connectivity, source: Area, target: Area) -> EdgeGraph:
    """Return the edges that a graph has between two areas; ``where`` begins the message of an error.

    Raises
    ------
    DeclarationError
        If the graph stores no edges, does not fit the areas, or is symmetric between two areas or with self-loops.
    """
    if isinstance(graph, EdgeGraph):
        return graph
    if graph.symmetric and source is not target:
        allowed = "from an area to itself, since its graph is symmetric"
        raise DeclarationError(where=where, value=(source.name, target.name), allowed=allowed)
    pairs, values = _pairs(f"{where}.graph", graph, source, target)
    table = _table(pairs, values, source.n, target.n, symmetric=graph.symmetric)
    return EdgeGraph(table, values, repr(graph) if graph.named else "")


def _pairs(where: str, graph: Connectivity, source: Area, target: Area) -> tuple[Pairs, Floats]:
    """Return the ends of the edges of a graph, shape (2, edges), sorted, and their values."""
    drawn = graph.pairs(where, source, target)
    if drawn is not None:
        return drawn, np.broadcast_to(np.float32(1), drawn.shape[1:])
    weights = graph.synapses(source, target)
    if weights is None:
        cure = "take one that does, such as SmallWorld(k, rewire) or Explicit(weights)"
        raise DeclarationError(where=where, value=graph, allowed="a graph that stores its edges", cure=cure)
    check_sparse(f"{where}: what {type(graph).__name__}.synapses returns", weights)
    if weights.shape != (source.n, target.n):
        allowed = f"of shape (source.n, target.n) = {(source.n, target.n)}"
        raise DeclarationError(where=where, value=weights.shape, allowed=allowed)
    check_stored(where, weights.nnz)
    return _of_sparse(where, weights, symmetric=graph.symmetric)


def _of_sparse(where: str, weights: Any, *, symmetric: bool) -> tuple[Pairs, Floats]:
    given = weights.tocoo()
    values = np.asarray(given.data)
    if values.dtype.kind not in "iufb" or not np.isfinite(values).all():
        raise DeclarationError(where=f"{where}: weights", value=values.dtype, allowed="finite real numbers")
    ends = np.array([given.row, given.col], np.int64)
    order = np.lexsort((ends[1], ends[0]))
    ends, values = ends[:, order], values[order].astype(np.float32)
    same = (ends[:, 1:] == ends[:, :-1]).all(axis=0)
    if same.any():
        i, j = ends[:, np.argmax(same)].tolist()
        raise DeclarationError(f"{where}: the edge {i} -> {j} is given twice", where=where, value=(i, j))
    if symmetric:
        check_symmetric(where, ends, values)
        chosen = ends[0] < ends[1]
        ends, values = ends[:, chosen], values[chosen]
    return ends, values


def _table(ends: Pairs, values: Floats, n_source: int, n_target: int, *, symmetric: bool) -> EdgeTable:
    """Return the entries of edges, whose ends are sorted by the first and the second."""
    from scipy.sparse import coo_array

    count = ends.shape[1]
    numbers = np.arange(count, dtype=np.int32)
    first, second = ends.astype(np.int32)
    if symmetric:
        rows, columns = np.concatenate([second, first]), np.concatenate([first, second])
        numbers = np.concatenate([numbers, numbers])
    else:
        rows, columns = second, first
    entries = coo_array((numbers, (rows, columns)), shape=(n_target, n_source)).tocsr()
    entries.sort_indices()
    starts, neighbours, ids = entries.indptr.astype(np.int64), entries.indices.astype(np.int32), entries.data
    digest = blake2b(values.tobytes(), digest_size=16)
    for array in (starts, neighbours, ids):
        array.flags.writeable = False
        digest.update(array.tobytes())
    return EdgeTable(starts, neighbours, ids, count, symmetric, digest.hexdigest())
