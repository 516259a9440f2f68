"""Files of assemblies and recordings: names and notes are kept, and damaged files are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsim import Area, Assembly, Brain, Recording, Simulator, __version__, dumps
from brainsim.errors import DeclarationError, DumpError
from brainsim.simulate.hdf5.texts import from_link, from_text, to_link, to_text
from forging import forged

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


def write(path: Path) -> Recording:
    brain = Brain()
    source, target = brain.add(Area("S", 50, 20), Area("T", 100, 10))
    brain.connect(source, target, 0.5)
    with Simulator(brain, 1, backend="reference") as sim:
        recording = sim.record()
        sim.present(Assembly("S", range(20)))
        recording.mark("first")
        sim.run(brain.fibers, 2)
    dumps.write_assemblies(path, [Assembly("T", [1, 2], "x")], {"r": recording})
    return recording


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


@pytest.mark.parametrize("position", [0, 2, -1])
def test_a_recording_whose_areas_have_wrong_positions_is_refused(tmp_path: Path, position: int) -> None:
    write(tmp_path / "recorded.h5")
    with forged(tmp_path / "recorded.h5") as file:
        file["recordings/r/T"].attrs["position"] = position
    with pytest.raises(DumpError, match=r"is damaged.*'/recordings/r': the positions of its areas must be 0, 1,"):
        dumps.read_recordings(tmp_path / "recorded.h5")


def test_reading_recordings_from_a_saved_state_is_refused(tmp_path: Path) -> None:
    brain = Brain()
    brain.add(Area("T", 20, 2))
    with Simulator(brain, seed=1, backend="reference") as sim:
        sim.save(tmp_path / "state.h5")
    for reading in (dumps.read_recordings, lambda path: dumps.open_recordings(path).__enter__()):
        with pytest.raises(DumpError, match=r"state.h5: is a saved state and has no recordings; load it with"):
            reading(tmp_path / "state.h5")


@pytest.mark.parametrize("found", [[3, 3], [4, 3], [-1, 3], [1.0, 3.0], [[1], [3]], np.array([1, 3], "i4")])
def test_damaged_assemblies_are_refused(tmp_path: Path, found: Any) -> None:
    path = tmp_path / "recorded.h5"
    write(path)
    with forged(path) as file:
        del file["assemblies/T/x"]
        file["assemblies/T/x"] = found
    with pytest.raises(DumpError, match=r"is damaged.*'/assemblies/T/x' must hold neuron indices in ascending order"):
        dumps.read_assemblies(path)


def one_area() -> Brain:
    brain = Brain()
    brain.add(Area("S", 50, 20))
    return brain


NAMES = [
    "dog",
    "a/b",
    "/",
    "..",
    ".",
    "",
    " ",
    "nul\0x",
    "new\nline",
    "50%",
    "%2F",
    "%%25",
    "%_",
    "x" * 32_768,
    "狗 \U0001f600",
]


def test_the_name_of_a_recording_or_an_assembly_can_be_any_text(tmp_path: Path) -> None:
    forms = ["\u00e9", "e\u0301"]  # both are displayed as é, but they are different texts
    recording = write(tmp_path / "first.h5")
    named = [*NAMES, *forms]
    for name in named:
        recording.mark(name)
    dumps.write_assemblies(
        tmp_path / "names.h5",
        [Assembly(area, [1], label) for area in ("T", "a/b") for label in named],
        dict.fromkeys(named, recording),
    )
    assert {area: list(labels) for area, labels in dumps.read_assemblies(tmp_path / "names.h5").items()} == {
        "T": named,
        "a/b": named,
    }
    recordings = dumps.read_recordings(tmp_path / "names.h5")
    assert list(recordings) == named
    assert [mark.label for mark in recordings["dog"].marks] == ["first", *named]
    with h5py.File(tmp_path / "names.h5") as file:
        assert file["assemblies/T/dog"][:].tolist() == file["assemblies/T/50%"][:].tolist() == [1]


@given(st.text())
def test_a_name_can_be_recovered_from_its_link(name: str) -> None:
    link = to_link(name)
    assert from_link(link) == name
    assert link not in ("", ".")
    assert not set("/\0") & set(link)
    assert from_text(to_text(name)) == name
    assert "\0" not in to_text(name)


@pytest.mark.parametrize("label", [5, None, b"dog", "\udcff", "x" * 32_769])
def test_a_label_that_no_file_can_hold_is_refused_when_it_is_given(label: Any, tmp_path: Path) -> None:
    recording = Recording([Area("T", 100, 10)])
    if label is not None:
        with pytest.raises(DeclarationError, match="label: must be"):
            Assembly("T", [1], label)
        with pytest.raises(DeclarationError, match="label: must be"):
            Assembly("T", [1]).labelled(label)
    with pytest.raises(DeclarationError, match="label: must be"):
        recording.mark(label)
    assert recording.marks == ()
    with pytest.raises((DumpError, DeclarationError), match=r"name of a recording|write_assemblies.recordings"):
        dumps.write_assemblies(tmp_path / "x.h5", [], {label: recording})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("note", ["\udcff", 5, None])
def test_a_note_must_be_text(note: Any, tmp_path: Path) -> None:
    with Simulator(one_area(), 1, backend="reference") as sim, pytest.raises(DeclarationError, match=r"note.* be text"):
        sim.save(tmp_path / "state.h5", note)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("note", ["", "two\nlines", "狗" * 100_000, "/..", "e\u0301", "nul\0x", "%00 %2500"])
def test_load_returns_the_note_unchanged(note: str, tmp_path: Path) -> None:
    with Simulator(one_area(), 1, backend="reference") as sim:
        sim.save(tmp_path / "state.h5", note)
        assert sim.load(tmp_path / "state.h5") == note


def test_a_file_describes_itself(tmp_path: Path) -> None:
    path, recording = tmp_path / "described.h5", write(tmp_path / "first.h5")
    about = {"seed": 7, "parameters": {"n": np.int64(100), "words": Path("words.csv"), "p": 0.5}}
    descriptions = {
        "dog": "by its meaning",
        "assemblies": "words",
        "assemblies/T": "area T",
        "recordings/r": "two rounds",
    }
    dumps.write_assemblies(path, [Assembly("T", [1], "dog")], {"r": recording}, about=about, descriptions=descriptions)
    plain = {"n": 100, "words": "words.csv", "p": 0.5}
    assert dumps.read_about(path) == {"seed": 7, "parameters": plain, "brainsim": __version__}
    with h5py.File(path) as file:
        assert json.loads(file.attrs["about"])["seed"] == 7
        named = {"dog": "assemblies/T/dog"}
        assert {name: file[named.get(name, name)].attrs["description"] for name in descriptions} == descriptions
        assert file["recordings"].attrs["description"].startswith("recordings/<name>/<area>/neurons")
    for options in ({"about": {"x": float("nan")}}, {"descriptions": {"cat": "a word"}}):
        with pytest.raises(DumpError, match=r"about: must be JSON|'cat' is no part of the file"):
            dumps.write_assemblies(tmp_path / "none.h5", [Assembly("T", [1], "dog")], **options)
    assert not (tmp_path / "none.h5").exists()


def test_names_in_files_of_earlier_formats_are_not_decoded(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["brainsim_format"] = 4
        file["assemblies/T/50%25"] = np.array([1, 2])
    assert list(dumps.read_assemblies(tmp_path / "old.h5")["T"]) == ["50%25"]


PATHS: dict[str, Any] = {"empty": "", "none": None, "number": 3, "bytes": b"x.h5", "nul": "x\0.h5", "folder": "."}


@pytest.mark.parametrize("kind", PATHS)
def test_an_invalid_path_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = PATHS[kind]
    with Simulator(one_area(), 1, backend="reference") as sim:
        calls = [
            lambda: sim.save(path),
            lambda: sim.load(path),
            lambda: dumps.write_assemblies(path, []),
            lambda: dumps.read_assemblies(path),
            lambda: dumps.read_recordings(path),
            lambda: dumps.read_about(path),
        ]
        for call in calls:
            with pytest.raises((DumpError, DeclarationError), match=r"path|cannot be"):
                call()
    assert list(tmp_path.iterdir()) == []
