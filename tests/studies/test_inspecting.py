"""Output of `brainsim check`, `show`, `diff` and `plot` for states, dumps, histories and run folders."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Modulator, Simulator, Threshold, Trace
from brainsim.cli.writing import written
from brainsim.errors import ComparisonError, DumpError, FailedRunWarning, UnknownNameError
from brainsim.kernels.state import Synapses
from brainsim.simulate.dumps import read_recordings, write_assemblies
from brainsim.simulate.recordings.recording import Recording
from brainsim.studies import sealed_json, sweep
from brainsim.studies.folders import RunLock
from brainsim.studies.inspecting import ShownState, check, diff, draw, show, text
from checkout import ROOT
from forging import forged
from terminal import brainsim

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")  # these brains have unused parts

OLD = ROOT / "tests" / "simulate" / "data"


def word_brain() -> Brain:
    brain = Brain()
    phon, lex = brain.add(
        Area("Phon", 60, 10, {"dog": range(10), "cat": range(10, 20)}), Area("Lex", 300, 20, refraction=0.1)
    )
    dopamine = brain.add(Modulator("dopamine", decay=0.5))
    brain.connect(phon, lex, 0.3, Hebbian(0.1, w_max=20.0), modulated_by=dopamine, trace=Trace(rounds=3, decay=0.5))
    brain.connect(lex, lex, 0.2, Hebbian(0.2))
    brain.connect(lex, phon, 0.1, weight=2.0)
    return brain


def simulated(folder: Path, name: str, seed: int, rounds: int = 6, **history: Any) -> None:
    """Write a state, a dump and a history of one simulation."""
    brain = word_brain()
    with Simulator(brain, seed, backend="reference") as sim:
        recorded = sim.record("Phon", "Lex", drives=True)
        growing = sim.record("Lex", to=folder / f"{name}_history.h5", every=4)
        found = []
        for word in ("dog", "cat"):
            recorded.mark(word)
            growing.mark(word)
            sim.present(brain["Phon"][word])
            sim.run(brain["Phon"] >> brain["Lex"] | brain["Lex"] >> brain["Lex"], rounds // 2)
            found.append(sim.assembly("Lex").labelled(word))
        write_assemblies(folder / f"{name}_dump.h5", found, {"words": recorded})
        sim.inhibit("Lex", lock="sleep")
        sim.save(folder / f"{name}_state.h5", note="two words")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    simulated(folder, "a", seed=3)
    simulated(folder, "same", seed=3)
    simulated(folder, "b", seed=4)
    simulated(folder, "longer", seed=3, rounds=8)
    return folder


def changed(path: Path, at: int, to: Path) -> Path:
    """Copy a file with one bit of it flipped."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    to.write_bytes(content)
    return to


class TestCheck:
    def test_whole_files_are_described(self, files: Path) -> None:
        assert [(found.condition, found.kind, found.rounds) for found in map(check, sorted(files.glob("a_*.h5")))] == [
            ("whole", "dump", 6),
            ("whole", "history", 6),
            ("whole", "state", 6),
        ]
        assert text(check(files / "a_state.h5")).endswith("a_state.h5: whole: state, after 6 rounds, seed 3")
        assert check(files / "a_dump.h5").detail == "recording 'words' of 6 rounds, 2 assemblies"

    @pytest.mark.parametrize("name", ["state", "dump", "history"])
    def test_a_file_with_a_flipped_bit_or_a_missing_end_is_damaged(
        self, files: Path, tmp_path: Path, name: str, capsys: Any
    ) -> None:
        path = files / f"a_{name}.h5"
        for at in (700, path.stat().st_size // 2, path.stat().st_size - 1):
            damaged = changed(path, at, tmp_path / "x.h5")
            assert (check(damaged).condition, check(damaged).rounds) == ("damaged", None)
        (tmp_path / "x.h5").write_bytes(path.read_bytes()[:-100])
        code, output, errors = brainsim("check", path, tmp_path / "x.h5", capsys=capsys)
        assert (code, errors) == (1, "")
        assert [line.split(": ")[1] for line in output.splitlines()] == ["whole", "damaged"]

    def test_a_state_that_contradicts_its_brain_is_damaged(self, files: Path, tmp_path: Path) -> None:
        path = tmp_path / "forged.h5"
        shutil.copy(files / "a_state.h5", path)
        with forged(path) as file:
            file["winners/Lex/neurons"][-1] = 300
        assert check(path).condition == "damaged"
        assert check(path).detail.endswith("winners of area 'Lex': neurons must lie between 0 and 299")

    @pytest.mark.parametrize("format_", [pytest.param(2, marks=pytest.mark.slow), 3, 4])
    def test_states_of_earlier_formats_are_read(self, format_: int) -> None:
        path = OLD / f"state_format_{format_}.h5"
        found, shown = check(path), show(path)
        assert (found.condition, found.rounds) == ("whole", 6)
        assert isinstance(shown, ShownState)
        assert (shown.versions.format, shown.rounds, shown.note) == (format_, 6, "six rounds")
        assert ("'A' n=400 k=20" in text(shown)) == (format_ == 2)

    def test_files_of_other_programs_are_unknown(self, tmp_path: Path, capsys: Any) -> None:
        with h5py.File(tmp_path / "foreign.h5", "w") as file:
            file["x"] = [1, 2]
        with h5py.File(tmp_path / "newer.h5", "w") as file:
            file.attrs["brainsim_format"] = 99
        (tmp_path / "notes.txt").write_text("words")
        (tmp_path / "a.out").write_bytes(b"\x7fELF")
        (tmp_path / "empty").mkdir()
        names = ("foreign.h5", "newer.h5", "a.out", "empty", "missing.h5")
        found = {name: check(tmp_path / name) for name in names}
        assert {each.condition for each in found.values()} == {"unknown"}
        assert "format 1 to" in found["newer.h5"].detail
        assert "no run" in found["empty"].detail
        assert found["missing.h5"].detail == "no such file or folder"
        for name in ("a.out", "empty", "missing.h5"):
            code, output, errors = brainsim("check", tmp_path / name, capsys=capsys)
            assert (code, output.count("\n"), errors) == (2, 1, "")
            code, output, errors = brainsim("show", tmp_path / name, capsys=capsys)
            assert (code, output, errors.count("\n")) == (2, "", 1)
            code, output, errors = brainsim("diff", tmp_path / name, tmp_path / name, capsys=capsys)
            assert (code, output, errors.count("\n")) == (2, "", 1)
            code, output, errors = brainsim("plot", tmp_path / name, capsys=capsys)
            assert (code, output, errors.count("\n")) == (2, "", 1)

    def test_a_pipe_or_an_unreadable_file_is_refused_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert check(tmp_path / "pipe").condition == "unknown"
        (tmp_path / "secret").write_text("")

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        assert check(tmp_path / "secret").detail == "cannot be read (Permission denied)"
        with pytest.raises(DumpError, match="secret: cannot be read"):
            show(tmp_path / "secret")

    def test_an_open_history_is_whole_up_to_its_last_flush(self, tmp_path: Path, capsys: Any) -> None:
        path, brain = tmp_path / "history.h5", word_brain()
        with Simulator(brain, 3, backend="reference") as sim:
            sim.record("Lex", to=tmp_path / "growing.h5", every=4)
            sim.present(brain["Phon"]["dog"])
            sim.run(brain["Phon"] >> brain["Lex"], 14)
            path.write_bytes((tmp_path / "growing.h5").read_bytes())  # as if its writer had been killed now
        assert check(tmp_path / "growing.h5").condition == "whole"
        code, output, _ = brainsim("check", path, "--json", capsys=capsys)
        found = json.loads(output)[0]
        assert (code, found["condition"], found["kind"], found["rounds"]) == (0, "unfinished", "history", 12)
        (length,) = diff(path, tmp_path / "growing.h5").differences
        assert (length.round, length.a, length.b) == (12, "12 rounds", "14 rounds")
        damage_offset(path, 7)
        damaged = check(path)
        assert (damaged.condition, damaged.rounds) == ("damaged", 4)
        assert damaged.detail.endswith("recording 'history' is whole for 4 of 12 rounds")


def damage_offset(path: Path, item: int) -> None:
    """Overwrite an offset, the place where a round begins in the data of a history."""
    with h5py.File(path, "r", swmr=True) as file:
        found = file["recordings/history/Lex/offsets"]
        place = found.id.get_chunk_info(0).byte_offset + item * found.dtype.itemsize
    with path.open("r+b") as raw:
        raw.seek(place)
        raw.write(b"\x01")


class TestShow:
    def test_a_state_is_shown_without_its_brain(self, files: Path) -> None:
        state: Any = show(files / "a_state.h5")
        assert (state.seed, state.rounds, state.note) == (3, 6, "two words")
        assert [(area.name, area.n, area.k) for area in state.areas] == [("Lex", 300, 20), ("Phon", 60, 10)]
        fibers = {fiber.name: fiber for fiber in state.fibers}
        assert fibers["Phon->Lex"].rule == "w += 0.1 w, within 0 to 20"
        assert fibers["Phon->Lex"].more == "modulated by dopamine, trace of 3 rounds"
        assert (fibers["Lex->Phon"].rule, fibers["Lex->Phon"].base, fibers["Lex->Phon"].learned) == ("fixed", 2.0, 0)
        with Simulator(word_brain(), 3, backend="reference") as sim:
            sim.load(files / "a_state.h5")
            learned = sim.connectome(sim.brain["Lex"] >> sim.brain["Lex"]).learned()[2]
        assert fibers["Lex->Lex"].learned == len(learned)
        assert fibers["Lex->Lex"].weights == (learned.min(), learned.max())
        assert state.brain["area_locks"] == (("Lex", "sleep"),)
        assert {kind.name for kind in state.kinds} >= {"winners", "learned", "thresholds"}

    def test_a_dump_and_a_history_are_shown(self, files: Path) -> None:
        dump: Any = show(files / "a_dump.h5")
        assert dump.assemblies == {"Lex": {"dog": 20, "cat": 20}}
        (words,) = dump.recordings
        assert (words.rounds, words.drives, words.marks) == (6, True, ((0, "dog"), (3, "cat")))
        phon = words.areas[0]
        assert (phon.name, phon.n, phon.k, phon.support, phon.winners) == ("Phon", 60, 10, 20, 60)
        history: Any = show(files / "a_history.h5")
        assert (history.kind, history.growing, history.recordings[0].rounds) == ("history", False, 6)

    def test_columns_are_aligned_and_json_has_the_same_content(self, files: Path, capsys: Any) -> None:
        code, output, _ = brainsim("show", files / "a_state.h5", capsys=capsys)
        assert code == 0
        lines = output.splitlines()
        area = next(at for at, line in enumerate(lines) if line.startswith("2 areas"))
        assert len({len(line) for line in lines[area + 1 : area + 4]}) == 1
        code, output, _ = brainsim("show", files / "a_state.h5", "--json", capsys=capsys)
        content = json.loads(output)
        assert (content["seed"], content["areas"][0]["name"]) == (3, "Lex")


class TestDiff:
    def test_equal_files_have_no_differences(self, files: Path, capsys: Any) -> None:
        for name in ("state", "dump", "history"):
            code, output, _ = brainsim("diff", files / f"a_{name}.h5", files / f"same_{name}.h5", capsys=capsys)
            assert (code, output.startswith("equal ")) == (0, True)

    def test_the_first_difference_of_recordings_names_round_area_and_neuron(self, files: Path, capsys: Any) -> None:
        first, second = (read_recordings(files / f"{name}_dump.h5")["words"] for name in "ab")
        number = next(at for at in range(6) if not np.array_equal(first.winners("Lex")[at], second.winners("Lex")[at]))
        neuron = np.setxor1d(first.winners("Lex")[number], second.winners("Lex")[number])[0]
        found = diff(files / "a_dump.h5", files / "b_dump.h5")
        (parted,) = [each for each in found.differences if each.round is not None]
        assert (parted.round, parted.area, parted.neuron) == (number, "Lex", neuron)
        assert {parted.a, parted.b} == {"fires", "is silent"}
        assert [each.where for each in found.differences][:2] == ["assembly 'dog'", "assembly 'cat'"]
        code, output, _ = brainsim("diff", files / "a_history.h5", files / "b_history.h5", capsys=capsys)
        assert code == 1
        assert f"recording 'history', round {number}, area 'Lex', neuron {neuron}: " in output
        assert "recording 'history', seed: 3 in a, 4 in b" in output

    def test_a_difference_of_one_neuron_drive_or_mark_is_found(self, tmp_path: Path) -> None:
        def recorded(name: str, neuron: int = 5, drive: float = 1.5, label: str = "x", rounds: int = 3) -> Path:
            recording = Recording([Area("A", 10, 2)], drives=True)
            recording.mark("x")
            for number in range(rounds):
                if number == 2:
                    recording.mark(label)
                winners = np.array([1, neuron if number == 1 else 5])
                recording.append({"A": winners}, {"A": np.array([2.0, drive if number == 2 else 1.0])})
            write_assemblies(tmp_path / name, [], {"only": recording})
            return tmp_path / name

        plain = recorded("plain.h5")
        (neuron,) = diff(plain, recorded("neuron.h5", neuron=7)).differences
        assert str(neuron) == "recording 'only', round 1, area 'A', neuron 5: fires in a, is silent in b"
        (drive,) = diff(plain, recorded("drive.h5", drive=1.75)).differences
        assert str(drive).endswith("round 2, area 'A', neuron 5: fires with drive 1.5 in a, fires with drive 1.75 in b")
        (mark,) = diff(plain, recorded("mark.h5", label="y")).differences
        assert str(mark) == "recording 'only', mark 1: 'x' at round 2 in a, 'y' at round 2 in b"
        (length,) = diff(recorded("short.h5", rounds=2), recorded("two.h5", rounds=1)).differences
        assert (length.round, length.a, length.b) == (1, "2 rounds", "1 rounds")

    def test_the_first_different_entry_of_two_states_is_named(self, files: Path, tmp_path: Path) -> None:
        with Simulator(word_brain(), 3, backend="reference") as sim:
            sim.load(files / "a_state.h5")
            fiber = next(iter(sim.brain["Lex"] >> sim.brain["Lex"]))
            pre, post, weight = sim.connectome(fiber).learned()
            weights = np.round(weight * 2**16).astype(np.int64)
            weights[7] = 3.5 * 2**16
            sim.connectome(fiber).replace(Synapses(pre, post, weights))
            sim.set_modulator("dopamine", 0.5)
            sim.save(tmp_path / "touched.h5", note="two words")
        found = {each.where: each for each in diff(files / "a_state.h5", tmp_path / "touched.h5").differences}
        assert set(found) == {"modulators", "learned of fiber 'Lex->Lex', entry 7"}
        entry = found["learned of fiber 'Lex->Lex', entry 7"]
        assert entry.a == {"pre": pre[7], "post": post[7], "weight": weight[7]}
        assert entry.b == {"pre": pre[7], "post": post[7], "weight": 3.5}
        seeds = diff(files / "a_state.h5", files / "b_state.h5").differences
        assert str(seeds[0]) == "seed: 3 in a, 4 in b"

    def test_differences_of_the_brains_of_two_states_are_named(self, files: Path, tmp_path: Path) -> None:
        brain = Brain()
        brain.add(Area("Lex", 300, 25), Area("Extra", 10, 2, activation=Threshold(1.0)))
        with Simulator(brain, 3, backend="reference") as sim:
            sim.save(tmp_path / "other.h5")
        found = [str(each) for each in diff(files / "a_state.h5", tmp_path / "other.h5").differences]
        assert "area 'Lex'.k: 20 in a, 25 in b" in found
        assert "area 'Extra': nothing in a, declared in b" in found
        assert "rounds: 6 in a, 0 in b" in found

    def test_files_of_different_kinds_cannot_be_compared(self, files: Path, capsys: Any) -> None:
        with pytest.raises(ComparisonError, match=r"a_state.h5 is a state and .*a_dump.h5 is a dump"):
            diff(files / "a_state.h5", files / "a_dump.h5")
        code, _, errors = brainsim("diff", files / "a_state.h5", files / "a_dump.h5", capsys=capsys)
        assert (code, errors.count("\n")) == (2, 1)


class TestPlot:
    @pytest.mark.parametrize(
        ("name", "kind", "panels"),
        [
            ("state", None, ["synapses"]),
            ("dump", None, [""]),
            ("history", None, [""]),
            ("dump", "overlaps", ["", "overlap"]),
            ("history", "convergence", ["overlap of winners", "support (neurons)"]),
        ],
    )
    def test_each_kind_of_picture_is_drawn(self, files: Path, name: str, kind: Any, panels: list[str]) -> None:
        figure = draw(files / f"a_{name}.h5", kind)
        assert [ax.get_ylabel() for ax in figure.axes] == panels
        figure.savefig(io.BytesIO(), format="png")

    @pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
    def test_a_picture_is_written(
        self, files: Path, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        monkeypatch.chdir(tmp_path)
        out = tmp_path / f"picture.{ending}"
        code, output, _ = brainsim("plot", files / "a_state.h5", "-o", out, "--area", "Lex", capsys=capsys)
        assert (code, output) == (0, f"wrote {out}\n")
        assert check(out).condition == "whole"
        assert brainsim("plot", files / "a_dump.h5", capsys=capsys)[1] == "wrote a_dump_raster.png\n"
        out.write_bytes(out.read_bytes()[: out.stat().st_size // 2])
        assert check(out).condition == "damaged"

    def test_areas_and_recordings_are_chosen_by_name(self, files: Path, tmp_path: Path) -> None:
        figure = draw(files / "a_dump.h5", "raster", areas=["Lex"])
        assert [label.get_text().split("\n")[0] for label in figure.axes[0].get_yticklabels()] == ["Lex"]
        with pytest.raises(UnknownNameError, match="did you mean 'Lex'"):
            draw(files / "a_dump.h5", areas=["Lx"])
        words = read_recordings(files / "a_dump.h5")["words"]
        write_assemblies(tmp_path / "two.h5", [], {"one": words, "two": words})
        with pytest.raises(DumpError, match="choose one with --recording: one, two"):
            draw(tmp_path / "two.h5")
        assert draw(tmp_path / "two.h5", recording="two").axes
        write_assemblies(tmp_path / "none.h5", [Assembly("A", [1], "x")])
        assert draw(tmp_path / "none.h5").axes[0].get_title() == "A"
        with pytest.raises(DumpError, match="is a dump and has no weights to draw; draw its overlaps"):
            draw(tmp_path / "none.h5", "weights")
        with pytest.raises(DumpError, match="is a state and has no raster"):
            draw(files / "a_state.h5", "raster")

    def test_similar_assemblies_share_a_colour(self, tmp_path: Path) -> None:
        recording = Recording([Area("A", 20, 4)])
        recording.append({"A": np.arange(8)})
        sets = {"dog": [0, 1, 2, 3], "dog again": [0, 1, 2, 4], "cat": [4, 5, 6, 7]}
        write_assemblies(tmp_path / "x.h5", [Assembly("A", at, label) for label, at in sets.items()], {"r": recording})
        legend = draw(tmp_path / "x.h5").axes[0].get_legend()
        assert legend is not None
        assert [entry.get_text() for entry in legend.get_texts()] == ["dog", "cat", "in no assembly"]

    def test_a_picture_that_cannot_be_written_gives_a_one_line_error(
        self, files: Path, tmp_path: Path, capsys: Any
    ) -> None:
        for out, said in ((tmp_path / "x.gif", "must end in .png"), (tmp_path / "no" / "x.png", "cannot be written")):
            code, _, errors = brainsim("plot", files / "a_state.h5", "-o", out, capsys=capsys)
            assert (code, errors.splitlines()[-1].startswith(f"Error: -o {out}: {said}")) == (2, True)


STUDY = """
import numpy as np
from brainsim import Area, Brain, Hebbian, Simulator, experiment
from brainsim.kernels.state import Synapses
from brainsim.simulate.dumps import write_assemblies

@experiment
def study(run, *, rounds: int = 4, fail: bool = False):
    def compute(part):
        brain = Brain()
        a, b = brain.add(Area("A", 40, 5, {"x": range(5)}), Area("B", 100, 5))
        brain.connect(a, b, 0.3, Hebbian(0.1))
        with Simulator(brain, run.seed, backend="reference") as sim:
            recording = sim.record(b)
            sim.present(a["x"])
            sim.run(a >> b, rounds)
            write_assemblies(run.folder / "winners.h5", [sim.assembly(b).labelled("x")], {"rounds": recording})
            return {"support": recording.support(b)}
    support = run.part("only", compute)
    if fail:
        raise KeyboardInterrupt
    return {"score": support["support"], "sentences_per_second": np.random.random()}
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Path:
    """A folder with runs of one study: `a` and `same` are equal, `b` has another seed, `cut` was interrupted."""
    monkeypatch.chdir(tmp_path)
    Path("study.py").write_text(STUDY)
    for name, seed in (("a", 1), ("same", 1), ("b", 2)):
        assert brainsim("run", "study.py", "--seed", seed, "--jobs", 1, "--out", name, capsys=capsys)[0] == 0
    assert brainsim("run", "study.py", "--set", "fail=yes", "--jobs", 1, "--out", "cut", capsys=capsys)[0] == 130
    return tmp_path


class TestRuns:
    def test_a_finished_run_is_described(self, runs: Path, capsys: Any) -> None:
        del runs
        found = check("a")
        assert (found.condition, found.kind) == ("whole", "run")
        assert found.run is not None
        assert (found.run.status, found.run.resume) == ("finished", None)
        assert {each.condition for each in found.files} == {"whole"}
        assert {Path(each.path).name for each in found.files} >= {"run.json", "metrics.json", "winners.h5", "only.json"}
        _, output, _ = brainsim("show", "a", capsys=capsys)
        for said in ("a: run, finished", "rounds  4", "brainsim run study.py --seed 1", "score"):
            assert said in output
        _, output, _ = brainsim("show", "a", "--json", capsys=capsys)
        assert json.loads(output)["header"]["seed"] == 1

    def test_an_interrupted_run_says_whether_it_can_be_continued(self, runs: Path, capsys: Any) -> None:
        code, output, _ = brainsim("check", "cut", capsys=capsys)
        assert (code, output.splitlines()[0].startswith("cut: unfinished: interrupted, ")) == (0, True)
        assert output.splitlines()[-1] == "continue it with: brainsim run --resume --out cut"
        with (runs / "study.py").open("a") as file:
            file.write("# changed\n")
        output = brainsim("check", "cut", capsys=capsys)[1]
        assert output.splitlines()[-1] == "it cannot be continued: the experiment file, study.py, has changed since"
        (runs / "study.py").unlink()
        output = brainsim("show", "cut", capsys=capsys)[1]
        assert "it cannot be continued: the experiment file, study.py, cannot be read from here" in output

    def test_running_and_killed_runs_are_distinguished(self, runs: Path) -> None:
        path = runs / "cut" / "run.json"
        path.write_text(json.dumps(sealed_json.sealed({**sealed_json.read(path), "status": "running"})))
        found = check("cut").run
        assert found is not None
        assert (found.status, found.resume) == ("killed", "brainsim run --resume --out cut")
        lock = RunLock(runs / "cut")
        lock.acquire()
        try:
            before = sorted((runs / "cut").rglob("*"))
            found = check("cut").run
            assert found is not None
            assert (found.status, found.hindrance) == ("running", "a process is running it")
            assert sorted((runs / "cut").rglob("*")) == before, "`check` changes no file"
        finally:
            lock.release()

    def test_damaged_files_are_named(self, runs: Path, capsys: Any) -> None:
        changed(runs / "a" / "winners.h5", 900, runs / "a" / "winners.h5")
        (runs / "a" / "parts" / "only.json").write_text('{"support": 1')
        (runs / "a" / "scores.csv").write_text("a,b\n1\n")
        (runs / "a" / "raster.png").write_bytes(b"\x89PNG")
        (runs / "a" / ".brainsim-17-0.json").write_text("{")
        (runs / "a" / "mine.dat").write_text("")
        code, output, _ = brainsim("check", "a", capsys=capsys)
        assert code == 1
        assert output.splitlines()[0].endswith(", 4 damaged")
        said = {line.split()[0]: line for line in output.splitlines()[1:]}
        for name in ("winners.h5", "parts/only.json", "scores.csv", "raster.png"):
            assert "damaged: " in said[name]
        assert "unfinished: " in said[".brainsim-17-0.json"]
        assert "unknown: " in said["mine.dat"]
        (runs / "a" / "run.json").write_text("{}")
        code, output, _ = brainsim("check", "a", capsys=capsys)
        assert (code, "run.json is damaged (lacks" in output) == (1, True)
        assert brainsim("show", "a", capsys=capsys)[0] == 2

    def test_runs_are_compared_by_settings_metrics_and_dumps(self, runs: Path, capsys: Any) -> None:
        del runs
        code, output, _ = brainsim("diff", "a", "same", capsys=capsys)
        assert (code, output) == (0, "equal runs: a and same\n"), "times are not compared"
        code, output, _ = brainsim("diff", "a", "b", capsys=capsys)
        assert (code, "seed: 1 in a, 2 in b" in output) == (1, True)
        assert re.search(r"winners.h5: recording 'rounds', round 0, area 'B', neuron \d+: ", output)
        found = {each.where for each in diff("a", "cut").differences}
        assert found >= {"status", "parameter.fail", "metrics.json"}
        Path("b/winners.h5").unlink()
        assert "winners.h5" in {each.where for each in diff("a", "b").differences}


def test_a_sweep_is_damaged_if_one_of_its_runs_is(runs: Path, capsys: Any) -> None:
    swept = ("sweep", "study.py", "--grid", "rounds=2,3", "--jobs", 1, "--out", "swept")
    assert brainsim(*swept, capsys=capsys)[0] == 0
    code, output, _ = brainsim("check", "swept", capsys=capsys)
    assert (code, output.splitlines()[0]) == (0, "swept: whole: finished, 2 runs, 2 files")
    assert "2 finished, 0 failed" in brainsim("show", "swept", capsys=capsys)[1]
    _, _, errors = brainsim("diff", "swept", "a", capsys=capsys)
    assert "swept is a sweep and a is a run folder" in errors
    run = next((runs / "swept" / "runs").iterdir())
    changed(run / "winners.h5", 900, run / "winners.h5")
    code, output, _ = brainsim("check", "swept", capsys=capsys)
    assert (code, output.splitlines()[0]) == (1, "swept: damaged: finished, 2 runs, 2 files, 1 damaged")
    (runs / "swept" / "sweep.json").write_text("{}")
    assert "sweep.json is damaged (lacks" in brainsim("check", "swept", capsys=capsys)[1]


def test_a_killed_sweep_says_how_many_runs_are_done_and_how_to_continue(tmp_path: Path, capsys: Any) -> None:
    def double(*, n: int, seed: int) -> int:
        return 2 * n // (2 - seed)  # the run of seed 2 fails

    out = tmp_path / "out"
    with pytest.warns(FailedRunWarning):
        sweep(double, {"n": [1, 2]}, seeds=3, jobs=1, out=out)
    header = dict(sealed_json.read(out / "sweep.json"))
    killed = {**header, "status": "running", "finished": 0, "failed": 0}
    (out / "sweep.json").write_text(json.dumps(sealed_json.sealed(killed)))
    output = brainsim("show", out, capsys=capsys)[1]
    assert "sweep, killed" in output
    assert "4 finished, 2 failed" in output
    assert "start its script again, with sweep(…, resume=True)" in output
    code, _, errors = brainsim("sweep", "--resume", "--out", out, capsys=capsys)
    assert (code, "start its script again, with sweep(…, resume=True)" in errors) == (2, True)
    assert "\n  command" not in output
    assert ".lock" not in output
    (out / "sweep.csv").unlink()
    assert "0 finished, 0 failed" in brainsim("show", out, capsys=capsys)[1]


def test_the_cause_of_damage_is_printed_once(files: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "cut.h5").write_bytes((files / "a_state.h5").read_bytes()[:3000])
    output = brainsim("check", tmp_path / "cut.h5", capsys=capsys)[1]
    assert re.fullmatch(r".*cut\.h5: damaged: it was cut short: [\d_,]+ bytes after its seal, [\d_,]+ sealed\n", output)


def test_a_dump_shows_its_origin_and_its_descriptions(tmp_path: Path) -> None:
    made = {"seed": 7, "parameters": {"n": 100}}
    dog = Assembly("Lex", [1, 2], "dog")
    write_assemblies(tmp_path / "x.h5", [dog], about=made, descriptions={"dog": "after ten rounds"})
    shown: Any = show(tmp_path / "x.h5")
    assert (shown.about["seed"], shown.about["parameters"]) == (7, {"n": 100})
    assert shown.descriptions["assemblies/Lex/dog"] == "after ten rounds"
    assert "assemblies/Lex/dog  after ten rounds" in text(shown)


def test_a_repeated_warning_of_a_picture_is_printed_once(tmp_path: Path, capsys: Any) -> None:
    with written(tmp_path / "x.png") as path:
        path.write_text("")
        for _ in range(2):
            warnings.warn("a letter is missing from the font", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "note: a letter is missing from the font\n"


def test_each_command_has_an_example(capsys: Any) -> None:
    for command in ("run", "parameters", "check", "show", "diff", "plot", "graph", "sweep"):
        code, output, _ = brainsim(command, "--help", capsys=capsys)
        assert (code, f"\n    brainsim {command} " in output) == (0, True)
