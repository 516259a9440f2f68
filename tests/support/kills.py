"""Kill real runs at random moments, resume them, and compare: ``python tests/support/kills.py --kills 50``.

Each kill ends another run, with one or two processes: SIGKILL, SIGTERM or SIGINT to the parent, SIGKILL to a worker,
or SIGINT to all, as a terminal sends it.  Then the run is resumed.  It must give the results of an uninterrupted run:
the same metrics, tables, parts and files, bit for bit, except seconds and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from checkout import ROOT

STUDY = Path(__file__).with_name("killed.py")
ROUNDS = 200
TIMED = ("seconds", "peak_rss_mb", "jobs")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
WAYS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGKILL of a worker", "SIGINT to all")


@dataclass(frozen=True)
class Kill:
    """One kill and its outcome."""

    jobs: int
    way: str
    seconds: float
    found: str
    code: int
    status: str
    same: bool

    def row(self) -> str:
        """Return it as a line of the table."""
        right = "identical" if self.same else "DIFFERS"
        return f"{self.jobs:>4}  {self.way:<20} {self.seconds:>6.2f}  {self.code:>5}  {self.status:<12} {self.found:<28} {right}"


HEADER = f"{'jobs':>4}  {'killed by':<20} {'at (s)':>6}  {'exit':>5}  {'run.json':<12} {'kept':<28} after resuming"


def started(folder: Path, jobs: int, *options: str, rounds: int = ROUNDS) -> subprocess.Popen[bytes]:
    """Start the study, or resume it."""
    file = [] if "--resume" in options else [str(STUDY), "--set", f"rounds={rounds}"]
    command = [sys.executable, "-m", "brainsim", "run", *file, "--jobs", str(jobs), "--out", str(folder), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # A new session, so that a signal to all of its processes does not reach this process.
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finished(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a run; raise an error if it failed."""
    _, errors = process.communicate(timeout=300)
    if process.returncode:
        raise RuntimeError(f"a run failed with {process.returncode}: {errors.decode()}")


def left(folder: Path) -> dict[str, Any]:
    """Return the results and files of a run that must not depend on interruptions."""
    metrics = json.loads((folder / "metrics.json").read_text())
    found: dict[str, Any] = {"metrics": {name: value for name, value in metrics.items() if name not in TIMED}}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in ("run.json", "metrics.json"):
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def killed(folder: Path, jobs: int, way: str, seconds: float, rounds: int, expected: dict[str, Any]) -> Kill | None:
    """Start a run, kill it after ``seconds``, and resume it; return ``None`` if it finished before."""
    process = started(folder, jobs, rounds=rounds)
    time.sleep(seconds)
    if not hit(process, way):
        finished(process)
        return None
    process.communicate(timeout=300)
    header = folder / "run.json"
    status = json.loads(header.read_text())["status"] if header.exists() else "none"
    parts = list((folder / "parts").glob("[!.]*")) if (folder / "parts").exists() else []
    for path in parts:
        if path.suffix == ".json":
            json.loads(path.read_text())
    done, begun = (sum(path.suffix == suffix for path in parts) for suffix in (".json", ".h5"))
    if status != "finished":
        finished(started(folder, jobs, *(["--resume"] if header.exists() else []), rounds=rounds))
    kept = f"{done} parts, {begun} checkpoints"
    return Kill(jobs, way, seconds, kept, process.returncode, status, same=left(folder) == expected)


def hit(process: subprocess.Popen[bytes], way: str) -> bool:
    """Kill a run, or a worker of it; return whether there was a process to kill."""
    if process.poll() is not None:
        return False
    if way == "SIGKILL of a worker":
        children = psutil.Process(process.pid).children(recursive=True)
        if children:
            random.choice(children).kill()
        return bool(children)
    if way == "SIGINT to all":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.Signals[way])
    return True


def kills(count: int, seed: int, rounds: int = ROUNDS, jobs: tuple[int, ...] = (1, 2)) -> Iterator[Kill]:
    """Kill ``count`` runs and yield the outcome of each."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        begun = time.monotonic()
        finished(started(whole, 1, rounds=rounds))
        long, expected = time.monotonic() - begun, left(whole)
        number = 0
        while number < count:
            folder = Path(place) / "run"
            these = jobs[number % len(jobs)]
            way = rng.choice([way for way in WAYS if these > 1 or "worker" not in way])
            kill = killed(folder, these, way, rng.uniform(0.2, 1.0) * long, rounds, expected)
            shutil.rmtree(folder)
            if kill is None:  # runs have become faster than the first one was
                long *= 0.9
                continue
            number += 1
            yield kill


def main() -> int:
    """Print a table of kills; return 1 if a result differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(HEADER)
    seen = []
    for kill in kills(arguments.kills, arguments.seed):
        seen.append(kill)
        print(kill.row(), flush=True)
    wrong = sum(not kill.same for kill in seen)
    print(f"{len(seen)} kills: {wrong} results differ")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
