"""Parts of a run: parallel processes compute each part once, with its own checkpoint and result."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from test_experiments import NOUN_VERB, TINY, without_clock
from test_runs import begun, header_of

from brainsim import Area, Assembly, Brain, Simulator
from brainsim.errors import ExperimentError, RunFolderError, WorkerError
from brainsim.models.nemo.learner import WordLearner
from brainsim.simulate.dumps import read_recordings
from brainsim.simulate.usage import collected
from brainsim.studies import parts
from brainsim.studies.experiment import load_experiment
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.settings import Settings
from brainsim.studies.side_by_side import Bar
from checkout import ROOT
from kills import STUDY, left
from terminal import brainsim


def squared(part: Part, number: int) -> dict[str, int]:
    part.tick()
    return {"square": number**2, "process": os.getpid()}


def failing(part: Part, number: int) -> int:
    if number == 2:
        while not (part.folder / "parts" / "0.json").exists():  # the other process may begin later
            time.sleep(0.01)
        raise ExperimentError("number: must not be 2; give another")
    return number


def returning(part: Part, value: Any) -> Any:
    return value


def dying(part: Part) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def finished(path: Path, folder: Path, jobs: int, **parameters: Any) -> dict[str, Any]:
    """Run an experiment in some processes and return its metrics."""
    experiment = load_experiment(path)
    chosen = {**experiment.parameters(quick=True), **parameters}
    run = Run(folder, Settings.of_file(path, seed=3, quick=True, parameters=chosen, backend="cpu", jobs=jobs))
    run.begin(resume=False)
    with collected():  # controls leave parts of a brain unused; `brainsim run` does the same
        return run.finish(experiment(run, **chosen))


def test_results_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    one, two = (finished(STUDY, tmp_path / str(jobs), jobs, rounds=60) for jobs in (1, 2))
    assert left(tmp_path / "1") == left(tmp_path / "2")
    assert (one["jobs"], two["jobs"]) == (1, 2)
    assert two["peak_rss_mb"] > one["peak_rss_mb"], "the sum over the parent and its workers"
    assert [header_of(tmp_path / str(jobs))["jobs"] for jobs in (1, 2)] == [1, 2]


def experiments() -> list[Any]:
    """Return the names of the experiments; those with networks carry the mark ``torch``."""
    paths = sorted((ROOT / "experiments").glob("*.py"))
    return [
        pytest.param(path.stem, marks=[pytest.mark.torch] * ("brainsim.networks" in path.read_text())) for path in paths
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", experiments())
def test_every_experiment_gives_the_same_with_two_processes(name: str, tmp_path: Path) -> None:
    path = ROOT / "experiments" / f"{name}.py"
    one, two = (finished(path, tmp_path / str(jobs), jobs) for jobs in (1, 2))
    assert (one["jobs"], two["jobs"]) == (1, 2)
    assert without_clock(one) == without_clock(two)
    assert (tmp_path / "1" / "curve.csv").read_text() == (tmp_path / "2" / "curve.csv").read_text()


def test_each_part_is_computed_once(tmp_path: Path) -> None:
    run = begun(tmp_path / "out", jobs=2)
    calls = {f"part-{number}": Call(squared, (number,)) for number in (3, 1, 2)}
    first = run.parts(calls)
    assert [(key, each["square"]) for key, each in first.items()] == [("part-3", 9), ("part-1", 1), ("part-2", 4)]
    assert os.getpid() not in {each["process"] for each in first.values()}
    (tmp_path / "out" / "parts" / "part-1.json").unlink()
    run.abandon("interrupted")
    again = Run(tmp_path / "out", run.settings)
    again.begin(resume=True)
    second = again.parts(calls)
    assert [second[key] == first[key] for key in calls] == [True, False, True]
    assert second["part-1"]["process"] == os.getpid(), "a single part needs no other process"
    assert again.finish({})["jobs"] == 1


def test_an_error_in_a_part_ends_the_run_and_keeps_the_others(tmp_path: Path) -> None:
    run = begun(tmp_path / "out", jobs=2)
    with pytest.raises(ExperimentError, match="number: must not be 2; give another"):
        run.parts({str(number): Call(failing, (number,)) for number in range(4)})
    assert run.abandon("failed")
    kept = {path.name for path in (tmp_path / "out" / "parts").iterdir()}
    assert "0.json" in kept
    assert "2.json" not in kept


def test_a_part_that_kills_its_processes_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"part trained-0: 3 worker processes died in it \(SIGKILL\)"):
        begun(tmp_path / "out", jobs=2).parts({"trained-0": Call(dying), "trained-1": Call(squared, (1,))})


@pytest.mark.parametrize("key", ["", "a/b", "..", "a\0b"])
def test_the_key_of_a_part_must_be_a_valid_file_name(key: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="must be named as a file can be"):
        begun(tmp_path / "out").parts({key: Call(squared, (1,))})


def test_two_parts_of_one_key_are_refused(tmp_path: Path) -> None:
    run = begun(tmp_path / "out")
    run.part("same", lambda part: 1)
    with pytest.raises(ExperimentError, match="part 'same': two parts of a run have this key"):
        run.parts({"same": Call(squared, (1,))})


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), [object()]])
def test_a_result_that_json_cannot_hold_is_refused(value: object, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"odd\.json: cannot be written as JSON"):
        begun(tmp_path / "out").parts({"odd": Call(returning, (value,))})
    assert not list((tmp_path / "out" / "parts").iterdir())


def test_numpy_results_become_plain_python_values(tmp_path: Path) -> None:
    results = begun(tmp_path / "out").parts({"one": Call(returning, ({"mean": np.float64(0.5), "of": np.arange(2)},))})
    assert results == {"one": {"mean": 0.5, "of": [0, 1]}}


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    run = begun(tmp_path / "out")
    (tmp_path / "out" / "parts" / "one.json").write_text('{"square": ')
    with pytest.raises(RunFolderError, match=r"one\.json: is damaged .*; delete it and resume"):
        run.parts({"one": Call(squared, (1,))})


def test_a_part_waits_for_a_process_that_still_computes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_ORPHAN_SECONDS", 0.2)
    run = begun(tmp_path / "out")
    with (
        FileLock(tmp_path / "out" / "parts" / ".brainsim-one.lock"),
        pytest.raises(RunFolderError, match="another process computes this part"),
    ):
        run.parts({"one": Call(squared, (1,))})


def test_a_part_records_only_into_its_declared_files(tmp_path: Path) -> None:
    brain = Brain()
    brain.add(Area("A", n=10, k=2))
    with (
        Simulator(brain, backend="reference") as sim,
        pytest.raises(ExperimentError, match=r"part 'one': records into 'all\.h5', which must be one of its files"),
    ):
        begun(tmp_path / "out").part("one", lambda part: part.record(sim, to="all.h5"))


class Shown:
    """A progress bar that only counts."""

    def __init__(self) -> None:
        self.n = 0

    def update(self, steps: int) -> None:
        self.n += steps


def test_the_progress_bar_counts_the_steps_of_all_parts() -> None:
    shown = Shown()
    bar = Bar(shown, [10, 5])  # type: ignore[arg-type]
    seen = []
    for step, arguments in (
        (bar.started, (0,)),
        (bar.ticked, (0, 4)),
        (bar.ticked, (1, 3)),
        (bar.ticked, (1, 99)),  # no part has more steps than it declared
        (bar.started, (0,)),  # again, after the death of its process
        (bar.done, (0,)),  # the rest was done in an earlier run
        (bar.done, (1,)),
    ):
        step(*arguments)  # type: ignore[operator]
        seen.append(shown.n)
    assert seen == [0, 4, 7, 9, 5, 15, 15]


def test_a_recording_of_training_continues_after_an_interruption(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_CHECKPOINT_SECONDS", 0.0)
    options = [
        *TINY[:3],
        *"--set n=1500 --set sentences=8 --set test_every=2 --set seeds=1 --set controls=false".split(),
    ]
    options += ["--set", "record=training"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert brainsim("run", NOUN_VERB, *options, "--out", whole, capsys=capsys)[0] == 0
    hear, heard = WordLearner.hear, []

    def interrupted(self: WordLearner, sentence: Any) -> None:
        heard.append(sentence)
        if len(heard) in (4, 7):
            raise KeyboardInterrupt
        hear(self, sentence)

    with monkeypatch.context() as patch:
        patch.setattr(WordLearner, "hear", interrupted)
        assert brainsim("run", NOUN_VERB, *options, "--out", broken, capsys=capsys)[0] == 130
        assert brainsim("run", "--jobs", 1, "--resume", "--out", broken, capsys=capsys)[0] == 130
    assert len(list((broken / "parts").glob("trained-0.training.*.h5"))) == 2
    assert brainsim("run", "--jobs", 1, "--resume", "--out", broken, capsys=capsys)[0] == 0
    assert (whole / "training.h5").read_bytes() == (broken / "training.h5").read_bytes()
    assert [path.name for path in (broken / "parts").iterdir()] == ["trained-0.json"]
    history = read_recordings(broken / "training.h5")["history"]
    assert len(history) == 8 * 2 * 3, "three rounds for each word"
    assert [mark.round for mark in history.marks] == list(range(0, 48, 6))
    assert {area.name for area in history.areas} == {"Phon", "Visual", "Motor", "Lex1", "Lex2"}
    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in (whole, broken)]
    assert without_clock(metrics[0]) == without_clock(metrics[1])


def recorded(part: Part, stop_at: int) -> int:
    brain = Brain()
    area = brain.add(Area("A", 100, 10))
    brain.connect(area, area, p=0.2)
    with Simulator(brain, 1, backend="reference") as sim:
        begin = part.load(sim) or 0
        part.record(sim, to="all.h5", every=2)
        if not begin:
            sim.present(Assembly("A", range(10)))
        for number in range(begin, 6):
            sim.run(area >> area, rounds=1)
            if number == stop_at:
                part.save(sim, number + 1, now=True)
                raise KeyboardInterrupt
    return 6


@pytest.mark.parametrize("lost", ["a segment", "the first segment", "rounds"])
def test_a_recording_that_lacks_earlier_rounds_is_not_continued(tmp_path: Path, lost: str) -> None:
    def resumed(stop_at: int) -> None:
        part = Part(tmp_path, "one", files=("all.h5",))
        part.path.parent.mkdir(exist_ok=True)
        part.compute(recorded, stop_at)

    for stop_at in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            resumed(stop_at)
    first, second = sorted((tmp_path / "parts").glob("one.all.*.h5"))
    if lost == "rounds":
        shorter = Brain()
        area = shorter.add(Area("A", 100, 10))
        with Simulator(shorter, 1, backend="reference") as sim:
            sim.record(area, to=second, overwrite=True).stop()
    else:
        (first if lost == "the first segment" else second).unlink()
    with pytest.raises(RunFolderError, match="of the recording; delete the checkpoint"):
        resumed(-1)
    (tmp_path / "parts" / "one.h5").unlink()
    resumed(-1)
    assert len(read_recordings(tmp_path / "all.h5")["history"]) == 6
