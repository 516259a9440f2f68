"""Sums of synapses that exceed the counters of a tile."""

from __future__ import annotations

import numpy as np
import pytest

from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from driving import Driven
from emulator.device import emulated
from gpus import both, every, state_of
from scenarios import HEBBIAN, settled_reference


def test_more_sources_than_16_bits_count_may_fire() -> None:
    areas = (AreaSpec("S", 50_000, 1), AreaSpec("T", 300, 20))
    fibers = tuple(
        FiberSpec(f"F{i}", 0, 1, Graph(fiber_key(i, "S", "T", ""), 50_000, 300, p, False), None)
        for i, p in enumerate((1.0, 0.05))
    )
    won = []
    for backend_class in (CpuBackend, emulated(), emulated(multiprocessors=132, seed=1)):
        backend = Driven(backend_class(Program(areas, fibers), Options()))
        backend.set_winners(0, np.arange(50_000))
        backend.set_thresholds(1, every(2, -60 * ONE, n=300))
        backend.round([0, 1], {0}, learn=True)
        won.append(backend.winners(1).tolist())
    assert won[0] == won[1] == won[2]
    assert len(won[0]) == 20


def test_an_area_may_be_given_more_winners_than_k() -> None:
    case, _ = settled_reference(200)
    states = []
    for backend in both(case.program):
        backend.set_winners(0, list(range(30)))
        backend.round(range(6), {0}, learn=True)
        backend.set_winners(1, np.arange(0, 3000, 2))
        backend.round(range(6), set(), learn=True)
        states.append(state_of(backend))
    assert states[0] == states[1]


@pytest.mark.parametrize("bases", [(30, 1, 1), (1, 30, 1), (0, 0, 7), (2, 2, 2)])
@pytest.mark.parametrize("rule", [None, HEBBIAN])
def test_fibers_may_have_different_base_weights(bases: tuple[int, ...], rule: Update | None) -> None:
    """Counts are added to the drives before a fiber with another base weight is counted."""
    areas = tuple(AreaSpec(name, n, 20, key=n) for name, n in (("S", 100), ("U", 90), ("T", 400)))
    fibers = tuple(
        FiberSpec(f"F{s}", s, 2, Graph(fiber_key(0, str(s), "T", ""), areas[s].n, 400, 0.1, s == 2), rule, base * ONE)
        for s, base in enumerate(bases)
    )
    states = []
    for backend in both(Program(areas, fibers)):
        backend.set_winners(0, np.arange(0, 40, 2))
        backend.set_winners(2, np.arange(20))
        for opened, neurons in (([0, 1, 2], [3, 4]), ([0, 1, 2], []), ([2, 1, 0], np.arange(20)), ([1], [7])):
            backend.set_winners(1, neurons)
            backend.round(opened, {0, 1}, learn=True)
            states.append(state_of(backend))
    assert states[:4] == states[4:]
    assert len(states[0][0][2]) == 20
