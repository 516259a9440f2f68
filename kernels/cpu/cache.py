"""Things that can be computed again, kept within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple, Protocol

from brainsim.kernels.interrupts import uninterrupted


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
    """Items by key within ``budget`` bytes, each accounted to an owner.

    Cheap items make way first, whatever their age, then the others; among equals the least recently used.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._cheap: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._bytes: dict[int, int] = {}
        self._dear = 0  # bytes of all that is not cheap: to add them up takes long when there are many

    def nbytes(self, owner: int) -> int:
        """Bytes held for one owner."""
        return self._bytes.get(owner, 0)

    @property
    def room_for_cheap(self) -> int:
        """Bytes that cheap items can take in all."""
        return self.budget - self._dear

    def get(self, key: Hashable) -> Any:
        """Return the item of a key, which counts as used, or ``None``."""
        for entries in (self._entries, self._cheap):
            if key in entries:
                entries.move_to_end(key)
                return entries[key].item
        return None

    def holds(self, key: Hashable) -> bool:
        """Return whether there is an item for a key, without using it."""
        return key in self._entries or key in self._cheap

    def keep(self, key: Hashable, item: Forgettable, owner: int, *, cheap: bool = False) -> bool:
        """Keep an item, new or grown, at the cost of others; return whether there was room."""
        with uninterrupted():  # the account of bytes must agree with the entries
            self._remove(key)
            if item.nbytes > self.budget:
                return False
            (self._cheap if cheap else self._entries)[key] = _Entry(item, owner, item.nbytes)
            self._bytes[owner] = self.nbytes(owner) + item.nbytes
            self._dear += 0 if cheap else item.nbytes
            while sum(self._bytes.values()) > self.budget:
                oldest = next(iter(self._cheap or self._entries))
                self._remove(oldest)
        return self.holds(key)

    def _remove(self, key: Hashable) -> None:
        dear = self._entries.pop(key, None)
        entry = dear or self._cheap.pop(key, None)
        if entry is not None:
            self._dear -= dear.nbytes if dear else 0
            self._bytes[entry.owner] -= entry.nbytes
            entry.item.forget()

    def clear(self) -> None:
        """Forget everything."""
        for key in [*self._entries, *self._cheap]:
            self._remove(key)
        self._bytes.clear()
