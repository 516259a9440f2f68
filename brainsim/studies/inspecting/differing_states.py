"""Differences between two saved states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from brainsim.kernels.law.weights import ONE
from brainsim.kernels.state import KINDS
from brainsim.kernels.state_kind import StateKind
from brainsim.simulate.state import BRAIN_KINDS
from brainsim.simulate.states_file import SavedState
from brainsim.studies.inspecting.comparison import Difference, of_mappings

_MOST_SHOWN = 4
_FRACTIONAL = ("weight", "amount")  # columns in fixed point


def of_states(a: SavedState, b: SavedState) -> Iterator[Difference]:
    """Yield the differences: the brain, the seed, the state of the whole brain, and the first entry of each kind."""
    if a.seed != b.seed:
        yield Difference("seed", a.seed, b.seed)
    yield from _brains(a, b)
    for brain_kind in BRAIN_KINDS:
        ours, theirs = (each.snapshot.brain.get(brain_kind.name) for each in (a, b))
        if ours != theirs:
            yield Difference(brain_kind.name.replace("_", " "), _plain(ours), _plain(theirs))
    for kind in KINDS:
        yield from _values(kind, *(each.snapshot.values.get(kind.name, {}) for each in (a, b)))
    if a.note != b.note:
        yield Difference("note", a.note, b.note)


def _brains(a: SavedState, b: SavedState) -> Iterator[Difference]:
    if a.identity is not None and b.identity is not None:
        for kind in ("areas", "fibers", "modulators"):
            ours, theirs = a.identity.get(kind, {}), b.identity.get(kind, {})
            for name in dict.fromkeys([*ours, *theirs]):
                yield from _part(f"{kind[:-1]} {name!r}", ours.get(name), theirs.get(name))
    elif a.declaration != b.declaration:
        yield Difference("declaration", a.declaration, b.declaration)


def _part(what: str, a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> Iterator[Difference]:
    if a is None or b is None:
        yield Difference(what, *(None if each is None else "declared" for each in (a, b)))
    else:
        yield from of_mappings(what, a, b)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return ", ".join(" ".join(each) if isinstance(each, tuple) else each for each in value) or None
    return value


def _values(kind: StateKind, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    for owner in dict.fromkeys([*a, *b]):
        ours, theirs = a.get(owner, kind.empty), b.get(owner, kind.empty)
        at = _first_entry(ours, theirs)
        if at is not None:
            entries = [_entry(kind, value, at) for value in (ours, theirs)]
            yield Difference(f"{kind.name} of {kind.owner} {owner!r}, entry {at}", *entries)


def _first_entry(a: Any, b: Any) -> int | None:
    """Return the first entry in which two values differ, ``None`` if they are equal."""
    length = min(len(a[0]), len(b[0]))
    differs = np.zeros(length, np.bool_)
    for ours, theirs in zip(a, b, strict=True):
        unequal = ours[:length] != theirs[:length]
        differs |= unequal if ours.ndim == 1 else unequal.any(axis=1)
    if differs.any():
        return int(differs.argmax())
    return None if len(a[0]) == len(b[0]) else length


def _entry(kind: StateKind, value: Any, at: int) -> dict[str, float | int] | None:
    if at >= len(value[0]):
        return None
    if kind.shape is not None:
        return {f"number {number}": float(item) for number, item in enumerate(value[0][at][:_MOST_SHOWN])}
    items = {column.name: int(column_items[at]) for column, column_items in zip(kind.columns, value, strict=True)}
    return {name: item / ONE if name in _FRACTIONAL else item for name, item in items.items()}
