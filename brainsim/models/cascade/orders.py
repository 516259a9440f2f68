"""Graphs of words: small worlds on a ring in the order of frequency or of meaning, and nearest neighbours.

All are undirected and have exactly ``n * neighbours / 2`` edges.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import hashed
from brainsim.kernels.law.selection import hashes

Pairs = npt.NDArray[np.int64]
Places = npt.NDArray[np.int64]

_ROWS = 500  # of similarities that are held at once
_ITERATIONS = 10


def ring_pairs(places: Places, neighbours: int, rewire: float, seed: int) -> Pairs:
    """Return the edges of a small world (Watts & Strogatz 1998) on a ring.

    Each node has an edge with the ``neighbours / 2`` nodes next to it on either side.  Each edge is rewired with
    probability ``rewire``: its far end moves to a node drawn uniformly among those with which the near end has no edge.

    Parameters
    ----------
    places : int64 array, shape (n,)
        The nodes in the order of the ring.
    neighbours : int
        Even, below ``n - 1``.
    rewire : float
        Probability.
    seed : int
        Draws the edges that are rewired.

    Returns
    -------
    int64 array, shape (n * neighbours / 2, 2)
        Different pairs of nodes, the smaller first, in ascending order.
    """
    n, steps = len(places), np.arange(1, neighbours // 2 + 1)
    near = np.repeat(np.arange(n), len(steps))
    far = (near + np.tile(steps, n)) % n
    moves = np.flatnonzero(_uniform(seed, 0, np.arange(len(near))) < rewire)
    stays = np.ones(len(near), np.bool_)
    stays[moves] = False
    far[moves] = _drawn(near[moves], _keys(near[stays], far[stays], n), n, seed)
    return _sorted(_keys(places[near], places[far], n), n)


def nearest_pairs(vectors: npt.NDArray[np.float32], neighbours: int, rewire: float, seed: int) -> Pairs:
    """Return edges with the nearest nodes by cosine, and a fraction ``rewire`` of random ones.

    Pairs enter by how near they are among the neighbours of one of their ends: all first neighbours, all second ones,
    and so on.  So the number of edges is as in the other graphs, a node that is near to many has more of them, and each
    node has edges with at least its ``(1 - rewire) * neighbours / 2`` nearest, less the random ones.

    Parameters
    ----------
    vectors : float32 array, shape (n, dim)
        Unit rows.
    neighbours : int
        Even, below ``n - 1``.
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
    near = np.arange(edges - len(keys)) % n  # every node gets as many random edges
    random = _keys(near, _drawn(near, np.sort(keys), n, seed), n)
    return _sorted(np.concatenate([keys, random]), n)


def _nearest_keys(vectors: npt.NDArray[np.float32], ranks: int, count: int) -> npt.NDArray[np.int64]:
    """Return the first ``count`` different edges, those of the first rank first."""
    n = len(vectors)
    if not count:
        return np.empty(0, np.int64)
    found = nearest(vectors, vectors, ranks + 1)
    own = found == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True  # where others have the same vector, the node itself may be missing
    others = found[~own].reshape(n, ranks)
    in_order = _keys(np.tile(np.arange(n), ranks), others.T.ravel(), n)
    _, first = np.unique(in_order, return_index=True)
    return in_order[np.sort(first)[:count]]


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
    """Return the nodes in an order in which those of like meaning are near each other: a chain of clusters.

    Clusters are found by k-means.  The chain begins with the cluster of node 0, and goes on with the nearest that is
    left.  Within a cluster, nodes are ordered from the one before it to the one after it.

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
    """Return centres and the cluster of each row, from centres that are rows at equal distances at the beginning."""
    import warnings

    from scipy.cluster.vq import kmeans2

    first = vectors[np.arange(count) * len(vectors) // count]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a cluster may lose all its members; then its centre stays where it is
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


def _drawn(near: Places, taken: npt.NDArray[np.int64], n: int, seed: int) -> Places:
    """Return a far end for each near end, so that no edge is taken or drawn twice; ``taken`` are keys."""
    taken = np.sort(taken)
    far = np.empty_like(near)
    again, attempt = np.arange(len(near)), 0
    while len(again):
        attempt += 1
        shift = 1 + (_uniform(seed, attempt, again) * (n - 1)).astype(np.int64)  # never the node itself
        far[again] = (near[again] + shift) % n
        keys = _keys(near[again], far[again], n)
        place = np.minimum(np.searchsorted(taken, keys), max(len(taken) - 1, 0))
        free = taken[place] != keys if len(taken) else np.ones(len(keys), np.bool_)
        _, first = np.unique(keys, return_index=True)
        alone = np.zeros(len(keys), np.bool_)
        alone[first] = True
        taken = np.sort(np.concatenate([taken, keys[free & alone]]))
        again = again[~(free & alone)]
    return far


def _uniform(seed: int, attempt: int, items: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return a uniform number in [0, 1) for each item: a hash, the same with every version of NumPy."""
    key = hashed(b"brainsim-cascade", str(seed), str(attempt))
    return np.asarray((hashes(key, items) >> np.uint64(11)) * 2.0**-53, np.float64)


def _keys(a: Places, b: Places, n: int) -> npt.NDArray[np.int64]:
    return np.minimum(a, b) * n + np.maximum(a, b)


def _sorted(keys: npt.NDArray[np.int64], n: int) -> Pairs:
    ordered = np.sort(keys)
    return np.stack([ordered // n, ordered % n], axis=1)
