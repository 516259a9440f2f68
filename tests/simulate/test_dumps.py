"""Files of recordings: damaged ones are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forging import forged

from brainsim import Area, Assembly, Brain, Simulator, dumps
from brainsim.errors import DumpError

DAMAGES: dict[str, tuple[str, Any]] = {
    "floats": ("T/neurons", np.ones(20)),
    "short": ("T/neurons", np.arange(3)),
    "outside": ("T/neurons", np.full(20, 100)),
    "negative": ("T/neurons", np.full(20, -1)),
    "matrix": ("T/neurons", np.zeros((20, 1), np.int64)),
    "descending": ("T/offsets", np.array([0, 12, 8, 20])),
    "late": ("T/offsets", np.array([5, 20])),
    "no offsets": ("T/offsets", np.zeros(0, np.int64)),
    "no group": ("T", np.arange(3)),
    "text": ("marks_round", "abc"),
}


def write(path: Path) -> None:
    brain = Brain()
    source, target = brain.add(Area("S", 50, 20), Area("T", 100, 10))
    brain.connect(source, target, 0.5)
    with Simulator(brain, 1, backend="reference") as sim:
        recording = sim.record()
        sim.present(Assembly("S", range(20)))
        recording.mark("first")
        sim.run(brain.fibers, 2)
    dumps.write_assemblies(path, [Assembly("T", [1, 2], "x")], {"r": recording})


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_recording_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "recorded.h5"
    write(path)
    assert [len(winners) for winners in dumps.read_recordings(path)["r"].winners("T")] == [10, 10]
    name, wrong = DAMAGES[damage]
    with forged(path) as file:
        del file[f"recordings/r/{name}"]
        file[f"recordings/r/{name}"] = wrong
    with pytest.raises(DumpError, match="is damaged"):
        dumps.read_recordings(path)


def test_damaged_assemblies_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "recorded.h5"
    write(path)
    with forged(path) as file:
        del file["assemblies/T/x"]
        file["assemblies/T/x"] = [3, 3]
    with pytest.raises(DumpError, match=r"is damaged.*listed twice"):
        dumps.read_assemblies(path)
