"""Brains of a batch on a GPU: each gives the bits of its own run, and they share launches."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from brainsim import Area, Batch, Brain, Channels, Hebbian, Modulator, Simulator, Trace, UnusedWarning, VectorArea
from brainsim.declare.depressing import STDP
from brainsim.errors import BackendError
from emulator.device import EmulatedDevice


def learning(trace: Trace | None = None) -> Brain:
    brain = Brain()
    stimulus = brain.add(Area("S", 40, 10, {"dog": range(10), "cat": range(10, 20)}))
    area, channels = brain.add(Area("A", 300, 12, refraction=0.05), Area("C", 120, 20, activation=Channels(5, 4)))
    dopamine = brain.add(Modulator("dopamine", baseline=1.0))
    brain.connect(stimulus, area, p=0.3, plasticity=Hebbian(0.1, w_max=20), modulated_by=dopamine, trace=trace)
    brain.connect(area, area, p=0.1, plasticity=STDP(0.1, 0.05, 20))
    brain.connect(area, channels, p=0.2, plasticity=Hebbian(0.1, w_max=20))
    brain.connect(stimulus, channels, p=0.2)
    return brain


def schedule(sim: Simulator) -> Any:
    """Do what differs between brains, too: one of them runs fewer rounds, and another reads in between."""
    brain, every, outcomes = sim.brain, sim.brain.fibers, []
    recording = sim.record(drives=True)
    for pattern in brain["S"].patterns.values():
        sim.present(pattern)
        outcomes.append(sim.run(every, rounds=3))
        sim.set_modulator("dopamine", 0.5)
    with sim.frozen():
        sim.present(brain["S"].patterns["dog"])
        outcomes.append(sim.run(every, until_stable=True, max_rounds=6))
    outcomes.append(sim.run(every, rounds=1 + sim.seed % 3))
    return outcomes, len(recording), *_state(sim), [str(recording.winners("A")), str(recording.drives("A"))]


def _state(sim: Simulator) -> Any:
    brain = sim.brain
    weights = [[column.tolist() for column in sim.connectome(fiber).learned()] for fiber in brain.fibers]
    firing = {name: (sim.assembly(name).neurons.tolist(), sim.drive(name).tolist()) for name in brain.areas}
    return weights, firing, sim.thresholds("A").tolist(), sim.unused(), sim.events(), sim.fires("C")


def test_each_brain_gives_the_bits_of_its_own_run(device: EmulatedDevice) -> None:
    brain, seeds = learning(), (1, 2, 5)
    alone = []
    for seed in seeds:
        with Simulator(brain, seed, backend="reference") as sim:
            alone.append(schedule(sim))
    with Batch(brain, seeds, backend="gpu") as batch:
        assert batch.each(schedule) == alone


def test_launches_do_not_depend_on_the_number_of_brains(device: EmulatedDevice) -> None:
    brain, launches = learning(), []
    for count in (1, 2, 8):
        with Batch(brain, range(count), backend="gpu") as batch:
            batch.present(brain["S"].patterns["dog"])
            batch.run(brain.fibers, rounds=8)  # finds room for synapses, and draws most of them
            before = len(device.launches)
            batch.run(brain.fibers, rounds=5)
            launches.append(len(device.launches) - before)
    assert launches[0] == launches[1] == launches[2] > 0


def test_a_brain_that_fails_does_not_hold_up_the_others(device: EmulatedDevice) -> None:
    brain = learning()

    def fails(sim: Simulator) -> int:
        sim.present(brain["S"].patterns["dog"])
        sim.run(brain.fibers)
        if sim.seed == 2:
            raise ValueError("enough")
        sim.run(brain.fibers, rounds=2)
        return sim.rounds

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedWarning)
        with Batch(brain, (1, 2, 3), backend="gpu") as batch:
            with pytest.raises(ValueError, match="enough") as raised:
                batch.each(fails)
            assert "seed 2" in raised.value.__notes__[0]
            assert batch.each(lambda sim: sim.rounds) == [3, 1, 3]


def test_brains_with_traces_must_run_alike(device: EmulatedDevice) -> None:
    brain = learning(Trace(3, 0.5))

    def alike(sim: Simulator) -> Any:
        sim.present(brain["S"].patterns["dog"])
        sim.run(brain.fibers, rounds=4)
        sim.reinforce("dopamine", 0.5)
        sim.run(brain.fibers, rounds=2)
        return _state(sim)

    alone = []
    for seed in (1, 2):
        with Simulator(brain, seed, backend="reference") as sim:
            alone.append(alike(sim))
    with Batch(brain, (1, 2), backend="gpu") as batch:
        assert batch.each(alike) == alone
        with pytest.raises(BackendError, match="brains with traces must all run the same number of rounds"):
            batch.each(lambda sim: sim.run(brain.fibers, rounds=sim.seed))
        with pytest.raises(BackendError, match="a round of the batch failed"):
            batch.run(brain.fibers)


def test_vectors_are_refused(device: EmulatedDevice) -> None:
    brain = Brain()
    brain.add(VectorArea("V", n=4, dim=2, k=1))
    with pytest.raises(BackendError, match="a batch on a GPU cannot hold vectors"):
        Batch(brain, (1, 2), backend="gpu")
