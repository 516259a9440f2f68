"""Thresholds, refraction and drives, as users see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Channels, Hebbian, Simulator
from brainsim.errors import BackendError, DeclarationError, DumpError


def brain_of(refraction: float = 0.0, beta: float = 0.1) -> Brain:
    brain = Brain()
    source, target = brain.add(Area("S", 50, 20), Area("T", 400, 15, refraction=refraction))
    brain.connect(source, target, 0.3, Hebbian(beta))
    brain.connect(target, target, 0.1, Hebbian(beta))
    return brain


BACKENDS = pytest.mark.parametrize("backend", ["reference", "cpu"])


@BACKENDS
def test_the_neurons_with_the_largest_drives_win(backend: str) -> None:
    brain = brain_of()
    with Simulator(brain, 1, backend=backend) as sim:
        sim.present(Assembly("S", np.arange(20)))
        for _ in range(4):
            sim.set_thresholds("T", np.random.default_rng(sim.rounds).normal(0, 2, 400))
            drives = sim.drives("T")
            sim.run(brain.fibers)
            expected = np.lexsort((np.arange(400), -drives))[:15]
            assert sim.assembly("T") == Assembly("T", expected)
        sim.inhibit(brain["T"] >> brain["T"])
        assert sim.drives("T").sum() < drives.sum()
        np.testing.assert_array_equal(sim.drives("T"), sim.drives("T", brain["S"] >> brain["T"]))
        np.testing.assert_array_equal(sim.drives("T", []), -sim.thresholds("T"))


def test_drives_match_the_weights() -> None:
    brain = brain_of()
    with Simulator(brain, 1) as sim:
        sim.present(Assembly("S", np.arange(20)))
        sim.run(brain.fibers, 3)
        matrix = sim.connectome(brain["S"] >> brain["T"]).to_scipy().toarray()
        np.testing.assert_allclose(sim.drives("T", brain["S"] >> brain["T"]), matrix[:20].sum(axis=0))


@BACKENDS
def test_thresholds_can_be_one_number_or_n_numbers(backend: str) -> None:
    with Simulator(brain_of(), backend=backend) as sim:
        assert not sim.thresholds("T").any()
        sim.set_thresholds("T", 1.5)
        np.testing.assert_array_equal(sim.thresholds("T"), np.full(400, 1.5))
        values = np.arange(400) / 64 - 2
        sim.set_thresholds("T", values)
        np.testing.assert_array_equal(sim.thresholds("T"), values)
        sim.set_thresholds("T", 0)
        assert not sim.thresholds("T").any()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0], r"Area 'T': thresholds: must be one number, or n = 400 \(got an array of shape \(2,\)\)"),
        ("high", r"must be numbers \(got 'high'\)"),
        (float("nan"), r"must lie between -7.*e\+13 and 7.*e\+13 \(got nan\)"),
        (1e14, r"\(got 1e\+14\)"),
    ],
)
def test_invalid_thresholds_are_refused(values: Any, message: str) -> None:
    with Simulator(brain_of()) as sim:
        with pytest.raises(DeclarationError, match=message):
            sim.set_thresholds("T", values)
        assert not sim.thresholds("T").any()


@pytest.mark.parametrize("size", [4, 5])
def test_the_sum_of_negative_thresholds_of_a_channel_does_not_overflow(backend: str, size: int) -> None:
    brain = Brain()
    source, area = brain.add(Area("S", 10, 5), Area("T", 40, activation=Channels(size, 2)))
    fiber = brain.connect(source, area, 0.9, Hebbian(0.1, w_max=32_767))
    with Simulator(brain, 1, backend=backend) as sim:
        sim.present(Assembly("S", range(5)))
        sim.run(fiber)
        won = sim.assembly("T")
        lowest = -(2.0**46) / size
        sim.set_thresholds("T", lowest)
        sim.run(fiber)
        assert sim.assembly("T") == won, "an equal threshold for all neurons does not change who wins"
        assert sim.drive("T").min() >= -lowest
        with pytest.raises(DeclarationError, match=r"Area 'T': thresholds: must lie between -1\..*e\+13 and 7.*e\+13"):
            sim.set_thresholds("T", 1.01 * lowest)
        sim.set_thresholds("T", 2.0**46)  # above all drives
        sim.run(fiber)
        assert not sim.fires("T")


@BACKENDS
def test_a_probe_leaves_thresholds_as_they_were(backend: str) -> None:
    brain = brain_of(refraction=0.1)
    with Simulator(brain, backend=backend) as sim:
        sim.present(Assembly("S", np.arange(20)))
        sim.run(brain.fibers, 3)
        before = sim.thresholds("T")
        assert before.any()
        with sim.frozen():
            sim.run(brain.fibers, 2)
            np.testing.assert_array_equal(sim.thresholds("T"), before)
            sim.set_thresholds("T", 0)
        np.testing.assert_array_equal(sim.thresholds("T"), before)


@BACKENDS
def test_refraction_keeps_the_drive_of_the_same_input_and_lowers_that_of_others(backend: str) -> None:
    brain = brain_of(refraction=0.1, beta=0.1)
    one, other = Assembly("S", np.arange(20)), Assembly("S", np.arange(10, 30))
    forward = brain["S"] >> brain["T"]
    with Simulator(brain, 3, backend=backend) as sim:
        sim.present(one)
        first = sim.drives("T", forward)
        for _ in range(6):
            sim.run(forward)
        winners = sim.assembly("T").neurons
        np.testing.assert_allclose(sim.drives("T", forward)[winners], first[winners], atol=0.01)
        sim.present(other)
        untouched = brain_of()
        fresh = Simulator(untouched, 3)
        fresh.present(other)
        at_first = fresh.drives("T", untouched["S"] >> untouched["T"])
        assert (sim.drives("T", forward)[winners] < at_first[winners]).all()
        sim.run(brain.fibers)


def test_thresholds_are_saved_and_loaded(tmp_path: Path) -> None:
    brain = brain_of(refraction=0.2)
    with Simulator(brain, 2) as sim:
        sim.present(Assembly("S", np.arange(20)))
        sim.run(brain.fibers, 4)
        sim.save(tmp_path / "state.h5")
        sim.run(brain.fibers, 3)
        again = Simulator(brain, 2, backend="reference")
        again.set_thresholds("S", 3.0)
        again.load(tmp_path / "state.h5")
        assert not again.thresholds("S").any()
        again.run(brain.fibers, 3)
        assert again.assembly("T") == sim.assembly("T")
        np.testing.assert_array_equal(again.thresholds("T"), sim.thresholds("T"))
    with pytest.raises(DumpError, match="another brain"):
        Simulator(brain_of(refraction=0.1), 2).load(tmp_path / "state.h5")


def test_refraction_is_declared_and_checked() -> None:
    assert repr(Area("T", 400, 15, refraction=0.1)) == "Area('T', n=400, k=15, refraction=0.1)"
    assert Area("T", 400, 15).refraction == 0.0
    with pytest.raises(DeclarationError, match=r"Area 'T'\.refraction: must be a number between 0 and 8 \(got -1\)"):
        Area("T", 400, 15, refraction=-1.0)
    with pytest.raises(DeclarationError, match="must be 0 or at least 1e-5"):
        Area("T", 400, 15, refraction=1e-6)
    brain = Brain()
    source, target = brain.add(Area("S", 2**31 - 1, 20), Area("T", 400, 15, refraction=8.0))
    brain.connect(source, target, 0.3, Hebbian(0.1))
    with pytest.raises(BackendError, match="refraction could raise a threshold by"):
        Simulator(brain, backend="reference")


def test_the_schedule_mentions_refraction() -> None:
    brain = brain_of(refraction=0.1)
    with Simulator(brain) as sim:
        assert "raises the thresholds of its winners" in str(sim.schedule())
        with sim.frozen():
            assert "raises" not in str(sim.schedule())
        sim.present(Assembly("S", [0]))
        sim.run(brain.fibers)
        sim.present(Assembly("T", [0]))
