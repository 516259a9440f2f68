"""Topographic fibers: the same rows, winners and weights on every backend."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.law.graph import fiber_key
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.law.taper import Tapered
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from listed import BUILT_IN, OPTIONS, started
from scenarios import HEBBIAN, Scenario, scenario, trace


def line(n_source: int, n_target: int, p: float, width: float, k: int = 5) -> Program:
    graph = Tapered(fiber_key(0, "S", "T", ""), n_source, n_target, p, False, width)
    areas = AreaSpec("S", n_source, n_source), AreaSpec("T", n_target, k, key=area_key(0, "T"))
    return Program(areas, (FiberSpec("S->T", 0, 1, graph, HEBBIAN),))


@pytest.mark.parametrize("backend_class", BUILT_IN)
class TestTapered:
    @pytest.mark.parametrize(("p", "width"), [(1.0, 0.05), (0.3, 0.2), (0.05, 10.0)])
    def test_rows_are_those_of_the_law(self, backend_class: Any, p: float, width: float) -> None:
        program = line(30, 501, p, width)
        backend = started(backend_class, program)
        for pre in range(30):
            assert backend.row(0, pre).tolist() == program.fibers[0].graph.row(pre).tolist()

    def test_a_narrow_fiber_reaches_neurons_near_the_position_of_its_source(self, backend_class: Any) -> None:
        backend = started(backend_class, line(10, 1000, 1.0, 0.002, k=50))
        backend.set_winners(0, [3])
        backend.round([0], {0}, learn=True)
        won = backend.winners(1)
        assert 3 < len(won) < 9, "about 5 neurons on either side have factors between 1 and .01"
        assert np.abs(won - 300).max() < 10
        assert backend.learned(0).post.tolist() == won.tolist()

    def test_the_width_decides_how_many_synapses_there_are(self, backend_class: Any) -> None:
        reached = [len(started(backend_class, line(10, 2000, 0.5, width)).row(0, 5)) for width in (0.05, 0.1, 1e3)]
        root = np.sqrt(2 * np.pi)  # the integral of the factor is its width times this
        assert reached == [pytest.approx(0.5 * 2000 * share, rel=0.25) for share in (0.05 * root, 0.1 * root, 1.0)]


@cache
def expected(number: int, large: bool) -> tuple[Scenario, list[Any]]:
    """Return a scenario in which every other fiber is topographic, and its trace on the reference backend."""
    case = scenario(number, (150, 60_000, 600), rounds=6) if large else scenario(number)
    rng = np.random.default_rng(number)
    fibers = [
        replace(fiber, graph=_tapered(fiber, rng)) if f % 2 else fiber for f, fiber in enumerate(case.program.fibers)
    ]
    case = replace(case, program=replace(case.program, fibers=tuple(fibers)))
    return case, trace(ReferenceBackend, case, Options())


def _tapered(fiber: FiberSpec, rng: Any) -> Tapered:
    graph, width = fiber.graph, float(rng.choice([0.03, 0.2, 3.0]))
    return Tapered(graph.key, graph.n_source, graph.n_target, min(1.0, 3 * graph.p), graph.recurrent, width)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("number", "large"), [(0, False), (1, False), (3, False), (5, False), (100, True)])
def test_the_cpu_gives_the_same_winners_and_weights(number: int, large: bool, options: Options) -> None:
    case, reference = expected(number, large)
    assert sum(isinstance(fiber.graph, Tapered) for fiber in case.program.fibers) >= 2
    assert trace(CpuBackend, case, options) == reference
