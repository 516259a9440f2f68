"""Finite-state machines: they run on learned weights, and impossible machines are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blocks import patterns
from brainsim import Area, Assembly, Brain, Hebbian, Simulator
from brainsim.errors import DeclarationError, SimulationError, UnknownNameError
from brainsim.operations import (
    FiniteStateMachine,
)

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")


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

    def test_a_machine_that_learned_parity_gives_the_parity_of_each_prefix(self) -> None:
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

    def test_transitions_are_stored_in_the_weights_alone(self, tmp_path: Path) -> None:
        """A machine that never learned runs correctly after the state of a trained brain is loaded."""
        with Simulator(self.brain(), 1) as sim, Simulator(self.brain(), 1, backend="reference") as other:
            FiniteStateMachine(sim, "Symbol", "State", "Arc").learn(self.PARITY, "even", 12)
            untrained = FiniteStateMachine(other, "Symbol", "State", "Arc")
            assert untrained.run("even", "1")[0].label is None
            sim.save(tmp_path / "trained.h5")
            other.load(tmp_path / "trained.h5")
            assert [each.label for each in untrained.run("even", "101")] == ["odd", "odd", "even"]

    def test_without_learning_a_machine_reaches_no_state(self) -> None:
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
