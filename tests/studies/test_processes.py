"""Calls in worker processes: what comes back, and what a death costs."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from brainsim import errors
from brainsim.errors import BrainsimError, DeclarationError, ExperimentError, WorkerError
from brainsim.studies import processes
from brainsim.studies.processes import Call, Done, Watch, completed, default_jobs, tick

JOBS = pytest.mark.parametrize("jobs", [1, 2])


class Heard(Watch):
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
    heard = Heard()
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


def test_errors_come_back_as_what_they_are() -> None:
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
def test_any_error_ends_its_call_alone(jobs: int) -> None:
    own, leaving, zero, three = outcomes(
        [*(Call(surprise, (kind,)) for kind in ("own", "exit", "zero")), Call(abs, (-3,))], jobs
    )
    assert "1 and 2" in str(own)
    assert isinstance(leaving, ExperimentError)
    assert "must not end Python (exit code 3)" in str(leaving)
    assert isinstance(zero, ZeroDivisionError)
    assert three == 3


def test_what_cannot_be_sent_is_named() -> None:
    lock = __import__("threading").Lock()
    given, returned = outcomes([Call(id, (lock,)), Call(__import__("threading").Lock)], 2)
    assert "call 0: cannot be sent to another process" in str(given)
    assert "its result cannot be sent to another process" in str(returned)


def fragile(number: int, deaths: int, folder: Path) -> int:
    """Kill this process in the first so many calls."""
    before = len(list(folder.glob(f"{number}-*")))
    if before < deaths:
        (folder / f"{number}-{before}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_death_costs_its_own_call_another_try(tmp_path: Path) -> None:
    heard = Heard()
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
    monkeypatch.setattr(processes.backends, "cores", lambda: 12)
    assert default_jobs() == 12
    assert outcomes([Call(surroundings)] * 3, 3) == [(1, "4", "4")] * 3
    assert outcomes([Call(surroundings)], 2, threads=5) == [(1, "5", "5")]


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", True])
def test_jobs_and_threads_are_checked(bad: Any) -> None:
    for options in ({"jobs": bad}, {"jobs": 2, "threads": bad}):
        with pytest.raises(DeclarationError, match="must be an integer of at least 1"):
            completed([], **options)
