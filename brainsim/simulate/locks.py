"""Named locks, which keep areas and fibers closed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from brainsim.errors import DeclarationError

DEFAULT = "default"
"""The default lock of `Simulator.inhibit`, and that of inhibited parts in states of formats 1 to 3."""

Locks = dict[int, frozenset[str]]
"""The locks on areas or fibers, by index.  Open ones have no entry, so one look-up says whether one is closed."""

Pairs = tuple[tuple[str, str], ...]
"""The same by name, as in snapshots: owner and lock."""


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
    """Remove a lock from areas or fibers; their other locks stay."""
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
    """Return the argument of `to_pairs`."""
    locks: Locks = {}
    for owner, lock in pairs:
        add(locks, (index[owner],), lock)
    return locks


def to_text(pairs: Pairs) -> str:
    """Return pairs as files hold them, in JSON."""
    return json.dumps(pairs)


def from_text(text: str) -> Pairs:
    """Return the argument of `to_text`.

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
