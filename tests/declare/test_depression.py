"""Rules with depression: the second step, its bounds, and its integer arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from brainsim import STDP, Area, Brain, Fiber, Hebbian, Heterosynaptic, OneToOne, Plasticity, Simulator
from brainsim.build import build
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import Depression, Update

ONE = 1 << 16


def connected(rule: Plasticity, weight: float = 1.0) -> Fiber:
    brain = Brain()
    source, target = brain.add(Area("S", 40, 4), Area("T", 60, 6))
    return brain.connect(source, target, 0.3, rule, weight=weight)


class TestSTDP:
    def test_both_steps_become_integers(self) -> None:
        (spec,) = build(connected(STDP(8, 4, 9)).source.brain, 1).fibers  # type: ignore[arg-type]
        assert spec.update == Update.affine(0.0, 8.0, 9.0, 1.0)
        assert spec.depression == Depression.affine(0.0, -4.0, 9.0, 1.0, 1.0)
        assert [spec.update.apply(w * ONE) // ONE for w in (1, 2, 9)] == [9, 9, 9]
        assert [spec.depression.apply(w * ONE) // ONE for w in (9, 6, 3, 1)] == [5, 2, 1, 1]

    @pytest.mark.parametrize("weight", [0.5, 1.0, 5.0, -2.0])
    def test_the_floor_is_the_weight_of_the_fiber_unless_it_is_given(self, weight: float) -> None:
        update, depression = connected(STDP(1, 0.5, 9), weight).steps()
        assert update is not None
        assert depression is not None
        assert update.floor == depression.floor == depression.base == round(weight * ONE)
        assert depression.apply(round((weight + 0.25) * ONE)) == round(weight * ONE)
        _, lower = connected(STDP(1, 0.5, 9, floor=-3), weight).steps()
        assert lower is not None
        assert (lower.floor, lower.base) == (-3 * ONE, round(weight * ONE))

    def test_a_reversed_step_stops_at_the_floor(self) -> None:
        update, _ = connected(STDP(2, 1, 9), 3.0).steps()
        assert update is not None
        assert update.apply(4 * ONE, -ONE) == 3 * ONE

    def test_update_and_depressed_compute_one_step(self) -> None:
        rule = STDP(2, 1.5, 9)
        assert [rule.update(w) for w in (1.0, 8.0)] == [3.0, 9.0]
        assert [rule.depressed(w) for w in (9.0, 2.0, 1.0, 0.5)] == [7.5, 1.0, 1.0, 0.5]
        assert rule.fitted(4).depressed(5.0) == 4.0
        assert repr(connected(rule)) == "<Fiber S->T p=0.3 STDP(ltp=2.0, ltd=1.5, w_max=9.0, floor=None)>"

    def test_without_ltd_nothing_is_weakened(self) -> None:
        assert connected(STDP(2, 0, 9)).steps()[1] is None


class TestHeterosynaptic:
    @pytest.mark.parametrize("weight", [1.0, 100.0, -3.0])
    def test_all_losers_decay_to_the_weight_of_the_fiber(self, weight: float) -> None:
        update, depression = connected(Heterosynaptic(2, 0.3, weight + 20), weight).steps()
        assert update is not None
        assert depression is not None
        assert depression.losers
        stored, rounds = round((weight + 10) * ONE), 0
        while stored != round(weight * ONE):
            following = depression.apply(stored)
            assert following < stored
            assert (following / ONE - weight) == pytest.approx(0.7 * (stored / ONE - weight), abs=2 / ONE)
            stored, rounds = following, rounds + 1
        assert rounds < 50

    def test_a_floor_may_be_given(self) -> None:
        rule = Heterosynaptic(2, 0.5, 9, floor=0)
        assert [rule.depressed(w) for w in (8.0, 1.0, 0.0)] == [4.0, 0.5, 0.0]
        assert connected(rule).steps()[1] == Depression.affine(-0.5, 0.0, 9.0, 0.0, 1.0, losers=True)


@dataclass(frozen=True)
class Straight(Plasticity):
    """Hebbian potentiation, and depression that is linear in the weight."""

    w_max: float = 20.0
    floor: float | None = None

    def step(self, w: float) -> float:
        return 0.1 * w

    def depress(self, w: float) -> float:
        return -0.25 * w + 0.125


class TestRulesOfUsers:
    def test_a_linear_step_is_exact(self) -> None:
        assert connected(Straight()).steps()[1] == Depression.affine(-0.25, 0.125, 20.0, 1.0, 1.0)
        assert connected(Straight(floor=0.5), 2).steps()[1] == Depression.affine(-0.25, 0.125, 20.0, 0.5, 2.0)

    def test_any_other_function_is_tabulated(self) -> None:
        class Curved(Straight):
            all_losers = True

            def depress(self, w: float) -> float:
                return -0.02 * w**2

        _, depression = connected(Curved()).steps()
        assert depression is not None
        assert len(depression.steps) > 2000
        assert depression.losers
        for weight in (2.0, 5.0, 15.0):
            expected = max(1.0, weight - 0.02 * weight**2)
            assert depression.apply(round(weight * ONE)) / ONE == pytest.approx(expected, abs=5e-3)

    def test_a_rule_without_the_method_depress_has_no_depression(self) -> None:
        assert Hebbian(0.1).depression() is None
        assert connected(Hebbian(0.1)).steps()[1] is None

    @pytest.mark.parametrize(
        ("depress", "message"),
        [
            (
                lambda w: -w - w,
                r"Rule\.depress: the coefficients of -2 \* w \+ -0 must lie within ±1 for w, and its value",
            ),
            (
                lambda w: -9.0,
                r"Rule\.depress: the coefficients of 0 \* w \+ -9 must lie within ±1 .* at weight 1 within ±8",
            ),
            (
                lambda w: -1e-6,
                r"Rule\.depress: must somewhere be at least about 1e-4.*\(got 1e-06 at most\); raise the",
            ),
            (lambda w: -1e-6 / w, r"Rule\.depress: must somewhere be at least about 1e-4"),
            (lambda w: 1 / 0, r"Rule\.depress\(.*\): failed \(ZeroDivisionError"),
            (lambda w: float("nan") if w > 3 else -1.0, r"Rule\.depress\(.*\): must be a finite number \(got nan\)"),
        ],
    )
    def test_mistakes_are_named(self, depress: Any, message: str) -> None:
        @dataclass(frozen=True)
        class Rule(Plasticity):
            w_max: float = 20.0

            def step(self, w: float) -> float:
                return 0.1

            def depress(self, w: float) -> float:
                return depress(w)

        with pytest.raises(DeclarationError, match=message):
            Rule()

    def test_a_mistake_that_depends_on_the_fiber_names_it(self) -> None:
        @dataclass(frozen=True)
        class Rule(Plasticity):
            w_max: float = 200.0

            def step(self, w: float) -> float:
                return 0.1

            def depress(self, w: float) -> float:
                return -0.5 * w

        assert connected(Rule(), 2).steps()[1] is not None
        with pytest.raises(
            DeclarationError, match=r"Fiber 'S->T'\.plasticity: Rule\.depress: .* at weight 100 within ±8"
        ):
            connected(Rule(), 100)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: STDP(-1, 1, 9), r"STDP\.ltp: must be a number between 0 and 8 \(got -1\)"),
        (lambda: STDP(1, 9, 9), r"STDP\.ltd: must be a number between 0 and 8 \(got 9\)"),
        (lambda: STDP(1, 1, 40_000), r"STDP\.w_max: must be a number between -32767 and 32767 \(got 40000\)"),
        (lambda: STDP(1, 1, 9, floor=9), r"STDP\.floor: must be below w_max = 9 \(got 9\)"),
        (lambda: STDP(1e-7, 1, 9), r"STDP\.step: at weight 1 must be 0 or at least about 1e-4"),
        (lambda: STDP(1, 1e-7, 9), r"STDP\.depress: must somewhere be at least about 1e-4"),
        (
            lambda: connected(STDP(1, 1, 9, floor=2)),
            r"STDP\.floor: must be at most 1, the weight of the fiber \(got 2\)",
        ),
        (lambda: connected(STDP(1, 1, 9), 10), r"Fiber 'S->T'\.plasticity: STDP\.floor: must be below w_max = 9"),
        (lambda: Heterosynaptic(1, 0, 9), r"Heterosynaptic\.decay: must be above 0 \(got 0\); use Hebbian"),
        (lambda: Heterosynaptic(1, 1.5, 9), r"Heterosynaptic\.decay: must be a number between 0 and 1 \(got 1\.5\)"),
        (lambda: Heterosynaptic(9, 0.5, 9), r"Heterosynaptic\.ltp: must be a number between 0 and 8 \(got 9\)"),
    ],
)
def test_bad_values_are_refused(make: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        make()


def test_a_wrong_pair_is_corrected() -> None:
    """When a teacher makes the right assembly fire, only synapses onto the wrongly recalled assembly weaken."""
    brain = Brain()
    patterns = {"wrong": range(20), "right": range(20, 40), "other": range(40, 60)}
    cue, teacher, answer = brain.add(
        Area("Cue", 200, 20, {"cue": range(20), "next": range(100, 120)}),
        Area("Teacher", 300, 20, patterns),
        Area("Answer", 300, 20, patterns),
    )
    fiber = brain.connect(cue, answer, 0.8, STDP(ltp=8, ltd=4, w_max=9))
    teaches = brain.connect(teacher, answer, graph=OneToOne(), weight=1000)
    with Simulator(brain, seed=1, backend="reference") as sim:
        for label, taught in (("cue", "wrong"), ("next", "other")):
            sim.present(cue[label], teacher[taught])
            sim.run(fiber | teaches)
        sim.present(cue["cue"])
        sim.run(fiber)
        assert sim.assembly(answer).overlap(answer["wrong"]) == 1.0
        sim.present(teacher["right"])
        sim.run(fiber | teaches)  # the wrong assembly loses against the right one
        matrix = sim.connectome(fiber).to_scipy().toarray()
        sim.silence(answer)
        sim.run(fiber)
        assert sim.assembly(answer).overlap(answer["right"]) == 1.0
    exists = fiber.to_scipy(seed=1).toarray() != 0
    for label, weight in {"wrong": 5.0, "right": 9.0, "other": 1.0}.items():
        block = np.ix_(range(20), patterns[label])
        assert set(matrix[block][exists[block]]) == {weight}
    assert set(matrix[100:120, 40:60][exists[100:120, 40:60]]) == {9.0}
