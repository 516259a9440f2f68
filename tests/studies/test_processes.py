"""Calls in worker processes: results, errors and warnings, deaths of workers, and the end of all workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import psutil
import pytest

from brainsim import Area, Brain, Simulator, errors
from brainsim.errors import BrainsimError, DeclarationError, ExperimentError, SilentWarning, WorkerError
from brainsim.simulate import backends
from brainsim.simulate.usage import collected
from brainsim.studies.experiment import load_experiment
from brainsim.studies.processes import Call, Done, Watch, completed, default_jobs, tick
from checkout import ROOT
from waiting_for import wait_until

JOBS = pytest.mark.parametrize("jobs", [1, 2])


class Events(Watch):
    def __init__(self) -> None:
        self.starts: list[int] = []
        self.deaths: list[tuple[int, str]] = []
        self.steps: dict[int, int] = {}

    def started(self, index: int) -> None:
        self.starts.append(index)

    def ticked(self, index: int, steps: int) -> None:
        self.steps[index] = self.steps.get(index, 0) + steps

    def died(self, index: int, how: str) -> None:
        self.deaths.append((index, how))


def outcomes(calls: list[Call], jobs: int, **options: Any) -> list[Any]:
    """Return results and errors in the order of the calls."""
    found = sorted(completed(calls, jobs, **options), key=lambda each: each.index)
    assert [each.index for each in found] == list(range(len(calls)))
    return [each.result if isinstance(each, Done) else each.error for each in found]


def stepping(number: int) -> tuple[int, int]:
    for _ in range(number):
        tick()
    tick(10)
    return number, os.getpid()


@JOBS
def test_results_and_steps_come_back(jobs: int) -> None:
    heard = Events()
    results = outcomes([Call(stepping, (number,)) for number in range(5)], jobs, watch=heard)
    assert [number for number, _ in results] == [0, 1, 2, 3, 4]
    assert heard.steps == {index: index + 10 for index in range(5)}
    assert sorted(heard.starts) == [0, 1, 2, 3, 4]
    assert (os.getpid() in {process for _, process in results}) == (jobs == 1)
    assert list(completed([], jobs)) == []


def _every_error() -> list[type[BrainsimError]]:
    found = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, BrainsimError)]
    assert len(found) > 10
    return found


def refuse(kind: type[BrainsimError], *, message: bool) -> None:
    if message:
        raise kind("a 'message'; with a cure")
    raise kind(where="Area 'A'.k", value=lambda: 0, allowed="between 1 and n = 10", cure="lower k")


def surprise(kind: str) -> None:
    class OwnError(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    if kind == "own":
        raise OwnError(1, 2)
    if kind == "exit":
        raise SystemExit(3)
    raise ZeroDivisionError("by zero")


def test_errors_keep_their_type_and_attributes() -> None:
    calls = [Call(refuse, (kind,), {"message": message}) for kind in _every_error() for message in (True, False)]
    for call, error in zip(calls, outcomes(calls, 2), strict=True):
        assert type(error) is call.args[0]
        if call.kwargs["message"]:
            assert str(error) == "a 'message'; with a cure"
        else:
            assert str(error).startswith("Area 'A'.k: must be between 1 and n = 10 (got <function")
            assert (error.where, error.allowed, error.cure) == ("Area 'A'.k", "between 1 and n = 10", "lower k")
        assert "in refuse" in error.__notes__[0], "the traceback of the worker is kept"


@JOBS
def test_an_error_ends_only_its_own_call(jobs: int) -> None:
    own, leaving, zero, three = outcomes(
        [*(Call(surprise, (kind,)) for kind in ("own", "exit", "zero")), Call(abs, (-3,))], jobs
    )
    assert "1 and 2" in str(own)
    assert isinstance(leaving, ExperimentError)
    assert "must not end Python (exit code 3)" in str(leaving)
    assert isinstance(zero, ZeroDivisionError)
    assert three == 3


def test_values_that_cannot_be_pickled_are_named() -> None:
    lock = __import__("threading").Lock()
    given, returned = outcomes([Call(id, (lock,)), Call(__import__("threading").Lock)], 2)
    assert "call 0: cannot be sent to another process" in str(given)
    assert "its result cannot be sent to another process" in str(returned)


def fragile(number: int, deaths: int, folder: Path) -> int:
    """Kill this process in each of the first ``deaths`` calls."""
    before = len(list(folder.glob(f"{number}-*")))
    if before < deaths:
        (folder / f"{number}-{before}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_call_whose_worker_dies_is_repeated(tmp_path: Path) -> None:
    heard = Events()
    calls = [Call(fragile, (number, deaths, tmp_path)) for number, deaths in enumerate((0, 1, 0, 2, 9, 0))]
    results = outcomes(calls, 2, watch=heard)
    assert results[:4] + results[5:] == [0, 1, 2, 3, 5]
    assert isinstance(results[4], WorkerError)
    assert "call 4: 3 worker processes died in it (SIGKILL); if memory is short, use fewer jobs" in str(results[4])
    assert sorted(heard.deaths) == [(1, "SIGKILL")] + [(3, "SIGKILL")] * 2 + [(4, "SIGKILL")] * 3
    assert [heard.starts.count(index) for index in range(6)] == [1, 2, 1, 3, 3, 1]


def surroundings() -> tuple[int, str, str]:
    return default_jobs(), os.environ["NUMBA_NUM_THREADS"], os.environ["OMP_NUM_THREADS"]


def test_a_worker_has_its_share_of_the_cores_and_starts_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "cores", lambda: 12)
    assert default_jobs() == 12
    assert outcomes([Call(surroundings)] * 3, 3) == [(1, "4", "4")] * 3
    assert outcomes([Call(surroundings)], 2, threads=5) == [(1, "5", "5")]


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", True])
def test_jobs_and_threads_are_checked(bad: Any) -> None:
    for options in ({"jobs": bad}, {"jobs": 2, "threads": bad}):
        with pytest.raises(DeclarationError, match="must be an integer of at least 1"):
            completed([], **options)


def warning_of(text: str, category: type[Warning]) -> str:
    warnings.warn(text, category, stacklevel=1)
    return text


@JOBS
def test_warnings_of_workers_reach_the_caller(jobs: int) -> None:
    calls = [Call(warning_of, ("look", SilentWarning)), Call(warning_of, ("old", DeprecationWarning))]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        assert outcomes(calls, jobs) == ["look", "old"]
    assert [(str(each.message), each.category, each.filename) for each in warned] == [("look", SilentWarning, __file__)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [type(error) for error in outcomes(calls, jobs)] == [SilentWarning, DeprecationWarning]


def project_to(used: str) -> None:
    brain = Brain()
    stimulus, *areas = brain.add(Area("S", 20, 2, {"dog": [0, 1]}), Area("A", 20, 2), Area("B", 20, 2))
    for area in areas:
        brain.connect(stimulus, area, p=0.5)
    with Simulator(brain, backend="reference") as sim:
        sim.present(stimulus["dog"])
        sim.run(stimulus >> brain[used])


@JOBS
def test_a_part_is_unused_if_no_call_uses_it(jobs: int) -> None:
    for names, unused in ((("A", "A"), ("area 'B' never fired", "fiber 'S->B' was never opened")), (("A", "B"), ())):
        with collected() as usage:
            assert outcomes([Call(project_to, (name,)) for name in names], jobs) == [None, None]
        assert usage.unused == unused


EXPERIMENT = """
from dataclasses import dataclass
import beside
from brainsim import experiment

@dataclass(frozen=True)
class Score:
    value: float

class OwnError(Exception):
    pass

def half(number):
    return Score(beside.FACTOR * number)

def fail():
    raise OwnError("as ever")

@experiment
def study(run, *, n: int = 10):
    return {}
"""


@JOBS
def test_functions_of_experiment_files_are_found(jobs: int, tmp_path: Path) -> None:
    results = []
    for factor in (0.5, 0.25):  # two files of the same name; each imports the module beside it
        folder = tmp_path / str(factor)
        folder.mkdir()
        (folder / "my-study.v2.py").write_text(EXPERIMENT.replace("beside.FACTOR", str(factor)))
        (folder / "beside.py").write_text("")
        study = vars(sys.modules[load_experiment(folder / "my-study.v2.py").function.__module__])
        call = Call(study["half"], (3,))
        score, error = outcomes([call, Call(study["fail"])], jobs)
        assert isinstance(error, study["OwnError"])
        assert isinstance(score, study["Score"])
        results.append(score.value)
    assert results == [1.5, 0.75]


SCRIPT = """
import os, sys, time
from pathlib import Path
from brainsim.studies.experiment import load_experiment
from brainsim.studies.processes import Call, completed
from brainsim.studies.stopping import stoppable

def wait(number):  # this script has no `__main__` guard
    try:
        Path(f"{number}-{os.getpid()}").touch()
        time.sleep(60)
    except KeyboardInterrupt:
        Path(f"{number}-left").touch()
        raise

with stoppable() as stop:
    try:
        list(completed([Call(wait, (number,)) for number in range(3)], 2))
    except KeyboardInterrupt:
        sys.exit(stop.exit_code)
"""


@pytest.mark.parametrize(
    ("number", "whole_group", "code"),
    [
        (signal.SIGINT, True, 130),
        (signal.SIGKILL, False, -9),
        pytest.param(signal.SIGINT, False, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, False, 143, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, True, 143, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_workers_end_with_their_parent(number: signal.Signals, whole_group: bool, code: int, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    parent = subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: len(list(tmp_path.glob("[01]-*"))) == 2)
    workers = [int(path.name[2:]) for path in tmp_path.glob("[01]-*")]
    assert all(map(psutil.pid_exists, workers))
    began = time.monotonic()
    (os.killpg if whole_group else os.kill)(parent.pid, number)  # a terminal signals all processes of its group
    _, written = parent.communicate(timeout=30)
    assert parent.returncode == code
    assert written == "", "no worker prints a traceback"
    wait_until(lambda: not any(map(psutil.pid_exists, workers)))
    assert time.monotonic() - began < 20, "their calls would take a minute"
    left = {path.name for path in tmp_path.glob("*-left")}
    assert left == (set() if number == signal.SIGKILL else {"0-left", "1-left"})


@pytest.mark.slow
def test_one_ctrl_c_gives_workers_the_whole_time_to_end(tmp_path: Path) -> None:
    """It is raised again only if C code has swallowed it, and not while workers write what they have."""
    (tmp_path / "script.py").write_text(
        SCRIPT.replace('Path(f"{number}-left")', 'time.sleep(7); Path(f"{number}-left")')
    )
    parent = subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True
    )
    wait_until(lambda: len(list(tmp_path.glob("[01]-*"))) == 2)
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(30) == 130
    assert {path.name for path in tmp_path.glob("*-left")} == {"0-left", "1-left"}


def waiting(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(60)


def test_leaving_the_iterator_ends_the_workers(tmp_path: Path) -> None:
    calls = [Call(abs, (-1,)), Call(waiting, (tmp_path,)), Call(waiting, (tmp_path,))]
    for done in completed(calls, 2):
        assert done == Done(0, 1)
        break
    assert not any(psutil.pid_exists(int(path.name)) for path in tmp_path.iterdir())
    assert multiprocessing.active_children() == []


def broken(*_: object) -> None:
    os._exit(7)


def test_workers_that_cannot_start_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainsim.studies.processes.workers.serve", broken)
    with pytest.raises(WorkerError, match=r"worker processes: end before they are ready \(exit code 7\)"):
        list(completed([Call(abs, (-1,))] * 4, 2))


def linear_algebra(_: int) -> str:
    return os.environ["OPENBLAS_NUM_THREADS"]


@pytest.mark.parametrize("threads", [None, "3"])
def test_linear_algebra_does_not_depend_on_the_number_of_processes(
    monkeypatch: pytest.MonkeyPatch, threads: str | None
) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if threads:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    found = completed([Call(linear_algebra, (number,)) for number in range(2)], 2, threads=2)
    assert [done.result for done in found if isinstance(done, Done)] == [threads or "1"] * 2
