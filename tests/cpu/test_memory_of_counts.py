"""Counts that the CPU backend keeps between rounds never change results, whatever is evicted or interrupted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Simulator
from brainsim.kernels.backend import Backend
from brainsim.kernels.cpu import backend as cpu_backend
from brainsim.kernels.cpu import counts, lookup
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Update
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import Synapses
from driving import Driven
from scenarios import settled, settled_reference, trace


def test_a_larger_set_is_counted_after_one_whose_counts_fit_a_byte() -> None:
    """The counts of 250 neurons at p = .9 fit a byte, and those of 400 do not."""
    fired = []
    for backend in ("reference", "cpu"):
        brain = Brain()
        source, target = brain.add(Area("S", n=400, k=400), Area("T", n=300, k=20))
        brain.connect(source, target, p=0.9)
        with Simulator(brain, seed=1, backend=backend) as sim:
            for size in (250, 400, 255, 256, 400):
                sim.present(Assembly("S", np.arange(size)))
                sim.run(brain.fibers)
                fired.append(sim.assembly(target).neurons.tolist())
    assert fired[:5] == fired[5:]


def one_fiber(n: int = 200_000) -> Program:
    areas = (AreaSpec("S", 2000, 100), AreaSpec("T", n, 5))
    graph = Graph(fiber_key(1, "S", "T", ""), 2000, n, 0.05, False)
    return Program(areas, (FiberSpec("F", 0, 1, graph, Update.affine(1.0, 0.0, 20.0)),))


def fire(backend: Backend, sets: list[Any], *, forget: int) -> list[list[int]]:
    fired = []
    for at, firing in enumerate(sets):
        if at == forget:
            backend.set_learned(0, Synapses(*(np.empty(0, np.int64) for _ in range(3))))
        backend.set_winners(0, firing)
        backend.round([0], {0}, learn=True)
        fired.append(backend.winners(1).tolist())
    return fired


@pytest.mark.slow
def test_counts_may_follow_from_counts_that_were_looked_up() -> None:
    b, x, c = np.arange(100), np.r_[0:99, 500], np.r_[1:100, 600]
    sets = [c, b, c, b, x, c, np.arange(1000, 1100), np.arange(1100, 1200), b, x]
    program = one_fiber()
    room_for_three = Options(cache_mb=3.3 * 200_000 / 2**20)
    expected = fire(Driven(ReferenceBackend(program, Options())), sets, forget=1)
    assert fire(Driven(CpuBackend(program, room_for_three)), sets, forget=1) == expected


@pytest.mark.parametrize("which", range(0, 40, 3))
def test_an_interrupted_look_up_does_not_change_results(monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    monkeypatch.setattr(counts, "_BLOCKS_PER_TARGET", 0)
    calls = iter(range(10**6))
    whole = lookup.synapses_among

    def interrupted(*arguments: Any) -> Any:
        found = whole(*arguments)
        if next(calls) == which:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(counts, "synapses_among", interrupted)

    class RunsAgain(CpuBackend):
        def run(self, plan: RoundPlan, record: Sequence[int] = (), drives: Collection[int] = ()) -> None:
            try:
                super().run(plan, record, drives)
            except KeyboardInterrupt:
                super().run(plan, record, drives)

    assert trace(RunsAgain, settled(200), Options()) == settled_reference(200)[1]


def test_an_interrupted_round_does_not_affect_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """All areas share one sparse drive, which must be empty before another area or round uses it."""
    areas = (AreaSpec("S", 500, 50), AreaSpec("R", 500, 50), AreaSpec("T", 5000, 20))
    fibers = tuple(
        FiberSpec(name, source, 2, Graph(fiber_key(1, name, "T", ""), 500, 5000, 0.1, False), Update.affine(1.0, 0, 9))
        for source, name in enumerate("SR")
    )

    def play(kind: type[Backend], *, interrupt: bool) -> list[int]:
        backend = Driven(kind(Program(areas, fibers), Options()))
        for area in (0, 1):
            backend.set_winners(area, np.arange(50))
        for _ in range(3):
            backend.round([0], {0, 1}, learn=True)
        if interrupt:
            with monkeypatch.context() as patch:
                patch.setattr(cpu_backend, "select", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    backend.round([0], {0, 1}, learn=True)
        backend.round([1], {0, 1}, learn=True)
        return backend.winners(2).tolist()

    assert play(CpuBackend, interrupt=True) == play(ReferenceBackend, interrupt=False)


def interrupted(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_a_state_that_was_loaded_in_part_cannot_be_used(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from brainsim.errors import SimulationError

    brain = Brain()
    source, target = brain.add(Area("S", n=60, k=30), Area("T", n=300, k=20))
    brain.connect(source, target, p=0.2, plasticity=Hebbian(0.1))
    sim = Simulator(brain, seed=1, backend="cpu")
    sim.present(Assembly("S", np.arange(30)))
    sim.run(brain.fibers, rounds=2)
    sim.save(tmp_path / "state.h5")

    def no_memory(*_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(CpuBackend, "write", no_memory)
        with pytest.raises(MemoryError):
            sim.load(tmp_path / "state.h5")
    with pytest.raises(SimulationError, match="load a saved state or build a new one"):
        sim.run(brain.fibers)
    sim.load(tmp_path / "state.h5")
    sim.run(brain.fibers)
    sim.close()
