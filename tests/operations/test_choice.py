"""Coins, choices, Markov chains, and the rule that records frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blocks import patterns
from brainsim import Area, Assembly, Brain, Hebbian, Simulator, StatisticalHebbian
from brainsim.errors import DeclarationError, SimulationError, UnknownNameError
from brainsim.operations import (
    MarkovChain,
    Trace,
    choice_noise,
    choose,
    flip_coin,
    frequencies,
    imprint,
)

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")


def pick(sim: Simulator, **changed: Any) -> Any:
    """Call `choose` with valid arguments, except for those given here."""
    brain = sim.brain
    given = {"context": brain["Now"]["a"], "target": "Next", "noise": 1.0, "rng": 0, **changed}
    outcomes = {label: brain[given["target"]][label] for label in "ab"}
    return choose(sim, **{"outcomes": outcomes, **given})


class TestChoice:
    K, P, STEEPNESS = 60, 0.8, 2.0

    def brain(self, beta: float = 0.25) -> Brain:
        brain = Brain()
        now, following = brain.add(
            Area("Now", 240, self.K, patterns("abc", self.K)), Area("Next", 240, self.K, patterns("abc", self.K))
        )
        brain.connect(now, following, self.P, StatisticalHebbian(beta, steepness=self.STEEPNESS))
        brain.connect(following, following, self.P, Hebbian(1.0, 8.0))
        brain.connect(following, now, self.P, Hebbian(1.0, 8.0))
        return brain

    def test_choices_follow_the_observed_frequencies(self) -> None:
        brain = self.brain()
        with Simulator(brain, 4) as sim:
            chain = MarkovChain(sim, "Now", "Next")
            chain.imprint(3)
            chain.observe("ab" * 400 + "acbc" * 50)
            noise, rng = choice_noise(self.K, self.P, self.STEEPNESS), np.random.default_rng(1)
            outcomes = {label: brain["Next"][label] for label in "abc"}
            context, before = brain["Now"]["a"], sim.thresholds("Next")
            chosen = [choose(sim, context, "Next", outcomes, noise, rng=rng).label for _ in range(150)]
            assert chosen.count("b") > 1.5 * chosen.count("c") > 0
            assert chosen.count("a") < 10
            np.testing.assert_array_equal(sim.thresholds("Next"), before)
            again = np.random.default_rng(1)
            assert [choose(sim, context, "Next", outcomes, noise, rng=again).label for _ in range(5)] == chosen[:5]
            assert {choose(sim, context, "Next", outcomes, 0.0, rng=seed).label for seed in range(5)} == {"b"}

    def test_a_chain_samples_the_observed_transitions_in_a_probe(self) -> None:
        with Simulator(self.brain(), 4) as sim:
            chain = MarkovChain(sim, "Now", "Next")
            chain.imprint(3)
            chain.observe("abc" * 200)
            clock = sim.rounds
            noise = choice_noise(self.K, self.P, self.STEEPNESS)
            rounds = Trace()
            states = chain.sample("a", 60, noise, rng=0, trace=rounds)
            assert sim.rounds == clock
            assert len(rounds) == 60 * 7, "a choice, five rounds to become stable, and one back"
            assert rounds.winners[6].overlap(sim.brain["Next"][states[0]]) > 0.9
            seen = frequencies(["a", *states], "abc")
            assert seen[0, 1] > 0.85
            assert seen[1, 2] > 0.85
            assert seen[2, 0] > 0.85

    def test_noise_that_prevents_all_states_is_an_error(self) -> None:
        with Simulator(self.brain(), 4) as sim:
            with pytest.raises(SimulationError, match="area 'Now' fires none of the states; lower noise, or imprint"):
                MarkovChain(sim, "Now", "Next").sample("a", 50, 5000.0, rng=0)
            assert not len(sim.assembly("Now"))

    def test_a_coin_is_fair(self) -> None:
        brain = Brain()
        area = brain.add(Area("Coin", 500, 60, patterns("ht", 60)))
        brain.connect(area, area, 0.5, Hebbian(1.0, 8.0))
        sides = dict(area.patterns)
        with Simulator(brain, 2) as sim:
            rng = np.random.default_rng(0)
            assert {flip_coin(sim, area, sides, rng=rng).label for _ in range(5)} == {None}, "nothing is imprinted yet"
            for side in sides.values():
                imprint(sim, side, side, 3)
            results = [flip_coin(sim, area, sides, rng=rng).label for _ in range(200)]
        assert 60 < results.count("h") < 140
        assert results.count(None) < 10

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (lambda sim: MarkovChain(sim, "Next", "Bare"), "must have patterns of the same states"),
            (lambda sim: MarkovChain(sim, "Now", "Now"), "no fiber leads from 'Now' to 'Now'"),
            (lambda sim: MarkovChain(sim, "Now", "Next").observe("a"), r"observe\.states: must be at least two"),
            (lambda sim: MarkovChain(sim, "Now", "Next").sample("a", 0, 1.0, rng=0), r"sample\.length"),
            (lambda sim: choice_noise(0, 0.5, 1.0), "k must be positive, p between 0 and 1"),
            (lambda sim: imprint(sim, sim.brain["Now"]["a"], sim.brain["Now"]["b"]), "cannot be held at once"),
            (lambda sim: pick(sim, target="Now"), "must be of another area than the target 'Now'"),
            (lambda sim: pick(sim, noise=-1.0), r"choose\.noise: must be"),
            (
                lambda sim: pick(sim, context=sim.brain["Next"]["a"]),
                "the context must be of another area than the target",
            ),
            (lambda sim: pick(sim, outcomes={}), r"choose\.outcomes: must map two or more names to assemblies of area"),
            (lambda sim: pick(sim, outcomes=["a", "b"]), r"choose\.outcomes: must map two or more"),
            (
                lambda sim: pick(sim, outcomes={"a": Assembly("Now", [1]), "b": Assembly("Next", [1])}),
                r"outcomes\['a'\]",
            ),
            (
                lambda sim: pick(sim, outcomes={"a": Assembly("Next", [1]), "b": Assembly("Next", [900])}),
                "below n = 240",
            ),
            (lambda sim: pick(sim, rng="x"), r"choose\.rng: must be"),
            (lambda sim: pick(sim, rng=None), r"choose\.rng: must be"),
            (lambda sim: frequencies("abx", "ab"), r"frequencies\.labels: must hold every state \(got 'x'"),
        ],
    )
    def test_invalid_arguments_are_refused(self, wrong: Any, message: str) -> None:
        brain = self.brain()
        brain.add(Area("Bare", 100, 10))
        with Simulator(brain, 1) as sim, pytest.raises(DeclarationError, match=message):
            wrong(sim)

    def test_nothing_is_imprinted_in_a_probe(self) -> None:
        with Simulator(self.brain(), 1) as sim, sim.frozen(), pytest.raises(SimulationError, match="imprint: a probe"):
            MarkovChain(sim, "Now", "Next").imprint()

    def test_unknown_states_are_refused_before_anything_is_learned(self) -> None:
        with Simulator(self.brain(), 1) as sim:
            with pytest.raises(UnknownNameError, match="unknown pattern 'd'"):
                MarkovChain(sim, "Now", "Next").observe("abd")
            assert sim.rounds == 0

    def test_frequencies_are_those_of_transitions(self) -> None:
        np.testing.assert_allclose(frequencies("aabab", "abc"), [[1 / 3, 2 / 3, 0], [1, 0, 0], [0, 0, 0]])

    def test_the_rule_records_the_logarithm_of_the_count(self) -> None:
        rule, weight, stored = StatisticalHebbian(0.25, steepness=2.0), 1.0, 1 << 16
        update = rule.fixed_point()
        for count in range(1, 2000):
            weight, stored = rule.update(weight), update.apply(stored)
            assert weight == pytest.approx(1 + np.log(1 + 0.5 * count) / 2, abs=0.09)
            assert stored / 65_536 == pytest.approx(weight, rel=5e-3)
        for wrong in ({"steepness": 0.0}, {"steepness": 8.0}, {"w_max": -0.5}, {"w_max": 300.0}):
            with pytest.raises(DeclarationError, match=r"StatisticalHebbian\.(steepness|beta|w_max): must be"):
                StatisticalHebbian(0.25, **wrong)
