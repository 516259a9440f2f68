"""Normalized weights: their sums, how they learn, and errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Plasticity, Simulator
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations import (
    normalize,
)

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")


class TestHomeostasis:
    def brain(self, beta: float = 0.1, w_max: float = 32_767.0) -> Brain:
        brain = Brain()
        source, target = brain.add(Area("S", 200, 20), Area("T", 300, 20))
        brain.connect(source, target, 0.2, Hebbian(beta, w_max))
        brain.connect(target, target, 0.2, Hebbian(beta, w_max))
        brain.connect(target, source, 0.2)
        return brain

    @pytest.mark.parametrize("backend", ["reference", "cpu"])
    def test_incoming_weights_sum_to_the_total(self, backend: str) -> None:
        brain = self.brain()
        fibers = brain["S"] >> brain["T"] | brain["T"] >> brain["T"]
        with Simulator(brain, 1, backend=backend) as sim:
            sim.present(Assembly("S", range(20)))
            sim.run(fibers, 3)
            before = [sim.connectome(fiber).to_scipy().toarray() for fiber in fibers]
            normalize(sim, fibers, 500.0)
            for old, fiber in zip(before, fibers, strict=True):
                new = sim.connectome(fiber).to_scipy().toarray()
                np.testing.assert_allclose(new.sum(axis=0), 500.0, atol=0.01)
                np.testing.assert_allclose(new, old * 500.0 / old.sum(axis=0), atol=1e-5)
            sim.run(fibers)
            assert len(sim.assembly("T")) == 20

    def test_the_total_hardly_changes_winners(self) -> None:
        winners = []
        for total in (50.0, 1000.0):
            brain = self.brain()
            with Simulator(brain, 1) as sim:
                normalize(sim, brain["S"] >> brain["T"] | brain["T"] >> brain["T"], total)
                sim.present(Assembly("S", range(20)))
                sim.run(brain.fibers - (brain["T"] >> brain["S"]), 5)
                winners.append(sim.assembly("T"))
        assert winners[0].overlap(winners[1]) > 0.9  # not 1, since rounding may break ties

    def test_a_fiber_that_learns_nothing_keeps_its_normalized_weights(self) -> None:
        brain = self.brain(beta=0.0)
        fiber = brain["S"] >> brain["T"]
        with Simulator(brain, 1) as sim:
            normalize(sim, fiber)
            before = sim.connectome(fiber).to_scipy().toarray()
            sim.present(Assembly("S", range(20)))
            sim.run(fiber, 3)
            np.testing.assert_array_equal(sim.connectome(fiber).to_scipy().toarray(), before)

    def test_invalid_uses_of_normalize_are_refused(self) -> None:
        brain = self.brain(w_max=5.0)
        with Simulator(brain, 1) as sim:
            with pytest.raises(
                DeclarationError, match=r"Fiber 'T->S': has no plasticity, .* for example Hebbian\(beta=0\)"
            ):
                normalize(sim, brain["T"] >> brain["S"])
            with pytest.raises(DeclarationError, match=r"a weight would be .*, above its w_max = 5; lower total"):
                normalize(sim, brain["S"] >> brain["T"])
            with pytest.raises(DeclarationError, match="total: must be"):
                normalize(sim, brain["S"] >> brain["T"], 0.0)
            with sim.frozen(), pytest.raises(SimulationError, match="a probe must not change weights"):
                normalize(sim, brain["S"] >> brain["T"], 10.0)
            assert not len(sim.connectome(brain["S"] >> brain["T"]).learned()[0])

    def test_all_fibers_are_normalized_or_none(self) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            with pytest.raises(DeclarationError, match="has no plasticity"):
                normalize(sim, brain.fibers)
            assert not len(sim.connectome(brain["S"] >> brain["T"]).learned()[0])
            with pytest.raises(DeclarationError, match=r"normalize\.fibers: must be at least one"):
                normalize(sim, [])

    @pytest.mark.parametrize("backend", ["reference", "cpu"])
    def test_a_rule_without_a_step_at_the_base_weight_learns_after_normalization(self, backend: str) -> None:
        @dataclass(frozen=True)
        class Returning(Plasticity):
            beta: float
            w_max: float = 100.0

            def step(self, w: float) -> float:
                return self.beta * (1 - w)

        brain = Brain()
        source, target = brain.add(Area("S", 30, 30), Area("T", 60, 60))
        brain.connect(source, target, 1.0, Returning(0.5))
        with Simulator(brain, 1, backend=backend) as sim:
            normalize(sim, brain.fibers, 30 * 9.0)
            sim.present(Assembly("S", range(30)))
            sim.run(brain.fibers, 2)
            np.testing.assert_allclose(sim.connectome(brain.fibers).learned()[2], 3.0)

    def test_fibers_with_too_many_synapses_are_refused(self) -> None:
        brain = Brain()
        source, target = brain.add(Area("S", 100_000, 20), Area("T", 100_000, 20))
        brain.connect(source, target, 0.01, Hebbian(0.1))
        with (
            Simulator(brain, 1) as sim,
            pytest.raises(DeclarationError, match=r"at most 20_000_000 \(expects 1e\+08\)"),
        ):
            normalize(sim, brain.fibers)
