"""The weight of a fiber: signed and scaled, within the bounds of its rule."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array

from brainsim import Area, Brain, Connectivity, Explicit, Fiber, Hebbian, Plasticity, SaturatingHebbian, Simulator
from brainsim.build import build
from brainsim.declare.sparse import Stored
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import Update

ONE = 1 << 16


def connected(weight: Any, rule: Plasticity | None = None, graph: Connectivity | None = None) -> Fiber:
    brain = Brain()
    source, target = brain.add(Area("S", 40, 4, {"x": range(4)}), Area("T", 60, 6))
    return brain.connect(source, target, None if graph else 0.3, rule, graph=graph, weight=weight)


class TestOfARandomGraph:
    @pytest.mark.parametrize("weight", [100.0, -2.5, 2**-16, 0.1, 32_767.0])
    def test_all_synapses_have_the_weight_of_their_fiber(self, weight: float) -> None:
        fiber = connected(weight)
        assert fiber.weight == weight
        matrix = fiber.to_scipy(seed=3)
        assert matrix.nnz > 500
        assert set(matrix.data) == {round(weight * ONE) / ONE}
        (spec,) = build(fiber.source.brain, 3).fibers
        assert (spec.base, spec.update) == (round(weight * ONE), None)

    def test_the_weight_is_part_of_repr_and_equality(self) -> None:
        assert repr(connected(100)) == "<Fiber S->T p=0.3 fixed weight=100>"
        assert repr(connected(1.0)) == "<Fiber S->T p=0.3 fixed>"
        assert connected(1.0) == connected(1) != connected(2)
        assert pickle.loads(pickle.dumps(connected(-1.5))).weight == -1.5

    @pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")
    def test_the_connectome_of_a_simulator_has_the_weight(self) -> None:
        fiber = connected(-2.5, Hebbian(0.5, w_max=0, w_min=-9))
        with Simulator(fiber.source.brain, 3, backend="reference") as sim:
            connectome = sim.connectome(fiber)
            np.testing.assert_array_equal(connectome.to_scipy().toarray(), fiber.to_scipy(seed=3).toarray())
            assert connectome.weight(0, int(fiber.row(0, seed=3)[0])) == -2.5

    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            (0, r"must be at least 2\*\*-16 in size, since weights have 16 fractional bits \(got 0\); use inhibit"),
            (1e-6, r"must be at least 2\*\*-16 in size, since weights have 16 fractional bits \(got 1e-06\); raise it"),
            (-1e-6, r"must be at least 2\*\*-16 in size, since weights have 16 fractional bits \(got -1e-06\)"),
            (32_768, r"must be a number between -32767 and 32767 \(got 32768\)"),
            (-40_000, r"must be a number between -32767 and 32767 \(got -40000\)"),
            (float("nan"), r"must be a number between -32767 and 32767 \(got nan\)"),
            ("strong", r"must be a number between -32767 and 32767 \(got 'strong'\)"),
        ],
    )
    def test_mistakes_are_named(self, weight: Any, message: str) -> None:
        with pytest.raises(DeclarationError, match=rf"Fiber 'S->T'\.weight: {message}"):
            connected(weight)


@dataclass(frozen=True)
class Halving(Plasticity):
    """Each co-firing halves the weight."""

    w_min: float = 0.5
    w_max: float = 64.0

    def step(self, w: float) -> float:
        return -0.5 * w


class TestWithARule:
    def test_an_inhibitory_fiber_learns_to_inhibit_more(self) -> None:
        rule = Hebbian(0.5, w_max=0, w_min=-4)
        assert [rule.update(weight) for weight in (-1.0, -2.0, -3.0, -4.0)] == [-1.5, -3.0, -4.0, -4.0]
        update = build(connected(-1, rule).source.brain, 1).fibers[0].update  # type: ignore[arg-type]
        assert update == Update(gain=1 << 27, drift=0, ceiling=0, floor=-4 * ONE)
        assert update.apply(-2 * ONE) == -3 * ONE
        assert repr(rule) == "Hebbian(beta=0.5, w_max=0.0, w_min=-4.0)"

    def test_an_inhibitory_fiber_learns_in_a_round(self) -> None:
        brain = Brain()
        excites, inhibits, target = brain.add(
            Area("E", 20, 20, {"all": range(20)}), Area("I", 10, 10, {"all": range(10)}), Area("T", 5, 5)
        )
        strong = brain.connect(excites, target, 1.0, weight=10)
        fiber = brain.connect(inhibits, target, 1.0, Hebbian(0.5, w_max=0, w_min=-4), weight=-1)
        with Simulator(brain, 3, backend="reference") as sim:
            sim.present(excites["all"], inhibits["all"])
            for weight, drive in ((-1.5, 190.0), (-2.25, 185.0), (-3.375, 177.5), (-4.0, 166.25), (-4.0, 160.0)):
                sim.run(strong | fiber)
                assert set(sim.connectome(fiber).learned()[2]) == {weight}
                assert sim.drive(target).tolist() == [drive] * 5

    def test_a_strong_fiber_learns_from_its_weight_upwards(self) -> None:
        (spec,) = build(connected(100, Hebbian(0.1, w_max=150)).source.brain, 1).fibers  # type: ignore[arg-type]
        assert spec.base == 100 * ONE
        assert spec.update is not None
        assert spec.update.apply(spec.base) / ONE == pytest.approx(110, abs=1e-4)
        assert (spec.smallest_weight, spec.largest_weight) == (0, 150 * ONE)

    def test_a_rule_may_have_a_small_w_max_if_the_weight_is_smaller(self) -> None:
        fiber = connected(0.25, SaturatingHebbian(0.1, w_max=0.5))
        assert fiber.steps()[0] == Update.affine(-0.2, 0.1, 0.5)

    def test_a_table_begins_at_w_min(self) -> None:
        class Cubic(Plasticity):
            w_min, w_max = -2.0, 2.0

            def step(self, w: float) -> float:
                return (w - w**3) / 4

        update = connected(-0.5, Cubic()).steps()[0]
        assert update is not None
        assert update.steps
        for weight in (-2.0, -1.0, -0.5, 0.1, 1.9):
            expected = max(-2.0, min(weight + (weight - weight**3) / 4, 2.0))
            assert update.apply(round(weight * ONE)) / ONE == pytest.approx(expected, abs=3e-3)

    @pytest.mark.parametrize(
        ("weight", "rule", "message"),
        [
            (1, Hebbian(0.1, 0.5), r"Hebbian\.w_max: must be at least 1, the weight of the fiber \(got 0\.5\)"),
            (30, Hebbian(0.1, 20), r"Hebbian\.w_max: must be at least 30, the weight of the fiber \(got 20\)"),
            (20, Hebbian(0.1, 20), r"Hebbian\.w_max: must be above 20, the base weight, to learn \(got 20\)"),
            (-1, Hebbian(0.1, 20), r"Hebbian\.w_min: must be at most -1, the weight of the fiber \(got 0\)"),
            (
                -4,
                Hebbian(0.1, 0, w_min=-4),
                r"Hebbian\.w_min: must be below -4, the base weight, to learn \(got -4\)",
            ),
            (0.5, Halving(), r"Halving\.w_min: must be below 0\.5, the base weight, to learn \(got 0\.5\)"),
            (
                0.001,
                Hebbian(0.001, 20),
                r"Hebbian\.step: at weight 0\.0010\d+ must be 0 or at least about 1e-4, since .* raise the rate",
            ),
        ],
    )
    def test_a_weight_that_the_rule_does_not_allow_is_refused(self, weight: float, rule: Any, message: str) -> None:
        with pytest.raises(DeclarationError, match=rf"Fiber 'S->T'\.plasticity: {message}"):
            connected(weight, rule)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Hebbian(0.1, 5, w_min=5), r"Hebbian\.w_min: must be below w_max = 5 \(got 5\)"),
            (lambda: Hebbian(0.1, 0), r"Hebbian\.w_min: must be below w_max = 0 \(got 0\)"),
            (
                lambda: Hebbian(0.1, -40_000),
                r"Hebbian\.w_max: must be a number between -32767 and 32767 \(got -40000\)",
            ),
            (lambda: Hebbian(0.1, w_min=-40_000), r"Hebbian\.w_min: must be a number between -32767 and 32767"),
            (
                lambda: SaturatingHebbian(0.1, 0),
                r"SaturatingHebbian\.w_max: must be a number between 1\.5.*e-05 and 32",
            ),
        ],
    )
    def test_contradictory_bounds_are_refused_by_the_rule(self, make: Any, message: str) -> None:
        with pytest.raises(DeclarationError, match=message):
            make()


class TestOfGivenSynapses:
    array = coo_array(([1.0, -2.0, 0.5], ([0, 1, 2], [3, 4, 5])), shape=(40, 60))

    def test_the_weight_multiplies_given_synapses(self) -> None:
        fiber = connected(-2, graph=Explicit(self.array))
        np.testing.assert_array_equal(fiber.to_scipy().toarray(), -2 * self.array.toarray())
        (spec,) = build(fiber.source.brain, 1).fibers  # type: ignore[arg-type]
        assert spec.base == 0
        assert (spec.smallest_weight, spec.largest_weight) == (-2 * ONE, 4 * ONE)
        assert fiber != connected(-2, graph=Explicit(-self.array))

    def test_the_weight_multiplies_the_synapses_of_a_users_graph(self) -> None:
        class Mine(Connectivity):
            def stored(self) -> Stored:
                return Stored(*(np.array(column) for column in ([0, 1], [2, 3], [ONE, 2 * ONE])))

        fiber = connected(3, graph=Mine())
        assert fiber.to_scipy().data.tolist() == [3.0, 6.0]

    def test_given_synapses_must_lie_within_the_bounds_of_the_rule(self) -> None:
        assert connected(1, Hebbian(0.1, 3, w_min=-2), Explicit(self.array)).to_scipy().nnz == 3
        for weight, rule, message in (
            (1, Hebbian(0.1, 3), r"must be between 0 and w_max = 3 \(got -2\)"),
            (2, Hebbian(0.1, 3, w_min=-2), r"must be between -2 and w_max = 3 \(got -4\)"),
            (30_000, None, r"must be between -32767 and w_max = 32767 \(got -60000\)"),
        ):
            with pytest.raises(DeclarationError, match=rf"Fiber 'S->T'\.graph: weights: {message}"):
                connected(weight, rule, Explicit(self.array))

    def test_steps_are_checked_at_the_weights_of_given_synapses(self) -> None:
        tiny = coo_array(([1e-3, 5e-4], ([0, 1], [3, 4])), shape=(40, 60))
        with pytest.raises(DeclarationError, match=r"Fiber 'S->T'\.plasticity: Hebbian\.step: at weight 0\.00100"):
            connected(1, Hebbian(0.001, 3), Explicit(tiny))
        assert connected(1000, Hebbian(0.001, 3), Explicit(tiny)).weight == 1000
        at_the_bound = coo_array(([3.0], ([0], [3])), shape=(40, 60))
        assert connected(1, Hebbian(0.1, 3), Explicit(at_the_bound)).to_scipy().nnz == 1
        assert connected(1, Hebbian(0.1, 3), Explicit(coo_array((40, 60)))).to_scipy().nnz == 0
