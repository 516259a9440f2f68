"""Dopamine as a prediction error, the opponent actor, and rhythms; none of them needs PyTorch."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest

from brainsim import BrainsimError
from brainsim.networks.plasticity.dopamine import Dopamine, OpponentActor, gate, temporal_difference
from brainsim.networks.plasticity.rhythms import CoupledPhases, Rhythm, critical_coupling

DELAY = 4


def test_a_burst_moves_from_the_reward_to_the_cue() -> None:
    """In 500 trials of TD(0), a cue comes unexpectedly and a reward follows after a delay."""
    values, dopamine = np.zeros(DELAY + 1), Dopamine()
    rewards = [0.0] * DELAY + [1.0]
    first = temporal_difference(rewards, values, dopamine)
    for _ in range(499):
        last = temporal_difference(rewards, values, dopamine)
    assert first[-1] == 1.0
    assert abs(last[-1]) < 0.1
    cue = dopamine.discount * values[0]  # from a state of value 0 to that of the cue
    assert cue > 0.8 * dopamine.discount**DELAY
    omitted = temporal_difference([0.0] * (DELAY + 1), values, dopamine)
    assert omitted[-1] < -0.8


def test_dopamine_rises_with_a_surprise_and_falls_with_a_loss() -> None:
    dopamine = Dopamine()
    assert dopamine.level == 0.5
    assert dopamine.update(1.0) == pytest.approx(1.0)
    assert dopamine.update(0.0, value=1.0) < 0.2
    assert Dopamine().update(0.05) == pytest.approx(0.5, abs=0.01), "small errors are ignored"
    assert Dopamine().update(0.0, novelty=1.0) == pytest.approx(0.8, abs=0.01)


def test_dopamine_habituates_and_recovers() -> None:
    dopamine = Dopamine()
    levels = [dopamine.update(0.0, novelty=1.0) for _ in range(400)]
    assert dopamine.habituation > 0.99
    assert abs(levels[-1] - 0.5) < 0.05
    dopamine.update(1.0)
    assert dopamine.habituation == 0


def test_the_gate_is_closed_below_three_tenths() -> None:
    assert [gate(level) for level in (0.0, 0.3, 1.0)] == [0.0, 0.0, 1.0]
    assert gate(0.65) == pytest.approx(0.5)


def test_the_opponent_actor_finds_the_arm_that_pays_and_a_shuffled_error_does_not() -> None:
    pays, chosen = np.array([0.2, 0.3, 0.8]), {}
    for shuffled in (False, True):
        rng, actor, values = np.random.default_rng(5), OpponentActor(3, rate=0.1, temperature=0.3), np.full(3, 0.5)
        errors: list[float] = []
        picks = []
        for _ in range(600):
            arm = actor.choose(rng)
            errors.append(float(rng.random() < pays[arm]) - values[arm])
            values[arm] += 0.1 * errors[-1]
            actor.learn(arm, float(rng.choice(errors)) if shuffled else errors[-1])
            picks.append(arm)
        chosen[shuffled] = np.mean(np.array(picks[-200:]) == 2)
    assert chosen[False] > 0.6
    assert chosen[False] > chosen[True] + 0.2


def test_dopamine_shifts_the_balance_of_the_pathways() -> None:
    actor = OpponentActor(2)
    actor.go[:], actor.no_go[:] = (3.0, 1.0), (3.0, 1.0)  # both the gain and the loss are large, or both are small
    assert actor.preferences(0.5).tolist() == [0.0, 0.0]
    assert np.argmax(actor.preferences(1.0)) == 0
    assert np.argmax(actor.preferences(0.0)) == 1
    actor.learn(0, 1e6)
    assert min(actor.go.min(), actor.no_go.min()) >= 0


def test_major_steps_have_the_duty_of_the_formula() -> None:
    theta = Rhythm()
    assert theta.duty == pytest.approx(0.2532, abs=5e-5)
    factors = np.array([theta.factor(step) for step in range(20_000)])
    assert set(factors) == {1.0, 0.1}
    assert np.mean(factors == 1.0) == pytest.approx(theta.duty, abs=0.002)
    assert factors.mean() == pytest.approx(theta.mean_factor, abs=0.002)
    gamma = Rhythm(40.0)
    assert gamma.phase(25) == pytest.approx(0.0, abs=1e-9)
    assert gamma.phase(5) == pytest.approx(0.4 * pi)


def test_phases_synchronise_above_the_critical_coupling() -> None:
    """Above K_c the order grows as ``√(1 - K_c/K)``.  The frequencies of 200 oscillators deviate by 0.5 Hz."""
    frequencies = np.random.default_rng(3).normal(6.0, 0.5, 200)
    critical = critical_coupling(0.5)
    assert critical == pytest.approx(5.013, abs=1e-3)
    order = {k: CoupledPhases(frequencies, k, seed=1).run(10.0, dt=4e-3) for k in (-10, 0, 3, 7, 10, 20)}
    assert max(order[k] for k in (0, 3)) < 0.3
    assert order[-10] < 0.1, "with negative coupling they do not synchronise"
    assert order[7] > 0.5
    assert order[10] > 0.85
    assert order[20] > 0.95


@pytest.mark.slow
def test_the_transition_is_within_a_fifth_of_theory() -> None:
    """The transition is where the order crosses .4, by interpolation, for three draws of 1000 frequencies."""
    critical, couplings, found = critical_coupling(0.5), np.arange(3.0, 8.1, 0.5), []
    for seed in range(3):
        frequencies = np.random.default_rng(seed).normal(6.0, 0.5, 1000)
        order = [CoupledPhases(frequencies, k, seed=seed).run(20.0, dt=4e-3) for k in couplings]
        found.append(np.interp(0.4, np.maximum.accumulate(order), couplings))
    assert np.mean(found) == pytest.approx(critical, rel=0.2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: gate(2.0),
        lambda: gate("nonsense"),  # type: ignore[arg-type]
        lambda: Dopamine(discount=None),  # type: ignore[arg-type]
        lambda: Dopamine().update(float("nan")),
        lambda: Dopamine().update(0.0, novelty=2.0),
        lambda: OpponentActor(0),
        lambda: OpponentActor(2**70),
        lambda: OpponentActor(2).learn(2, 0.0),
        lambda: OpponentActor(2).choose(None),  # type: ignore[arg-type]
        lambda: temporal_difference([1.0], np.zeros(2), Dopamine()),
        lambda: Rhythm(0.0),
        lambda: Rhythm(threshold=2.0),
        lambda: Rhythm().factor(-1),
        lambda: CoupledPhases([], 1.0),
        lambda: CoupledPhases("nonsense", 1.0),
        lambda: CoupledPhases([[1.0]], 1.0),
        lambda: CoupledPhases([1.0], float("inf")),
        lambda: CoupledPhases([1.0], 1.0).run(1e9),
        lambda: critical_coupling(-1.0),
    ],
)
def test_invalid_arguments_are_refused(make: object) -> None:
    with pytest.raises(BrainsimError):
        make()  # type: ignore[operator]
