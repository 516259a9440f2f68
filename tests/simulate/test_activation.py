"""Areas in which all neurons above their thresholds fire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Brain, Hebbian, Simulator, Threshold
from brainsim.errors import DeclarationError, DumpError

N, K = 400, 20


@pytest.fixture(params=["reference", "cpu", "gpu"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "gpu":
        request.getfixturevalue("emulated_gpu")
    return str(request.param)


def brain_of(k: int = N, level: float = 3.0, **options: Any) -> Brain:
    brain = Brain()
    stimulus, area = brain.add(
        Area("S", 100, K, {"a": range(K), "b": range(K, 2 * K)}),
        Area("A", N, k, activation=Threshold(level), **options),
    )
    brain.connect(stimulus, area, 0.15, Hebbian(0.1))
    brain.connect(area, area, 0.02, Hebbian(0.1))
    return brain


def counts(brain: Brain) -> Any:
    (fiber,) = brain["S"] >> brain["A"]
    return fiber.to_scipy(seed=3)[list(range(K))].sum(axis=0)


def test_all_neurons_above_the_level_fire(backend: str) -> None:
    brain = brain_of()
    expected = np.flatnonzero(counts(brain) > 3)
    assert 20 < len(expected) < 300
    with Simulator(brain, 3, backend=backend) as sim:
        assert sim.thresholds("A").tolist() == [3.0] * N
        sim.present(brain["S"]["a"])
        sim.run(brain["S"] >> brain["A"])
        assert sim.assembly("A").neurons.tolist() == expected.tolist()
        sim.run(brain["A"] >> brain["A"])
        sim.set_thresholds("A", 0)
        sim.run(brain["S"] >> brain["A"])
        assert len(sim.assembly("A")) > len(expected)


def test_k_is_a_bound(backend: str) -> None:
    brain = brain_of(k=10)
    with Simulator(brain, 3, backend=backend) as sim:
        sim.present(brain["S"]["a"])
        sim.run(brain["S"] >> brain["A"])
        fired = sim.assembly("A").neurons
        sim.run(brain["A"] >> brain["A"])
    assert len(fired) == 10
    assert counts(brain)[fired].min() >= np.sort(counts(brain))[-10]


@pytest.mark.parametrize("refraction", [0.0, 0.1])
def test_backends_agree(refraction: float, emulated_gpu: None) -> None:
    seen = []
    for backend in ("reference", "cpu", "gpu"):
        brain = brain_of(k=60, refraction=refraction)
        with Simulator(brain, 7, backend=backend) as sim:
            recording = sim.record("A")
            for label in "abab":
                sim.present(brain["S"][label])
                sim.run(brain.fibers, 4)
            weights = [column.tolist() for column in sim.connectome(brain["S"] >> brain["A"]).learned()]
            rounds = [winners.tolist() for winners in recording.winners("A")]
            seen.append((rounds, weights, sim.thresholds("A").tolist()))
    assert seen[0] == seen[1] == seen[2]


def test_a_state_belongs_to_a_level(tmp_path: Path) -> None:
    brain = brain_of()
    with Simulator(brain, 3, backend="reference") as sim:
        sim.present(brain["S"]["a"])
        sim.run(brain.fibers, 2)
        sim.save(tmp_path / "state.h5")
        fired = sim.assembly("A")
        assert "those of 400 above their thresholds fire, at most 400" in str(sim.schedule())
    again, other = Simulator(brain_of(), 3, backend="cpu"), Simulator(brain_of(level=2.0), 3)
    again.load(tmp_path / "state.h5")
    assert again.assembly("A") == fired
    assert again.thresholds("A").tolist() == [3.0] * N
    with pytest.raises(DumpError, match="activation of area 'A'"):
        other.load(tmp_path / "state.h5")


def test_it_shows_itself_and_checks_its_level() -> None:
    assert repr(Area("A", 10, 10, activation=Threshold(2))) == "Area('A', n=10, k=10, activation=Threshold(level=2.0))"
    assert Threshold() == Threshold(0)
    with pytest.raises(DeclarationError, match=r"Threshold\.level: must be a number between .* \(got nan\)"):
        Threshold(float("nan"))
