"""The drives of winners, the number of synaptic events, and gates that were never driven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from brainsim import Area, Assembly, Brain, Cycle, Explicit, FiberSet, Hebbian, Phase, Simulator, UnusedWarning
from brainsim.errors import DeclarationError, SimulationError
from brainsim.simulate.dumps import read_recordings, write_assemblies


def brain_of() -> Brain:
    brain = Brain()
    s, a, b = brain.add(Area("S", 80, 20), Area("A", 300, 12), Area("B", 200, 10))
    brain.connect(s, a, 0.3, Hebbian(0.3, w_max=5))
    brain.connect(a, a, 0.2, Hebbian(0.3, w_max=5))
    brain.connect(a, b, 0.2)
    return brain


@pytest.fixture
def sim(backend: str) -> Any:
    with Simulator(brain_of(), 4, backend=backend) as simulator:
        simulator.present(Assembly("S", range(20)))
        simulator.run(simulator.brain.fibers, rounds=3)
        yield simulator


def test_the_drive_of_winners_is_that_of_the_round_in_which_they_won(sim: Simulator) -> None:
    brain = sim.brain
    sim.set_thresholds("A", np.linspace(-1, 1, 300))
    before = sim.drives("A", brain.fibers.into(brain["A"]))  # of every neuron, before the round
    sim.run(brain.fibers)
    assert sim.drive("A").dtype == np.float64
    assert sim.drive("A").tolist() == before[sim.assembly("A").neurons].tolist()
    assert sim.drive("A").min() >= np.delete(before, sim.assembly("A").neurons).max()


def test_neurons_that_have_not_won_have_no_drive(sim: Simulator) -> None:
    assert sim.drive("S").tolist() == [0.0] * 20
    sim.present(Assembly("A", range(12)))
    assert sim.drive("A").tolist() == [0.0] * 12
    sim.release()
    sim.silence("B")
    assert sim.drive("B").shape == (0,)


def test_an_area_that_keeps_its_winners_keeps_their_drives(sim: Simulator) -> None:
    before = sim.drive("A").tolist()
    sim.hold("A")
    sim.run(sim.brain.fibers, rounds=2)
    assert sim.drive("A").tolist() == before
    with sim.frozen():
        sim.release()
        sim.silence("S")
        sim.run(sim.brain["A"] >> sim.brain["A"], rounds=2)
        assert sim.drive("A").tolist() != before
    assert sim.drive("A").tolist() == before


def test_drives_are_recorded(sim: Simulator, tmp_path: Path) -> None:
    brain = sim.brain
    recording, plain = sim.record("A", "S", drives=True), sim.record("A", "B")
    expected = []
    for _ in range(3):
        sim.run(brain.fibers)
        expected.append(sim.drive("A").tolist())
    sim.run(brain["A"] >> brain["B"], rounds=2)
    assert [drives.tolist() for drives in recording.drives("A")] == [*expected, expected[-1], expected[-1]]
    assert [drives.tolist() for drives in recording.drives(brain["S"])] == [[0.0] * 20] * 5
    assert len(plain.winners("A")) == 5
    with pytest.raises(SimulationError, match=r"has no drives; start it with sim.record\(area, drives=True\)"):
        plain.drives("A")
    write_assemblies(tmp_path / "dump.h5", [], {"with": recording, "without": plain})
    back = read_recordings(tmp_path / "dump.h5")
    for area in ("A", "S"):
        same = zip(back["with"].drives(area), recording.drives(area), strict=True)
        assert all(np.array_equal(ours, theirs) for ours, theirs in same)
    assert not back["without"].has_drives
    for wrong in ("A", 1, None, np.array([1.0, 2.0])):  # must be refused here, and not fail in later runs
        with pytest.raises(DeclarationError, match=r"Simulator\.record: drives: must be True or False \(got "):
            sim.record("A", drives=wrong)  # type: ignore[arg-type]


def test_a_recording_with_drives_changes_no_winner() -> None:
    with Simulator(brain_of(), 4) as looked_at, Simulator(brain_of(), 4) as alone:
        looked_at.record(drives=True)
        for sim in (looked_at, alone):
            sim.present(Assembly("S", range(20)))
            sim.run(sim.brain.fibers, rounds=5)
        for area in "AB":
            assert looked_at.assembly(area) == alone.assembly(area)


def test_events_are_the_synapses_of_the_neurons_that_transmitted(backend: str) -> None:
    brain = brain_of()
    s, a, b = brain["S"], brain["A"], brain["B"]
    with Simulator(brain, 4, backend=backend) as sim:
        assert sim.events() == {"S->A": 0, "A->A": 0, "A->B": 0}
        sim.present(Assembly("S", range(20)))
        expected = dict.fromkeys(("S->A", "A->A", "A->B"), 0)

        def count(*fibers: Any) -> None:
            for fiber in fibers:
                (one,) = fiber
                rows = sim.connectome(one)
                expected[one.name] += sum(len(rows.row(i)) for i in sim.assembly(one.source))

        for opened in ((s >> a,), (s >> a, a >> a), (a >> a, a >> b)):
            count(*opened)
            sim.run(FiberSet(fiber for fibers in opened for fiber in fibers))
            assert sim.events() == expected
        with sim.frozen():  # events in a probe are counted, too
            count(s >> a)
            sim.run(s >> a)
        sim.hold(a)
        sim.run(s >> a, learn=a >> a)  # nothing transmits into a held area, and learning does not count as an event
        assert sim.events() == expected
        assert all(expected.values())


def test_events_of_stored_synapses_are_counted(backend: str) -> None:
    brain = Brain()
    a, b = brain.add(Area("A", 5, 3), Area("B", 4, 2))
    given = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [2, 0, 3, 1], [0, 0, 1, 0], [1, 1, 1, 1]])
    brain.connect(a, b, graph=Explicit(csr_array(given)))
    with Simulator(brain, 1, backend=backend) as sim:
        sim.present(Assembly("A", [0, 1, 2]))
        sim.run(brain.fibers, rounds=2)
        assert sim.events() == {"A->B": 2 * (2 + 0 + 3)}


def test_a_gate_whose_area_never_fired_is_named() -> None:
    brain = Brain()
    a, b, thalamus = brain.add(Area("A", 40, 5), Area("B", 60, 5), Area("Thal", 8, 2))
    brain.connect(a, b, 0.5, gate=thalamus)
    brain.connect(a, b, 0.5, gate=Assembly("Thal", [0, 1]), label="whole")
    brain.connect(a, thalamus, 0.5)
    sim = Simulator(brain, 1, backend="reference")
    sim.present(Assembly("A", range(5)))
    sim.run(a >> b)
    for fiber in ("A->B", "A->B[whole]"):
        assert f"gate of fiber {fiber!r}: area 'Thal' never fired" in sim.unused()
    assert "through the gate Thal (nothing passes now)" in str(sim.schedule(a >> b))
    assert "while an assembly of the gate Thal fires (nothing passes now)" in str(sim.schedule(a >> b))
    assert "now" not in str(sim.schedule(Cycle(first=Phase(1, a >> b))))  # it is not known what will fire in its rounds
    sim.run(a >> thalamus)
    assert not any(line.startswith("gate") for line in sim.unused())
    sim.present(Assembly("Thal", range(8)))
    assert "now" not in str(sim.schedule(a >> b))
    with pytest.warns(UnusedWarning):  # for the area B, which the closed gates kept silent
        sim.close()
