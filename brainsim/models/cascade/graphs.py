"""Graphs of words for fibers: ``brain.connect(words, words, graph=word_graph("nearest", vectors), ...)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from brainsim._validation import count, integer, real, text
from brainsim.declare.graph import Connectivity
from brainsim.errors import DeclarationError
from brainsim.models.cascade.checking import integers, unit
from brainsim.models.cascade.orders import Pairs, nearest_pairs, ring_pairs, semantic_places

if TYPE_CHECKING:
    from brainsim.declare.area import Area

Order = Literal["frequency", "semantic", "nearest"]


@dataclass(frozen=True, eq=False)
class WordGraph(Connectivity):
    """An undirected graph with given edges.

    Parameters
    ----------
    edges : int array, shape (edges, 2)
        Pairs of different nodes, each pair once.
    n : int
        Number of nodes.
    name : str
        Name by which the graph is shown.

    Raises
    ------
    DeclarationError
        If an edge names a node that does not exist, joins a node to itself, or occurs twice, in either direction.
    """

    edges: npt.NDArray[np.int64]
    n: int
    name: str = "given"
    symmetric = True

    def __post_init__(self) -> None:
        where = "WordGraph.edges"
        object.__setattr__(self, "n", count("WordGraph.n", self.n, 2))
        text("WordGraph.name", self.name)
        given = integers(where, self.edges, 0, self.n)
        if given.ndim != 2 or given.shape[1] != 2:
            raise DeclarationError(where=where, value=given.shape, allowed="of shape (edges, 2)")
        loops = np.flatnonzero(given[:, 0] == given[:, 1])
        if len(loops):
            raise DeclarationError(where=where, value=given[loops[0]].tolist(), allowed="pairs of different nodes")
        keys = np.sort(given.min(axis=1) * self.n + given.max(axis=1))
        twice = np.flatnonzero(keys[1:] == keys[:-1])
        if len(twice):
            pair = list(divmod(int(keys[twice[0]]), self.n))
            raise DeclarationError(where=where, value=pair, allowed="different pairs", cure="give each edge once")
        object.__setattr__(self, "edges", np.stack(np.divmod(keys, self.n), axis=1))

    def pairs(self, where: str, source: Area, target: Area) -> npt.NDArray[np.int64]:
        """Return both ends of all edges, shape (2, edges)."""
        if source.n != self.n or source is not target:
            allowed = f"from an area of {self.n} nodes to itself"
            raise DeclarationError(where=where, value=(source.name, source.n, target.name), allowed=allowed)
        return self.edges.T

    def synapses(self, source: Area, target: Area) -> Any:
        """Return all edges in both directions with weight 1, as a SciPy sparse array."""
        from scipy.sparse import coo_array

        both = np.concatenate([self.edges, self.edges[:, ::-1]])
        return coo_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(source.n, target.n))

    def __repr__(self) -> str:
        return f"WordGraph({self.name}, {len(self.edges):_} edges)"


def word_graph(
    order: Order, vectors: npt.ArrayLike, neighbours: int = 100, rewire: float = 0.1, seed: int = 0
) -> WordGraph:
    """Return an undirected graph of words with ``n * neighbours / 2`` edges, as `Brain.connect` takes it.

    Parameters
    ----------
    order : {"frequency", "semantic", "nearest"}
        ``"frequency"``: a small world on a ring in the order of the words, which is that of their frequency.
        ``"semantic"``: a small world on a ring on which words of similar meaning are near each other, in a chain of
        clusters (k-means).  ``"nearest"``: edges with the nearest words by cosine, and a fraction ``rewire`` of random
        edges.
    vectors : array_like, shape (n, dim)
        Unit vectors of the words; ``"frequency"`` uses only their number.
    neighbours : int
        Mean number of neighbours of a word: even, at most ``(n - 1) / 2``.
    rewire : float
        Fraction of edges that are random, 0 to 1.
    seed : int
        Seed of the random edges.

    Raises
    ------
    DeclarationError
        If a value is out of range, or the vectors are not finite numbers.

    Examples
    --------
    >>> from brainsim.models.cascade import word_graph
    >>> found = np.random.default_rng(0).standard_normal((50, 8))
    >>> word_graph("nearest", found, neighbours=6)
    WordGraph(nearest, 150 edges)
    """
    return WordGraph(word_pairs(order, vectors, neighbours, rewire, seed), len(np.asarray(vectors)), order)


def word_pairs(
    order: Order, vectors: npt.ArrayLike, neighbours: int = 100, rewire: float = 0.1, seed: int = 0
) -> Pairs:
    """Return the edges of `word_graph`: int64, shape (edges, 2), the smaller node first, in ascending order.

    Raises
    ------
    DeclarationError
        As `word_graph` does.

    Examples
    --------
    >>> from brainsim.models.cascade import word_pairs
    >>> word_pairs("frequency", np.eye(5), neighbours=2, rewire=0).tolist()
    [[0, 1], [0, 4], [1, 2], [2, 3], [3, 4]]
    """
    if not isinstance(order, str) or order not in get_args(Order):
        allowed = ", ".join(map(repr, get_args(Order)))
        raise DeclarationError(where="word_graph.order", value=order, allowed=allowed)
    found = unit("word_graph.vectors", vectors)
    n = len(found)
    neighbours = integer("word_graph.neighbours", neighbours, 2, None, allowed="an even number of at least 2")
    if neighbours % 2 or neighbours > (n - 1) / 2:
        allowed = f"an even number of at most half of the {n - 1} other words"
        raise DeclarationError(where="word_graph.neighbours", value=neighbours, allowed=allowed)
    rewire, seed = real("word_graph.rewire", rewire, 0.0, 1.0), integer("word_graph.seed", seed, 0, None)
    if order == "nearest":
        return nearest_pairs(found, neighbours, rewire, seed)
    places = semantic_places(found) if order == "semantic" else np.arange(n)
    return ring_pairs(places, neighbours, rewire, seed)
