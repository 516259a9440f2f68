"""Locks: what keeps areas and fibers closed, each under a name of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from brainsim.errors import DeclarationError

DEFAULT = "default"
"""The lock of `Simulator.inhibit` where none is named, and of what states of format 1 to 3 hold inhibited."""

Locks = dict[int, frozenset[str]]
"""The locks on areas or fibers, by index.  What has none is left out, so that one look says whether it is closed."""

Pairs = tuple[tuple[str, str], ...]
"""The same by name, as snapshots hold it: owner and lock."""


def lock_name(where: str, lock: object) -> str:
    """Return the name of a lock: printable text, not empty."""
    if not isinstance(lock, str) or not lock.strip() or not lock.isprintable():
        raise DeclarationError(where=where, value=lock, allowed="the name of a lock: printable text, not empty")
    return lock


def add(locks: Locks, owners: Iterable[int], lock: str) -> None:
    """Put a lock on areas or fibers."""
    for owner in owners:
        locks[owner] = locks.get(owner, frozenset()) | {lock}


def remove(locks: Locks, owners: Iterable[int], lock: str) -> None:
    """Take a lock off areas or fibers; their other locks stay."""
    for owner in owners:
        left = locks.pop(owner, frozenset()) - {lock}
        if left:
            locks[owner] = left


def by_name(locks: Mapping[int, frozenset[str]], names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the locks on each area or fiber that has one, by its name, in the order of the names of all."""
    return {name: tuple(sorted(locks[owner])) for owner, name in enumerate(names) if owner in locks}


def to_pairs(locks: Locks, index: Mapping[str, int]) -> Pairs:
    """Return locks by name."""
    return tuple((owner, lock) for owner, each in by_name(locks, index).items() for lock in each)


def from_pairs(pairs: Pairs, index: Mapping[str, int]) -> Locks:
    """Return what `to_pairs` was given."""
    locks: Locks = {}
    for owner, lock in pairs:
        add(locks, (index[owner],), lock)
    return locks


def to_text(pairs: Pairs) -> str:
    """Return pairs as files hold them, in JSON."""
    return json.dumps(pairs)


def from_text(text: str) -> Pairs:
    """Return what `to_text` was given.

    Raises
    ------
    TypeError, ValueError
        If the text is something else.
    """
    found = json.loads(text)
    if not isinstance(found, list) or not all(map(_is_pair, found)):
        raise TypeError("locks must be pairs of an owner and a lock")
    return tuple((owner, lock_name("lock", lock)) for owner, lock in found)


def _is_pair(found: object) -> bool:
    return isinstance(found, list) and len(found) == 2 and all(isinstance(each, str) for each in found)
