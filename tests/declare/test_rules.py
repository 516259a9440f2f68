"""Plasticity rules: a step in real numbers, and the integer arithmetic that follows from it."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from brainsim import (
    AffinePlasticity,
    Area,
    Brain,
    Hebbian,
    Plasticity,
    SaturatingHebbian,
    Simulator,
    SoftBoundHebbian,
    StatisticalHebbian,
)
from brainsim.declare.line import Line, as_line
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import Update

ONE = 1 << 16


@dataclass(frozen=True)
class Forgetting(Plasticity):
    factor: float = -0.5
    w_max: float = 2.0

    def step(self, w: float) -> float:
        return self.factor * w


@dataclass(frozen=True)
class Decaying(Plasticity):
    rate: float
    power: float = 2.0
    w_max: float = 20.0

    def step(self, w: float) -> float:
        return self.rate / (1 + w) ** self.power


def rule_of(step: Callable[[float], Any], w_max: float = 20.0) -> Plasticity:
    """Return a rule with a step and nothing else."""

    class Rule(Plasticity):
        def step(self, w: float) -> float:
            return step(w)

    rule = Rule()
    rule.w_max = w_max
    return rule


class TestTheStepOfARule:
    def test_a_linear_step_is_exact(self) -> None:
        assert Forgetting().fixed_point() == Update(gain=-(1 << 27), drift=0, ceiling=2 * ONE)
        assert Forgetting(-2.0).fixed_point().apply(ONE) == 0
        assert Forgetting(-2.0).update(1.0) == 0.0

    def test_any_other_function_is_tabulated(self) -> None:
        rule, weight, stored = Decaying(0.4), 1.0, ONE
        step = rule.fixed_point()
        assert len(step.steps) > 2000
        for _ in range(200):
            weight, stored = rule.update(weight), step.apply(stored)
            assert stored / ONE == pytest.approx(weight, rel=5e-3)

    @pytest.mark.parametrize(
        "step",
        [
            lambda w: w * w,
            lambda w: 1 / w,
            lambda w: math.exp(-w),
            lambda w: float(np.exp(-w)),
            lambda w: 0.5 if w < 2 else 0.1,
            lambda w: min(w, 2.0),
            lambda w: abs(w - 1) + 0.1,
            lambda w: 0.1 if w == 3.0 else 0.2,
            lambda w: w and 0.3,
            lambda w: w.hex() and 0.3,
        ],
    )
    def test_a_nonlinear_step_is_not_taken_for_a_linear_one(self, step: Any) -> None:
        assert as_line(step) is None
        assert rule_of(step).fixed_point().steps

    @pytest.mark.parametrize(
        ("step", "gain", "drift"),
        [
            (lambda w: 0.1, 0.0, 0.1),
            (lambda w: 0.1 * w, 0.1, 0.0),
            (lambda w: w / 4 - 1, 0.25, -1.0),
            (lambda w: 2 - (w + w) / 8, -0.25, 2.0),
            (lambda w: -w + 3, -1.0, 3.0),
            (lambda w: np.float64(0.5) * w + np.float64(1), 0.5, 1.0),
            (lambda w: 3 * (1 - w / 2), -1.5, 3.0),
        ],
    )
    def test_linear_steps_are_recognised(self, step: Any, gain: float, drift: float) -> None:
        found = as_line(step)
        assert found is not None
        assert (found.gain, found.drift) == (gain, drift)
        assert rule_of(step).fixed_point() == Update.affine(gain, drift, 20.0)

    def test_symbolic_lines_refuse_comparison_and_nonlinear_use(self) -> None:
        for use in (
            lambda x: x == 1,
            bool,
            hash,
            float,
            lambda x: x < 1,
            lambda x: x**2,
            lambda x: x * x,
            lambda x: 1 / x,
        ):
            with pytest.raises(TypeError):
                use(Line())


class TestRulesOfTheCalculus:
    """Results depend on these integers, which follow from the coefficients in the formulas."""

    @pytest.mark.parametrize("beta", [0.0, 0.05, 0.1, 1 / 3, 0.7, 8.0])
    @pytest.mark.parametrize("w_max", [1.5, 3.0, 7.3, 10.0, 32_767.0])
    def test_integers_follow_from_the_coefficients(self, beta: float, w_max: float) -> None:
        assert Hebbian(beta, w_max).fixed_point() == Update.affine(beta, 0.0, w_max)
        assert SaturatingHebbian(beta, w_max).fixed_point() == Update.affine(-beta / w_max, beta, w_max)
        if beta <= 0.7 and w_max <= 10:
            expected = Update.tabled(lambda w: beta * math.exp(-1.4 * (w - 1.0)), w_max)
            assert StatisticalHebbian(beta, w_max, 1.4).fixed_point() == expected

    def test_repr_and_equality(self) -> None:
        assert repr(Hebbian(0.1, 20)) == "Hebbian(beta=0.1, w_max=20.0)"
        assert Hebbian(0.1) == Hebbian(0.1)
        assert Hebbian(0.1) != Hebbian(0.2)
        assert hash(Hebbian(0.1)) == hash(Hebbian(0.1))


class TestSoftBound:
    @pytest.mark.parametrize("mu", [0.0, 0.3, 1.0, 2.5])
    def test_integers_follow_the_formula(self, mu: float) -> None:
        rule, weight, stored = SoftBoundHebbian(0.2, 8.0, mu), 1.0, ONE
        step = rule.fixed_point()
        for count in range(1, 100):
            weight, stored = rule.update(weight), step.apply(stored)
            assert stored / ONE == pytest.approx(weight, rel=5e-3)
            if mu == 0:
                assert weight == pytest.approx(min(1 + 0.2 * count, 8))
            if mu == 1:
                assert weight == pytest.approx(8 - 7 * (1 - 0.2 / 8) ** count)

    def test_the_exponent_is_checked(self) -> None:
        with pytest.raises(
            DeclarationError, match=r"SoftBoundHebbian\.mu: must be a number between 0 and 10 \(got -1\)"
        ):
            SoftBoundHebbian(0.1, mu=-1)


class TestRulesOfUsers:
    def test_neither_beta_nor_w_max_is_required(self) -> None:
        @dataclass(frozen=True)
        class Constant(Plasticity):
            amount: float

            def step(self, w: float) -> float:
                return self.amount

        assert Constant(0.5).fixed_point() == Update.affine(0.0, 0.5, 32_767.0)

    def test_coefficients_may_replace_the_step(self) -> None:
        class Fixed(AffinePlasticity):
            @property
            def coefficients(self) -> tuple[float, float]:
                return 0.5, -0.25

        assert Fixed().fixed_point() == Update.affine(0.5, -0.25, 32_767.0)
        assert Fixed().update(2.0) == 2.75

    def test_a_rule_without_a_step_is_refused(self) -> None:
        class Nothing(Plasticity):
            pass

        with pytest.raises(TypeError, match=r"abstract method '?step'?"):
            Nothing()  # type: ignore[abstract]

    @pytest.mark.parametrize(
        ("step", "w_max", "message"),
        [
            (lambda w: math.nan, 20.0, r"Rule\.step: the coefficients of 0 \* w \+ nan must lie within ±8"),
            (lambda w: 100.0 * w, 20.0, r"Rule\.step: the coefficients of 100 \* w \+ 0 must lie within ±8; lower"),
            (lambda w: math.log(w - 5), 20.0, r"Rule\.step\(.*\): failed \(ValueError: "),
            (lambda w: "much", 20.0, r"Rule\.step\(.*\): failed \(ValueError: "),
            (lambda w: 1 / 0, 20.0, r"Rule\.step\(.*\): failed \(ZeroDivisionError: "),
            (lambda w: w / 0, 20.0, r"Rule\.step\(.*\): failed \(ZeroDivisionError: "),
            (lambda w: w**2 * math.inf, 20.0, r"Rule\.step\(.*\): must be a finite number \(got inf\)"),
            (lambda w: 0.1, 0.5, r"Rule\.w_max: must be at least 1, the weight of the fiber \(got 0\.5\)"),
            (lambda w: 0.1, 1.0, r"Rule\.w_max: must be above 1, the base weight, to learn \(got 1\)"),
            (lambda w: 0.1, 0.0, r"Rule\.w_min: must be below w_max = 0 \(got 0\)"),
            (lambda w: 0.1, 40_000, r"Rule\.w_max: must be a number between -32767 and 32767 \(got 40000\)"),
            (lambda w: 1e-7, 20.0, r"Rule\.step: at weight 1 must be 0 or at least about 1e-4, since .*\(got 1e-07\)"),
            (
                lambda w: 0.5 * math.exp(-w),
                30_000.0,
                r"Rule\.w_max: must be lower, since the table of steps from 0 to w_max has \d+ items, which make the "
                r"step at weight 1 0\.\d+ instead of 0\.18\d+ \(got 30000\)",
            ),
        ],
    )
    def test_mistakes_are_named(self, step: Any, w_max: float, message: str) -> None:
        with pytest.raises(DeclarationError, match=message):
            rule_of(step, w_max).fixed_point()

    def test_a_dataclass_is_checked_when_it_is_made(self) -> None:
        with pytest.raises(DeclarationError, match=r"Forgetting\.step: the coefficients of 100 \* w"):
            Forgetting(100.0)

    def test_a_step_may_be_large_at_weights_that_never_occur(self) -> None:
        step = rule_of(lambda w: 1 / w**4).fixed_point()
        assert step.apply(1) == 20 * ONE
        assert rule_of(lambda w: 1 - w**80).fixed_point().apply(15 * ONE) == 0

    def test_a_rule_may_leave_weight_one_unchanged(self) -> None:
        step = rule_of(lambda w: (w - 1) * w * 0.5).fixed_point()
        assert step.apply(2 * ONE) / ONE == pytest.approx(3.0, rel=1e-2)
        assert step.apply(ONE) / ONE == pytest.approx(1.0, rel=1e-2)

    @pytest.mark.parametrize("w_max", [2.00001, 2.000007])  # stored as slightly more, and as slightly less
    def test_a_fiber_may_begin_with_weights_at_a_bound_that_is_rounded(self, w_max: float) -> None:
        for rule in (Hebbian(0.0, w_max), Hebbian(0.5, w_max)):
            assert rule.fixed_point(at=w_max).ceiling == round(w_max * ONE)

    def test_rules_can_be_pickled_and_used_in_a_fiber(self) -> None:
        brain = Brain()
        source, target = brain.add(Area("S", 60, 10, {"x": range(10)}), Area("T", 100, 10))
        fiber = brain.connect(source, target, 0.5, Decaying(0.4))
        assert repr(fiber) == "<Fiber S->T p=0.5 Decaying(rate=0.4, power=2.0, w_max=20.0)>"
        assert pickle.loads(pickle.dumps(fiber.plasticity)) == Decaying(0.4)
        with Simulator(brain, seed=2, backend="reference") as sim:
            sim.present(source["x"])
            sim.run(source >> target, 3)
            largest = sim.connectome(fiber).learned()[2].max()
        expected = 1.0
        for _ in range(3):
            expected = Decaying(0.4).update(expected)
        assert largest == pytest.approx(expected, rel=1e-3)
