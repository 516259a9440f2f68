"""Graphs of words: small worlds on a ring in the order of frequency or of meaning, and nearest neighbours.

All are undirected and have exactly ``n * neighbours / 2`` edges.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.declare.ring import undirected_ring, uniform
from brainsim.kernels.law.graph import hashed

Pairs = npt.NDArray[np.int64]
Places = npt.NDArray[np.int64]

_ROWS = 500  # of similarities that are computed at once
_ITERATIONS = 10


def ring_pairs(places: Places, neighbours: int, rewire: float, seed: int) -> Pairs:
    """Return the edges of an undirected small world on a ring; see `SmallWorld`.

    Parameters
    ----------
    places : int64 array, shape (n,)
        The nodes in the order of the ring.
    neighbours : int
        Even, at most ``(n - 1) / 2``.
    rewire : float
        Probability.
    seed : int
        Seed of the rewired edges.

    Returns
    -------
    int64 array, shape (n * neighbours / 2, 2)
        Different pairs of nodes, the smaller first, in ascending order.
    """
    first, second = places[undirected_ring(len(places), neighbours, rewire, seed)]
    return _sorted(_keys(first, second, len(places)), len(places))


def nearest_pairs(vectors: npt.NDArray[np.float32], neighbours: int, rewire: float, seed: int) -> Pairs:
    """Return edges with the nearest nodes by cosine, and a fraction ``rewire`` of random ones.

    Pairs are added in the order of their rank among the neighbours of one of their ends: all first neighbours, then all
    second ones, and so on, until there are as many edges as in the other graphs.  A node that is near to many others
    has more edges, and each node has edges with at least its ``(1 - rewire) * neighbours / 2`` nearest nodes.

    Parameters
    ----------
    vectors : float32 array, shape (n, dim)
        Unit rows.
    neighbours : int
        Even, at most ``(n - 1) / 2``.
    rewire : float
        Fraction of the edges that are random.
    seed : int
        Draws the random edges.

    Returns
    -------
    int64 array, shape (n * neighbours / 2, 2)
        As `ring_pairs` returns them.
    """
    n, edges = len(vectors), len(vectors) * neighbours // 2
    count = edges - round(rewire * edges)
    keys = _nearest_keys(vectors, min(n - 1, neighbours), count)
    return _sorted(np.concatenate([keys, _random_keys(np.sort(keys), edges - len(keys), n, seed)]), n)


def _nearest_keys(vectors: npt.NDArray[np.float32], ranks: int, count: int) -> npt.NDArray[np.int64]:
    """Return the first ``count`` different edges in the order of rank."""
    n = len(vectors)
    if not count:
        return np.empty(0, np.int64)
    found = nearest(vectors, vectors, ranks + 1)
    own = found == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True  # the node itself may be missing if others have the same vector
    others = found[~own].reshape(n, ranks)
    in_order = _keys(np.tile(np.arange(n), ranks), others.T.ravel(), n)
    _, first = np.unique(in_order, return_index=True)
    return in_order[np.sort(first)[:count]]


def _random_keys(taken: npt.NDArray[np.int64], count: int, n: int, seed: int) -> npt.NDArray[np.int64]:
    """Return ``count`` edges drawn uniformly from those not in ``taken``, which is in ascending order.

    At most half of all pairs are edges, so that each draw is free with a probability of at least 1/2.
    """
    found, attempt = np.empty(0, np.int64), 0
    while len(found) < count:
        places = 2 * count * attempt + np.arange(2 * count)
        first, shift = (uniform(hashed(b"brainsim-cascade", str(seed), which), places) for which in ("first", "shift"))
        near = (first * n).astype(np.int64)
        drawn = _keys(near, (near + 1 + (shift * (n - 1)).astype(np.int64)) % n, n)
        free = drawn[~np.isin(drawn, taken)]
        _, at = np.unique(np.concatenate([found, free]), return_index=True)
        found, attempt = np.concatenate([found, free])[np.sort(at)], attempt + 1
    return found[:count]


def nearest(vectors: npt.NDArray[np.float32], queries: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Return the ``count`` vectors with the largest product with each query, descending: shape (queries, count).

    Equal products are ordered by place.
    """
    found = np.empty((len(queries), count), np.int64)
    for start in range(0, len(queries), _ROWS):
        likeness = queries[start : start + _ROWS] @ vectors.T
        best = np.sort(np.argpartition(-likeness, count - 1, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(likeness, best, axis=1), axis=1, kind="stable")
        found[start : start + _ROWS] = np.take_along_axis(best, order, axis=1)
    return found


def semantic_places(vectors: npt.NDArray[np.float32], clusters: int | None = None) -> Places:
    """Return the nodes in an order in which nodes of similar meaning are near each other: a chain of clusters.

    Clusters are found by k-means.  The chain begins with the cluster of node 0 and continues with the nearest remaining
    cluster.  Within a cluster, nodes are ordered from the preceding cluster to the following one.

    Parameters
    ----------
    vectors : float32 array, shape (n, dim)
        Unit rows.
    clusters : int, optional
        The square root of ``n`` by default.

    Returns
    -------
    int64 array, shape (n,)
        Each node once.
    """
    n = len(vectors)
    clusters = max(1, round(n**0.5)) if clusters is None else clusters
    centres, labels = _clusters(np.asarray(vectors, np.float64), clusters)
    chain = _chain(centres, int(labels[0]))
    rank = np.empty(clusters, np.int64)
    rank[chain] = np.arange(clusters)
    before, after = centres[np.roll(chain, 1)], centres[np.roll(chain, -1)]
    along = np.einsum("nd,nd->n", vectors, (after - before)[rank[labels]])
    return np.lexsort((along, rank[labels]))


def _clusters(vectors: npt.NDArray[np.float64], count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return centres and the cluster of each row; the initial centres are rows at equal distances."""
    import warnings

    from scipy.cluster.vq import kmeans2

    first = vectors[np.arange(count) * len(vectors) // count]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # if a cluster loses all its members, its centre stays the same
        centres, labels = kmeans2(vectors, first, iter=_ITERATIONS, minit="matrix")
    return centres, labels.astype(np.int64)


def _chain(centres: npt.NDArray[np.float64], first: int) -> npt.NDArray[np.int64]:
    left = np.ones(len(centres), np.bool_)
    chain = [first]
    for _ in range(len(centres) - 1):
        left[chain[-1]] = False
        distance = ((centres - centres[chain[-1]]) ** 2).sum(axis=1)
        chain.append(int(np.argmin(np.where(left, distance, np.inf))))
    return np.array(chain)


def _keys(a: Places, b: Places, n: int) -> npt.NDArray[np.int64]:
    return np.minimum(a, b) * n + np.maximum(a, b)


def _sorted(keys: npt.NDArray[np.int64], n: int) -> Pairs:
    ordered = np.sort(keys)
    return np.stack([ordered // n, ordered % n], axis=1)
