"""Routing: a goal selects items.  Reward learning: rewards teach actions and their values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Modulator, Simulator, Trace
from brainsim.areas import Striatum, Thalamus
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations import Choice, choose_action, imprint, reward, route

ONE_SHOT = Hebbian(8.0, 9.0)
ITEMS, ITEM = 20, 20


def routing(backend: str) -> list[Any]:
    """Link 20 items to keys; return what two goals route, and the number of events of the gated fiber."""
    brain = Brain()
    goal, items, work = brain.add(
        Area("Goal", 400, 40),
        Area("Items", ITEMS * ITEM, ITEMS * ITEM, {"all": range(ITEMS * ITEM)}),
        Area("W", 500, 40),
    )
    thalamus = brain.add(Thalamus(channels=ITEMS, relays=5, open=2))
    brain.connect(goal, thalamus.relay, 0.3, ONE_SHOT)
    gated = brain.connect(items, work, 0.3, ONE_SHOT, gate=thalamus.relay)
    rng = np.random.default_rng(1)
    keys = [rng.choice(400, 40, replace=False) for _ in range(ITEMS)]
    seen: list[Any] = []
    with Simulator(brain, 1, backend=backend) as sim:
        for number, key in enumerate(keys):
            imprint(sim, Assembly("Goal", key), thalamus.channel(number))
        for chosen in ((3, 11), (0, 19)):
            cue = np.unique(np.concatenate([keys[each][:20] for each in chosen]))
            routed = route(sim, Assembly("Goal", cue), items["all"], work)
            seen.append((routed.channels, routed.assembly.neurons.tolist()))
            assert routed.channels == chosen
            assert not sim.fires(goal)
            assert not sim.fires(items)
        assert sim.events()[gated.name] < 0.15 * 2 * ITEMS * ITEM * 500 * 0.3, "2 of 20 items transmit"
        seen.append(sim.events()[gated.name])
    return seen


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_a_goal_opens_its_channels_on_every_backend(backend: str, emulated_gpu: None) -> None:
    assert routing(backend) == routing("reference")


def test_routing_through_fibers_without_a_gate_is_refused() -> None:
    brain = Brain()
    goal, items, work = brain.add(Area("Goal", 40, 4), Area("Items", 40, 40, {"all": range(40)}), Area("Work", 50, 4))
    brain.connect(items, work, 0.3)
    with Simulator(brain, 1, backend="reference") as sim:
        stimulus = Assembly("Goal", range(4))
        with pytest.raises(
            DeclarationError, match=r"one area must gate the fibers from 'Items' to 'Work' \(got none\)"
        ):
            route(sim, stimulus, items["all"], work)
        with pytest.raises(DeclarationError, match="route: no fiber leads from 'Items' to 'Goal'"):
            route(sim, stimulus, items["all"], goal)
        sim.present(stimulus, items["all"])
        sim.run(brain.fibers)


def test_a_goal_must_reach_the_gate() -> None:
    brain = Brain()
    items, work = brain.add(Area("Items", 40, 40, {"all": range(40)}), Area("Work", 50, 4))
    thalamus = brain.add(Thalamus(channels=20, relays=1, open=1))
    brain.add(Area("Goal", 40, 4))
    brain.connect(items, work, 0.3, gate=thalamus.relay)
    with (
        Simulator(brain, 1, backend="reference") as sim,
        pytest.raises(DeclarationError, match=r"route: no fiber leads from 'Goal' to 'Thalamus\.Relay'"),
    ):
        route(sim, Assembly("Goal", range(4)), items["all"], work)


def world(trace: Trace | None = None, cues: int = 2) -> tuple[Brain, Area, Striatum]:
    brain = Brain()
    cue = brain.add(Area("Cue", 50 * cues, 50, {str(at): range(50 * at, 50 * at + 50) for at in range(cues)}))
    dopamine = brain.add(Modulator("dopamine", baseline=0.0))
    striatum = brain.add(Striatum("Striatum", ["left", "right", "wait"], dopamine=dopamine))
    striatum.learns_from(cue, trace=trace)
    return brain, cue, striatum


def trials(backend: str, count: int, rewarded: bool = True) -> list[Any]:
    """Reward "right" after cue 0 and "left" after cue 1; return choice, correctness and prediction error of each trial."""
    brain, cue, striatum = world()
    rng, seen = np.random.default_rng(1), []
    with Simulator(brain, 1, backend=backend) as sim:
        for trial in range(count):
            shown = trial % 2
            choice = choose_action(sim, striatum, cue[str(shown)], noise=0.15, rng=rng)
            right = choice.action == ("right", "left")[shown]
            error = reward(sim, striatum, choice, float(right) if rewarded else 0.0, rate=0.5)
            seen.append((choice, right, error))
    return seen


def test_rewards_teach_actions_and_their_values() -> None:
    seen = trials("cpu", 120)
    late = seen[-40:]
    assert np.mean([right for _, right, _ in late]) > 0.9
    assert np.mean([choice.expected for choice, right, _ in late if right]) == pytest.approx(1.0, abs=0.1)
    assert abs(np.mean([error for _, _, error in late])) < 0.1, "an expected reward gives no prediction error"
    none = trials("cpu", 120, rewarded=False)[-40:]
    assert np.mean([right for _, right, _ in none]) < 0.7, "chance is .33"


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_choices_are_the_same_on_every_backend(backend: str, emulated_gpu: None) -> None:
    assert trials(backend, 12) == trials("reference", 12)


def test_without_noise_the_action_of_the_largest_value_wins_and_an_omitted_reward_weakens_it() -> None:
    brain, cue, striatum = world()
    with Simulator(brain, 1, backend="reference") as sim:
        for _ in range(6):
            first = choose_action(sim, striatum, cue["0"], noise=0.0, rng=1)
            reward(sim, striatum, first, 1.0)
        again = choose_action(sim, striatum, cue["0"], noise=0.0, rng=2)
        assert again.action == first.action
        assert reward(sim, striatum, again, 0.0) == -again.expected < -0.8
        assert choose_action(sim, striatum, cue["0"], noise=0.0, rng=2).expected < 0.7
        assert abs(choose_action(sim, striatum, cue["1"], noise=0.0, rng=2).expected) < 0.1, (
            "another cue learns nothing"
        )


def test_the_value_of_an_action_does_not_depend_on_thresholds() -> None:
    brain, cue, striatum = world()
    expected = {}
    for threshold in (0.0, -30.0):
        with Simulator(brain, 1, backend="reference") as sim:
            sim.set_thresholds(striatum.area, threshold)
            for _ in range(3):
                choice = choose_action(sim, striatum, cue["0"], noise=0.0, rng=1)
                reward(sim, striatum, choice, 1.0)
            expected[threshold] = choice.expected
    assert expected[0.0] == pytest.approx(expected[-30.0])
    assert expected[0.0] > 0.3


def test_a_late_reward_teaches_through_a_trace() -> None:
    brain, cue, striatum = world(Trace(rounds=2, decay=1.0))
    with Simulator(brain, 1, backend="reference") as sim:
        first = choose_action(sim, striatum, cue["0"], noise=0.0, rng=1)
        second = choose_action(sim, striatum, cue["1"], noise=0.0, rng=1)
        reward(sim, striatum, first, 1.0)
        for word, choice in (("0", first), ("1", second)):
            with sim.frozen():
                assert choose_action(sim, striatum, cue[word], noise=0.0, rng=1).expected > choice.expected + 0.4


def test_choose_action_fires_the_action_and_invalid_choices_are_refused() -> None:
    brain, cue, striatum = world()
    other = brain.add(Area("Other", 20, 5, {"x": range(5)}))
    brain.connect(other, striatum.area, 0.3)
    with Simulator(brain, 1, backend="reference") as sim:
        choice = choose_action(sim, striatum, cue["0"], rng=1)
        assert sim.assembly(striatum.area).overlap(striatum.actions[str(choice.action)]) == 1.0
        assert not sim.fires(cue)
        with pytest.raises(DeclarationError, match=r"no fiber from 'Other' to 'Striatum\.Actions' is modulated by"):
            choose_action(sim, striatum, other["x"], rng=1)
        with pytest.raises(DeclarationError, match=r"choose_action\.noise: must be a number between 0"):
            choose_action(sim, striatum, cue["0"], noise=-1.0, rng=1)
        with pytest.raises(DeclarationError, match=r"reward\.striatum: must be a region with the parts of Chooser"):
            reward(sim, cue, choice, 1.0)  # type: ignore[arg-type]
        with pytest.raises(SimulationError, match="reward: no action was chosen"):
            reward(sim, striatum, Choice(None, 0.0, 0.0), 1.0)
        with sim.frozen(), pytest.raises(SimulationError, match="reward: a probe must not change weights"):
            reward(sim, striatum, choice, 1.0)
        sim.set_thresholds(striatum.area, 1e6)
        assert choose_action(sim, striatum, cue["0"], rng=1).action is None
        sim.present(other["x"])
        sim.run(brain.fibers)
