"""Undirected small worlds: rings of neighbours, some of whose links are rewired."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import hashed
from brainsim.kernels.law.selection import hashes

Integers = npt.NDArray[np.int64]
_PATIENCE = 100  # at least half of the places are free; only links without a free place need as many attempts


def uniform(key: int, items: Integers) -> npt.NDArray[np.float64]:
    """Return a uniform number in [0, 1) for each item: a hash, the same with every version of NumPy."""
    return np.asarray((hashes(key, items) >> np.uint64(11)) * 2.0**-53, np.float64)


def undirected_ring(n: int, k: int, rewire: float, seed: int) -> Integers:
    """Return the links of an undirected small world, shape (2, n k / 2): the smaller and the larger end, sorted.

    Link ``s n + i``, where ``s`` runs from 0 to ``k / 2 - 1``, joins place ``i`` of the ring to the ``s + 1``-th place
    after it.  Its far end is rewired with probability ``rewire``, to a place drawn uniformly among all but ``i`` to
    which ``i`` is not linked otherwise.  Rewired links need free places, so ``k`` is then at most ``(n - 1) / 2``.

    References
    ----------
    Watts, Strogatz. Collective dynamics of small-world networks. Nature 393, 440-442, 1998.
    """
    near = np.tile(np.arange(n), k // 2)
    far = (near + np.repeat(np.arange(1, k // 2 + 1), n)) % n
    moves = uniform(_key(seed, 0), np.arange(len(near))) < rewire
    kept = _names(near[~moves], far[~moves], n)
    kept.sort()
    moved = np.flatnonzero(moves)
    far[moved] = _rewired(near[moved], moved, kept, n, seed)
    names = np.concatenate([kept, _names(near[moved], far[moved], n)])
    names.sort()
    return np.array(np.divmod(names, n))


def _rewired(near: Integers, links: Integers, kept: Integers, n: int, seed: int) -> Integers:
    """Return new far ends of some links, so that none equals another link or one of those that are kept.

    Links that collide are drawn again; of equal new links, the first one stays.  Collisions do not
    depend on which free places the draws name, only on whether they are equal, so each set of free places is drawn with
    equal probability.  In a small graph others may have taken every place of a link; then all are drawn again.
    """
    far, names = np.empty_like(near), np.full(len(near), -1)
    again, attempt = np.arange(len(near)), 0
    while len(again):
        attempt += 1
        if attempt % _PATIENCE == 0:
            again, names[:] = np.arange(len(near)), -1
        shift = 1 + (uniform(_key(seed, attempt), links[again]) * (n - 1)).astype(np.int64)  # never its own place
        far[again] = (near[again] + shift) % n
        settled = np.sort(names[names >= 0])
        drawn = _names(near[again], far[again], n)
        taken = _among(drawn, kept) | _among(drawn, settled) | _repeats(drawn)
        names[again[~taken]] = drawn[~taken]
        again = again[taken]
    return far


def _names(first: Integers, second: Integers, n: int) -> Integers:
    """Return a number for each link, the same for both directions."""
    return np.minimum(first, second) * n + np.maximum(first, second)


def _among(wanted: Integers, ascending: Integers) -> npt.NDArray[np.bool_]:
    """Return which numbers are among some in ascending order."""
    if not len(ascending):
        return np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return np.asarray(ascending[at] == wanted)


def _repeats(numbers: Integers) -> npt.NDArray[np.bool_]:
    """Return which numbers occur earlier in their list."""
    first = np.unique(numbers, return_index=True)[1]
    repeats = np.ones(len(numbers), np.bool_)
    repeats[first] = False
    return repeats


def _key(seed: int, attempt: int) -> int:
    return hashed(b"brainsim-ring", str(seed), str(attempt))
