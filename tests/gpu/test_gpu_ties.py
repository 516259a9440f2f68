"""Ties on a gpu: ordered by hash as in the law, for any number of ties and for similar hashes."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from brainsim.kernels.gpu import device_planner
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.selection import input_tag, tie_order
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import Neurons, Thresholds
from driving import Driven
from emulator.device import emulated
from scenarios import excitable, scenario, trace

FIBER_KEYS = (fiber_key(0, "S", "T", ""), fiber_key(0, "T", "T", ""))


def program(n: int, k: int, key: int) -> Program:
    """Return an area in which all neurons have equal drives, from another area and from itself."""
    areas = (AreaSpec("S", 8, 8), AreaSpec("T", n, k, key=key))
    graphs = (Graph(FIBER_KEYS[0], 8, n, 1.0, False), Graph(FIBER_KEYS[1], n, n, 1.0, True))
    fibers = tuple(FiberSpec(str(s), s, 1, graph, None) for s, graph in enumerate(graphs))
    return Program(areas, fibers)


def run(backend: Driven, opened: list[int], stimulus: list[int]) -> Neurons:
    backend.set_winners(0, stimulus)
    backend.round(opened, {0}, learn=False)
    return backend.winners(1)


@pytest.mark.parametrize("passes", [0, 1, 2])
@pytest.mark.parametrize(
    "case",
    [pytest.param(scenario(1), marks=pytest.mark.slow), scenario(3), excitable(304)],
    ids=["1", "3", "excitable"],
)
def test_ties_that_remain_after_the_passes_are_broken(case, passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_planner, "TIE_PASSES", passes)
    assert trace(emulated(seed=2), case, Options()) == trace(ReferenceBackend, case, Options())


@pytest.mark.parametrize("place", [0, 1])
def test_hashes_that_share_their_first_33_bits_are_ordered(place: int) -> None:
    """One neuron of two wins, or both do."""
    n, firing = 50_000, np.array([3])
    tag = input_tag([(FIBER_KEYS[0], firing)])
    for key in count():
        hashes = np.sort(tie_order(key, tag, np.arange(n)))
        alike = np.flatnonzero((hashes[1:] ^ hashes[:-1]) >> np.uint64(31) == 0)
        if len(alike):
            break
    k = int(alike[0]) + 1 + place
    won = run(Driven(emulated()(program(n, k, key), Options())), [0], firing.tolist())
    assert won.tolist() == np.flatnonzero(tie_order(key, tag, np.arange(n)) <= hashes[k - 1]).tolist()


@pytest.mark.parametrize("k", [1, 999, 1000])
def test_k_neurons_win_if_all_neurons_tie(k: int) -> None:
    won = [
        run(Driven(backend(program(1000, k, 5), Options())), [0], [1, 4]).tolist()
        for backend in (ReferenceBackend, emulated())
    ]
    assert won[0] == won[1]
    assert len(won[0]) == k


def test_the_tag_depends_on_the_neurons_that_transmit_to_the_area() -> None:
    """Fibers that do not transmit leave it unchanged; without input, thresholds below 0 still make neurons fire."""
    seen = []
    for backend_class in (ReferenceBackend, emulated(seed=3)):
        backend = Driven(backend_class(program(300, 20, 9), Options()))
        won = [run(backend, [0], [1]), run(backend, [0], [2]), run(backend, [0], [1]), run(backend, [0, 1], [1])]
        backend.set_thresholds(1, Thresholds(np.arange(100), np.full(100, -ONE)))
        won += [run(backend, [0], []), run(backend, [1], [1]), run(backend, [1], [2])]
        seen.append([each.tolist() for each in won])
    assert seen[0] == seen[1]
    assert seen[0][0] == seen[0][2] != seen[0][1]
    assert [len(each) for each in seen[0]] == [20] * 7
