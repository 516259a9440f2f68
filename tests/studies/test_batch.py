"""Batches: each brain gives the bits of a single simulation, in one process and in several."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from brainsim import Area, Assembly, Batch, Brain, Hebbian, Modulator, SilentWarning, Simulator, UnusedWarning
from brainsim.errors import DeclarationError, SimulationError, WorkerError

SEEDS = (3, 8, 2**64 - 1)


def learning() -> tuple[Brain, Area, Area]:
    brain = Brain()
    stimulus, area = brain.add(Area("S", 40, 10, {"dog": range(10), "cat": range(10, 20)}), Area("A", 300, 12))
    dopamine = brain.add(Modulator("dopamine", baseline=1.0))
    brain.connect(stimulus, area, p=0.3, plasticity=Hebbian(0.1, w_max=20), modulated_by=dopamine)
    brain.connect(area, area, p=0.1, plasticity=Hebbian(0.1, w_max=20))
    return brain, stimulus, area


def schedule_of(brain: Brain, stimulus: Area, area: Area) -> Any:
    dopamine = brain.modulators["dopamine"]

    def schedule(sim: Simulator) -> Any:
        for pattern in stimulus.patterns.values():
            sim.present(pattern)
            sim.set_modulator(dopamine, 0.5)
            sim.run(stimulus >> area | area >> area, rounds=4)
        weights = [sim.connectome(fiber).learned() for fiber in brain.fibers]
        return sim.assembly(area).neurons.tolist(), [[column.tolist() for column in each] for each in weights]

    return schedule


@pytest.mark.parametrize("workers", [1, pytest.param(2, id="two processes")])
def test_each_brain_gives_the_bits_of_a_single_simulation(workers: int) -> None:
    brain, stimulus, area = learning()
    schedule = schedule_of(brain, stimulus, area)
    alone = []
    for seed in SEEDS:
        with Simulator(brain, seed, backend="reference") as sim:
            alone.append(schedule(sim))
    with Batch(brain, SEEDS, backend="reference", workers=workers) as batch:
        assert batch.each(schedule) == alone
        assert len({str(each) for each in alone}) == len(SEEDS) == len(batch)
        # Brains keep what they have learned for the next call.
        batch.present(stimulus["dog"])
        outcomes = batch.run(stimulus >> area, rounds=2)
        assert [outcome.rounds for outcome in outcomes] == [2, 2, 2]
        assert batch.each(lambda sim: sim.rounds) == [10, 10, 10]
        if workers > 1:
            with pytest.raises(ZeroDivisionError) as raised:
                batch.each(lambda sim: 1 // (sim.seed - 8))
            assert "the brain with seed 8 of a batch" in "".join(raised.value.__notes__)
            os.kill(batch.each(lambda _: os.getpid())[1], signal.SIGKILL)
            with pytest.raises(WorkerError, match=r"Batch: a worker process died \(SIGKILL\).*seeds 8"):
                batch.run(stimulus >> area)
            assert repr(batch) == "<Batch of 3 brains: closed>"
    with pytest.raises(SimulationError, match="Batch: is closed"):
        batch.run(stimulus >> area)


def test_warnings_are_issued_once() -> None:
    brain, stimulus, area = learning()
    with pytest.warns(UnusedWarning, match="A->A") as warned, Batch(brain, (1, 2), backend="reference", workers=1) as b:
        b.present(stimulus["dog"])
        b.run(stimulus >> area)
    assert len(warned) == 1
    batch = Batch(brain, [1], backend="reference")
    with pytest.warns(SilentWarning):
        batch.run(brain.fibers)
    with pytest.warns(UnusedWarning, match="never fired"):
        batch.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": ()}, r"Batch\.seeds: must be a sequence of 1 to 100_000 integers"),
        ({"seeds": 7}, r"Batch\.seeds: must be a sequence of 1 to 100_000 integers, such as range\(4\) \(got 7\)"),
        ({"seeds": [1, -1]}, r"Batch\.seeds: must be an integer between 0"),
        ({"workers": 4}, r"Batch\.workers: must be an integer between 1 and 3 \(got 4\)"),
        ({"brain": Brain()}, r"Batch\.brain: must be a Brain with at least one area"),
    ],
)
def test_bad_arguments_are_named_in_the_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Batch(**{"brain": learning()[0], "seeds": SEEDS, "backend": "reference", **arguments})


def test_a_bad_stimulus_is_refused_with_the_seed() -> None:
    brain, _, area = learning()
    with Batch(brain, [5], backend="reference") as batch, pytest.raises(DeclarationError) as raised:
        batch.present(Assembly(area.name, [10**6]))
    assert "seed 5" in raised.value.__notes__[0]
