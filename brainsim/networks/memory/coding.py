"""From numbers and symbols to neurons: fixed codes that are drawn from a seed."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from brainsim.networks.memory.language import Floats

Neurons = npt.NDArray[np.int64]


@lru_cache(maxsize=65_536)
def symbol_code(symbol: str, n: int, k: int, seed: int) -> Neurons:
    """Return ``k`` of ``n`` neurons that stand for a symbol, in a fixed random order.

    Unrelated symbols share a part ``k / n``.  The neurons follow from the symbol by SHA-256, so that no list of
    symbols is needed.

    Returns
    -------
    int64 array, shape (k,), read-only
    """
    digest = hashlib.sha256(f"{seed}:{symbol}".encode()).digest()
    chosen = np.random.default_rng(list(digest)).choice(n, k, replace=False)
    chosen.setflags(write=False)
    return chosen


def trace_code(tokens: Neurons, decay: float, n: int, k: int, seed: int) -> Neurons:
    """Return the neurons of a trace of tokens: the ``round(k * decay ** lag)`` first ones of each token's code.

    The last token has lag 0.  Tokens whose number rounds to 0 leave no trace.
    """
    kept = []
    for lag, token in enumerate(tokens[::-1]):
        size = round(k * decay**lag)
        if not size:
            break
        kept.append(symbol_code(str(token), n, k, seed)[:size])
    return np.unique(np.concatenate(kept))


class Whitened:
    """Codes of vectors: whitened by background vectors, projected onto fixed random directions; the largest fire.

    Parameters
    ----------
    width : int
        Length of a vector.
    n, k : int
        Number of directions, and of those that fire.
    seed : int
        Seed of the directions.
    """

    def __init__(self, width: int, n: int, k: int, seed: int) -> None:
        self._directions = np.random.default_rng([seed, 1]).standard_normal((width, n)).astype(np.float32)
        self._k = k
        self.mean: Floats = np.zeros(width, np.float32)
        self.whitener: Floats = np.eye(width, dtype=np.float32)

    def fit(self, vectors: Floats, ridge: float = 1e-3) -> None:
        """Compute the mean and the covariance of background vectors, shape ``(m, width)``.

        ``ridge`` times the mean variance is added to all variances, so that directions without variance stay finite.
        """
        self.mean = vectors.mean(axis=0)
        covariance = np.cov(vectors, rowvar=False).reshape(len(self.mean), -1)
        values, axes = np.linalg.eigh(
            covariance + ridge * np.trace(covariance) / len(self.mean) * np.eye(len(self.mean))
        )
        self.whitener = (axes / np.sqrt(np.maximum(values, 1e-12))).astype(np.float32)

    def neurons(self, vector: Floats) -> Neurons:
        """Return the ``k`` directions on which a vector, shape ``(width,)``, projects most."""
        drive = ((vector - self.mean) @ self.whitener) @ self._directions
        return np.argsort(-drive, kind="stable")[: self._k].astype(np.int64)
