"""Plasticity steps: rates, bounds, and the rounding of depression."""

from __future__ import annotations

import numpy as np
import pytest

from brainsim.kernels.law.rules import LARGEST_RATE, Depression, Update, multiplied
from brainsim.kernels.law.weights import ONE

RULES = [Update.affine(0.1, 0.0, 20.0), Update.affine(-0.03, 0.3, 10.0), Update.tabled(lambda w: 0.2 / (1 + w), 8.0)]
SIGNED = [Update.affine(0.1, 0.0, 0.0, -20.0), Update.affine(0.0, -0.3, 10.0, -10.0), Update.tabled(abs, 4.0, -4.0)]


@pytest.mark.parametrize("rule", RULES)
def test_rate_one_applies_the_whole_step(rule: Update) -> None:
    for weight in np.random.default_rng(0).integers(0, rule.ceiling + 1, 500).tolist():
        half = 1 << 27
        step = rule.steps[min(weight >> rule.shift, len(rule.steps) - 1)] if rule.steps else None
        step = (rule.gain * weight + rule.drift + half) >> 28 if step is None else step
        assert rule.apply(weight) == rule.apply(weight, ONE) == max(0, min(weight + step, rule.ceiling))


@pytest.mark.parametrize("rule", [*RULES, *SIGNED])
@pytest.mark.parametrize("rate", [0, 1, ONE // 3, -ONE, 3 * ONE, LARGEST_RATE, -LARGEST_RATE])
def test_a_rate_scales_the_step_within_the_bounds(rule: Update, rate: int) -> None:
    checked = 0
    for weight in np.random.default_rng(1).integers(rule.floor, rule.ceiling + 1, 300).tolist():
        free = Update(rule.gain, rule.drift, 2**40, rule.steps, rule.shift, rule.floor)
        whole = Update(rule.gain, rule.drift, 2**40, rule.steps, rule.shift, -(2**40)) if not rule.steps else free
        step = whole.apply(weight) - weight
        wanted = min(max(weight + multiplied(step, rate), rule.floor), rule.ceiling)
        if rule.steps and weight + step < rule.floor:
            continue  # the bounds clip the step from which this test computes the expected weight
        assert rule.apply(weight, rate) == wanted
        checked += 1
    assert checked > 100


@pytest.mark.parametrize("decay", [0.001, 0.1, 0.5, 1.0])
def test_a_weight_that_decays_towards_the_base_reaches_it(decay: float) -> None:
    for base, ceiling, floor in ((1.0, 9.0, 1.0), (100.0, 200.0, 0.0), (-1.0, 0.0, -9.0)):
        rule = Depression.affine(-decay, decay * base, ceiling, floor, base)
        for start in {rule.ceiling, rule.floor}:
            weight, rounds = start, 0
            while weight != rule.base:
                after = rule.apply(weight)
                assert abs(after - rule.base) < abs(weight - rule.base), "nearer in every round"
                assert (after - rule.base) * (start - rule.base) >= 0, "never beyond"
                weight, rounds = after, rounds + 1
            assert rule.apply(weight) == rule.base
            assert rounds < 70_000


def test_a_constant_step_stops_at_the_floor() -> None:
    rule = Depression.affine(0.0, -4.0, 9.0, 1.0)
    assert [rule.apply(weight * ONE) // ONE for weight in (9, 6, 5, 2, 1)] == [5, 2, 1, 1, 1]


def test_a_weight_below_the_floor_stays_there() -> None:
    rule = Depression.affine(0.0, -4.0, 9.0, 1.0)
    assert rule.apply(ONE // 2) == ONE // 2
    assert rule.apply(ONE // 2, -ONE // 8) == ONE, "a reversed step strengthens it"


def test_a_negative_rate_reverses_depression_up_to_the_ceiling() -> None:
    rule = Depression.affine(0.0, -4.0, 9.0, 1.0)
    assert rule.apply(2 * ONE, -ONE) == 6 * ONE
    assert rule.apply(7 * ONE, -ONE) == 9 * ONE


def test_a_table_of_depression_begins_at_the_floor() -> None:
    rule = Depression.tabled(lambda w: -w / 2, 8.0, 2.0)
    assert rule.apply(8 * ONE) == pytest.approx(4 * ONE, rel=1e-3)
    assert rule.apply(3 * ONE) == 2 * ONE, "never below"
    assert rule.apply(ONE) == ONE


def test_a_table_of_potentiation_begins_at_the_floor() -> None:
    rule = Update.tabled(lambda w: 1.0 if w < 0 else 0.25, 4.0, -4.0)
    assert rule.apply(-3 * ONE) == -2 * ONE
    assert rule.apply(ONE) == ONE + ONE // 4
    assert rule.changes_weights


@pytest.mark.parametrize("gain", [-0.5, -0.01, 0.0, 0.01, 0.5])
@pytest.mark.parametrize("drift", [-0.02, 0.0, 0.02])
@pytest.mark.parametrize("bounds", [(-0.03, 0.0), (-0.02, 0.02), (0.0, 0.03), (0.01, 0.04), (-0.04, -0.01)])
def test_changes_weights_agrees_with_a_trial_of_every_weight(
    gain: float, drift: float, bounds: tuple[float, float]
) -> None:
    rule = Update.affine(gain, drift, bounds[1], bounds[0])
    assert rule.changes_weights == any(rule.apply(w) != w for w in range(rule.floor, rule.ceiling + 1))
