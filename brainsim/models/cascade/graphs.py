"""Graphs of words as a fiber takes them: ``brain.connect(words, words, graph=word_graph("nearest", vectors), ...)``."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from brainsim._arguments import fits
from brainsim._validation import integer, real
from brainsim.declare.graph import Explicit
from brainsim.errors import DeclarationError
from brainsim.models.cascade.orders import Pairs, nearest_pairs, ring_pairs, semantic_places
from brainsim.models.cascade.vectors import Vectors

Order = Literal["frequency", "semantic", "nearest"]


def word_graph(
    order: Order, vectors: npt.ArrayLike, neighbours: int = 100, rewire: float = 0.1, seed: int = 0
) -> Explicit:
    """Return an undirected graph of words with ``n * neighbours / 2`` edges, as `Brain.connect` takes it.

    Parameters
    ----------
    order : {"frequency", "semantic", "nearest"}
        ``"frequency"``: a small world on a ring in the order of the words, which is that of their frequency.
        ``"semantic"``: a small world on a ring in which words of like meaning stand near each other, in a chain of
        clusters (k-means).  ``"nearest"``: edges with the nearest words by cosine, and ``rewire`` of random ones.
    vectors : array_like, shape (n, dim)
        Unit vectors of the words; ``"frequency"`` takes only their number.
    neighbours : int
        How many a word has, on average: an even number below ``n - 1``.
    rewire : float
        Fraction of edges that are random, 0 to 1.
    seed : int
        Draws these.

    Raises
    ------
    DeclarationError
        If a value is out of range, or the vectors are not finite numbers.

    Examples
    --------
    >>> from brainsim.models.cascade import word_graph
    >>> found = np.random.default_rng(0).standard_normal((50, 8))
    >>> word_graph("nearest", found, neighbours=6).weights.nnz  # each edge in both directions
    300
    """
    pairs = word_pairs(order, vectors, neighbours, rewire, seed)
    from scipy.sparse import coo_array

    n = len(np.asarray(vectors))
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return Explicit(coo_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(n, n)), symmetric=True)


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
    if order not in get_args(Order):
        allowed = ", ".join(map(repr, get_args(Order)))
        raise DeclarationError(where="word_graph.order", value=order, allowed=allowed)
    found = _unit("word_graph.vectors", vectors)
    n = len(found)
    neighbours = integer("word_graph.neighbours", neighbours, 2, None, allowed="an even number of at least 2")
    if neighbours % 2 or neighbours >= n - 1:
        allowed = f"an even number below {n - 1}, the number of other words"
        raise DeclarationError(where="word_graph.neighbours", value=neighbours, allowed=allowed)
    rewire, seed = real("word_graph.rewire", rewire, 0.0, 1.0), integer("word_graph.seed", seed, 0, None)
    if order == "nearest":
        return nearest_pairs(found, neighbours, rewire, seed)
    places = semantic_places(found) if order == "semantic" else np.arange(n)
    return ring_pairs(places, neighbours, rewire, seed)


def _unit(where: str, vectors: npt.ArrayLike) -> Vectors:
    """Return vectors as rows of norm 1."""
    if not fits(vectors, npt.ArrayLike):
        raise DeclarationError(where=where, value=vectors, allowed="numbers, of shape (n, dim)")
    found = np.asarray(vectors, np.float32)
    if found.ndim != 2 or not found.size:
        raise DeclarationError(where=where, value=found.shape, allowed="of shape (n, dim), n and dim at least 1")
    if not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
        raise DeclarationError(where=f"{where}[{row}]", value=found[row], allowed="finite numbers")
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not lengths.all():
        row = int(np.flatnonzero(lengths.ravel() == 0)[0])
        raise DeclarationError(where=f"{where}[{row}]", value=found[row], allowed="a vector that is not 0")
    return found / lengths
