"""Operations that compute: sequences, finite-state machines, probabilistic choice, inhibition, homeostasis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from brainsim import AffinePlasticity, Area, Assembly, Brain, Hebbian, Simulator, StatisticalHebbian
from brainsim.errors import DeclarationError, SimulationError, UnknownNameError
from brainsim.kernels.backend import Thresholds
from brainsim.operations import (
    FiniteStateMachine,
    MarkovChain,
    Trace,
    choice_noise,
    choose,
    flip_coin,
    frequencies,
    imprint,
    long_range_inhibition,
    memorize_sequence,
    mutual_inhibition,
    normalize,
    recall_sequence,
    refract,
)

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")


def patterns(labels: str, k: int) -> dict[str, Any]:
    return {label: np.arange(k) + k * number for number, label in enumerate(labels)}


class TestSequences:
    def brain(self, beta: float = 0.1) -> Brain:
        brain = Brain()
        stimulus = brain.add(Area("Stimulus", 500, 25, patterns("abcdefgh", 25)))
        area, scaffold, other = brain.add(Area("A", 500, 25), Area("C", 500, 25), Area("Other", 60, 25))
        rule = Hebbian(beta)
        for source, target in ((stimulus, area), (area, area), (area, scaffold), (scaffold, area)):
            brain.connect(source, target, 0.4, rule)
        brain.connect(scaffold, scaffold, 0.4, rule)
        brain.connect(other, other, 0.4, rule)
        return brain

    @pytest.mark.parametrize(("scaffold", "presentations"), [(None, 8), ("C", 4)])
    def test_a_sequence_is_recalled_in_order_from_its_first_stimulus(
        self, scaffold: str | None, presentations: int
    ) -> None:
        brain = self.brain()
        stimuli = list(brain["Stimulus"].patterns.values())
        rounds = Trace()
        with Simulator(brain, 1) as sim:
            heard = memorize_sequence(sim, stimuli, "A", presentations, scaffold=scaffold, trace=rounds)
            assert len(rounds) == 8 * presentations
            assert rounds.winners[-8:] == heard
            assert max(a.overlap(b) for a in heard for b in heard if a is not b) < 0.4
            assert sim.assembly("A") == heard[-1]
            assert not len(sim.assembly("Stimulus"))
            clock, rounds = sim.rounds, Trace()
            again = recall_sequence(sim, stimuli[0], "A", 8, scaffold=scaffold, trace=rounds)
            assert (sim.rounds, sim.assembly("A")) == (clock, heard[-1]), "a probe"
            assert rounds.winners == again
            assert min(a.overlap(b) for a, b in zip(again, heard, strict=True)) > 0.8
            if scaffold is None:
                later = recall_sequence(sim, heard[3], "A", 5)
                assert later[0] == heard[3]
                assert later[-1].overlap(heard[-1]) > 0.8

    def test_nothing_is_recalled_without_learning(self) -> None:
        brain = self.brain(beta=0.0)
        stimuli = list(brain["Stimulus"].patterns.values())
        with Simulator(brain, 1) as sim:
            heard = memorize_sequence(sim, stimuli, "A", 8)
            assert recall_sequence(sim, stimuli[0], "A", 8)[-1].overlap(heard[-1]) < 0.3

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (lambda sim, s: memorize_sequence(sim, [s["a"]], "A"), r"stimuli: must be at least two \(got 1\)"),
            (lambda sim, s: memorize_sequence(sim, [s["a"], "b"], "A"), "must be given an assembly to present"),
            (
                lambda sim, s: memorize_sequence(sim, [s["a"], Assembly("A", [1])], "A"),
                "of other areas than the target",
            ),
            (lambda sim, s: memorize_sequence(sim, [s["a"], s["b"]], "Other"), "no fiber leads from 'Stimulus' to"),
            (lambda sim, s: memorize_sequence(sim, [s["a"], s["b"]], "A", 0), r"memorize_sequence\.presentations"),
            (lambda sim, s: memorize_sequence(sim, [s["a"], s["b"]], "A", scaffold="Other"), "no fiber leads from 'A'"),
            (lambda sim, s: memorize_sequence(sim, [s["a"], s["b"]], "Stimulus"), "no fiber leads from 'Stimulus'"),
            (lambda sim, s: recall_sequence(sim, s["a"], "A", 0), r"recall_sequence\.length: must be"),
            (lambda sim, s: recall_sequence(sim, Assembly("A", range(30)), "A", 3), "more than the k = 25"),
            (lambda sim, s: recall_sequence(sim, Assembly("A", [500]), "A", 3), "is it an assembly of another brain"),
            (lambda sim, s: memorize_sequence(sim, s["a"], "A"), r"at least two \(got <Assembly 'a'"),
        ],
    )
    def test_refusals(self, wrong: Any, message: str) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            with pytest.raises(DeclarationError, match=message):
                wrong(sim, brain["Stimulus"])
            assert sim.rounds == 0

    def test_an_area_that_never_fired_and_a_probe_are_refused(self) -> None:
        brain = self.brain()
        stimulus = brain["Stimulus"]
        with Simulator(brain, 1) as sim:
            with pytest.raises(SimulationError, match="recall_sequence: area 'A' has never fired; memorize a sequence"):
                recall_sequence(sim, stimulus["a"], "A", 3)
            with (
                sim.frozen(),
                pytest.raises(SimulationError, match="memorize_sequence: a probe must not change weights"),
            ):
                memorize_sequence(sim, [stimulus["a"], stimulus["b"]], "A")
            assert sim.rounds == 0


class TestMachines:
    PARITY = (("even", "0", "even"), ("even", "1", "odd"), ("odd", "0", "odd"), ("odd", "1", "even"))

    def brain(self, beta: float = 0.1, refraction: float = 0.1) -> Brain:
        brain, k = Brain(), 30
        states = {label: np.arange(k) + k * i for i, label in enumerate(("even", "odd", "lost"))}
        symbol, state, arc = brain.add(
            Area("Symbol", 100, k, patterns("012", k)),
            Area("State", 150, k, states),
            Area("Arc", 1500, k, refraction=refraction),
        )
        for source, target in ((symbol, arc), (state, arc), (arc, state)):
            brain.connect(source, target, 0.5, Hebbian(beta))
        return brain

    def test_a_machine_runs_on_its_weights(self) -> None:
        with Simulator(self.brain(), 1) as sim:
            machine = FiniteStateMachine(sim, "Symbol", "State", "Arc")
            machine.learn(self.PARITY, "even", presentations=12)
            assert not any(len(sim.assembly(area)) for area in ("Symbol", "State", "Arc"))
            clock = sim.rounds
            for text in ("1", "0", "11", "110100111", "0000000", "1" * 15):
                seen = machine.run("even", text)
                ones = np.cumsum([int(letter) for letter in text])
                assert [each.label for each in seen] == ["odd" if one % 2 else "even" for one in ones]
            assert sim.rounds == clock
            assert machine.run(sim.brain["State"]["odd"], "1")[0].label == "even"

    def test_it_holds_no_table(self) -> None:
        """What a machine knows moves with the weights, into one that was never taught."""
        with Simulator(self.brain(), 1) as sim, Simulator(self.brain(), 1, backend="reference") as other:
            FiniteStateMachine(sim, "Symbol", "State", "Arc").learn(self.PARITY, "even", 12)
            blank = FiniteStateMachine(other, "Symbol", "State", "Arc")
            assert blank.run("even", "1")[0].label is None
            for f in range(3):
                other._live.set_learned(f, sim._live.learned(f))
            other._live.set_thresholds(2, sim._live.thresholds(2))
            assert [each.label for each in blank.run("even", "101")] == ["odd", "odd", "even"]

    def test_it_needs_learning(self) -> None:
        with Simulator(self.brain(beta=0.0, refraction=0.0), 1) as sim:
            machine = FiniteStateMachine(sim, "Symbol", "State", "Arc")
            machine.learn(self.PARITY, "even", 12)
            seen = [each.label for text in ("1", "10", "01", "11") for each in machine.run("even", text)]
            assert set(seen) == {None}

    @pytest.mark.parametrize(
        ("transitions", "message"),
        [
            (
                [("even", "0", "even"), ("even", "0", "odd")],
                "ambiguous: from state 'even' symbol '0' leads to 'even' and",
            ),
            (
                [("even", "0", "even"), ("odd", "0", "even")],
                "unreachable: no transitions lead from 'even' to state 'odd'",
            ),
            ([], r"transitions: must be at least one \(got none\)"),
            ([("even", "0")], r"by label \(got \('even', '0'\)\)"),
            (["a->b"], r"must be \(state, symbol, next state\), by label \(got 'a->b'\)"),
            ([("even", ["0"], "odd")], r"must be \(state, symbol, next state\), by label"),
        ],
    )
    def test_impossible_machines_are_refused(self, transitions: Any, message: str) -> None:
        with Simulator(self.brain(), 1) as sim:
            machine = FiniteStateMachine(sim, "Symbol", "State", "Arc")
            with pytest.raises(DeclarationError, match=message):
                machine.learn(transitions, "even")
            assert sim.rounds == 0

    def test_unknown_labels_are_refused(self) -> None:
        with Simulator(self.brain(), 1) as sim:
            machine = FiniteStateMachine(sim, "Symbol", "State", "Arc")
            with pytest.raises(UnknownNameError, match="unknown pattern 'evn'; did you mean 'even'"):
                machine.learn([("evn", "0", "even")], "even")
            with pytest.raises(UnknownNameError, match="unknown pattern '7'"):
                machine.run("even", "017")
            for wrong in (sim.brain["Symbol"]["0"], Assembly("State", range(31))):
                with pytest.raises(
                    DeclarationError, match=r"start: must be of area 'State', and not larger than its k = 30"
                ):
                    machine.run(wrong, "0")
            with sim.frozen(), pytest.raises(SimulationError, match=r"FiniteStateMachine\.learn: a probe"):
                machine.learn(self.PARITY, "even")
            with pytest.raises(DeclarationError, match="area 'Arc' has no patterns"):
                FiniteStateMachine(sim, "Symbol", "Arc", "State")
            with pytest.raises(DeclarationError, match="no fiber leads from 'Symbol' to 'State'"):
                FiniteStateMachine(sim, "Symbol", "State", "State")


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

    def test_choice_follows_what_was_heard(self) -> None:
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

    def test_a_chain_runs_by_itself(self) -> None:
        with Simulator(self.brain(), 4) as sim:
            chain = MarkovChain(sim, "Now", "Next")
            chain.imprint(3)
            chain.observe("abc" * 200)
            clock = sim.rounds
            noise = choice_noise(self.K, self.P, self.STEEPNESS)
            rounds = Trace()
            states = chain.sample("a", 60, noise, rng=0, trace=rounds)
            assert sim.rounds == clock
            assert len(rounds) == 60 * 7, "a choice, five rounds to settle, and one back"
            assert rounds.winners[6].overlap(sim.brain["Next"][states[0]]) > 0.9
            seen = frequencies(["a", *states], "abc")
            assert seen[0, 1] > 0.85
            assert seen[1, 2] > 0.85
            assert seen[2, 0] > 0.85

    def test_noise_without_states_is_an_error(self) -> None:
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
            fallen = [flip_coin(sim, area, sides, rng=rng).label for _ in range(200)]
        assert 60 < fallen.count("h") < 140
        assert fallen.count(None) < 10

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
    def test_refusals(self, wrong: Any, message: str) -> None:
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

    def test_frequencies(self) -> None:
        np.testing.assert_allclose(frequencies("aabab", "abc"), [[1 / 3, 2 / 3, 0], [1, 0, 0], [0, 0, 0]])

    def test_the_rule_records_the_logarithm_of_the_count(self) -> None:
        rule, weight, stored = StatisticalHebbian(0.25, steepness=2.0), 1.0, 1 << 16
        update = rule.fixed_point()
        for count in range(1, 2000):
            weight, stored = rule.update(weight), update.apply(stored)
            assert weight == pytest.approx(1 + np.log(1 + 0.5 * count) / 2, abs=0.09)
            assert stored / 65_536 == pytest.approx(weight, rel=5e-3)
        for wrong in ({"steepness": 0.0}, {"steepness": 8.0}, {"w_max": 0.5}, {"w_max": 300.0}):
            with pytest.raises(DeclarationError, match=r"StatisticalHebbian\.(steepness|beta|w_max): must be"):
                StatisticalHebbian(0.25, **wrong)


def pick(sim: Simulator, **changed: Any) -> Any:
    """Call `choose` with something changed."""
    brain = sim.brain
    given = {"context": brain["Now"]["a"], "target": "Next", "noise": 1.0, "rng": 0, **changed}
    outcomes = {label: brain[given["target"]][label] for label in "ab"}
    return choose(sim, **{"outcomes": outcomes, **given})


class TestInhibition:
    def brain(self) -> Brain:
        brain = Brain()
        left, right, a, b = brain.add(Area("L", 100, 30), Area("R", 100, 30), Area("A", 400, 20), Area("B", 400, 20))
        brain.add(Area("C", 50, 5))
        for source, target in ((left, a), (right, b), (a, a), (b, b)):
            brain.connect(source, target, 0.3, Hebbian(0.1))
        return brain

    def test_the_firing_of_one_area_keeps_another_silent(self) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            sim.present(Assembly("L", range(30)), Assembly("R", range(30)))
            traces = {"A": Trace(), "B": Trace()}
            silent = long_range_inhibition(sim, {"A": "B"}, brain.fibers, 4, traces=traces)
            assert silent == ((), ("B",), ("B",), ("B",)), "A fires only as the second round begins"
            assert [len(winners) for winners in traces["B"].winners] == [20, 0, 0, 0]
            assert [len(winners) for winners in traces["A"].winners] == [20] * 4
            assert not sim.thresholds("B").any()
            learned = sim.connectome(brain["R"] >> brain["B"]).learned()[2]
            assert learned.max() == pytest.approx(1.1, abs=1e-4), "B learned in the first round only"
            sim.run(brain.fibers)
            assert len(sim.assembly("B")) == 20

    def test_areas_that_inhibit_each_other_both_fall_silent_and_undriven_ones_at_once(self) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            sim.present(Assembly("L", range(30)), Assembly("R", range(30)))
            sim.run(brain.fibers)
            assert long_range_inhibition(sim, {"A": ["B"], "B": ["A"]}, brain.fibers) == (("B", "A"),)
            assert not len(sim.assembly("A")) | len(sim.assembly("B"))
            sim.present(Assembly("C", range(5)))
            sim.release("C")
            long_range_inhibition(sim, {"L": ["C"]}, brain.fibers)
            assert not len(sim.assembly("C"))

    def test_an_inhibited_area_is_silent_whatever_gates_are_closed(self) -> None:
        brain = self.brain()
        for closed in ("B", (brain["R"] >> brain["B"]) | (brain["B"] >> brain["B"])):
            with Simulator(brain, 1) as sim:
                sim.present(Assembly("L", range(30)), Assembly("R", range(20)))
                sim.run(brain.fibers)
                sim.inhibit(closed)
                assert long_range_inhibition(sim, {"L": "B"}, brain.fibers) == (("B",),)
                assert not len(sim.assembly("B"))
                sim.disinhibit()
                sim.run(brain.fibers)
                sim.inhibit(closed)
                assert mutual_inhibition(sim, "AB", brain.fibers) == (("B",),)
                assert not len(sim.assembly("B"))

    def test_thresholds_are_put_back_exactly_and_after_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            sim.present(Assembly("L", range(30)), Assembly("R", range(30)))
            exact = Thresholds(np.array([3, 7]), np.array([2**53 + 1, 2**62 - 1]))
            sim._live.set_thresholds(3, exact)
            sim.run(brain.fibers)
            long_range_inhibition(sim, {"A": "B"}, brain.fibers)
            assert [column.tolist() for column in sim._live.thresholds(3)] == [[3, 7], [2**53 + 1, 2**62 - 1]]
            sim.set_thresholds("B", sim.thresholds("B"))
            monkeypatch.setattr(Simulator, "run", lambda *_: 1 / 0)
            before = sim.thresholds("B")
            with pytest.raises(ZeroDivisionError):
                long_range_inhibition(sim, {"A": "B"}, brain.fibers)
            np.testing.assert_array_equal(sim.thresholds("B"), before)

    def test_the_most_driven_area_prevails(self) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            for left, right, loser in ((30, 10, "B"), (10, 30, "A")):
                sim.silence()
                sim.present(Assembly("L", range(left)), Assembly("R", range(right)))
                traces = {"A": Trace(), "B": Trace()}
                assert mutual_inhibition(sim, ["A", "B"], brain.fibers, 3, traces=traces) == ((loser,),) * 3
                winner = "B" if loser == "A" else "A"
                assert [len(fired) for fired in traces[winner].winners] == [20] * 3
                assert [len(fired) for fired in traces[loser].winners] == [0] * 3
            sim.silence()
            assert mutual_inhibition(sim, ["A", "B"], brain.fibers) == (("A", "B"),), "nothing drives them"

    def test_it_is_the_sum_of_the_winners_drives_that_counts(self) -> None:
        brain = self.brain()
        with Simulator(brain, 5) as sim:
            sim.present(Assembly("L", range(20)), Assembly("R", range(21)))
            drives = {area: np.sort(sim.drives(area))[-20:].sum() for area in "AB"}
            loser = min(drives, key=lambda area: drives[area])
            assert mutual_inhibition(sim, "AB", brain.fibers) == ((loser,),)

    def test_refract_lets_others_win_until_the_area_recovers(self) -> None:
        brain = self.brain()
        forward = brain["L"] >> brain["A"]
        with Simulator(brain, 1) as sim:
            sim.present(Assembly("L", range(30)))
            sim.run(forward)
            first = sim.assembly("A")
            refract(sim, first)
            sim.run(forward)
            assert sim.assembly("A").overlap(first) == 0.0
            refract(sim, first)
            sim.set_thresholds("A", 0)
            refract(sim, first, 0.5)
            refract(sim, first, 0.25)
            assert set(sim.thresholds("A")[first.neurons]) == {0.75}
            sim.set_thresholds("A", 0)
            sim.run(forward)
            assert sim.assembly("A").overlap(first) > 0.9

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (lambda sim, f: long_range_inhibition(sim, {"A": ["A"]}, f), "area 'A' must not inhibit itself"),
            (lambda sim, f: long_range_inhibition(sim, {"A": ["L"]}, f), "area 'L' is held, and would go on firing"),
            (lambda sim, f: mutual_inhibition(sim, ["A", "L"], f), "mutual_inhibition: area 'L' is held"),
            (lambda sim, f: mutual_inhibition(sim, ["A", "A"], f), r"must be at least two \(got 1\)"),
            (lambda sim, f: mutual_inhibition(sim, ["A", "B"], f, 0), r"mutual_inhibition\.rounds"),
            (
                lambda sim, f: mutual_inhibition(sim, "AB", f, traces=[Trace()]),
                "must map each area to a Trace of its own",
            ),
            (lambda sim, f: mutual_inhibition(sim, "AB", f, traces=dict.fromkeys("AB", Trace())), "a Trace of its own"),
            (lambda sim, f: long_range_inhibition(sim, ["A"], f), r"inhibits: must be as in \{"),
            (lambda sim, f: refract(sim, Assembly("A", [])), "has no neurons"),
            (lambda sim, f: refract(sim, Assembly("A", [1]), -1.0), r"refract\.amount"),
        ],
    )
    def test_refusals(self, wrong: Any, message: str) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            sim.present(Assembly("L", range(30)))
            with pytest.raises(DeclarationError, match=message):
                wrong(sim, brain.fibers)
            assert sim.rounds == 0


class TestHomeostasis:
    def brain(self, beta: float = 0.1, w_max: float = 32_767.0) -> Brain:
        brain = Brain()
        source, target = brain.add(Area("S", 200, 20), Area("T", 300, 20))
        brain.connect(source, target, 0.2, Hebbian(beta, w_max))
        brain.connect(target, target, 0.2, Hebbian(beta, w_max))
        brain.connect(target, source, 0.2)
        return brain

    @pytest.mark.parametrize("backend", ["reference", "cpu"])
    def test_incoming_weights_sum_to_the_total(self, backend: str) -> None:
        brain = self.brain()
        fibers = brain["S"] >> brain["T"] | brain["T"] >> brain["T"]
        with Simulator(brain, 1, backend=backend) as sim:
            sim.present(Assembly("S", range(20)))
            sim.run(fibers, 3)
            before = [sim.connectome(fiber).to_scipy().toarray() for fiber in fibers]
            normalize(sim, fibers, 500.0)
            for old, fiber in zip(before, fibers, strict=True):
                new = sim.connectome(fiber).to_scipy().toarray()
                np.testing.assert_allclose(new.sum(axis=0), 500.0, atol=0.01)
                np.testing.assert_allclose(new, old * 500.0 / old.sum(axis=0), atol=1e-5)
            sim.run(fibers)
            assert len(sim.assembly("T")) == 20

    def test_the_total_changes_no_winner(self) -> None:
        winners = []
        for total in (50.0, 1000.0):
            brain = self.brain()
            with Simulator(brain, 1) as sim:
                normalize(sim, brain["S"] >> brain["T"] | brain["T"] >> brain["T"], total)
                sim.present(Assembly("S", range(20)))
                sim.run(brain.fibers - (brain["T"] >> brain["S"]), 5)
                winners.append(sim.assembly("T"))
        assert winners[0].overlap(winners[1]) > 0.9  # but for ties, which rounding may break

    def test_a_fiber_that_learns_nothing_keeps_its_normalized_weights(self) -> None:
        brain = self.brain(beta=0.0)
        fiber = brain["S"] >> brain["T"]
        with Simulator(brain, 1) as sim:
            normalize(sim, fiber)
            before = sim.connectome(fiber).to_scipy().toarray()
            sim.present(Assembly("S", range(20)))
            sim.run(fiber, 3)
            np.testing.assert_array_equal(sim.connectome(fiber).to_scipy().toarray(), before)

    def test_refusals(self) -> None:
        brain = self.brain(w_max=5.0)
        with Simulator(brain, 1) as sim:
            with pytest.raises(DeclarationError, match=r"Fiber 'T->S': has no plasticity, .* be it Hebbian\(beta=0\)"):
                normalize(sim, brain["T"] >> brain["S"])
            with pytest.raises(DeclarationError, match=r"a weight would be .*, above its w_max = 5; lower total"):
                normalize(sim, brain["S"] >> brain["T"])
            with pytest.raises(DeclarationError, match="total: must be"):
                normalize(sim, brain["S"] >> brain["T"], 0.0)
            with sim.frozen(), pytest.raises(SimulationError, match="a probe must not change weights"):
                normalize(sim, brain["S"] >> brain["T"], 10.0)
            assert not len(sim.connectome(brain["S"] >> brain["T"]).learned()[0])

    def test_all_fibers_are_normalized_or_none(self) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            with pytest.raises(DeclarationError, match="has no plasticity"):
                normalize(sim, brain.fibers)
            assert not len(sim.connectome(brain["S"] >> brain["T"]).learned()[0])
            with pytest.raises(DeclarationError, match=r"normalize\.fibers: must be at least one"):
                normalize(sim, [])

    @pytest.mark.parametrize("backend", ["reference", "cpu"])
    def test_a_rule_that_leaves_the_base_weight_alone_learns_once_normalized(self, backend: str) -> None:
        @dataclass(frozen=True)
        class Returning(AffinePlasticity):
            w_max: float = 100.0

            @property
            def coefficients(self) -> tuple[float, float]:
                return -self.beta, self.beta

        brain = Brain()
        source, target = brain.add(Area("S", 30, 30), Area("T", 60, 60))
        brain.connect(source, target, 1.0, Returning(0.5))
        with Simulator(brain, 1, backend=backend) as sim:
            normalize(sim, brain.fibers, 30 * 9.0)
            sim.present(Assembly("S", range(30)))
            sim.run(brain.fibers, 2)
            np.testing.assert_allclose(sim.connectome(brain.fibers).learned()[2], 3.0)

    def test_sizes_that_make_it_unreasonable_are_refused(self) -> None:
        brain = Brain()
        source, target = brain.add(Area("S", 100_000, 20), Area("T", 100_000, 20))
        brain.connect(source, target, 0.01, Hebbian(0.1))
        with (
            Simulator(brain, 1) as sim,
            pytest.raises(DeclarationError, match=r"at most 20_000_000 \(expects 1e\+08\)"),
        ):
            normalize(sim, brain.fibers)
