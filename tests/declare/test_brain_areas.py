"""Declarations of hippocampus, thalamus and striatum: their parts, errors, memory and drawing."""

from __future__ import annotations

import pickle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Modulator, Simulator
from brainsim.areas import Hippocampus, Striatum, Thalamus, _declaring
from brainsim.areas._declaring import BYTES_A_SYNAPSE
from brainsim.errors import BackendMemoryError, DeclarationError
from brainsim.operations import recall, store

SMALL = {"n_ec": 200, "n_dg": 800, "n_ca3": 400, "n_ca1": 400, "k_ec": 20, "k_dg": 20, "k_ca3": 20, "k_ca1": 20}


def dopamine() -> Modulator:
    return Modulator("dopamine", baseline=0.0)


def test_a_hippocampus_has_the_documented_areas_and_fibers() -> None:
    memory = Brain().add(Hippocampus("Left", patterns={"kitchen": range(50)}))
    sizes = {name: (area.n, area.k) for name, area in memory.areas.items()}
    assert sizes == {
        "EC": (1000, 50),
        "DG": (20_000, 50),
        "CA3": (10_000, 100),
        "CA1": (10_000, 100),
        "ECout": (1000, 50),
    }
    plastic = {fiber.name.replace("Left.", ""): fiber.p for fiber in memory.fibers if fiber.plasticity}
    assert plastic == {"EC->CA3": 0.2, "CA3->CA3": 0.2, "CA3->CA1": 0.2, "CA1->ECout": 0.2}
    fixed = {fiber.name.replace("Left.", ""): fiber.p for fiber in memory.fibers if not fiber.plasticity}
    assert fixed == {"EC->DG": 0.1, "EC->CA1": 0.1, "DG->CA3": 0.05}
    assert memory["EC"]["kitchen"].neurons.tolist() == memory["ECout"]["kitchen"].neurons.tolist()
    assert memory == pickle.loads(pickle.dumps(memory))
    assert memory.encoding.rounds == 3
    assert memory.retrieval.rounds == 8


def test_parameters_of_a_hippocampus_set_its_parts() -> None:
    rule, other = Hebbian(1.0, 2.0), Hebbian(0.0, 2.0)
    memory = Hippocampus(p=0.3, p_dg=0.4, p_mossy=0.5, p_ca1=0.6, mossy_weight=100, plasticity=rule, recurrent=other)
    fibers = {fiber.name.replace("Hippocampus.", ""): fiber for fiber in memory.fibers}
    assert [fibers[name].p for name in ("EC->DG", "DG->CA3", "EC->CA1", "EC->CA3")] == [0.4, 0.5, 0.6, 0.3]
    assert fibers["DG->CA3"].weight == 100
    assert fibers["CA3->CA3"].plasticity == other
    assert all(fibers[name].plasticity == rule for name in ("EC->CA3", "CA3->CA1", "CA1->ECout"))
    assert Hippocampus(rounds=9).retrieval.phases["complete"].rounds == 9
    assert Hippocampus(replay_rounds=7).replaying.phases["settle"].rounds == 7


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_ca3": 50}, r"Hippocampus 'H': Area 'CA3'\.k: must be between 1 and n = 50 \(got 100\)"),
        ({"n_dg": 0}, r"Hippocampus 'H': Area 'DG'\.n: must be an integer between 1 and"),
        ({"n_dg": 2**31}, r"Hippocampus 'H': Area 'DG'\.n: must be an integer between 1 and"),
        ({"p": 1.5}, r"Hippocampus 'H': .* must be a number between 0 and 1"),
        ({"rounds": 0}, r"Hippocampus 'H': Phase\.rounds: must be an integer of at least 1 \(got 0\)"),
        ({"plasticity": 8}, r"Hippocampus 'H': Fiber 'H\.EC->H\.CA3'\.plasticity: must be a Plasticity rule"),
        (
            {"episodes": -1},
            r"Hippocampus 'H': Hippocampus\.episodes: must be a whole number between 0 and 1000000000 \(got -1\)",
        ),
    ],
)
def test_a_hippocampus_refuses_values_out_of_range_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Hippocampus("H", **given)


def test_a_hippocampus_larger_than_memory_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_declaring, "memory_bytes", lambda: 10**9)
    Hippocampus("H", n_ca3=10**6)
    with pytest.raises(BackendMemoryError, match=r"Hippocampus 'H': must be small enough for the 1 GB of this machine"):
        Hippocampus("H", n_ca3=10**8)
    with pytest.raises(MemoryError, match=r"needs about .* GB\); lower n_ec, n_dg, n_ca3, n_ca1 or episodes"):
        Hippocampus("H", n_ca3=10**5, n_ca1=10**5, episodes=10**5)
    monkeypatch.setattr(_declaring, "memory_bytes", lambda: None)  # a system that does not report its memory
    Hippocampus("H", n_ca3=10**8)


def test_the_estimate_of_memory_is_near_the_memory_in_use() -> None:
    memory, brain, rng = Hippocampus(n_ec=500, n_dg=2000, n_ca3=1000, n_ca1=1000), Brain(), np.random.default_rng(1)
    brain.add(memory)
    with Simulator(brain, 1, backend="cpu", threads=1) as sim:
        for _ in range(60):
            store(sim, memory, Assembly(memory.entry.name, rng.choice(500, 50, replace=False)))
        assert len(recall(sim, memory, Assembly(memory.entry.name, range(25))).answer)
        used = sim.memory()
        synapses = sum(len(sim.connectome(fiber).learned()[0]) for fiber in memory.fibers if fiber.plasticity)
    assert memory.synapses(60) == pytest.approx(synapses, rel=0.1)
    stored = sum(purposes["learned"] for purposes in used["fibers"].values())
    assert 0.4 < stored / (BYTES_A_SYNAPSE * synapses) <= 1.1


def test_a_thalamus_has_channels() -> None:
    thalamus = Thalamus(channels=20, relays=5, open=3)
    assert (thalamus.relay.n, thalamus.relay.k) == (100, 15)
    assert thalamus.channel(19).neurons.tolist() == [95, 96, 97, 98, 99]
    with pytest.raises(
        DeclarationError, match=r"Thalamus 'Thalamus'\.channel: must be a whole number between 0 and 19 \(got 20\)"
    ):
        thalamus.channel(20)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"channels": 0}, r"Thalamus 'Thalamus'\.channels: must be a whole number of at least 1 \(got 0\)"),
        ({"relays": 2.5}, r"Thalamus 'Thalamus'\.relays: must be a whole number of at least 1 \(got 2\.5\)"),
        ({"open": True}, r"Thalamus 'Thalamus'\.open: must be a whole number of at least 1 \(got True\)"),
        ({"channels": 3}, r"Thalamus 'Thalamus'\.open: must be at most channels = 3 \(got 4\)"),
        ({"channels": 2**31}, r"Thalamus 'Thalamus': Area 'Relay'\.n: must be an integer between 1 and"),
    ],
)
def test_a_thalamus_refuses_values_out_of_range(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Thalamus(**given)


def test_a_striatum_has_an_action_in_each_channel() -> None:
    brain = Brain()
    cue, signal = brain.add(Area("Cue", 40, 20), dopamine())
    striatum = brain.add(Striatum("Striatum", ["left", "right", "wait"], dopamine=signal, k=10))
    assert (striatum.area.n, striatum.area.k) == (30, 10)
    assert striatum.actions["wait"].neurons.tolist() == list(range(20, 30))
    fiber = striatum.learns_from(cue, 0.5)
    assert fiber.modulated_by == (signal,)
    assert fiber in brain.fibers
    assert striatum.inputs == fiber | fiber


@pytest.mark.parametrize(
    ("actions", "signal", "message"),
    [
        (["left"], dopamine(), r"Striatum 'S': actions: must be at least two names \(got \['left'\]\)"),
        ([], dopamine(), "Striatum 'S': patterns: words must name at least one word"),
        (["a", "a"], dopamine(), "Striatum 'S': patterns: words must be distinct"),
        (["a", "b"], Modulator("dopamine"), r"Striatum 'S'\.dopamine: must be a Modulator with baseline 0"),
        (["a", "b"], "dopamine", r"Striatum 'S'\.dopamine: must be a Modulator with baseline 0"),
    ],
)
def test_a_striatum_refuses_bad_actions_and_modulators(actions: list[str], signal: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Striatum("S", actions, dopamine=signal)


def test_a_striatum_outside_a_brain_cannot_learn() -> None:
    with pytest.raises(DeclarationError, match=r"Striatum 'S' belongs to no brain yet; add it with brain\.add"):
        Striatum("S", ["a", "b"], dopamine=dopamine()).learns_from(Area("Cue", 10, 2))


def test_regions_are_drawn() -> None:
    brain = Brain()
    signal = brain.add(dopamine())
    brain.add(Hippocampus(**SMALL))
    brain.add(Thalamus(), Striatum("Striatum", ["a", "b"], dopamine=signal))
    axes = brain.draw()
    shown = " ".join(text.get_text() for text in axes.texts)
    plt.close(axes.figure)
    assert all(name in shown for name in ("Hippocampus", "CA3", "DG", "Thalamus", "Relay", "Striatum", "Actions"))


def test_the_expected_recall_falls_with_the_number_of_episodes() -> None:
    memory = Hippocampus()
    few, many = memory.expected_recall(400), memory.expected_recall(1600)
    assert few.completed > 0.95 > 0.6 > many.completed
    assert few.first > 2 * many.first
    assert few.answer > 0.85 > 0.3 > many.answer
    assert memory.expected_recall(400, 0.2).first < few.first
    assert Hippocampus(plasticity=Hebbian(0.0, 9.0)).expected_recall(400).answer < 0.2
    assert memory.expected_recall(400, seed=3) == memory.expected_recall(400, seed=3)
