"""Read-outs from vectors and weights: means, distributions, distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Nodes = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

_PAIRS = 2**16  # pairs whose vectors are copied at once


def distinct(nodes: Nodes) -> Nodes:
    """Return each node once, in the order of last occurrences."""
    _, from_end = np.unique(nodes[::-1], return_index=True)
    return nodes[::-1][np.sort(from_end)][::-1].copy()


def direction(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mean of vectors scaled to norm 1, or 0 if it is 0."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length else mean, np.float32)


def log_probabilities(vectors: npt.NDArray[np.float32], context: npt.NDArray[np.float32], tau: float) -> Doubles:
    """Return ``log softmax(<V_w, context> / tau)`` over all words ``w``, shape (n,)."""
    logits = (vectors @ context).astype(np.float64) / tau
    logits -= logits.max()
    return np.asarray(logits - np.log(np.exp(logits).sum()))


def absolute_cosines(pairs: Any, vectors: npt.NDArray[np.float32]) -> Doubles:
    """Return ``|<V_i, V_j>|`` of pairs of unit vectors, shape (pairs,)."""
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), _PAIRS):
        first, second = np.asarray(pairs[start : start + _PAIRS]).T
        found[start : start + _PAIRS] = np.einsum("pd,pd->p", vectors[first], vectors[second])
    return np.abs(found)


def sums_at_ends(pairs: Any, weights: Any, n: int) -> Doubles:
    """Return the sum of the weights of the edges of each node, shape (n, channels)."""
    ends = np.asarray(pairs).T
    return np.stack(
        [sum(np.bincount(end, channel, minlength=n) for end in ends) for channel in np.asarray(weights, np.float64).T],
        axis=1,
    )
