"""The addresses that kernels are given are those of the arrays, however often arrays are replaced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.addresses import address_of
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.cpu.cache import Cache
from brainsim.kernels.cpu.reached import SUSPECT, clear, correct, nobody, reach
from brainsim.kernels.cpu.tables import indices
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import Options
from brainsim.kernels.state import Synapses
from driving import Driven
from scenarios import Scenario, scenario, settled


def announced(backend: CpuBackend) -> list[tuple[int, ...]]:
    """Return what the tables say of each learning fiber."""
    names = ("start", "length", "post", "weight", "rows", "slots", "pre_masks", "pre_rows", "post_masks", "post_rows")
    return [tuple(int(backend._tables.fibers[f][name]) for name in names) for f in backend._plastic]


def true(backend: CpuBackend) -> list[tuple[int, ...]]:
    """Return the same, read from the arrays themselves."""
    found = []
    for plastic in backend._plastic.values():
        table, parties = plastic.overlay._table, (plastic.existence._pre, plastic.existence._post)
        sizes = len(table.start), len(table.post)
        masks = [value for party in parties for value in (address_of(party._masks), len(party._masks))]
        found.append((*map(address_of, table), *sizes, *masks))
    return found


def play(backend: CpuBackend, case: Scenario) -> set[Any]:
    """Run a scenario; return all that the tables have said, which is found to be true after every round."""
    seen: set[Any] = set()
    for stimuli, opened, fixed, learn in case.rounds:
        for area, neurons in stimuli.items():
            backend.set_winners(area, neurons)
        backend.round(opened, fixed, learn=learn)
        assert announced(backend) == true(backend)
        seen.update(enumerate(announced(backend)))
    return seen


def test_no_address_goes_stale() -> None:
    backend = Driven(CpuBackend(settled(200).program, Options()))
    assert len(play(backend, settled(200))) > 2 * len(backend._plastic)


def test_no_address_goes_stale_when_weights_are_replaced() -> None:
    case = scenario(3)
    backend = Driven(CpuBackend(case.program, Options()))
    play(backend, case)
    for f in backend._plastic:
        learned = backend.learned(f)
        backend.set_learned(f, Synapses(*(np.empty(0, np.int64) for _ in range(3))))
        assert announced(backend) == true(backend)
        backend.set_learned(f, learned)
        assert announced(backend) == true(backend)
    play(backend, case)


def test_firing_sets_are_announced_and_kept() -> None:
    case = settled(201)
    backend = Driven(CpuBackend(case.program, Options()))
    play(backend, case)
    backend._fire([0], {0, 1, 2})
    for area, named in enumerate(backend._firing):
        record = backend._tables.areas[area]
        assert named.neurons is backend._winners[area]
        assert named.name == backend._winners[area].tobytes()
        assert (record["firing"], record["fired"]) == (address_of(named.neurons), len(named.neurons))


def test_between_rounds_no_counts_are_announced() -> None:
    case = settled(202)
    backend = Driven(CpuBackend(case.program, Options()))
    play(backend, case)
    assert not backend._tables.counts.any()


def test_corrections_reach_only_those_that_are_marked_so() -> None:
    added, removed = np.array([1, 2, 2, 5]), np.array([2, 3])
    counts = np.array([[0, 1, 0, address_of(added), len(added), address_of(removed), len(removed)]])
    reached = nobody(8)._replace(neurons=np.empty(9, np.int64))
    reach(reached, np.array([2, 3, 7]))
    correct(counts, indices((0,)), reached, SUSPECT)
    assert (reached.extra // ONE).tolist() == [0, 0, 1, -1, 0, 0, 0, 0]
    clear(reached)
    assert not reached.extra.any()
    assert not reached.marked.any()
    assert reached.size[0] == 0


def test_a_closed_backend_holds_no_address_and_refuses_to_run() -> None:
    case = settled(200)
    backend = Driven(CpuBackend(case.program, Options()))
    play(backend, case)
    backend.close()
    assert not backend._tables.fibers["rows"].any()
    assert not any(backend._tables.areas[name].any() for name in backend._tables.areas.dtype.names or ())
    backend.set_winners(0, list(range(30)))
    with pytest.raises(IndexError):  # and nothing is read or written before
        backend.round(range(6), {0}, learn=True)


def test_the_account_of_tables_counts_the_sets_they_hold() -> None:
    case = settled(200)
    backend = Driven(CpuBackend(case.program, Options()))
    empty = backend._tables.nbytes
    backend.set_winners(0, list(range(30)))
    backend.round(range(6), {0}, learn=True)
    assert backend._tables.nbytes >= empty + 2 * 8 * (30 + case.program.areas[1].k)


def test_the_cache_knows_how_much_room_is_left_for_items_to_evict_first() -> None:
    class Item:
        def __init__(self, nbytes: int) -> None:
            self.nbytes = nbytes

        def on_evict(self) -> None: ...

    cache, rng = Cache(1000), np.random.default_rng(0)
    for step in range(300):
        cache.keep(int(rng.integers(12)), Item(int(rng.integers(1, 400))), step % 3, evict_first=bool(rng.integers(2)))
        held = sum(entry.nbytes for entry in cache._keep_long.values())
        assert cache.room_for_evict_first == 1000 - held
        assert (
            sum(map(cache.nbytes, range(3)))
            == held + sum(entry.nbytes for entry in cache._evict_first.values())
            <= 1000
        )
    cache.clear()
    assert cache.room_for_evict_first == 1000
