"""Sequences of assemblies: memorizing, recalling, and errors."""

from __future__ import annotations

from typing import Any

import pytest

from blocks import patterns
from brainsim import Area, Assembly, Brain, Hebbian, Simulator
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations import (
    Trace,
    memorize_sequence,
    recall_sequence,
)

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")


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
            memorized = memorize_sequence(sim, stimuli, "A", presentations, scaffold=scaffold, trace=rounds)
            assert len(rounds) == 8 * presentations
            assert rounds.winners[-8:] == memorized
            assert max(a.overlap(b) for a in memorized for b in memorized if a is not b) < 0.4
            assert sim.assembly("A") == memorized[-1]
            assert not len(sim.assembly("Stimulus"))
            clock, rounds = sim.rounds, Trace()
            again = recall_sequence(sim, stimuli[0], "A", 8, scaffold=scaffold, trace=rounds)
            assert (sim.rounds, sim.assembly("A")) == (clock, memorized[-1]), "recall is a probe"
            assert rounds.winners == again
            assert min(a.overlap(b) for a, b in zip(again, memorized, strict=True)) > 0.8
            if scaffold is None:
                later = recall_sequence(sim, memorized[3], "A", 5)
                assert later[0] == memorized[3]
                assert later[-1].overlap(memorized[-1]) > 0.8

    def test_nothing_is_recalled_without_learning(self) -> None:
        brain = self.brain(beta=0.0)
        stimuli = list(brain["Stimulus"].patterns.values())
        with Simulator(brain, 1) as sim:
            memorized = memorize_sequence(sim, stimuli, "A", 8)
            assert recall_sequence(sim, stimuli[0], "A", 8)[-1].overlap(memorized[-1]) < 0.3

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
    def test_invalid_arguments_are_refused(self, wrong: Any, message: str) -> None:
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
