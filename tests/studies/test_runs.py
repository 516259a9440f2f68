"""Run folders: locks, resuming, overwriting, signals, metrics, pictures and input files."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from brainsim import Area, Brain, Simulator
from brainsim.errors import ExperimentError, RunFolderError
from brainsim.studies.experiment import Experiment, experiment
from brainsim.studies.folders import new_folder
from brainsim.studies.inspecting import check
from brainsim.studies.inspecting.folder import standing
from brainsim.studies.metrics import ADDED
from brainsim.studies.parts import Part
from brainsim.studies.run import Run
from brainsim.studies.settings import Settings
from checkout import ROOT
from terminal import brainsim

SLOW = """
import os
import time
from brainsim import experiment

@experiment(quick={"size": 2})
def slow(run, *, size: int = 3, rate: float = 0.5):
    first = run.part("first", lambda checkpoint: size)
    (run.folder / "ready").write_text("")
    second = run.part("second", lambda checkpoint: time.sleep(int(os.environ.get("WAIT", 0))))
    return {"score": rate * first}
"""


def begun(folder: Path, **settings: Any) -> Run:
    """Return a run of an empty file that has begun."""
    (folder.parent / "study.py").write_text("")
    these: dict[str, Any] = {"seed": 0, "quick": False, "parameters": {}, **settings}
    run = Run(folder, Settings.of_file(folder.parent / "study.py", **these))
    run.begin(resume=False)
    return run


def header_of(folder: Path) -> dict[str, Any]:
    header: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return header


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An experiment of two parts; the environment variable ``WAIT`` makes the second one slow."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "slow.py"
    file.write_text(SLOW)
    return file


def started(file: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a run that takes long, and return it when its first part is done."""
    out = file.parent / "out"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WAIT": "60"}
    command = [sys.executable, "-m", "brainsim", "run", str(file), "--out", "out", *arguments]
    process = subprocess.Popen(command, cwd=file.parent, stderr=subprocess.PIPE, text=True, env=environment)
    end = time.monotonic() + 60
    while not (out / "ready").exists():
        assert time.monotonic() < end
        time.sleep(0.005)
    return process


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143), (signal.SIGHUP, "terminated", 143)],
)
def test_a_signal_ends_a_run_that_can_be_resumed(
    number: signal.Signals, status: str, code: int, slow: Path, capsys: Any
) -> None:
    process = started(slow, "--set", "rate=0.25", "--seed", "5")
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code, errors
    assert errors == f"Error: {status}; continue with: brainsim run --resume --out out\n"
    assert header_of(Path("out"))["status"] == status
    assert json.loads(Path("out/parts/first.json").read_text())["result"] == 3
    assert brainsim("run", "--resume", "--out", "out", capsys=capsys)[0] == 0
    metrics = json.loads(Path("out/metrics.json").read_text())
    assert (metrics["score"], metrics["seed"], metrics["parameters"]["rate"]) == (0.75, 5, 0.25)


def test_a_folder_in_use_is_refused(slow: Path, capsys: Any) -> None:
    process = started(slow)
    try:
        for option in ("--resume", "--overwrite"):
            code, _, errors = brainsim("run", slow, "--out", "out", option, capsys=capsys)
            assert code == 2
            assert "--out out: a run is using this folder" in errors
    finally:
        process.kill()
        process.communicate()
    assert brainsim("run", slow, "--out", "out", "--resume", capsys=capsys)[0] == 0, "the lock ended with its process"


def test_a_resumed_run_keeps_the_settings_of_its_folder(slow: Path, capsys: Any) -> None:
    assert brainsim("run", slow, "--set", "rate=2", "--seed", 3, "--quick", "--out", "out", capsys=capsys)[0] == 0
    first = Path("out/metrics.json").read_text()
    assert brainsim("run", "--resume", "--out", "out", capsys=capsys)[0] == 0
    assert json.loads(Path("out/metrics.json").read_text())["score"] == json.loads(first)["score"] == 4.0
    assert brainsim("run", slow, "--resume", "--out", "out", "--set", "rate=2", "--seed", 3, capsys=capsys)[0] == 0
    code, _, errors = brainsim("run", slow, "--resume", "--out", "out", "--set", "rate=1", capsys=capsys)
    assert code == 2
    assert "parameters ({'rate': 2.0}, now {'rate': 1.0}) differs from the run to resume" in errors
    code, _, errors = brainsim("run", slow, "--resume", "--out", "out", "--seed", 4, capsys=capsys)
    assert code == 2
    assert "seed (3, now 4) differs" in errors


def test_overwrite_replaces_a_run_and_nothing_else(slow: Path, capsys: Any) -> None:
    assert brainsim("run", slow, "--out", "out", capsys=capsys)[0] == 0
    Path("out/mine.txt").write_text("")
    code, _, errors = brainsim("run", slow, "--out", "out", capsys=capsys)
    assert code == 2
    assert "or replace it with --overwrite" in errors
    assert brainsim("run", slow, "--out", "out", "--overwrite", "--set", "rate=4", capsys=capsys)[0] == 0
    assert json.loads(Path("out/metrics.json").read_text())["score"] == 12.0
    assert not Path("out/mine.txt").exists()
    Path("thesis").mkdir()
    Path("thesis/chapter.txt").write_text("")
    code, _, errors = brainsim("run", slow, "--out", "thesis", "--overwrite", capsys=capsys)
    assert code == 2
    assert "holds no run, so --overwrite does not delete it" in errors
    assert Path("thesis/chapter.txt").exists()
    assert brainsim("run", slow, "--overwrite", capsys=capsys)[0] == 2


def _claim(barrier: Any, queue: Any) -> None:
    barrier.wait()
    queue.put(str(new_folder("tiny")))


def test_runs_that_start_together_get_different_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(6), context.Queue()
    workers = [context.Process(target=_claim, args=(barrier, queue)) for _ in range(6)]
    for worker in workers:
        worker.start()
    folders = [queue.get(timeout=20) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(folders) == ["runs/tiny", *(f"runs/tiny-{number}" for number in range(2, 7))]


def test_a_run_that_fails_before_its_first_part_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fails.py").write_text(
        "from brainsim import Area, experiment\n@experiment\ndef fails(run, *, k: int = 9):\n    Area('A', n=3, k=k)\n"
    )
    assert brainsim("run", "fails.py", capsys=capsys)[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == ["fails.py"]


def test_the_header_names_backend_and_threads(tmp_path: Path) -> None:
    begun(tmp_path / "out", backend="auto", threads=None).finish({})
    header = header_of(tmp_path / "out")
    assert header["backend"] in ("cpu", "gpu")
    assert header["threads"] >= 1
    assert not (tmp_path / "out" / ".lock").exists()


class TestMetrics:
    def test_any_json_is_written_and_numpy_numbers_are_plain(self, tmp_path: Path) -> None:
        metrics = {"score": np.float32(0.5), "table": np.arange(2), "by": {0.1: [None, "x", True], 2: ({},)}}
        written = begun(tmp_path / "out").finish(metrics)
        assert written["by"] == {"0.1": [None, "x", True], "2": [{}]}
        assert json.loads((tmp_path / "out" / "metrics.json").read_text())["table"] == [0, 1]

    def test_numbers_that_are_not_finite_become_null_with_a_note(self, tmp_path: Path) -> None:
        run = begun(tmp_path / "out")
        run.finish({"score": float("nan"), "by_seed": {"p": [1.0, np.inf]}})
        content = json.loads((tmp_path / "out" / "metrics.json").read_text())
        assert (content["score"], content["by_seed"]) == (None, {"p": [1.0, None]})
        names = ["score", "by_seed.p[1]"]
        assert run.notes == [f"metrics: {name} is no finite number; null is written" for name in names]
        assert header_of(tmp_path / "out")["notes"] == run.notes

    @pytest.mark.parametrize(
        ("metrics", "message"),
        [
            ([1], "must return its metrics as a mapping"),
            ({"score": object()}, r"score cannot be written as JSON"),
            ({"a": {(1, 2): 3}}, r"a: must be named by text or numbers \(got \(1, 2\)\)"),
            ({"a": {1: 3, "1": 4}}, "a: two items are named '1'"),
            *(({name: 1}, f"got '{name}'") for name in ADDED),
        ],
    )
    def test_metrics_that_cannot_be_written_are_refused(self, metrics: Any, message: str, tmp_path: Path) -> None:
        with pytest.raises(ExperimentError, match=message):
            begun(tmp_path / "out").finish(metrics)

    @pytest.mark.parametrize("shape", [[1, 2], "text", 3, {"a": 1}, {"a": [1]}, None])
    def test_the_summary_accepts_metrics_of_any_shape(self, shape: Any, tmp_path: Path, capsys: Any) -> None:
        file = tmp_path / "study.py"
        returned = {"controls": shape, "chance": shape, "intervals_95": shape, "by_seed": shape}
        file.write_text(f"from brainsim import experiment\n@experiment\ndef study(run):\n    return {returned!r}\n")
        code, _, errors = brainsim("run", file, "--out", tmp_path / "out", capsys=capsys)
        assert code == 0, errors


class TestPictures:
    def test_a_picture_that_fails_becomes_a_note_after_the_metrics_are_written(self, tmp_path: Path) -> None:
        run, seen = begun(tmp_path / "out"), []

        def fails() -> Figure:
            seen.append((tmp_path / "out" / "metrics.json").exists())
            raise ValueError("Ba$$in\nand more")

        run.picture("bad.png", fails)
        run.picture("good.png", Figure)
        run.finish({"score": 1})
        assert seen == [True]
        assert (tmp_path / "out" / "good.png").read_bytes().startswith(b"\x89PNG")
        assert not (tmp_path / "out" / "bad.png").exists()
        assert run.notes == ["picture bad.png could not be drawn (ValueError: Ba$$in)"]
        assert header_of(tmp_path / "out")["status"] == "finished"

    def test_letters_that_no_font_has_are_noted_once(self, tmp_path: Path) -> None:
        def drawn() -> Figure:
            figure = Figure()
            figure.subplots().set_title("\ue000\ue001\ue002")  # for private use
            return figure

        run = begun(tmp_path / "out")
        run.picture("odd.png", drawn)
        run.finish({})
        assert (tmp_path / "out" / "odd.png").exists()
        assert len(run.notes) == 1
        assert run.notes[0].startswith("picture odd.png: Glyph 57344")
        assert run.notes[0].endswith(" more warnings")


class TestFiles:
    def study(self) -> Experiment:
        @experiment
        def study(run: Run, *, words: Path | None = None, text: str = "") -> dict[str, Any]:
            return {}

        return study

    def test_only_parameters_declared_as_files_are_files(self, tmp_path: Path) -> None:
        (tmp_path / "words.csv").write_text("a")
        (tmp_path / "study.py").write_text("")
        long = ",".join(["feature"] * 100)
        given = self.study().parameters([f"words={tmp_path}/words.csv", f"text={long}"])
        settings = Settings.of_file(tmp_path / "study.py", seed=0, quick=False, parameters=given)
        assert list(settings.inputs) == [f"{tmp_path}/words.csv"]
        same = self.study().parameters([f"text={tmp_path}/words.csv"])
        assert Settings.of_file(tmp_path / "study.py", seed=0, quick=False, parameters=same).inputs == {}
        assert self.study().parameters(["words="])["words"] is None

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "study.py").write_text("")
        given = self.study().parameters([f"words={tmp_path}/none.csv"])
        with pytest.raises(ExperimentError, match=r"--set words=.*none.csv: cannot be read \(No such file"):
            Settings.of_file(tmp_path / "study.py", seed=0, quick=False, parameters=given)

    @pytest.mark.parametrize("path", [os.devnull, ".", "a\0b"])
    def test_a_parameter_that_is_not_a_file_is_refused(self, path: str, tmp_path: Path) -> None:
        (tmp_path / "study.py").write_text("")
        given = self.study().parameters([f"words={path}"])
        with pytest.raises(ExperimentError, match=r"cannot be read .*(it is not a file|null)"):
            Settings.of_file(tmp_path / "study.py", seed=0, quick=False, parameters=given)

    def test_files_are_kept_as_text_and_come_back_as_files(self, tmp_path: Path) -> None:
        (tmp_path / "words.csv").write_text("a")
        given = self.study().parameters([f"words={tmp_path}/words.csv"])
        run = begun(tmp_path / "out", parameters=given)
        run.finish({})
        header = header_of(tmp_path / "out")
        assert header["parameters"] == {"words": f"{tmp_path}/words.csv", "text": ""}
        assert self.study().resumed([], header["parameters"], quick=False) == given
        with pytest.raises(RunFolderError, match="is not an empty folder"):
            begun(tmp_path / "out", parameters=given)


@pytest.mark.parametrize("name", ["run.json", "parts/first.json"])
def test_a_resumed_run_refuses_files_with_changed_content(name: str, tmp_path: Path) -> None:
    """A changed number is an error; a byte-order mark and other line endings are accepted."""
    file = tmp_path / "study.py"
    file.write_text("")
    settings = Settings.of_file(file, seed=1234, quick=False, parameters={})

    def resumed() -> Any:
        run = Run(tmp_path / "out", settings)
        run.begin(resume=(tmp_path / "out").exists())
        try:
            return run.part("first", lambda part: {"score": np.float64(1234), "many": (1, 2)})
        finally:
            run.abandon("failed")

    path = tmp_path / "out" / name
    assert resumed() == {"score": 1234, "many": [1, 2]}
    content = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert resumed() == {"score": 1234, "many": [1, 2]}
    for changed in (content.replace(b"1234", b"1235"), b"[" * 100_000, b"\xff", b"", b"3"):
        path.write_bytes(changed)
        with pytest.raises(RunFolderError, match=f"{path.name}.*(digest differs|nested|utf-8|Expecting|no mapping)"):
            resumed()


def test_changed_and_missing_files_of_a_run_are_damaged(tmp_path: Path) -> None:
    file, out = tmp_path / "study.py", tmp_path / "out"
    file.write_text("")
    run = Run(out, Settings.of_file(file, seed=1, quick=False, parameters={}))
    run.begin(resume=False)
    run.picture("picture.png", Figure)
    run.finish({"score": 0.25})
    assert check(out).condition == "whole"
    metrics = out / "metrics.json"
    metrics.write_text(metrics.read_text().replace("0.25", "0.75"))
    (out / "picture.png").unlink()
    found = {Path(each.path).name: each.detail for each in check(out).files if each.condition == "damaged"}
    assert found == {
        "metrics.json": "is damaged: it is not what the run wrote",
        "picture.png": "is damaged: it is missing",
    }
    assert check(out).condition == "damaged"


BESIDE = """
from brainsim import experiment

@experiment
def study(run):
    import constants
    return {"value": constants.VALUE}
"""


def test_a_module_beside_the_experiment_is_part_of_it(tmp_path: Path) -> None:
    study, constants, folder = tmp_path / "study.py", tmp_path / "constants.py", tmp_path / "out"
    study.write_text(BESIDE)
    constants.write_text("from deeper import VALUE\n")
    (tmp_path / "deeper.py").write_text("VALUE = 1\n")
    (tmp_path / "unrelated.py").write_text("VALUE = 3\n")

    def settings() -> Settings:
        return Settings.of_file(study, seed=0, quick=False, parameters={})

    run = Run(folder, settings())
    run.begin(resume=False)
    run.part("first", lambda part: 1)
    run.abandon("interrupted")
    (tmp_path / "unrelated.py").write_text("VALUE = 4\n")
    settings().check_same(folder, header_of(folder))
    assert standing(folder).hindrance is None
    (tmp_path / "deeper.py").write_text("VALUE = 2\n")
    assert "or a module beside it" in str(standing(folder).hindrance)
    with pytest.raises(RunFolderError, match="or a module beside it differs from the run to resume"):
        Run(folder, settings()).begin(resume=True)
    constants.unlink()
    with pytest.raises(RunFolderError, match="the experiment file differs"):
        Run(folder, settings()).begin(resume=True)


@pytest.mark.parametrize("note", ["", "three", "[]", '{"recorded": {}}', '{"recorded": {"x": 3}, "notes": 1}'])
def test_a_checkpoint_with_another_note_is_refused(note: str, tmp_path: Path) -> None:
    brain = Brain()
    brain.add(Area("A", 20, 4))
    part = Part(tmp_path, "first")
    part.checkpoint.parent.mkdir()
    with Simulator(brain, backend="reference") as sim:
        part.save(sim, {"heard": 3}, now=True)
        assert part.load(sim) == {"heard": 3}
        sim.save(part.checkpoint, note)
        with pytest.raises(RunFolderError, match=r"first.h5: is damaged: its note is not .*; delete it and resume"):
            part.load(sim)
