"""Sweeps on a Dask cluster: rows and errors equal those of a local sweep; workers and clusters may die."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brainsim.errors import ExperimentError, FailedRunWarning, WorkerError
from brainsim.studies import sweep
from brainsim.studies.processes import cluster
from checkout import ROOT
from terminal import brainsim

CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""

EXPERIMENT = """
from brainsim import Area, Brain, Simulator, experiment

@experiment
def projected(run, *, n: int = 100, fail: bool = False):
    if fail:
        raise ValueError("as told")
    brain = Brain()
    stimulus, area = brain.add(Area("S", 20, 2, {"dog": [0, 1]}), Area("A", n, 5))
    brain.connect(stimulus, area, p=0.5)
    with Simulator(brain, run.seed, backend="reference") as sim:
        sim.present(stimulus["dog"])
        sim.run(stimulus >> area, rounds=2)
        return {"first": int(sim.assembly(area).neurons[0])}
"""


@contextmanager
def running(workers: int, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a cluster in processes of its own; yield it and the address of its scheduler."""
    (folder / "cluster.py").write_text(CLUSTER)
    process = subprocess.Popen(
        [sys.executable, "cluster.py", str(workers)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}{os.pathsep}{ROOT / 'tests/support'}",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def scaled(*, n: int, seed: int) -> float:
    return n / (seed + 1)


def deadly(*, n: int, seed: int) -> int:
    if n == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return n + seed


@pytest.mark.slow
def test_a_cluster_gives_the_rows_that_processes_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("projected.py").write_text(EXPERIMENT)
    arguments = ("projected.py", "--grid", "n=50,100", "--grid", "fail=no,yes", "--seeds", 2)
    with running(2, tmp_path) as (_, address):
        found = sweep(scaled, {"n": [1, 2]}, 2, dask=address)
        assert [row["value"] for row in found] == [1, 0.5, 2, 1]
        code, output, errors = brainsim("sweep", *arguments, "--dask", address, "--out", "there", capsys=capsys)
        assert (code, output.splitlines()[0]) == (1, "8 runs, 4 finished, 4 failed"), errors
        assert "the first by ValueError: as told" in errors
        with pytest.warns(FailedRunWarning, match="1 of 3 runs failed, the first by WorkerError: .*Dask workers died"):
            assert [row.get("value") for row in sweep(deadly, {"n": [1, 2, 3]}, dask=address)] == [1, None, 3]
    assert brainsim("sweep", *arguments, "--jobs", 1, "--out", "here", capsys=capsys)[0] == 1
    there, here = (
        [line.split(",") for line in Path(folder, "sweep.csv").read_text().splitlines()] for folder in ("there", "here")
    )
    seconds = here[0].index("seconds")
    assert [[*row[:seconds], *row[seconds + 1 :]] for row in there] == [
        [*row[:seconds], *row[seconds + 1 :]] for row in here
    ]


def test_an_address_that_cannot_be_reached_leaves_no_client_behind() -> None:
    """The garbage collection of a half-made client would block Python."""
    before = clients()  # clients of other tests; they stay alive so that no new one has their id
    with pytest.raises(WorkerError, match="dask nonsense: no scheduler answers"):
        cluster._connected("nonsense")
    known = [id(each) for each in before]
    assert not [each for each in clients() if id(each) not in known]


def clients() -> list[Any]:
    """Return all Dask clients of this process; ``type`` is used because ``isinstance`` may act on proxies."""
    from distributed import Client

    return [each for each in gc.get_objects() if issubclass(type(each), Client)]


@pytest.mark.slow
def test_a_cluster_without_scheduler_or_workers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE_SECONDS", 2)
    with pytest.raises(WorkerError, match=r"dask tcp://127.0.0.1:1: no scheduler answers \(.*\); start one with"):
        sweep(scaled, {"n": [1]}, dask="tcp://127.0.0.1:1")
    with running(0, tmp_path) as (_, address), pytest.raises(WorkerError, match="has no workers; start some with"):
        sweep(scaled, {"n": [1]}, dask=address)


@pytest.mark.slow
def test_the_end_of_the_cluster_ends_the_sweep(tmp_path: Path) -> None:
    gone = pytest.raises(WorkerError, match="the cluster is gone; start it again, and continue the sweep")
    with running(1, tmp_path) as (process, address), gone:
        sweep(ending, {"n": [1, 2]}, parameters={"process": process.pid}, dask=address)


def ending(*, n: int, process: int, seed: int) -> int:
    os.kill(process, signal.SIGKILL)
    return n + seed


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExperimentError, match=r"dask: is not installed; pip install 'brainsim\[dask\]'"):
        sweep(scaled, {"n": [1]}, dask="tcp://127.0.0.1:8786")
