"""Neither caches nor the number of threads change winners or weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from brainsim import Assembly, Simulator
from hearing import Listener, lexical_brain

SENTENCES = 60
NOISE = 2
CACHES = [0, 0.001, 0.05, 1, 256]


def simulator(backend: str, **options: Any) -> Simulator:
    # The first lexical area is larger than one tile of 16 384, so that a second thread has work.
    return Simulator(lexical_brain(n1=17_000), seed=3, backend=backend, **options)


def digests(sim: Simulator) -> Iterator[str]:
    """Yield a digest of the winners for each sentence, and one of the learned synapses of each fiber."""
    listener = Listener(sim, NOISE)
    for _ in range(SENTENCES):
        yield digest(*(winners.neurons for winners in listener.hear()))
    for fiber in sim.brain.fibers:
        yield digest(*sim.connectome(fiber).learned())


def digest(*arrays: np.ndarray[Any, Any]) -> str:
    hashed = hashlib.sha256()
    for array in arrays:
        hashed.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return hashed.hexdigest()


@cache
def expected() -> list[str]:
    with simulator("reference") as sim:
        return list(digests(sim))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("cache_mb", CACHES)
def test_results_do_not_depend_on_caches_and_threads(cache_mb: float, threads: int) -> None:
    with simulator("cpu", cache_mb=cache_mb, threads=threads) as sim:
        assert list(digests(sim)) == expected()


def test_caches_are_used_and_bounded() -> None:
    """``cache_mb`` must have an effect, or the test above proves little, and it must be a bound."""
    held = {}
    for cache_mb in CACHES:
        with simulator("cpu", cache_mb=cache_mb) as sim:
            listener = Listener(sim, NOISE)
            for _ in range(SENTENCES):
                list(listener.hear())
            held[cache_mb] = listener.reported()
    assert held[256] > held[1] > held[0]
    for cache_mb in CACHES:
        assert held[cache_mb] - held[0] <= cache_mb * 2**20


def test_assemblies_drift_and_recur() -> None:
    """Sets of firing neurons must be known, new, and similar to known ones, or not all caches are tested."""
    seen: list[Assembly] = []
    with simulator("cpu") as sim:
        listener = Listener(sim, NOISE)
        for _ in range(SENTENCES):
            seen += [winners for winners in listener.hear() if winners.area == "Lex1"]
    overlaps = [one.overlap(other) for one, other in pairwise(seen)]
    assert len(set(seen)) >= 40
    assert sum(seen.count(assembly) > 1 for assembly in set(seen)) >= 10
    assert sum(0.5 < overlap < 1 for overlap in overlaps) >= 30
    assert sum(overlap < 0.5 for overlap in overlaps) >= 30
