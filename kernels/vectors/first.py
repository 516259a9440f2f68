"""The vectors with which a simulation begins: random directions, the same on every machine."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.law.graph import hashed, mix64
from brainsim.kernels.law.selection import hashes
from brainsim.kernels.state import Floats

_ROWS = 4096  # drawn together, which bounds the memory


def directions(key: int, n: int, dim: int) -> Floats:
    """Return random unit vectors, shape ``(n, dim)``.

    Each component is the sum of four independent uniform numbers of 16 bits, all pieces of one hash, before the vector
    is normalized: nearly Gaussian, so that directions are nearly uniform.  Sums of integers, and square roots and
    quotients in double precision, are the same on every machine.
    """
    stream = mix64(key ^ hashed(b"brainsim-vectors"))
    vectors = np.empty((n, dim), np.float32)
    for first in range(0, n, _ROWS):
        end = min(first + _ROWS, n)
        words = hashes(stream, np.arange(first * dim, end * dim))
        pieces = sum((words >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48))
        drawn = (2 * np.asarray(pieces, np.int64) - 4 * 0xFFFF).reshape(-1, dim)
        squares = (drawn * drawn).sum(axis=1)
        drawn[squares == 0, 0], squares[squares == 0] = 1, 1
        vectors[first:end] = drawn / np.sqrt(squares)[:, None]
    return vectors
