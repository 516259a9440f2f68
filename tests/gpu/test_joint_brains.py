"""Brains of a batch on a GPU: each gives the bits of its own run, and they share launches."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array

from brainsim import (
    Area,
    Batch,
    Brain,
    Channels,
    Cosine,
    Explicit,
    Hebbian,
    Modulator,
    Relax,
    Simulator,
    SmallWorld,
    Sum,
    Trace,
    UnusedWarning,
    VectorArea,
)
from brainsim.declare.depressing import STDP
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.simulate.outcome import Outcome
from emulator.device import EmulatedDevice


def learning() -> Brain:
    """Return a brain with one of each: traces, gates, channels, refraction, depression, vectors and their messages."""
    brain = Brain()
    stimulus = brain.add(Area("S", 40, 10, {"dog": range(10), "cat": range(10, 20)}))
    area, channels = brain.add(Area("A", 300, 12, refraction=0.05), Area("C", 120, 20, activation=Channels(5, 4)))
    words, roots = brain.add(VectorArea("V", 40, 5, k=8), VectorArea("W", 20, 5, k=4))
    dopamine = brain.add(Modulator("dopamine", baseline=1.0))
    rule = Hebbian(0.1, w_max=20)
    brain.connect(stimulus, area, p=0.3, plasticity=rule, modulated_by=dopamine, trace=Trace(3, 0.5))
    brain.connect(area, area, p=0.1, plasticity=STDP(0.1, 0.05, 20))
    brain.connect(area, channels, p=0.2, plasticity=rule, modulated_by=dopamine, trace=Trace(4, 0.5))
    brain.connect(stimulus, channels, p=0.2, gate=stimulus.patterns["cat"])
    brain.connect(channels, area, p=0.1, gate=channels)
    brain.connect(area, words, p=0.3)
    brain.connect(stimulus, roots, p=0.3)
    brain.connect(
        words,
        words,
        graph=SmallWorld(6, 0.2, symmetric=True),
        message=Cosine(0.8, anchor=0.1),
        channels={"safety": 0.4, "joy": 0.6},
        weight=0.5,
        plasticity=Relax({"safety": 0.1, "joy": 0.5}, "cosine"),
        modulated_by=dopamine,
    )
    ring = Explicit(coo_array((np.ones(40), (np.arange(40) % 20, np.arange(40))), shape=(20, 40)))
    brain.connect(roots, words, graph=ring, message=Sum(0.4, active=True))
    brain.connect(roots, roots, graph=SmallWorld(4, 0.2), message=Cosine(0.6, active=True))
    return brain


def schedule(sim: Simulator) -> Any:
    """Do what differs between brains: numbers of rounds, which of them are frozen or read in between, reinforcement."""
    brain, every, outcomes, odd = sim.brain, sim.brain.fibers, [], sim.seed % 2 == 1
    recording = sim.record("A", drives=True)
    dog, cat = brain["S"].patterns.values()
    sim.present(dog)
    outcomes.append(sim.run(every, rounds=2 + sim.seed % 3))
    if odd:
        sim.reinforce("dopamine", 0.5)
    sim.set_modulator("dopamine", 0.5)
    sim.present(cat)
    with sim.frozen() if odd else nullcontext():  # while the others learn
        outcomes.append(sim.run(every, rounds=2))
        seen = sim.thresholds("A").tolist()
    outcomes.append(sim.run(every, until_stable=True, max_rounds=4 if odd else 2))
    sim.reinforce("dopamine", -0.25)
    outcomes.append(sim.run(brain["S"] >> brain["A"] | brain["V"] >> brain["V"], rounds=1 + sim.seed % 2))
    sim.reinforce("dopamine", 1.0)
    return outcomes, seen, len(recording), *_state(sim), [str(recording.winners("A")), str(recording.drives("A"))]


def _state(sim: Simulator) -> Any:
    brain = sim.brain
    synapses = [fiber for fiber in brain.fibers if fiber.message is None]
    weights = [[column.tolist() for column in sim.connectome(fiber).learned()] for fiber in synapses]
    firing = {name: (sim.assembly(name).neurons.tolist(), sim.drive(name).tolist()) for name in brain.areas}
    return weights, firing, sim.thresholds("A").tolist(), sim.unused(), sim.events(synapses), sim.fires("C")


def with_vectors(sim: Simulator) -> Any:
    """Do it, and look at the vectors and messages, too."""
    done, carriers = schedule(sim), [fiber for fiber in sim.brain.fibers if fiber.message is not None]
    edges = [sim.edges(fiber) for fiber in carriers]
    held = [sim.vectors(name).tobytes() for name in "VW"]
    return done, held, [(each.weights.tobytes(), each.sent().tobytes()) for each in edges]


def check_bits() -> None:
    brain, seeds = learning(), (1, 2, 5)
    by_the_law, alone = [], []
    for seed in seeds:
        with Simulator(brain, seed, backend="reference") as sim:
            by_the_law.append(schedule(sim))
        with Simulator(brain, seed, backend="gpu") as sim:
            alone.append(with_vectors(sim))
    assert [done for done, *_ in alone] == by_the_law
    with Batch(brain, seeds, backend="gpu") as batch:
        assert batch.each(with_vectors) == alone


def test_each_brain_gives_the_bits_of_its_own_run(device: EmulatedDevice) -> None:
    check_bits()


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"seed": 3}, {"races": True}], ids=str)
def test_threads_in_any_order_and_rounds_that_stall_give_the_same_bits(
    options: dict[str, Any], no_room: None, emulated_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GpuBackend, "device", staticmethod(lambda place: EmulatedDevice(**options)))
    check_bits()


def test_launches_do_not_depend_on_the_number_of_brains(device: EmulatedDevice) -> None:
    brain, launches = learning(), []
    for count in (1, 2, 5):
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


def test_vectors_that_step_are_no_silence(device: EmulatedDevice) -> None:
    brain = Brain()
    words = brain.add(VectorArea("V", 8, 2, k=2))
    brain.connect(words, words, graph=SmallWorld(4, 0.2), message=Cosine(0.8))
    with Batch(brain, (1, 2), backend="gpu") as batch:
        outcomes = batch.each(lambda sim: sim.run(brain.fibers, rounds=sim.seed))  # and no warning
    assert outcomes == [Outcome(1, stable=True), Outcome(2, stable=True)]
