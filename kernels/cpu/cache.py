"""A cache of results that can be recomputed, within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple, Protocol

from brainsim.kernels.interrupts import uninterrupted


class Evictable(Protocol):
    """What a cache holds."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""

    def on_evict(self) -> None:
        """Prepare for eviction."""


class _Entry(NamedTuple):
    item: Any
    owner: int
    nbytes: int


class Cache:
    """Items by key within ``budget`` bytes, each accounted to an owner.

    Items marked as evict-first are evicted before all others, whatever their age; among equals, the least recently
    used.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._keep_long: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._evict_first: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._bytes: dict[int, int] = {}
        self._long_bytes = 0  # of all items to keep long; adding up their sizes each time could take long

    def nbytes(self, owner: int) -> int:
        """Bytes held for one owner."""
        return self._bytes.get(owner, 0)

    @property
    def room_for_evict_first(self) -> int:
        """Bytes that evict-first items can take together."""
        return self.budget - self._long_bytes

    def get(self, key: Hashable) -> Any:
        """Return the item of a key, which counts as used, or ``None``."""
        for entries in (self._keep_long, self._evict_first):
            if key in entries:
                entries.move_to_end(key)
                return entries[key].item
        return None

    def holds(self, key: Hashable) -> bool:
        """Return whether there is an item for a key, without using it."""
        return key in self._keep_long or key in self._evict_first

    def keep(self, key: Hashable, item: Evictable, owner: int, *, evict_first: bool = False) -> bool:
        """Keep an item that is new or has grown, evicting others; return whether there was room."""
        with uninterrupted():  # the account of bytes must agree with the entries
            self._remove(key)
            if item.nbytes > self.budget:
                item.on_evict()
                return False
            (self._evict_first if evict_first else self._keep_long)[key] = _Entry(item, owner, item.nbytes)
            self._bytes[owner] = self.nbytes(owner) + item.nbytes
            self._long_bytes += 0 if evict_first else item.nbytes
            while sum(self._bytes.values()) > self.budget:
                oldest = next(iter(self._evict_first or self._keep_long))
                self._remove(oldest)
        return self.holds(key)

    def _remove(self, key: Hashable) -> None:
        long = self._keep_long.pop(key, None)
        entry = long or self._evict_first.pop(key, None)
        if entry is not None:
            self._long_bytes -= long.nbytes if long else 0
            self._bytes[entry.owner] -= entry.nbytes
            entry.item.on_evict()

    def clear(self) -> None:
        """Evict everything."""
        for key in [*self._keep_long, *self._evict_first]:
            self._remove(key)
        self._bytes.clear()
