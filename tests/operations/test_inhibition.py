"""Inhibition between areas, and refraction of an assembly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, SilentWarning, Simulator
from brainsim.errors import DeclarationError
from brainsim.operations import (
    Trace,
    long_range_inhibition,
    mutual_inhibition,
    refract,
)

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")


class TestInhibition:
    def brain(self, refraction: float = 0.0) -> Brain:
        brain = Brain()
        left, right, a = brain.add(Area("L", 100, 30), Area("R", 100, 30), Area("A", 400, 20))
        b = brain.add(Area("B", 400, 20, refraction=refraction))
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
            assert silent == ((), ("B",), ("B",), ("B",)), "A wins in round 1 and inhibits B from round 2 on"
            assert [len(winners) for winners in traces["B"].winners] == [20, 0, 0, 0]
            assert [len(winners) for winners in traces["A"].winners] == [20] * 4
            assert not sim.thresholds("B").any()
            learned = sim.connectome(brain["R"] >> brain["B"]).learned()[2]
            assert learned.max() == pytest.approx(1.1, abs=1e-4), "B learned in the first round only"
            sim.run(brain.fibers)
            assert len(sim.assembly("B")) == 20

    def test_areas_that_inhibit_each_other_both_become_silent_and_so_does_an_area_without_drive(self) -> None:
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

    def test_thresholds_are_restored_exactly(self, tmp_path: Path) -> None:
        """Refraction by the smallest amount gives thresholds that no floating-point number represents exactly."""

        def exact(name: str) -> list[int]:
            sim.save(tmp_path / name)
            with h5py.File(tmp_path / name) as file:
                return file["thresholds/B/amount"][()].tolist()

        brain = self.brain(refraction=2**-16)
        with Simulator(brain, 1) as sim:
            sim.present(Assembly("L", range(30)), Assembly("R", range(30)))
            sim.set_thresholds("B", -(2.0**38))
            sim.run(brain.fibers)
            before = exact("before.h5")
            assert any(int(float(amount)) != amount for amount in before)
            assert long_range_inhibition(sim, {"A": "B"}, brain.fibers) == (("B",),)
            assert exact("after.h5") == before

    def test_thresholds_are_restored_after_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            sim.present(Assembly("L", range(30)), Assembly("R", range(30)))
            sim.set_thresholds("B", np.arange(400) / 8)
            sim.run(brain.fibers)
            before = sim.thresholds("B")
            monkeypatch.setattr(Simulator, "run", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                long_range_inhibition(sim, {"A": "B"}, brain.fibers)
            np.testing.assert_array_equal(sim.thresholds("B"), before)

    def test_the_most_driven_area_silences_the_other(self) -> None:
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
            with pytest.warns(SilentWarning, match="no neuron of the brain fires"):
                assert mutual_inhibition(sim, ["A", "B"], brain.fibers) == (("A", "B"),), "nothing drives them"

    def test_the_sum_of_the_drives_of_the_winners_decides(self) -> None:
        brain = self.brain()
        with Simulator(brain, 5) as sim:
            sim.present(Assembly("L", range(20)), Assembly("R", range(21)))
            drives = {area: np.sort(sim.drives(area))[-20:].sum() for area in "AB"}
            loser = min(drives, key=lambda area: drives[area])
            assert mutual_inhibition(sim, "AB", brain.fibers) == ((loser,),)

    def test_refract_keeps_an_assembly_from_winning_until_thresholds_are_reset(self) -> None:
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
    def test_invalid_arguments_are_refused(self, wrong: Any, message: str) -> None:
        brain = self.brain()
        with Simulator(brain, 1) as sim:
            sim.present(Assembly("L", range(30)))
            with pytest.raises(DeclarationError, match=message):
                wrong(sim, brain.fibers)
            assert sim.rounds == 0
