"""A simulator and its backend: parts that are not supported, plans of rounds, and rounds that fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Simulator
from brainsim.build import build
from brainsim.errors import BackendError
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rules import Update
from brainsim.kernels.parts import TopK
from brainsim.kernels.program import check_parts
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.round_plan import Learning, Planner, Selection


def brain_of() -> Brain:
    brain = Brain()
    s, t, u = brain.add(Area("S", 50, 20), Area("T", 400, 15, refraction=0.01), Area("U", 300, 15))
    brain.connect(s, t, 0.3, Hebbian(0.1))
    brain.connect(t, t, 0.1, Hebbian(0.1))
    brain.connect(t, u, 0.1)
    brain.connect(s, u, 0.1, Hebbian(0.0))
    return brain


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (TopK, "Area 'S': the reference backend cannot run the activation TopK"),
        (Graph, "Fiber 'S->T': the reference backend cannot run the graph Graph"),
        (Update, "Fiber 'S->T': the reference backend cannot run the rule Update"),
    ],
)
def test_a_part_that_the_backend_does_not_support_is_refused_by_name(
    part: type, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReferenceBackend, "parts", ReferenceBackend.parts - {part})
    with pytest.raises(BackendError, match=message):
        Simulator(brain_of(), backend="reference")


def test_a_subclass_of_a_supported_activation_is_not_supported() -> None:
    class Other(TopK):
        pass

    program = build(brain_of(), 1)
    areas = (replace(program.areas[0], activation=Other()), *program.areas[1:])
    for backend in (ReferenceBackend, CpuBackend, GpuBackend):
        with pytest.raises(BackendUnavailableError, match="cannot run the activation Other"):
            check_parts(replace(program, areas=areas), backend.name, backend.parts)
        check_parts(program, backend.name, backend.parts)


def test_equal_rounds_share_a_plan() -> None:
    planner = Planner(build(brain_of(), 1))
    plan = planner.plan([0, 1, 2, 3], {0}, learn=True)
    assert plan.selections == (Selection(1, (0, 1)), Selection(2, (2, 3)))
    assert plan.learning == (Learning(0), Learning(1))
    assert plan.raising == (1,)
    assert planner.plan((0, 1, 2, 3), [0], learn=True) is plan
    probe = planner.plan([0, 1, 2, 3], {0}, learn=False)
    assert (probe.selections, probe.learning, probe.raising) == (plan.selections, (), ())
    held = planner.plan([0, 1, 2, 3], {0, 1}, learn=True)
    assert (held.selections, held.learning, held.raising) == ((Selection(2, (2, 3)),), plan.learning, ())
    for opened in range(2000):
        planner.plan([opened % 4] * (opened // 4), (), learn=True)
    assert planner.plan([0, 1, 2, 3], {0}, learn=True) is not plan  # the cache of plans is bounded


def test_temporary_thresholds_end_with_their_block() -> None:
    brain = brain_of()
    with Simulator(brain, 2, backend="reference") as sim:
        sim.set_thresholds("T", np.arange(400) / 8)
        before = sim.thresholds("T").tolist()
        with pytest.raises(KeyError), sim.temporary_thresholds("T", 3.0):
            assert sim.thresholds("T").tolist() == [3.0] * 400
            raise KeyError
        assert sim.thresholds("T").tolist() == before


@pytest.mark.parametrize("block", ["frozen", "temporary_thresholds"])
def test_a_block_does_not_hide_the_error_of_a_round(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*arguments: Any) -> None:
        raise MemoryError("no room for synapses")

    brain = brain_of()
    with Simulator(brain, 2, backend="reference") as sim:
        sim.present(Assembly("S", range(20)))
        monkeypatch.setattr(ReferenceBackend, "_learn", no_memory)
        monkeypatch.setattr(ReferenceBackend, "_select", no_memory if block == "frozen" else ReferenceBackend._select)
        with (
            pytest.raises(MemoryError, match="no room for synapses"),
            sim.frozen() if block == "frozen" else sim.temporary_thresholds("T", 1.0),
        ):
            sim.run(brain.fibers)
