"""Saved states: earlier formats are read, damaged files are refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, SaturatingHebbian, Simulator
from brainsim.errors import DumpError


def brain_of() -> Brain:
    brain = Brain()
    source, target = brain.add(Area("S", 50, 20), Area("T", 400, 15))
    brain.connect(source, target, 0.3, Hebbian(0.1))
    brain.connect(target, target, 0.1, Hebbian(0.1))
    return brain


OLD = Path(__file__).parent / "data"


def of_format_2() -> Brain:
    """The brain whose state was saved by a version that wrote format 2."""
    brain = Brain()
    s, a, t = brain.add(
        Area("S", 300, 30, patterns={"x": range(30)}), Area("A", 400, 20, refraction=0.1), Area("T", 350, 15)
    )
    brain.connect(s, a, p=0.2, plasticity=Hebbian(beta=0.1, w_max=20.0))
    brain.connect(a, a, p=0.2, plasticity=SaturatingHebbian(beta=0.3))
    brain.connect(a, t, p=0.3)
    brain.connect(s, t, p=0.1, plasticity=Hebbian(beta=0.0))
    return brain


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("format_", [1, 2])
def test_a_state_of_an_earlier_format_is_loaded(tmp_path: Path, format_: int, backend: str) -> None:
    path, expected = tmp_path / "old.h5", json.loads((OLD / "state_format_2.json").read_text())
    shutil.copy(OLD / "state_format_2.h5", path)
    if format_ == 1:  # which had no thresholds, and listed no fibers that learn nothing
        with h5py.File(path, "r+") as file:
            file.attrs["brainsim_format"] = 1
            del file["thresholds"], file["learned/S->T"]
    brain = of_format_2()
    with Simulator(brain, 5, backend=backend) as sim:
        assert sim.load(path) == "six rounds"
        assert (sim.rounds, sim.held) == (6, ("S",))
        assert {f.name for f in brain.fibers} - {f.name for f in sim.transmitting(brain.fibers)} == {
            *("S->A", "A->T", "S->T")
        }
        assert {name: sim.assembly(name).neurons.tolist() for name in "AT"} == {name: expected[name] for name in "AT"}
        learned = sim.connectome(brain["A"] >> brain["A"]).learned()
        assert [column.tolist() for column in learned] == expected["learned"]
        thresholds = expected["thresholds"] if format_ == 2 else [0.0] * 400
        assert sim.thresholds("A").tolist() == thresholds
        sim.disinhibit()
        sim.run(brain.fibers)
        sim.save(tmp_path / "new.h5")
    with Simulator(brain, 5, backend=backend) as again:
        again.load(tmp_path / "new.h5")
        assert again.rounds == 7


def test_a_state_of_an_earlier_format_belongs_to_its_brain() -> None:
    other = brain_of()
    with Simulator(other, 5) as sim, pytest.raises(DumpError, match="its declaration differs"):
        sim.load(OLD / "state_format_2.h5")


DAMAGES: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "repeated": (lambda file: _put(file, "thresholds/T", neurons=[3, 3], amount=[1, 1]), "ascending order, each once"),
    "unequal": (lambda file: _put(file, "thresholds/T", neurons=[3, 4], amount=[1]), "of one length"),
    "floats": (lambda file: _put(file, "winners/T", neurons=[1.5]), "must be integers"),
    "outside": (lambda file: _put(file, "winners/T", neurons=[400]), "must lie between 0 and 399"),
    "negative": (lambda file: _put(file, "winners/T", neurons=[-1]), "must lie between 0 and 399"),
    "heavy": (lambda file: _put(file, "learned/S->T", pre=[0], post=[0], weight=[2**31]), "must lie between 0 and"),
    "missing": (lambda file: file.__delitem__("winners/T"), "winners of area 'T' is missing"),
    "foreign": (lambda file: file.create_group("winners/U"), "is damaged"),
    "names": (lambda file: _put(file, "", held=["U"]), "held names 'U', which this brain does not have"),
    "clock": (lambda file: _put(file, "", rounds=-1), "rounds must be a count"),
}


def _put(file: h5py.File, group: str, **columns: Any) -> None:
    for name, values in columns.items():
        path = f"{group}/{name}" if group else name
        del file[path]
        file[path] = values


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_by_name_and_changes_nothing(tmp_path: Path, damage: str) -> None:
    brain = brain_of()
    with Simulator(brain, 2) as sim:
        sim.present(Assembly("S", np.arange(20)))
        sim.run(brain.fibers, 2)
        sim.save(tmp_path / "state.h5")
        sim.run(brain.fibers, 2)
        before = sim.assembly("T"), sim.rounds, sim.held
        spoil, message = DAMAGES[damage]
        with h5py.File(tmp_path / "state.h5", "r+") as file:
            spoil(file)
        with pytest.raises(DumpError, match=f"is damaged.*{message}" if message != "is damaged" else message):
            sim.load(tmp_path / "state.h5")
        assert (sim.assembly("T"), sim.rounds, sim.held) == before
