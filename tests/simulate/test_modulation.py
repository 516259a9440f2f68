"""Modulators: their product is the rate at which fibers learn; values decay, are saved, and are restored by probes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brainsim import STDP, Area, Assembly, Brain, Hebbian, Modulator, Oscillator, Simulator
from brainsim.errors import DeclarationError, DumpError, SimulationError, UnknownNameError
from brainsim.kernels.reference import ReferenceBackend
from forging import forged


def brain_of(*names: str, first: str = "dopamine") -> Brain:
    """Return a brain in which one fiber is modulated by all modulators, and the others by none.

    The steps of the rules are exact in fixed point.
    """
    brain = Brain()
    s, t = brain.add(Area("S", 20, 10), Area("T", 40, 5))
    every = {
        "dopamine": Modulator("dopamine", baseline=0.5),
        "novelty": Modulator("novelty", baseline=1.0, decay=0.5),
        "burst": Modulator("burst", baseline=0.0, decay=0.0),
        "theta": Oscillator("theta", period=4),
    }
    chosen = [every[name] for name in names or (first,)]
    for each in chosen:
        brain.add(each)
    brain.connect(s, t, 0.9, Hebbian(0.5, w_max=5, w_min=0.25), modulated_by=chosen)
    brain.connect(s, t, 0.9, label="fixed")
    brain.connect(s, t, 0.9, Hebbian(0.5, w_max=5), label="free")
    return brain


def started(brain: Brain, backend: str = "reference") -> Simulator:
    sim = Simulator(brain, 1, backend=backend)
    sim.present(Assembly("S", range(10)))
    return sim


def fiber(sim: Simulator, label: str = "") -> Any:
    (found,) = (each for each in sim.brain.fibers if each.label == label)
    return found


def weights(sim: Simulator, label: str = "") -> set[float]:
    return set(sim.connectome(fiber(sim, label)).learned()[2].tolist())


def hold_winners(sim: Simulator) -> None:
    """Let the fixed fiber select the winners of T, and hold them: learning then depends on the rate alone."""
    sim.run(fiber(sim, "fixed"))
    sim.hold("T")


@pytest.mark.parametrize(
    ("value", "weight"), [(1.0, 1.5), (0.5, 1.25), (2.0, 2.0), (-1.0, 0.5), (-8.0, 0.25), (8.0, 5.0), (0.0, None)]
)
def test_the_step_is_multiplied_by_the_value(backend: str, value: float, weight: float | None) -> None:
    sim = started(brain_of("dopamine"), backend)
    hold_winners(sim)
    sim.set_modulator("dopamine", value)
    assert sim.modulator("dopamine") == value
    sim.run(fiber(sim), learn=(fiber(sim), fiber(sim, "free")))
    assert weights(sim) == (set() if weight is None else {weight})  # Hebbian(.5), within [.25, 5]
    assert weights(sim, "free") == {1.5}


def test_a_modulator_at_one_gives_the_same_bits_as_none(backend: str) -> None:
    found = []
    for modulated in (False, True):
        brain = Brain()
        s, t = brain.add(Area("S", 20, 10), Area("T", 200, 12))
        da = brain.add(Modulator("dopamine"))
        for source in (s, t):
            brain.connect(source, t, 0.3, Hebbian(0.1), modulated_by=da if modulated else ())
        with Simulator(brain, 5, backend=backend) as sim:
            sim.present(Assembly("S", range(10)))
            sim.run(brain.fibers, 6)
            found.append([[c.tolist() for c in sim.connectome(each).learned()] for each in brain.fibers])
    assert found[0] == found[1]
    assert found[0][1][0]


def test_the_baseline_holds_until_a_value_is_set() -> None:
    sim = started(brain_of("dopamine", "novelty", "burst"))
    assert [sim.modulator(each) for each in sim.brain.modulators.values()] == [0.5, 1.0, 0.0]
    sim.run(fiber(sim, "fixed"), 5)
    assert [sim.modulator(name) for name in sim.brain.modulators] == [0.5, 1.0, 0.0]


def test_values_decay_towards_the_baseline_round_by_round() -> None:
    sim = started(brain_of("dopamine", "novelty", "burst"))
    for name in ("dopamine", "novelty", "burst"):
        sim.set_modulator(name, 3.0)
    seen = []
    for _ in range(3):
        sim.run(fiber(sim, "fixed"))
        seen.append([sim.modulator(name) for name in ("dopamine", "novelty", "burst")])
    # decay 1 stays; decay .5 keeps half of the distance 2 to its baseline 1; decay 0 lasts for one round
    assert seen == [[3.0, 2.0, 0.0], [3.0, 1.5, 0.0], [3.0, 1.25, 0.0]]
    sim.run(fiber(sim, "fixed"), 1000)
    assert [sim.modulator(name) for name in sim.brain.modulators] == [3.0, 1.0, 0.0]


def test_each_round_uses_the_current_value_of_a_decaying_modulator(backend: str) -> None:
    sim = started(brain_of("novelty"), backend)
    hold_winners(sim)
    sim.set_modulator("novelty", 2.0)  # 2, then 1.5, then 1.25
    sim.run(fiber(sim), 3)
    w = 1.0
    for rate in (2.0, 1.5, 1.25):
        w += rate * 0.5 * w
    assert weights(sim) == {min(w, 5.0)}
    one_by_one = started(brain_of("novelty"), backend)
    hold_winners(one_by_one)
    one_by_one.set_modulator("novelty", 2.0)
    for _ in range(3):
        one_by_one.run(fiber(one_by_one))
    assert weights(one_by_one) == weights(sim)
    assert one_by_one.modulator("novelty") == sim.modulator("novelty") == 1.125


def test_several_modulators_are_multiplied(backend: str) -> None:
    sim = started(brain_of("dopamine", "novelty"), backend)
    hold_winners(sim)
    sim.set_modulator("dopamine", -0.5)
    sim.set_modulator("novelty", 1.5)
    sim.run(fiber(sim))
    assert weights(sim) == {1.0 - 0.75 * 0.5}


def test_the_order_of_declaration_does_not_matter_for_the_product() -> None:
    found = []
    for names in (("dopamine", "novelty", "burst"), ("burst", "novelty", "dopamine")):
        sim = started(brain_of(*names))
        hold_winners(sim)
        for name, value in zip(("dopamine", "novelty", "burst"), (0.3, 7.1, 0.00077), strict=True):
            sim.set_modulator(name, value)
        sim.run(fiber(sim))
        found.append(weights(sim))
    assert found[0] == found[1]
    assert found[0] not in ({1.0}, set())


def test_a_product_out_of_range_is_an_error_in_the_round() -> None:
    sim = started(brain_of("dopamine", "novelty"))
    sim.set_modulator("dopamine", 6.0)
    sim.set_modulator("novelty", -2.0)
    message = (
        r"Fiber 'S->T': the product of its modulators must lie between -8 and 8 \(got -12 from dopamine = 6, "
        r"novelty = -2\)"
    )
    with pytest.raises(SimulationError, match=message):
        sim.run(fiber(sim))
    assert sim.rounds == 0
    sim.run(fiber(sim), learn=())  # a fiber that does not learn has no rate
    with sim.frozen():
        sim.run(fiber(sim))
    assert sim.modulator("novelty") == -0.5  # after the decay of one round: 1 + (-2 - 1) / 2
    sim.run(fiber(sim))  # 6 * -.5


def test_a_product_can_leave_the_range_in_the_middle_of_a_run() -> None:
    brain = Brain()
    s, t = brain.add(Area("S", 20, 10), Area("T", 40, 5))
    calm, gain = brain.add(Modulator("calm", baseline=6.0, decay=0.5), Modulator("gain", baseline=2.0))
    brain.connect(s, t, 0.9, Hebbian(0.5), modulated_by=(calm, gain))
    sim = started(brain)
    recording = sim.record("T")
    sim.set_modulator(calm, 0.0)  # then 3, then 4.5
    with pytest.raises(SimulationError, match=r"got 9 from calm = 4.5, gain = 2"):
        sim.run(brain.fibers, 5)
    assert sim.rounds == len(recording) == 2
    assert sim.modulator(calm) == 4.5
    assert "fiber 'S->T' was never opened" not in sim.unused()
    sim.set_modulator(gain, 1.0)
    assert sim.run(brain.fibers, 5).rounds == 5


def test_an_oscillator_follows_the_clock(backend: str) -> None:
    sim = started(brain_of("theta"), backend)
    hold_winners(sim)  # round 0
    assert [sim.rounds, sim.modulator("theta")] == [1, 0.0]
    sim.run(fiber(sim))  # phase 1: cos(pi / 2) = 0, so that nothing is learned
    assert weights(sim) == set()
    assert sim.modulator("theta") == -1.0
    sim.run(fiber(sim))  # phase 2: the step is reversed
    assert weights(sim) == {0.5}
    sim.run(fiber(sim), 2)  # phases 3 and 0
    assert weights(sim) == {0.75}


def test_probes_restore_modulators() -> None:
    sim = started(brain_of("dopamine", "novelty", "theta"))
    sim.set_modulator("novelty", 2.0)
    before = [sim.modulator(name) for name in sim.brain.modulators]
    with sim.frozen():
        sim.run(fiber(sim), 3)
        sim.set_modulator("dopamine", -4.0)
        assert sim.modulator("novelty") == 1.125
        assert sim.modulator("dopamine") == -4.0
        assert sim.rounds == 3  # the clock advances in a probe
    assert [sim.modulator(name) for name in sim.brain.modulators] == before
    assert sim.rounds == 0


def test_an_interruption_leaves_the_clock_and_the_values_consistent(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = started(brain_of("novelty"))
    sim.set_modulator("novelty", 5.0)
    whole, rounds = ReferenceBackend.run, iter(range(3))

    def interrupted(*arguments: Any) -> None:
        whole(*arguments)
        if next(rounds) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ReferenceBackend, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sim.run(fiber(sim, "fixed"), 10)
    assert (sim.rounds, sim.modulator("novelty")) == (3, 1.5)  # 5, 3, 2, 1.5


def test_modulators_are_saved_and_loaded(tmp_path: Path) -> None:
    sim = started(brain_of("dopamine", "novelty", "theta"))
    sim.set_modulator("dopamine", 1 / 3)
    sim.set_modulator("novelty", -2.0)
    sim.run(fiber(sim), 2)
    sim.save(tmp_path / "state.h5")
    again = Simulator(brain_of("novelty", "theta", "dopamine"), 1, backend="reference")
    again.set_modulator("dopamine", 7)
    again.load(tmp_path / "state.h5")
    assert again.modulator("novelty") == 0.25
    for each in (sim, again):
        each.run(fiber(each), 3)
    assert weights(sim) == weights(again)
    assert {name: sim.modulator(name) for name in sim.brain.modulators} == {
        name: again.modulator(name) for name in sim.brain.modulators
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"serotonin": 5}', "modulators names 'serotonin'"),
        ('{"theta": 5}', "modulators names 'theta', which this brain does not have, or which cannot be set"),
        ('{"dopamine": 524289}', "the value of 'dopamine' must lie between -8 and 8"),
        ('{"dopamine": 0.5}', "modulators must be whole numbers by name"),
        ('{"dopamine": true}', "modulators must be whole numbers by name"),
        ("[]", "modulators must be whole numbers by name"),
        ("{", "Expecting property name"),
    ],
)
def test_damaged_values_are_refused_and_change_nothing(tmp_path: Path, text: str, message: str) -> None:
    sim = started(brain_of("dopamine", "theta"))
    sim.set_modulator("dopamine", 3.0)
    sim.save(tmp_path / "state.h5")
    sim.set_modulator("dopamine", 4.0)
    with forged(tmp_path / "state.h5") as file:
        del file["modulators"]
        file["modulators"] = text
    with pytest.raises(DumpError, match=f"is damaged.*{message}"):
        sim.load(tmp_path / "state.h5")
    assert sim.modulator("dopamine") == 4.0


def test_bad_values_and_foreign_modulators_are_refused_by_name() -> None:
    sim, other = started(brain_of("dopamine", "theta")), brain_of("dopamine")
    with pytest.raises(DeclarationError, match=r"Modulator 'dopamine': value: must be a number between -8 and 8"):
        sim.set_modulator("dopamine", 8.001)
    with pytest.raises(DeclarationError, match="value: must be a number between -8 and 8"):
        sim.set_modulator("dopamine", float("nan"))
    with pytest.raises(DeclarationError, match="Oscillator 'theta': follows the clock"):
        sim.set_modulator(sim.brain.modulators["theta"], 1.0)
    for call in (sim.modulator, lambda each: sim.set_modulator(each, 1.0)):
        with pytest.raises(DeclarationError, match="Modulator 'dopamine' belongs to another brain"):
            call(other.modulators["dopamine"])
        with pytest.raises(DeclarationError, match="Modulator 'dopamine' belongs to no brain yet"):
            call(Modulator("dopamine"))
        with pytest.raises(UnknownNameError, match="unknown modulator 'dopamin'; did you mean 'dopamine'"):
            call("dopamin")
        with pytest.raises(DeclarationError, match="must be given a Modulator or its name"):
            call(3)  # type: ignore[arg-type]
    assert sim.modulator("dopamine") == 0.5


def test_the_schedule_shows_values_and_rates() -> None:
    sim = started(brain_of("dopamine", "theta"))
    sim.release()
    text = str(sim.schedule(fiber(sim))).splitlines()
    assert text[:2] == ["modulate   dopamine  is 0.5", "modulate   theta     is at phase 0 of 4, where it is 1"]
    assert text[-1] == "learn      S->T      strengthens fired -> just won at rate 0.5"
    sim.set_modulator("dopamine", -2)
    assert str(sim.schedule(fiber(sim))).endswith("weakens fired -> just won at rate -2")
    sim.set_modulator("dopamine", 0.1)  # 0.100006 with 16 fractional bits
    assert str(sim.schedule(fiber(sim))).endswith("strengthens fired -> just won at rate 0.1")
    sim.set_modulator("dopamine", 0)
    assert str(sim.schedule(fiber(sim))).endswith("learn      S->T      learns nothing now, at rate 0")
    with sim.frozen():
        assert "modulate" not in str(sim.schedule(fiber(sim)))
    assert "modulate" not in str(sim.schedule(fiber(sim, "free")))


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (1, ["strengthens fired -> just won", "weakens fired -> just lost"]),
        (-0.5, ["weakens fired -> just won at rate -0.5", "strengthens fired -> just lost at rate -0.5"]),
    ],
)
def test_the_schedule_shows_both_steps_of_a_rule(value: float, lines: list[str]) -> None:
    brain = Brain()
    s, t = brain.add(Area("S", 20, 10), Area("T", 40, 5))
    da = brain.add(Modulator("da"))
    brain.connect(s, t, 0.9, STDP(ltp=1, ltd=0.5, w_max=4), modulated_by=da)
    sim = Simulator(brain, 1, backend="reference")
    sim.set_modulator(da, value)
    learn = [step.action for step in sim.schedule().steps if step.phase == "learn"]
    assert learn == lines
