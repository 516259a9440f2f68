"""A backend from outside brainsim gives the same bits, and simulators can use it once it is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainsim import Area, Brain, Hebbian, Simulator
from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from brainsim.simulate import backends
from dense import DenseBackend
from scenarios import named, trace


@pytest.mark.parametrize(("kind", "number"), [("mixed", 0), ("mixed", 2), ("excitable", 300), ("excitable", 301)])
def test_the_dense_backend_gives_the_same_winners_weights_and_thresholds(kind: str, number: int) -> None:
    case = named(kind, number)
    assert trace(DenseBackend, case, Options()) == trace(ReferenceBackend, case, Options())


def brain_with_refraction() -> Brain:
    brain = Brain()
    source, target = brain.add(
        Area("S", 60, 10, {"a": range(10), "b": range(5, 15)}), Area("T", 300, 15, refraction=0.1)
    )
    brain.connect(source, target, 0.2, Hebbian(0.2))
    brain.connect(target, target, 0.1, Hebbian(0.2))
    return brain


def run_on(sim: Simulator, patterns: str) -> list[list[int]]:
    brain, recording = sim.brain, sim.record("T")
    for pattern in patterns:
        sim.present(brain["S"][pattern])
        sim.run(brain.fibers, 4)
    return [winners.tolist() for winners in recording.winners("T")]


def test_a_state_moves_between_listed_backends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(backends.CLASSES, "dense", "dense:DenseBackend")
    with Simulator(brain_with_refraction(), 5, backend="reference") as whole:
        expected = run_on(whole, "abba")
        thresholds = whole.thresholds("T").tolist()
    with Simulator(brain_with_refraction(), 5, backend="dense") as first:
        assert run_on(first, "ab") == expected[:8]
        first.save(tmp_path / "state.h5")
    for name in ("reference", "dense"):
        with Simulator(brain_with_refraction(), 5, backend=name) as second:
            second.load(tmp_path / "state.h5")
            assert run_on(second, "ba") == expected[8:], name
            assert second.thresholds("T").tolist() == thresholds, name


def test_listing_a_backend_does_not_make_it_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    before = backends.resolve("auto")
    monkeypatch.setitem(backends.CLASSES, "dense", "dense:DenseBackend")
    assert backends.resolve("auto") == before
    assert backends.resolve("dense") == "dense"
