"""Any rule on any fiber is refused by name, or its integer arithmetic follows the rule within its bounds."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from brainsim import (
    STDP,
    Area,
    Brain,
    Hebbian,
    Heterosynaptic,
    Plasticity,
    SaturatingHebbian,
    SoftBoundHebbian,
    StatisticalHebbian,
)
from brainsim.build import build
from brainsim.errors import DeclarationError
from brainsim.kernels.law.rules import LARGEST_RATE
from brainsim.kernels.program import FiberSpec

ONE = 1 << 16
RATES = st.sampled_from([0.0, 1e-7, 1e-4, 0.05, 0.5, 1.0, 8.0]) | st.floats(0, 8)
SIZES = st.sampled_from([2**-16, 0.1, 1.0, 100.0, 32_767.0]) | st.floats(2**-16, 300)
WEIGHTS = st.builds(lambda size, sign: sign * size, SIZES, st.sampled_from([-1, 1]))
FLOORS = st.none() | WEIGHTS


@st.composite
def rules(draw: st.DrawFn) -> Plasticity | None:
    """Return a rule, or ``None`` if the rule refuses its parameters; any other error fails the test."""
    makers: list[Any] = [
        lambda: Hebbian(draw(RATES), draw(WEIGHTS), w_min=draw(WEIGHTS)),
        lambda: SaturatingHebbian(draw(RATES), draw(WEIGHTS), w_min=draw(WEIGHTS)),
        lambda: StatisticalHebbian(draw(RATES), draw(WEIGHTS), draw(st.floats(0, 100))),
        lambda: SoftBoundHebbian(draw(RATES), draw(WEIGHTS), draw(st.floats(0, 10))),
        lambda: STDP(draw(RATES), draw(RATES), draw(WEIGHTS), draw(FLOORS)),
        lambda: Heterosynaptic(draw(RATES), draw(st.floats(0, 1)), draw(WEIGHTS), draw(FLOORS)),
    ]
    try:
        return makers[draw(st.integers(0, len(makers) - 1))]()
    except DeclarationError:
        return None


def built(rule: Plasticity, weight: float) -> FiberSpec | str:
    """Return the fiber that backends run, or the message with which it is refused."""
    brain = Brain()
    area = brain.add(Area("A", 100, 10))
    try:
        brain.connect(area, area, 0.1, rule, weight=weight)
    except DeclarationError as error:
        return str(error)
    return build(brain, 1).fibers[0]


@settings(max_examples=400, deadline=None)
@given(rules(), WEIGHTS, st.integers(-LARGEST_RATE, LARGEST_RATE), st.floats(0, 1))
def test_weights_stay_within_bounds(rule: Plasticity | None, weight: float, rate: int, part: float) -> None:
    if rule is None:
        return
    spec = built(rule, weight)
    if isinstance(spec, str):
        assert spec.startswith("Fiber 'A->A'.plasticity: ")
        return
    update, depression = spec.update, spec.depression
    assert update is not None
    assert spec.base == round(weight * ONE)
    assert update.floor <= spec.base <= update.ceiling
    stored = update.floor + int(part * (update.ceiling - update.floor))
    assert update.floor <= update.apply(stored, rate) <= update.ceiling
    if not update.steps:
        wanted = rule.fitted(weight).update(stored / ONE)
        slack = 2 + abs(stored) * 2.0**-28  # the rounding of the step and of its coefficients
        assert abs(update.apply(stored) - wanted * ONE) <= slack
    if depression is not None:
        assert depression.base == spec.base
        after = depression.apply(stored)
        assert (
            min(stored, depression.floor) <= after <= stored + 1
        )  # rounded towards the base, which may be above the weight
        assert 0 <= depression.apply(depression.floor) - depression.floor <= 1
