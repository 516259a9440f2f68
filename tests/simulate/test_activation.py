"""Activations: ``Threshold`` and custom ones, which select among the ``k`` neurons with the largest drives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from brainsim import Activation, Area, Brain, Hebbian, Simulator, Threshold
from brainsim.build import build
from brainsim.errors import BackendError, DeclarationError, DumpError
from brainsim.kernels import parts
from brainsim.kernels.parts import AmongTopK, TopK
from brainsim.simulate.identity import difference, identity

N, K = 400, 20


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


def test_at_most_k_neurons_fire(backend: str) -> None:
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


def test_a_state_is_refused_by_a_brain_with_another_level(tmp_path: Path) -> None:
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


def test_threshold_has_a_repr_and_checks_its_level() -> None:
    assert repr(Area("A", 10, 10, activation=Threshold(2))) == "Area('A', n=10, k=10, activation=Threshold(level=2.0))"
    assert Threshold() == Threshold(0)
    with pytest.raises(DeclarationError, match=r"Threshold\.level: must be a number between .* \(got nan\)"):
        Threshold(float("nan"))


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), -1e14])
def test_the_threshold_of_a_custom_activation_is_checked(threshold: float) -> None:
    class Custom(Activation):
        def part(self) -> TopK:
            return TopK()

    Custom.threshold = threshold
    brain = Brain()
    brain.add(Area("A", 10, 2, activation=Custom()))
    with pytest.raises(DeclarationError, match=r"Area 'A'\.activation: threshold: must be a number between"):
        Simulator(brain, backend="reference")


def test_the_threshold_of_custom_channels_is_checked_for_a_whole_channel() -> None:
    class Custom(Activation):
        threshold = -1e13

        def part(self) -> parts.Channels:
            return parts.Channels(5)

    brain = Brain()
    brain.add(Area("A", 10, 5, activation=Custom()))
    with pytest.raises(DeclarationError, match=r"Area 'A'\.activation: threshold: must be a number between -7.*e\+12"):
        Simulator(brain, backend="reference")


@dataclass(frozen=True)
class PartOfLargest(AmongTopK):
    """A neuron fires if its drive is at least the largest drive divided by ``divisor``."""

    divisor: int

    def fires(self, drives: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        assert drives.dtype == np.int64
        assert drives.min() > 0
        return np.asarray(drives >= -(-int(drives.max()) // self.divisor))


@dataclass(frozen=True)
class OfLargest(Activation):
    divisor: int

    def part(self) -> PartOfLargest:
        return PartOfLargest(self.divisor)


def brain_among(k: int, refraction: float = 0.0, divisor: int = 2) -> Brain:
    brain = Brain()
    stimulus, area = brain.add(
        Area("S", 100, K, {"a": range(K), "b": range(K // 2, 3 * K // 2)}),
        Area("A", N, k, activation=OfLargest(divisor), refraction=refraction),
    )
    brain.connect(stimulus, area, 0.15, Hebbian(0.1))
    brain.connect(area, area, 0.05, Hebbian(0.1))
    return brain


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_custom_activation_selects_by_drive_minus_threshold(backend: str) -> None:
    brain = brain_among(k=N)
    with Simulator(brain, 3, backend=backend) as sim:
        sim.present(brain["S"]["a"])
        sim.run(brain["S"] >> brain["A"])
        drives = counts(brain)
        assert sim.assembly("A").neurons.tolist() == np.flatnonzero(2 * drives >= drives.max()).tolist()
        assert "those fire that PartOfLargest(divisor=2) names" in str(sim.schedule())
        sim.run(brain.fibers)
    raised = np.where(np.arange(N) % 3 == 0, 4.5, 0.0)
    with Simulator(brain, 3, backend=backend) as sim:
        sim.present(brain["S"]["a"])
        sim.set_thresholds("A", raised)
        sim.run(brain["S"] >> brain["A"])
        beyond = drives - raised
        assert sim.assembly("A").neurons.tolist() == np.flatnonzero(2 * beyond >= beyond.max()).tolist()
        sim.run(brain.fibers)


@pytest.mark.parametrize("refraction", [0.0, 0.2])
def test_a_custom_activation_gives_the_same_winners_on_cpu_and_reference(refraction: float, tmp_path: Path) -> None:
    seen = []
    for backend in ("reference", "cpu"):
        brain = brain_among(40, refraction)
        with Simulator(brain, 7, backend=backend) as sim:
            recording = sim.record("A")
            for label in "ababab":
                sim.present(brain["S"][label])
                sim.run(brain.fibers, 6)
            weights = [column.tolist() for column in sim.connectome(brain["A"] >> brain["A"]).learned()]
            rounds = [winners.tolist() for winners in recording.winners("A")]
            seen.append((rounds, weights, sim.thresholds("A").tolist()))
            sim.save(tmp_path / f"{backend}.h5")
    assert seen[0] == seen[1]
    assert 1 < min(map(len, seen[0][0])) < 40, "some round lets fewer than k fire"
    with Simulator(brain_among(40, refraction, divisor=3), 7, backend="cpu") as other, pytest.raises(DumpError):
        other.load(tmp_path / "cpu.h5")


def test_the_identity_of_a_brain_includes_all_parameters_of_an_activation() -> None:
    @dataclass(frozen=True)
    class Keyed(AmongTopK):
        key: int

        def fires(self, drives: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
            return drives > self.key

    brain = brain_among(10)
    program = build(brain, 1)
    one, other = (replace(program, areas=(replace(program.areas[0], activation=Keyed(key)),)) for key in (1, 2))
    one, other = replace(one, fibers=()), replace(other, fibers=())
    assert difference(identity(one, brain), identity(one, brain)) is None
    assert "activation of area 'S'" in str(difference(identity(one, brain), identity(other, brain)))


def test_an_activation_that_a_backend_cannot_run_is_refused_by_name(emulated_gpu: None) -> None:
    with pytest.raises(BackendError, match="Area 'A': the gpu backend cannot run the activation PartOfLargest"):
        Simulator(brain_among(10), backend="gpu")
