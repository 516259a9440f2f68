"""Records that kernels read by address: no address outlives its array."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.addresses import SPAN, address_of, integers
from brainsim.kernels.cpu.arena import Arena
from brainsim.kernels.cpu.compiling import compiled

DTYPE = np.dtype([("n", np.int64), ("first", SPAN), ("second", SPAN)])


@compiled
def _total(records: Any, index: int) -> int:
    total = records[index].n
    for value in integers(records[index].first):
        total += value
    return total


def where(arena: Arena, index: int, name: str) -> tuple[int, int]:
    span = arena.records[index][name]
    return int(span["address"]), int(span["size"])


def test_a_span_points_to_the_array_that_is_held() -> None:
    arena = Arena(DTYPE, 3)
    first, second = np.arange(5), np.zeros((2, 3), np.uint64)
    arena.hold(1, "first", first)
    arena.hold(1, "second", second)
    assert where(arena, 1, "first") == (address_of(first), 5)
    assert where(arena, 1, "second") == (address_of(second), 6)
    assert where(arena, 0, "first") == where(arena, 2, "second") == (0, 0)
    assert arena.held(1, "first") is first
    assert arena.held(0, "first") is None


def test_kernels_read_records_and_arrays() -> None:
    arena = Arena(DTYPE, 2)
    arena.set(1, n=100)
    arena.hold(1, "first", np.arange(5))
    gc.collect()
    assert _total(arena.records, 1) == 110
    assert _total(arena.records, 0) == 0
    arena.hold(1, "first", np.arange(3))
    assert _total(arena.records, 1) == 103


def test_an_array_is_held_until_it_is_replaced_or_dropped() -> None:
    arena = Arena(DTYPE, 1)
    references = []
    for size in (3, 4):
        array = np.arange(size)
        references.append(weakref.ref(array))
        arena.hold(0, "first", array)
        del array
    assert references[0]() is None
    assert references[1]() is not None
    arena.drop_all()
    assert references[1]() is None
    assert where(arena, 0, "first") == (0, 0)


def test_addresses_are_written_with_their_arrays_only() -> None:
    arena = Arena(DTYPE, 1)
    with pytest.raises(ValueError, match="read-only"):
        arena.records["first"] = (1, 1)
    with pytest.raises(AssertionError, match="first is a span"):
        arena.set(0, first=1)
    with pytest.raises(KeyError):
        arena.hold(0, "n", np.arange(3))
    with pytest.raises(AssertionError, match="wrong items"):
        arena.hold(0, "first", np.arange(10)[::2])
    assert where(arena, 0, "first") == (0, 0)


def test_two_spans_share_an_array() -> None:
    arena = Arena(DTYPE, 2)
    array = np.arange(4)
    arena.hold(1, "first", array)
    arena.share(1, "second", "first")
    assert arena.held(1, "second") is array
    assert arena.records[1]["second"] == arena.records[1]["first"]
    arena.hold(1, "first", np.arange(7))
    assert arena.held(1, "second") is array
    with pytest.raises(KeyError):
        arena.share(0, "second", "first")
