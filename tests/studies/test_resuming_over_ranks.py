"""A run over ranks that was interrupted continues on any number of ranks to the same result, bit for bit."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from brainsim import Simulator
from brainsim.simulate.company import run_together
from brainsim.studies.parts import Part
from checkout import ROOT
from kills import STUDY, left
from rank_play import brain
from ranked import on_ranks

MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
ROUNDS = 400


def command(ranks: int, folder: Path, *options: str) -> list[str]:
    """Return a command that runs the study, or resumes it."""
    file = [] if "--resume" in options else [str(STUDY), "--set", f"rounds={ROUNDS}"]
    brainsim = [sys.executable, "-m", "brainsim", "run", *file, "--out", str(folder), *options]
    return brainsim if ranks == 1 else [str(MPIEXEC), "-n", str(ranks), *brainsim]


def started(*arguments: Any) -> subprocess.Popen[str]:
    """Start the study in a new session, so that signals to all of its processes do not reach this one."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command(*arguments), env=environment, text=True, start_new_session=True, **streams)


def finished(*arguments: Any) -> str:
    """Run or resume the study to its end, and return what it prints."""
    running = started(*arguments)
    try:
        out, _ = running.communicate(timeout=100)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 0, out
    return out


def ranks_of(running: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes of the ranks, without those of MPI."""
    every = psutil.Process(running.pid).children(recursive=True)
    ranks = [each for each in every if each.cmdline()[1:4] == ["-m", "brainsim", "run"]]
    assert len(ranks) == 2, [each.cmdline() for each in every]
    return ranks


def interrupted(folder: Path, way: str, parts: int, draw: random.Random) -> str:
    """Interrupt a run on two ranks once some parts are done and another has a checkpoint, and return what the run printed."""
    running = started(2, folder)
    try:
        end = time.monotonic() + 60
        while len(list(folder.glob("parts/*.json"))) < parts or not list(folder.glob("parts/*.h5")):
            assert running.poll() is None
            assert time.monotonic() < end
            time.sleep(0.002)
        time.sleep(0.3 * draw.random())
        if way == "kill -9 of a rank":
            draw.choice(ranks_of(running)).kill()
        elif way == "Ctrl-C":
            os.killpg(running.pid, signal.SIGINT)  # what a terminal sends
        else:
            running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=60)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode != 0, out
    return out


def test_ranks_save_when_the_clock_of_the_first_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    of_thread = threading.local()

    def clock() -> float:
        of_thread.now = getattr(of_thread, "now", 0.0) + of_thread.step
        return float(of_thread.now)

    monkeypatch.setattr("brainsim.studies.parts.time", SimpleNamespace(monotonic=clock))

    def saved(part: Part) -> bool:
        with Simulator(brain(), backend="reference") as sim:
            sim.present(sim.brain["S"].patterns["0"])
            part.save(sim, "notes")
            return part.checkpoint.exists()

    def of_rank(comm: Any, first_step: float, others_step: float) -> Any:
        run_together(comm)
        of_thread.now, of_thread.step = 0.0, others_step if comm.rank else first_step
        folder = tmp_path / f"{first_step}-{comm.rank}"
        (folder / "parts").mkdir(parents=True)
        part = Part(folder, "p")
        part.compute(saved)
        return part.result()

    assert on_ranks(2, lambda comm: of_rank(comm, 30.0, 1.0)) == [True, False]  # the first rank writes the file
    assert on_ranks(2, lambda comm: of_rank(comm, 1.0, 30.0)) == [False, False]


def test_ranks_load_what_they_have_just_saved(tmp_path: Path) -> None:
    """Only the first rank has the checkpoint in its folder."""

    def loaded(part: Part) -> Any:
        with Simulator(brain(), backend="reference") as sim:
            sim.present(sim.brain["S"].patterns["0"])
            before = part.load(sim)
            part.save(sim, "notes", now=True)
            sim.run(sim.brain.fibers)
            return before, part.load(sim), sim.rounds

    def of_rank(comm: Any) -> Any:
        run_together(comm)
        folder = tmp_path / str(comm.rank)
        (folder / "parts").mkdir(parents=True)
        part = Part(folder, "p")
        part.compute(loaded)
        return part.result()

    assert on_ranks(2, of_rank) == [[None, "notes", 0]] * 2


@pytest.mark.slow
@pytest.mark.parametrize("way", ["kill -9 of a rank", "Ctrl-C", "SIGINT to mpiexec"])
def test_an_interrupted_run_continues_on_any_number_of_ranks(way: str, tmp_path: Path) -> None:
    pytest.importorskip("mpi4py", reason="mpi4py is not installed (the extra mpi)")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec; pip install mpich brings one")
    draw = random.Random(way)
    finished(1, tmp_path / "whole")
    expected = left(tmp_path / "whole")
    for then in (2, 1, 3):
        folder = tmp_path / str(then)
        printed = interrupted(folder, way, draw.randrange(3), draw)
        assert way == "kill -9 of a rank" or f"brainsim run --resume --out {folder}\n" in printed
        assert json.loads((folder / "run.json").read_text())["status"] != "finished"
        finished(then, folder, "--resume")
        assert left(folder) == expected
