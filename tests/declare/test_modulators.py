"""Modulators, oscillators, windows and traces: accepted values and arithmetic."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest

from brainsim import Area, Brain, Hebbian, Modulator, Oscillator, Trace, Window
from brainsim.declare.cosine import cosine
from brainsim.errors import DeclarationError, FrozenBrainError

ONE = 1 << 16


def small_brain() -> Brain:
    brain = Brain()
    brain.add(Area("S", 100, 10), Area("T", 100, 10))
    return brain


class TestValues:
    @pytest.mark.parametrize("period", [2, 3, 4, 7, 8, 12, 360, 99_991])
    def test_an_oscillator_is_the_cosine_of_its_phase(self, period: int) -> None:
        theta = Oscillator("theta", period)
        for clock in {*range(min(period, 400)), period // 2, period - 1, period, 3 * period + 1}:
            expected = math.cos(2 * math.pi * (clock % period) / period)
            assert abs(theta.value_at(clock) - expected * ONE) <= 0.5 + 1e-6
            assert theta.value_at(clock) == theta.value_at(clock + period) == theta.value_at(period - clock)

    def test_quarters_of_a_cycle_are_exact(self) -> None:
        assert [cosine(phase, 4) for phase in range(4)] == [ONE, 0, -ONE, 0]
        assert [cosine(phase, 6) for phase in range(6)] == [ONE, ONE // 2, -ONE // 2, -ONE, -ONE // 2, ONE // 2]
        assert [cosine(phase, 8) for phase in (1, 3)] == [46341, -46341]

    @pytest.mark.parametrize("decay", [0.0, 0.3, 0.5, 0.999, 1 - 2**-16])
    def test_a_value_decays_to_its_baseline_and_stays_there(self, decay: float) -> None:
        dopamine = Modulator("dopamine", baseline=0.25, decay=decay)
        value, rounds = ONE, 0
        while value != ONE // 4:
            following = dopamine.value_after(value)
            assert ONE // 4 <= following < value
            assert following - ONE // 4 == pytest.approx((value - ONE // 4) * decay, abs=2)
            value, rounds = following, rounds + 1
        assert dopamine.value_after(value) == value
        assert rounds == 1 if decay == 0 else rounds > 5

    def test_values_above_and_below_the_baseline_decay_equally(self) -> None:
        noradrenaline = Modulator("noradrenaline", baseline=1.0, decay=0.7)
        for distance in (1, 2, 3, 1000, 7 * ONE):
            up, down = noradrenaline.value_after(ONE + distance), noradrenaline.value_after(ONE - distance)
            assert up - ONE == ONE - down == distance * 45875 >> 16

    def test_without_decay_a_value_stays(self) -> None:
        assert Modulator("m").value_after(-123) == -123

    def test_values_have_16_fractional_bits(self) -> None:
        dopamine = Modulator("dopamine")
        assert [dopamine.fixed(value) for value in (-8, 0.5, 1)] == [-8 * ONE, ONE // 2, ONE]
        with pytest.raises(
            DeclarationError, match=r"Modulator 'dopamine': value: must be a number between -8 and 8 \(got 8\.5\)"
        ):
            dopamine.fixed(8.5)

    def test_rates_of_a_trace_decay_with_age(self) -> None:
        assert Trace(5, 0.8).rates() == tuple(round(0.8**age * ONE) for age in range(5))
        assert Trace(3, 1).rates() == (ONE, ONE, ONE)


class TestWindows:
    @pytest.mark.parametrize(
        ("start", "end", "phases"),
        [(0, 4, [0, 1, 2, 3]), (4, 8, [4, 5, 6, 7]), (6, 2, [0, 1, 6, 7]), (7, 0, [7]), (0, 8, list(range(8)))],
    )
    def test_a_window_is_open_at_its_phases(self, start: int, end: int, phases: list[int]) -> None:
        window = Oscillator("theta", 8).window(start, end)
        assert [clock for clock in range(8) if window.open_at(clock)] == phases
        assert [clock for clock in range(16, 24) if window.open_at(clock)] == [16 + phase for phase in phases]

    @pytest.mark.parametrize("period", [2, 3, 8, 9])
    def test_encoding_and_retrieval_share_the_cycle(self, period: int) -> None:
        theta = Oscillator("theta", period)
        assert all(theta.encoding.open_at(clock) != theta.retrieval.open_at(clock) for clock in range(period))
        assert sum(map(theta.encoding.open_at, range(period))) == period // 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Modulator(""), "Modulator.name: must be printable text, not empty (got '')"),
        (lambda: Modulator("m", 9), "Modulator 'm'.baseline: must be a number between -8 and 8 (got 9)"),
        (lambda: Modulator("m", -8.1), "Modulator 'm'.baseline: must be a number between -8 and 8 (got -8.1)"),
        (lambda: Modulator("m", math.nan), "Modulator 'm'.baseline: must be a number between -8 and 8 (got nan)"),
        (lambda: Modulator("m", decay=1.1), "Modulator 'm'.decay: must be a number between 0 and 1 (got 1.1)"),
        (
            lambda: Modulator("m", decay=1 - 2**-18),
            "Modulator 'm'.decay: must be 1 or at most 1 - 2**-16, since it has 16 fractional bits "
            "(got 0.9999961853027344)",
        ),
        (lambda: Oscillator("o", 1), "Oscillator 'o'.period: must be an integer between 2 and 2147483647 (got 1)"),
        (lambda: Oscillator("o", 2.5), "Oscillator 'o'.period: must be an integer between 2 and 2147483647 (got 2.5)"),
        (
            lambda: Oscillator("o", 8).window(3, 3),
            "Window of 'o'.end: must be another phase than start = 3, or the window is never open (got 3)",
        ),
        (lambda: Oscillator("o", 8).window(8, 2), "Window of 'o'.start: must be an integer between 0 and 7 (got 8)"),
        (lambda: Oscillator("o", 8).window(2, 9), "Window of 'o'.end: must be an integer between 0 and 8 (got 9)"),
        (lambda: Oscillator("o", 8).window(-1, 2), "Window of 'o'.start: must be an integer between 0 and 7 (got -1)"),
        (
            lambda: Window(Modulator("m"), 0, 1),  # type: ignore[arg-type]
            "Window.oscillator: must be an Oscillator of the brain (got Modulator('m'))",
        ),
        (lambda: Trace(0, 0.5), "Trace.rounds: must be an integer between 1 and 1000 (got 0)"),
        (lambda: Trace(1001, 0.5), "Trace.rounds: must be an integer between 1 and 1000 (got 1001)"),
        (lambda: Trace(5, 1.5), "Trace.decay: must be a number between 0 and 1 (got 1.5)"),
        (
            lambda: Trace(5, 0),
            "Trace.decay: must be above 0 (got 0); Trace(rounds=1, decay=1) remembers the last round alone",
        ),
    ],
)
def test_bad_values_are_refused(make: Any, message: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        make()
    assert str(caught.value) == message


class TestInABrain:
    def test_modulators_are_parts_of_a_brain(self) -> None:
        brain = small_brain()
        dopamine, theta = brain.add(Modulator("dopamine", 0, 0.9), Oscillator("theta", 8))
        assert brain.modulators == {"dopamine": dopamine, "theta": theta}
        assert dopamine.brain is brain
        assert repr(brain).splitlines()[0] == "Brain: 2 areas, 0 fibers, 2 modulators"
        assert repr(brain).splitlines()[-2:] == [
            "  Modulator('dopamine', baseline=0, decay=0.9)",
            "  Oscillator('theta', period=8)",
        ]
        assert brain != small_brain()
        brain.freeze()
        with pytest.raises(FrozenBrainError, match="cannot add a part once a simulator has been built"):
            brain.add(Modulator("late"))

    def test_names_are_unique_among_areas_and_modulators(self) -> None:
        brain = small_brain()
        brain.add(Modulator("m"))
        for part, message in (
            (Modulator("m"), r"Modulator\.name: must be unique in the brain \(got 'm' twice\)"),
            (Modulator("S"), r"Modulator\.name: must be unique in the brain \(got 'S' twice\)"),
            (Area("m", 5, 1), r"Area\.name: must be unique in the brain \(got 'm' twice\)"),
            (brain.modulators["m"], "Modulator 'm' already belongs to this brain"),
        ):
            with pytest.raises(DeclarationError, match=message):
                brain.add(part)
        assert list(brain.modulators) == ["m"]

    def test_a_fiber_names_what_modulates_it(self) -> None:
        brain = small_brain()
        dopamine, theta = brain.add(Modulator("dopamine"), Oscillator("theta", 8))
        parts: dict[str, Any] = {
            "trace": Trace(5, 0.8),
            "transmits_when": theta.retrieval,
            "learns_when": theta.encoding,
        }
        fiber = brain.connect(
            brain["S"], brain["T"], 0.1, Hebbian(0.1, 5), modulated_by=[dopamine, theta], label="x", **parts
        )
        assert fiber.modulated_by == (dopamine, theta)
        assert repr(fiber) == (
            "<Fiber S->T[x] p=0.1 Hebbian(beta=0.1, w_max=5.0) modulated_by=dopamine*theta "
            "trace=Trace(rounds=5, decay=0.8) transmits_when=theta.window(4, 8) learns_when=theta.window(0, 4)>"
        )
        plain = brain.connect(brain["S"], brain["T"], 0.1, Hebbian(0.1, 5), modulated_by=dopamine)
        assert plain.modulated_by == (dopamine,)
        for other in (pickle.loads(pickle.dumps(brain)), copy.deepcopy(brain)):
            assert other == brain
            (again,) = [each for each in other.fibers if each.label]
            assert again.modulated_by[0] is other.modulators["dopamine"]
            assert again.transmits_when.oscillator is other.modulators["theta"]
            assert other.modulators["theta"].brain is other

    @pytest.mark.parametrize(
        ("parts", "message"),
        [
            (
                {"modulated_by": "dopamine"},
                r"modulated_by: must be a Modulator of the brain, or a tuple of them \(got '",
            ),
            ({"modulated_by": [Modulator("m"), 1]}, "modulated_by: must be a Modulator of the brain, or a tuple of"),
            ({"modulated_by": Modulator("m")}, r"modulated_by: Modulator 'm' belongs to no brain yet; add it with"),
            ({"transmits_when": Oscillator("o", 4).encoding}, "transmits_when: Oscillator 'o' belongs to no brain yet"),
            ({"learns_when": Oscillator("o", 4).encoding}, "learns_when: Oscillator 'o' belongs to no brain yet"),
            (
                {"transmits_when": Oscillator("o", 4)},
                r"transmits_when: must be a Window of an oscillator, such as theta",
            ),
            ({"learns_when": (0, 4)}, r"learns_when: must be a Window of an oscillator, such as theta\.encoding"),
            ({"trace": 5}, r"trace: must be a brainsim\.Trace, such as Trace\(rounds=5, decay=0\.8\) \(got 5\)"),
            ({"trace": Trace(5, 0.8)}, "trace: needs a modulator, since Simulator.reinforce.* give modulated_by"),
        ],
    )
    def test_parts_that_do_not_fit_are_refused(self, parts: dict[str, Any], message: str) -> None:
        brain = small_brain()
        with pytest.raises(DeclarationError, match=rf"Fiber 'S->T'\.{message}"):
            brain.connect(brain["S"], brain["T"], 0.1, Hebbian(0.1), **parts)
        assert not len(brain.fibers)

    def test_a_modulator_of_another_brain_is_refused(self) -> None:
        brain, other = small_brain(), small_brain()
        foreign, theta = other.add(Modulator("dopamine"), Oscillator("theta", 8))
        own = brain.add(Modulator("dopamine"))
        assert foreign == own
        cases: list[tuple[str, Any, str]] = [
            ("modulated_by", foreign, "Modulator 'dopamine'"),
            ("transmits_when", theta.encoding, "Oscillator 'theta'"),
            ("learns_when", theta.encoding, "Oscillator 'theta'"),
        ]
        for attribute, part, named in cases:
            with pytest.raises(
                DeclarationError, match=rf"Fiber 'S->T'\.{attribute}: {named} belongs to another brain; use one of this"
            ):
                brain.connect(brain["S"], brain["T"], 0.1, Hebbian(0.1), **{attribute: part})

    def test_a_modulator_named_twice_is_refused(self) -> None:
        brain = small_brain()
        dopamine = brain.add(Modulator("dopamine"))
        with pytest.raises(DeclarationError, match="modulated_by: modulator 'dopamine' is named twice; name each once"):
            brain.connect(brain["S"], brain["T"], 0.1, Hebbian(0.1), modulated_by=(dopamine, dopamine))

    @pytest.mark.parametrize("attribute", ["modulated_by", "trace", "learns_when"])
    def test_a_fiber_without_a_rule_refuses_parts_about_learning(self, attribute: str) -> None:
        brain = small_brain()
        dopamine, theta = brain.add(Modulator("dopamine"), Oscillator("theta", 8))
        part: Any = {"modulated_by": dopamine, "trace": Trace(5, 0.8), "learns_when": theta.encoding}[attribute]
        with pytest.raises(DeclarationError, match=rf"Fiber 'S->T'\.{attribute}: needs a fiber that learns, but this"):
            brain.connect(brain["S"], brain["T"], 0.1, **{attribute: part})
        assert brain.connect(brain["S"], brain["T"], 0.1, transmits_when=theta.encoding).plasticity is None
