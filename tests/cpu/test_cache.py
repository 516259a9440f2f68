"""The cache counts the bytes of its items."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.cpu.cache import Cache


class Item:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes

    def on_evict(self) -> None: ...


def test_the_cache_counts_the_bytes_left_for_items_to_evict_first() -> None:
    cache, rng = Cache(1000), np.random.default_rng(0)
    given: dict[int, tuple[int, bool]] = {}
    for step in range(300):
        key, nbytes, first = int(rng.integers(12)), int(rng.integers(1, 400)), bool(rng.integers(2))
        cache.keep(key, Item(nbytes), step % 3, evict_first=first)
        given[key] = nbytes, first
        held = {key: item for key, item in given.items() if cache.holds(key)}
        assert cache.room_for_evict_first == 1000 - sum(nbytes for nbytes, first in held.values() if not first)
        assert sum(map(cache.nbytes, range(3))) == sum(nbytes for nbytes, _ in held.values()) <= 1000
    cache.clear()
    assert cache.room_for_evict_first == 1000
