"""Things that can be computed again, kept within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple, Protocol

from brainsim.kernels.backend import uninterrupted


class Forgettable(Protocol):
    """What a cache holds."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""

    def forget(self) -> None:
        """Be told that the cache no longer holds this."""


class _Entry(NamedTuple):
    item: Any
    owner: int
    nbytes: int


class Cache:
    """Items by key, least recently used out first, within ``budget`` bytes; each is accounted to an owner."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._bytes: dict[int, int] = {}

    def nbytes(self, owner: int) -> int:
        """Bytes held for one owner."""
        return self._bytes.get(owner, 0)

    def get(self, key: Hashable) -> Any:
        """Return the item of a key, which counts as used, or ``None``."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.item

    def holds(self, key: Hashable) -> bool:
        """Return whether there is an item for a key, without using it."""
        return key in self._entries

    def keep(self, key: Hashable, item: Forgettable, owner: int) -> bool:
        """Keep an item, new or grown, at the cost of others; return whether that was possible at all."""
        if item.nbytes > self.budget:
            return False
        with uninterrupted():  # the account of bytes must agree with the entries
            before = self._entries.pop(key, None)
            if before is not None:
                self._bytes[before.owner] -= before.nbytes
            self._entries[key] = _Entry(item, owner, item.nbytes)
            self._bytes[owner] = self.nbytes(owner) + item.nbytes
            while sum(self._bytes.values()) > self.budget:
                _, oldest = self._entries.popitem(last=False)
                self._bytes[oldest.owner] -= oldest.nbytes
                oldest.item.forget()
        return True

    def clear(self) -> None:
        """Forget everything."""
        for entry in self._entries.values():
            entry.item.forget()
        self._entries.clear()
        self._bytes.clear()
