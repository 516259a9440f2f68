"""Which sizes a named case runs, from the options of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from brainsim._validation import integer
from brainsim.bench.cases import Case, Projection, Sentences
from brainsim.bench.rows import Row
from brainsim.errors import DeclarationError

CASES = {
    "sentence": "noun + verb sentences of 4 + 3 words, learning",
    "sentence-cold": "the same, every sentence with two new words",
    "project": "one stimulus into one recurrent area, 25 or 50 rounds",
    "row": "synapses generated per second, cold and warm, on one thread and on all",
    "scale": "one recurrent area of 1e5 to 1e8 neurons, with the fitted exponent",
}
PROJECTIONS = ((10**5, 317, 0.01, 50), (10**6, 1000, 0.001, 25), (10**6, 1000, 0.01, 50), (10**7, 3162, 0.001, 25))
ROW_P = (0.001, 0.01, 0.05)
SCALES = (10**5, 10**6, 10**7, 10**8)
SCALE_ROUNDS = 4
LARGE = 20_000_000
LARGE_REPEATS = 3
_SMALLEST = 100


def repeats_at(n: int, repeats: int) -> int:
    """Return the repeats for an area of ``n`` neurons: at most 3 above 2e7, where a run takes minutes."""
    return min(repeats, LARGE_REPEATS) if n > LARGE else repeats


def plan(name: str, sizes: Sequence[int], p: float | None, *, quick: bool) -> list[Case]:
    """Return the sizes of a case other than ``row``, smallest first.

    Parameters
    ----------
    name : str
        One of `CASES`.
    sizes : sequence of int
        ``n`` of the areas; the case's own if empty.
    p : float, optional
        Connection probability; the case's own if not given.
    quick : bool
        A small version that takes seconds.
    """
    ns = sorted({integer("bench --n", n, _SMALLEST, 2**31 - 1) for n in sizes})
    if name == "project":
        return _projections(ns, p, quick=quick)
    if name == "scale":
        density, rounds = (0.05, 3) if quick else (0.001, SCALE_ROUNDS)
        density = density if p is None else p
        return [Projection("scale", n, isqrt(n), density, rounds) for n in _scales(ns, quick=quick)]
    cold, warm, units = name == "sentence-cold", 2 if quick else 20, 6 if quick else 200
    default = [1000] if quick else [100_000]
    return [Sentences(n, 0.05 if p is None else p, cold, warm=warm, units=units) for n in ns or default]


def rows(sizes: Sequence[int], p: float | None, *, quick: bool) -> list[Row]:
    """Return the sizes of the case ``row``."""
    ns = sorted({integer("bench --n", n, _SMALLEST, 2**31 - 1) for n in sizes}) or [20_000 if quick else 10**6]
    wanted = {"synapses": 20_000} if quick else {}
    return [Row(n, each, **wanted) for n in ns for each in (ROW_P if p is None else (p,))]


def _projections(ns: list[int], p: float | None, *, quick: bool) -> list[Case]:
    """Return the four sizes of the case, or those with the given ``n`` and ``p``, or new ones with them."""
    if quick:
        return [Projection("project", n, isqrt(n), 0.05 if p is None else p, 4) for n in ns or [1000]]
    chosen: list[Case] = []
    for n in ns or sorted({size[0] for size in PROJECTIONS}):
        known = [size for size in PROJECTIONS if size[0] == n and p in (None, size[2])]
        # A size of one's own: p as in the sizes of the case, which keep the input of a neuron alike.
        own = (n, isqrt(n), (0.01 if n <= 10**6 else 0.001) if p is None else p, 25)
        chosen += [Projection("project", *size) for size in known or [own]]
    return chosen


def _scales(ns: list[int], *, quick: bool) -> Sequence[int]:
    """Return the sizes up to the one given, or exactly those given if there are several."""
    ladder = (1000, 4000) if quick else SCALES
    if len(ns) != 1:
        return ns or ladder
    below = [n for n in ladder if n <= ns[0]]
    if not below:
        raise DeclarationError(f"bench scale --n: must be at least {ladder[0]}, or be given twice (got {ns[0]})")
    return below
