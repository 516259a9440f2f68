"""Sweeps: the grid, the table, failures of runs and processes, and continuation."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pandas
import psutil
import pytest
from rich.console import Console

from brainsim.cli.live import Lines, LiveTable
from brainsim.errors import DeclarationError, ExperimentError, FailedRunWarning, RunFolderError
from brainsim.studies import stopping, sweep
from brainsim.studies.experiment import load_experiment
from brainsim.studies.folders import RunLock
from brainsim.studies.sweeping import plan as plans
from brainsim.studies.sweeping.folder import SweepFolder
from brainsim.studies.sweeping.grid import MOST_RUNS
from brainsim.studies.sweeping.work import carry_out
from checkout import ROOT
from terminal import brainsim
from waiting_for import wait_until

STUDY = """
import os, signal, time
from pathlib import Path
from typing import Literal
from brainsim import experiment

@experiment(quick={"size": 2})
def study(run, *, size: int = 3, rate: float = 0.5, word: str = "dog", words: Path | None = None, kind: Literal["a", "b"] = "a"):
    here = Path(os.environ.get("TRACES", run.folder.parent))
    with open(here / f"{run.folder.name}.trace", "a") as trace:
        trace.write("begun ")
    first = run.part("first", lambda part: size)
    if word == "fragile" and not (here / f"{run.folder.name}.killed").exists():
        (here / f"{run.folder.name}.killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if rate < 0:
        raise ValueError("the rate is\\nnegative")
    time.sleep(float(os.environ.get("WAIT", 0)) * (run.seed > 0))
    return {"score": rate * first, "seeds_score": run.seed, "rate": "taken",
            "controls": {"beta zero": {"score": 0.25, "curve": [1, 2]}}, "nothing": float("nan")}
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small experiment in a folder of its own, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACES", str(tmp_path))
    (tmp_path / "study.py").write_text(STUDY)
    return Path("study.py")


def table(folder: str = "out") -> pandas.DataFrame:
    return pandas.read_csv(Path(folder) / "sweep.csv")


def scaled(*, n: int, beta: float, seed: int) -> dict[str, Any]:
    if beta < 0:
        raise ExperimentError(f"beta: must not be negative (got {beta})")
    return {"value": n * beta + seed, "of": {"n": n}}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_function_has_a_row_for_each_run(jobs: int, tmp_path: Path) -> None:
    with pytest.warns(FailedRunWarning, match="4 of 8 runs failed, the first by ExperimentError: beta: must not be"):
        found = sweep(scaled, {"n": [10, 20], "beta": (0.5, -1.0)}, [3, 4], jobs=jobs)
    rows = pandas.DataFrame(found)
    assert list(rows) == ["n", "beta", "seed", "status", "error", "seconds", "value", "of.n"]
    assert rows[["n", "beta", "seed"]].values.tolist() == [
        [n, beta, seed] for n in (10, 20) for beta in (0.5, -1.0) for seed in (3, 4)
    ]
    whole = rows[rows.status == "finished"]
    assert whole.value.tolist() == [8, 9, 13, 14]
    assert [row["error"] for row in found.failed] == ["ExperimentError: beta: must not be negative (got -1.0)"] * 4
    assert (len(found), found[-1]["n"], len(found[:2])) == (8, 20, 2)
    assert repr(found) == "<Sweep of 8 runs, 4 failed>"
    found.to_csv(tmp_path / "rows.csv")
    assert pandas.read_csv(tmp_path / "rows.csv").value.tolist()[:2] == [8, 9]
    assert list(tmp_path.iterdir()) == [tmp_path / "rows.csv"], "no other file is left"


def test_a_lambda_that_returns_a_number_can_be_swept() -> None:
    assert [row["value"] for row in sweep(lambda *, n, seed: n + seed, {"n": range(3)}, 2, jobs=2)] == [
        0,
        1,
        1,
        2,
        2,
        3,
    ]


def test_a_sweep_of_a_function_continues_in_its_folder(tmp_path: Path) -> None:
    marks = tmp_path / "marks"

    def marked(*, n: int, seed: int) -> int:
        with marks.open("a") as file:
            file.write(f"{n},{seed} ")
        return n * seed

    out = tmp_path / "out"
    for seeds in (1, 3):
        found = sweep(marked, {"n": [1, 2]}, seeds, jobs=1, out=out, resume=True)
        assert len(found) == 2 * seeds
    assert marks.read_text() == "1,0 2,0 1,1 2,1 1,2 2,2 "
    assert table(str(out)).value.tolist() == [0, 1, 2, 0, 2, 4]
    with pytest.raises(RunFolderError, match="the grid lacks runs of the sweep to resume"):
        sweep(marked, {"n": [1]}, 3, jobs=1, out=out, resume=True)
    with pytest.raises(RunFolderError, match="is not an empty folder"):
        sweep(marked, {"n": [1]}, out=out)
    with pytest.raises(RunFolderError, match="the experiment file differs from the run to resume"):
        sweep(scaled, {"n": [1, 2]}, 3, out=out, resume=True, parameters={"beta": 1.0})
    assert len(sweep(marked, {"n": [5]}, jobs=1, out=out, overwrite=True)) == 1


def test_the_command_leaves_one_table_and_a_folder_for_each_run(study: Path, capsys: Any) -> None:
    grid = ("--grid", "size=1,2", "--grid", "rate=0.5:1:2", "--seeds", 2)
    code, output, errors = brainsim(
        "sweep", study, *grid, "--set", "word=cat", "--jobs", 2, "--out", "out", capsys=capsys
    )
    assert code == 0, errors
    assert output == "8 runs, 8 finished, 0 failed\nwrote out/sweep.csv\n"
    assert "note: metrics: nothing is no finite number; null is written (8 runs)\n" in errors
    assert "/8] size=2 rate=1.0 seed=1: score 2, seeds_score 1, controls.beta zero.score 0.25" in errors
    assert "[8/8]" in errors
    rows = table()
    assert list(rows)[:9] == ["size", "rate", "word", "words", "kind", "seed", "status", "error", "seconds"]
    assert list(rows)[9:] == ["folder", "score", "seeds_score", "metrics.rate", "controls.beta zero.score", "nothing"]
    assert rows.score.tolist() == [0.5, 0.5, 1, 1, 1, 1, 2, 2]
    assert rows.seed.tolist() == [0, 1] * 4
    assert set(rows.word) == {"cat"}
    for folder, score in zip(rows.folder, rows.score, strict=True):
        assert json.loads((Path("out") / folder / "metrics.json").read_text())["score"] == score
    assert rows.folder[3] == "runs/size=1,rate=1.0,seed=1"
    header = json.loads(Path("out/sweep.json").read_text())
    assert (header["status"], header["runs"], header["finished"], header["failed"]) == ("finished", 8, 8, 0)
    assert header["grid"] == {"size": [1, 2], "rate": [0.5, 1.0]}


def test_a_failed_run_is_a_row_and_is_tried_again(study: Path, capsys: Any) -> None:
    arguments = ("--grid", "rate=-1,1", "--grid", "word=a/b,dog", "--quick", "--jobs", 1)
    code, output, errors = brainsim("sweep", study, *arguments, capsys=capsys)
    out = "runs/study-sweep"
    assert code == 1
    assert errors.splitlines()[-1] == (
        "Error: 2 of 4 runs failed, the first by ValueError: the rate is negative; "
        f"try them again with: brainsim sweep --resume --out {out}"
    )
    assert output.startswith("4 runs, 2 finished, 2 failed\n")
    rows = table(out)
    assert rows.status.tolist() == ["failed"] * 2 + ["finished"] * 2
    assert rows.error.tolist()[0] == "ValueError: the rate is negative"
    traces = sorted(Path(out, "errors").iterdir())
    assert len(traces) == 2
    assert "in study" in traces[0].read_text(), "the traceback is kept"
    assert brainsim("sweep", "--resume", "--out", out, capsys=capsys)[0] == 1
    counts = {path.stem: path.read_text().count("begun") for path in Path().glob("*.trace")}
    assert sorted(counts.values()) == [1, 1, 2, 2], "finished runs are not repeated"
    assert len(counts) == 4, "names that no file can have are replaced by distinct ones"


def test_a_sweep_continues_with_its_settings_and_more_runs(study: Path, capsys: Any) -> None:
    Path("list.txt").write_text("dog")
    first = ("--grid", "size=1,2", "--set", "words=list.txt", "--set", "kind=b", "--jobs", 1, "--out", "out")
    assert brainsim("sweep", study, *first, capsys=capsys)[0] == 0
    before = table()
    assert brainsim("sweep", "--resume", "--out", "out", "--seeds", 2, "--grid", "size=1,2,3", capsys=capsys)[0] == 0
    rows = table()
    assert (rows["size"].tolist(), rows.seed.tolist()) == ([1, 1, 2, 2, 3, 3], [0, 1] * 3)
    assert set(rows.words) == {"list.txt"}
    assert set(rows.kind) == {"b"}
    pandas.testing.assert_frame_equal(rows[rows.folder.isin(before.folder)].reset_index(drop=True), before)
    for options, message in (
        (("--set", "kind=a"), "parameters ({'kind': 'b'}, now {'kind': 'a'}) differs from the run to resume"),
        (("--quick",), "quick (False, now True) differs"),
        (("--seeds", 1), "the grid lacks runs of the sweep to resume"),
        (("--grid", "size=1,2"), "the grid lacks runs of the sweep to resume"),
        (("--grid", "rate=1"), "the grid lacks runs of the sweep to resume"),
    ):
        code, _, errors = brainsim("sweep", "--resume", "--out", "out", *options, capsys=capsys)
        assert (code, message in errors) == (2, True), errors
    Path("list.txt").write_text("cat")
    assert "a file it reads differs" in brainsim("sweep", "--resume", "--out", "out", capsys=capsys)[2]


def test_a_sweep_locks_its_folder(study: Path, capsys: Any) -> None:
    assert brainsim("sweep", study, "--jobs", 1, "--out", "out", capsys=capsys)[0] == 0
    lock = RunLock(Path("out"))
    lock.acquire()
    for option in ("--resume", "--overwrite"):
        code, _, errors = brainsim("sweep", study, "--out", "out", option, capsys=capsys)
        assert (code, "--out out: a sweep is using this folder" in errors) == (2, True), errors
    lock.release()
    assert "is not an empty folder" in brainsim("sweep", study, "--out", "out", capsys=capsys)[2]
    assert (
        brainsim("sweep", study, "--set", "size=7", "--jobs", 1, "--out", "out", "--overwrite", capsys=capsys)[0] == 0
    )
    assert table()["size"].tolist() == [7]
    assert brainsim("run", study, "--out", "single", capsys=capsys)[0] == 0
    assert (
        "holds no sweep, so --overwrite" in brainsim("sweep", study, "--out", "single", "--overwrite", capsys=capsys)[2]
    )
    assert (
        "holds no sweep to resume (sweep.json: No such file or directory)"
        in brainsim("sweep", "--out", "single", "--resume", capsys=capsys)[2]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--grid", "sise=1"), "--grid sise=1: unknown parameter 'sise'; did you mean 'size'?"),
        (("--grid", "size"), "--grid size: must have the form name=value,value"),
        (("--grid", "size="), "--grid size=: a value is empty; separate values by single commas"),
        (("--grid", "size=1,,2"), "--grid size=1,,2: a value is empty"),
        (("--grid", "size=1,1.5"), "--grid size=1,1.5: must be a whole number (got '1.5')"),
        (("--grid", "size=1e1,10"), "grid size: 10 is given twice; give each value once"),
        (("--grid", "size=1", "--grid", "size=2"), "--grid size=2: 'size' is in the grid twice"),
        (("--grid", "size=1", "--set", "size=2"), "--grid size=1: 'size' is set to one value, too"),
        (("--grid", "seed=1,2"), "--grid seed=1,2: seeds are no parameter; say how many with --seeds"),
        (("--grid", "kind=a,c"), "--grid kind=a,c: must be one of a, b (got 'c')"),
        (("--grid", "size=1:9:x"), "--grid size=1:9:x: a range must end in the number of its values (got 'x')"),
        (("--grid", "rate=0:9:log3"), "a logarithmic range must be above 0 (got '0:9:log3')"),
        (("--grid", "words=no.txt"), "words=no.txt: cannot be read (No such file or directory)"),
        (("--seeds", 0), "seeds: must be at least 1 (got 0)"),
        (("--seeds", 1000, "--grid", "rate=1:2:1000"), f"grid: must have at most {MOST_RUNS:_} runs (got 1_000_000)"),
        (("--seeds", 10**9), f"seeds: must be at most {MOST_RUNS:_}"),
        (("--resume",), "--resume needs --out"),
        (("--dask", "nonsense"), "dask nonsense: no scheduler answers"),
    ],
)
def test_mistakes_on_the_command_line_are_named(
    arguments: tuple[Any, ...], message: str, study: Path, capsys: Any
) -> None:
    code, output, errors = brainsim("sweep", study, *arguments, capsys=capsys)
    assert (code in (1, 2), output) == (True, "")
    assert message in errors
    assert len(errors.strip().splitlines()) <= 4
    assert "--dask" in arguments or not Path("runs").exists(), "no folder is made"


def test_ranges_include_their_ends(study: Path) -> None:
    from brainsim.studies.sweeping.grid import of_texts

    found = of_texts(["size=1e4:1e6:log5", "rate=0:1:3"], load_experiment(study), ())
    assert found == {"size": (10_000, 31_623, 100_000, 316_228, 1_000_000), "rate": (0.0, 0.5, 1.0)}


def no_seed(*, n: int) -> int:
    return n


@pytest.mark.parametrize(
    ("function", "grid", "options", "message"),
    [
        (
            scaled,
            {"n": [1], "bta": [1]},
            {},
            "grid bta: function 'scaled': unknown parameter 'bta'; did you mean",
        ),
        (scaled, {"n": [1]}, {}, "function 'scaled': needs a value for 'beta'; add it to the grid"),
        (scaled, {"n": [1], "beta": []}, {}, "grid beta: must have at least one value"),
        (scaled, {"n": 1, "beta": [1]}, {}, "grid n: must be a list of values (got 1); write [1]"),
        (scaled, {"n": "10", "beta": [1]}, {}, "grid n: must be a list of values (got '10')"),
        (scaled, [("n", 1)], {}, "grid: must be a mapping of parameters to lists of values"),
        (scaled, {"n": [1], "beta": [1]}, {"seeds": 0}, "seeds: must be at least 1 (got 0)"),
        (scaled, {"n": [1], "beta": [1]}, {"seeds": [1, 1]}, "seeds: 1 is given twice"),
        (scaled, {"n": [1], "beta": [1]}, {"seeds": [-1]}, "seeds: must be whole numbers between 0 and 2**62"),
        (scaled, {"n": [1], "beta": [1]}, {"seeds": []}, "seeds: must be at least one"),
        (scaled, {"n": [1], "beta": [1]}, {"parameters": {"n": 1}}, "grid n: 'n' is among the fixed parameters, too"),
        (scaled, {"n": [1], "beta": [1]}, {"resume": True}, "sweep: resume=True needs out"),
        (no_seed, {"n": [1]}, {}, "function 'no_seed': must take the keyword argument seed"),
        (7, {}, {}, "sweep: must be given a function, an experiment or the path of one (got 7)"),
        ("nowhere.py", {}, {}, "nowhere.py: no such file"),
        ("study.py", {"size": [1.5]}, {}, "grid size: must be a whole number (got 1.5)"),
        ("study.py", {"kind": ["c"]}, {}, "grid kind: must be one of a, b (got 'c')"),
        (
            "study.py",
            {},
            {"parameters": {"sise": 1}},
            "parameters sise: unknown parameter 'sise'; did you mean 'size'?",
        ),
    ],
)
def test_mistakes_in_python_are_named(function: Any, grid: Any, options: Any, message: str, study: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        sweep(function, grid, **options)
    assert message in str(caught.value)
    assert not Path("runs").exists()


@pytest.mark.parametrize("name", ["jobs", "threads"])
def test_processes_and_threads_are_checked(name: str) -> None:
    with pytest.raises(DeclarationError, match=f"sweep.{name}: must be an integer of at least 1"):
        sweep(scaled, {"n": [1], "beta": [1.0]}, **{name: 0})


def test_a_run_whose_worker_dies_is_repeated(study: Path, capsys: Any) -> None:
    arguments = ("--grid", "size=1,2", "--set", "word=fragile", "--jobs", 2, "--out", "out")
    code, _, errors = brainsim("sweep", study, *arguments, capsys=capsys)
    assert code == 0, errors
    assert "size=1 seed=0: its worker process died (SIGKILL) and is replaced" in errors
    assert table().score.tolist() == [0.5, 1.0]
    assert {path.read_text() for path in Path().glob("*.trace")} == {"begun begun "}


def test_an_experiment_that_changes_during_a_sweep_is_refused(study: Path, capsys: Any) -> None:
    edit = "open('study.py', 'a').write('#') if word == 'edit' else None"
    study.write_text(STUDY.replace("    first = ", f"    {edit}\n    first = "))
    # The first run edits the file and dies, so that its second worker reads the file again.
    study.write_text(study.read_text().replace('word == "fragile"', 'word == "edit"'))
    code, _, errors = brainsim("sweep", study, "--set", "word=edit", "--jobs", 2, "--out", "out", capsys=capsys)
    assert code == 1
    assert "study.py, has changed since it was loaded; start again" in errors


@pytest.mark.parametrize("name", ["sweep.csv", "sweep.json", "rate=-1.0,seed=0.txt"])
def test_a_full_disk_ends_a_sweep_with_a_one_line_error(
    study: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        code, _, errors = brainsim(
            "sweep", study, "--grid", "rate=-1,1", "--quick", "--jobs", 1, "--out", "out", capsys=capsys
        )
        assert code == 1
        assert errors.splitlines()[-1].endswith(f"{name}: cannot be written (No space left on device)")
    again = ("--grid", "rate=-1,1", "--quick") if name == "sweep.json" else ("--resume",)
    file = [study] if name == "sweep.json" else []
    assert brainsim("sweep", *file, *again, "--jobs", 1, "--out", "out", capsys=capsys)[0] == 1, (
        "the folder is no longer locked"
    )
    assert table().status.tolist() == ["failed", "finished"]


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (signal.SIGINT, "interrupted", 130),
        (signal.SIGKILL, "running", -9),
        pytest.param(signal.SIGTERM, "terminated", 143, marks=pytest.mark.slow),
    ],
)
def test_a_sweep_that_was_interrupted_continues(
    number: signal.Signals, status: str, code: int, study: Path, capsys: Any
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WAIT": "60"}
    command = [sys.executable, "-m", "brainsim", "sweep", str(study), "--grid", "size=1,2", "--seeds", "2"]
    process = subprocess.Popen(
        [*command, "--jobs", "2", "--out", "out"], stderr=subprocess.PIPE, text=True, env=environment
    )
    wait_until(lambda: len(list(Path().glob("*.trace"))) == 4)  # two runs are finished, and two wait
    wait_until(lambda: len(list(Path("out/runs").glob("*seed=1/parts/first.json"))) == 2)
    workers = psutil.Process(process.pid).children()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    if number != signal.SIGKILL:
        ending = f"Error: {status}; continue with: brainsim sweep --resume --out out"
        assert errors.splitlines()[-1] == ending
        assert table().seed.tolist() == [0, 0]
        states = {path: json.loads(path.read_text())["status"] for path in Path("out/runs").glob("*seed=1/run.json")}
        assert list(states.values()) == ["interrupted"] * 2
    psutil.wait_procs(workers, timeout=30)
    assert json.loads(Path("out/sweep.json").read_text())["status"] == status
    assert brainsim("sweep", "--resume", "--out", "out", "--jobs", 1, capsys=capsys)[0] == 0
    assert table().score.tolist() == [0.5, 0.5, 1.0, 1.0]
    counts = {path.stem[-6:]: path.read_text().count("begun") for path in Path().glob("*.trace")}
    assert counts == {"seed=0": 1, "seed=1": 2}, "only unfinished runs are repeated"


def test_the_end_of_a_sweep_is_not_interrupted_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*, size: int, seed: int) -> None:
        signal.raise_signal(signal.SIGINT)

    def end(self: SweepFolder, status: str, table: Any) -> None:
        time.sleep(0.3)
        ends.append(status)
        whole(self, status, table)

    ends: list[str] = []
    whole = SweepFolder.end
    monkeypatch.setattr(SweepFolder, "end", end)
    monkeypatch.setattr(stopping, "_PATIENCE_SECONDS", 0.05)
    plan = plans.of_study(interrupted, {"size": [1]}, 1, None, quick=False, backend="auto")
    with pytest.raises(KeyboardInterrupt), stopping.stoppable() as stop:
        carry_out(plan, SweepFolder(Path("out"), plan.settings, plan.grid), jobs=1, stop=stop)
    assert ends == ["interrupted"]
    assert json.loads(Path("out/sweep.json").read_text())["status"] == "interrupted"


def test_a_damaged_run_is_repeated(study: Path, capsys: Any) -> None:
    assert brainsim("sweep", study, "--seeds", 3, "--jobs", 1, "--out", "out", capsys=capsys)[0] == 0
    before = table()
    Path("out/runs/seed=0/metrics.json").write_text('{"score": ')
    Path("out/runs/seed=1/run.json").unlink()
    assert brainsim("sweep", "--resume", "--out", "out", "--jobs", 1, capsys=capsys)[0] == 0
    assert table().score.tolist() == before.score.tolist()
    assert [Path(f"seed={seed}.trace").read_text().count("begun") for seed in range(3)] == [2, 2, 1]


def test_the_live_table_shows_conditions_scores_and_deaths(study: Path) -> None:
    plan = plans.of_study(study, {"size": [1, 2]}, 2, None, quick=False, backend="auto")
    live = LiveTable(plan)
    screen = Console(file=StringIO(), width=100, force_terminal=False)
    screen.print(live.drawn())
    live.begun(plan.trials(None), [0, 2, 3])
    live.finished(1, {"size": 1, "seed": 1, "status": "finished", "error": None, "seconds": 1.0, "score": 0.75})
    live.started(0)
    live.started(1)
    live.finished(0, {"size": 1, "seed": 0, "status": "failed", "error": "ValueError: no", "seconds": None})
    live.died(1, "SIGKILL")
    live.started(1)
    screen.print(live.drawn())
    lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    shown = [line.split() for line in lines if line.strip()]
    assert shown[0] == ["size", "done", "running", "failed", "score"]
    assert shown[2] == ["1", "2/2", "1", "0.75"]
    assert shown[3] == ["2", "0/2", "1"]
    assert "1/3" in shown[4]
    assert lines[-1] == "1 worker process died and was replaced"


def test_progress_lines_give_the_time_left(study: Path, capsys: Any) -> None:
    plan = plans.of_study(study, {"size": [1, 2]}, 1, None, quick=False, backend="auto")
    lines = Lines(plan)
    lines.begun(plan.trials(None), [0, 1])
    lines.finished(0, {"size": 1, "seed": 0, "status": "finished", "error": None, "seconds": 1.0, "score": 0.75})
    assert capsys.readouterr().err.splitlines() == ["2 runs", "[1/2] size=1 seed=0: score 0.75; 0 s left"]


@pytest.mark.slow
def test_the_examples_of_the_page_on_sweeps_run(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "howto" / "sweeps.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    (indented,) = [part for part in text.split("\n\n") if part.startswith("    runs = ")]
    lines = [line.removeprefix("    ") for line in indented.splitlines()]
    (tmp_path / "page.py").write_text("\n".join([*blocks, *lines]))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    for _ in range(2):  # the second time, the sweep continues
        done = subprocess.run(
            [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("<Sweep of 12 runs in runs/size, 0 failed>")
        assert "[1.0, 1.0, 1.0, 1.0]" in done.stdout
