"""Silence: a simulator warns if no neuron fires, or if an assembly is asked for that never formed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from brainsim import Area, Brain, Hebbian, SilentWarning, Simulator, UnusedWarning
from brainsim.operations import project


@pytest.fixture(params=["reference", "cpu"])
def sim(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    brain = Brain()
    stimulus, area = brain.add(Area("S", 100, 10, {"dog": range(10)}), Area("A", 500, 10))
    other = brain.add(Area("B", 500, 10))
    for source, target in ((stimulus, area), (area, area), (area, other)):
        brain.connect(source, target, 0.1, Hebbian(0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedWarning)
        with Simulator(brain, seed=1, backend=request.param) as simulator:
            yield simulator


def test_a_run_without_a_stimulus_warns_at_the_callers_line(sim: Simulator) -> None:
    with pytest.warns(SilentWarning, match="no neuron of the brain fires; present a pattern first") as caught:
        outcome = sim.run(sim.brain.fibers, 3)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert (outcome.rounds, outcome.stable) == (3, False)


def test_a_run_until_stable_ends_in_a_silent_brain(sim: Simulator) -> None:
    with pytest.warns(SilentWarning):
        outcome = sim.run(sim.brain.fibers, until_stable=True)
    assert (outcome.rounds, outcome.stable) == (1, False)


def test_a_run_in_which_all_activity_ends_warns(sim: Simulator) -> None:
    sim.present(sim.brain["S"]["dog"])
    sim.release()
    recurrent = sim.brain["A"] >> sim.brain["A"]
    sim.run(recurrent)  # the stimulus keeps its winners, since no fiber ends in its area
    sim.silence("S")
    with pytest.warns(SilentWarning):
        sim.run(recurrent)


def test_a_held_stimulus_does_not_count_as_silence(sim: Simulator) -> None:
    sim.present(sim.brain["S"]["dog"])
    assert sim.run(sim.brain["A"] >> sim.brain["A"]).stable
    assert not sim.fires("A")
    assert sim.fires("S")
    assert not sim.run(sim.brain["S"] >> sim.brain["A"]).stable
    assert sim.fires("A")


def test_neurons_with_negative_thresholds_fire_without_a_stimulus(sim: Simulator) -> None:
    sim.set_thresholds("A", -1.0)
    sim.run(sim.brain["A"] >> sim.brain["A"])
    assert sim.fires("A")


def test_the_assembly_of_an_area_that_never_fired_warns(sim: Simulator) -> None:
    with pytest.warns(SilentWarning, match=r"area 'A' has never fired, so its assembly is empty; present") as caught:
        assert len(sim.assembly("A")) == 0
    assert caught[0].filename == __file__
    sim.present(sim.brain["S"]["dog"])
    sim.run(sim.brain["S"] >> sim.brain["A"])
    sim.silence("A")
    assert len(sim.assembly("A")) == 0  # the area has fired before, so that an empty assembly is a result


def test_a_warning_inside_an_operation_points_at_the_callers_line(sim: Simulator) -> None:
    sim.set_thresholds("A", 1e6)
    with pytest.warns(SilentWarning, match="area 'A' has never fired") as caught:
        project(sim, sim.brain["S"]["dog"], "A", 1)
    assert caught[0].filename == __file__
