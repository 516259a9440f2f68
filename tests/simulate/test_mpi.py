"""One brain on several processes over MPI: the bits of one process, files that are written once, and errors."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from brainsim import Simulator
from brainsim.errors import BackendError, DeclarationError, SimulationError
from rank_play import brain, play
from ranked import on_ranks

SUPPORT = Path(__file__).parents[1] / "support"
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))


@pytest.fixture
def mpiexec() -> str:
    pytest.importorskip("mpi4py", reason="mpi4py is not installed (the extra mpi)")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec; pip install mpich brings one")
    return MPIEXEC


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(SUPPORT), *sys.path))}


def ranks(mpiexec: str, count: int, folder: Path, backend: str, halves: str = "11") -> list[Any]:
    """Run ``rank_play.py`` on several ranks; return the final state that each rank reports."""
    command = [mpiexec, "-n", str(count), sys.executable, str(SUPPORT / "rank_play.py"), str(folder), backend, halves]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"seen-{rank}.json").read_text()) for rank in range(count)]


def alone(folder: Path, backend: str = "reference", halves: tuple[bool, bool] = (True, True)) -> Any:
    with Simulator(brain(), 5, backend=backend) as sim:
        return json.loads(json.dumps(play(sim, folder, "ranks", halves=halves)))


@pytest.mark.parametrize(
    ("backend", "count"),
    [
        ("reference", 2),
        *(pytest.param(name, n, marks=pytest.mark.slow) for name in ("reference", "cpu") for n in (1, 3, 4)),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in (("cpu", 2), ("gpu", 2), ("gpu", 3))),
    ],
)
def test_several_processes_give_the_bits_of_one(backend: str, count: int, mpiexec: str, tmp_path: Path) -> None:
    expected = alone(tmp_path)
    assert ranks(mpiexec, count, tmp_path, backend) == [expected] * count
    assert {path.name for path in tmp_path.glob("*.h5")} == {"ranks.h5", "ranks-history.h5"}


@pytest.mark.slow
@pytest.mark.parametrize(("first", "then"), [(4, 1), (4, 2), (4, 3), (1, 4), (2, 4), (3, 2)])
def test_a_state_continues_on_another_number_of_ranks(first: int, then: int, mpiexec: str, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    expected = alone(tmp_path / "alone")
    if first == 1:
        alone(tmp_path, "cpu", (True, False))
    else:
        ranks(mpiexec, first, tmp_path, "cpu", "10")
    if then == 1:
        assert alone(tmp_path, "cpu", (False, True)) == expected
    else:
        assert ranks(mpiexec, then, tmp_path, "cpu", "01") == [expected] * then


def test_ranks_that_differ_are_refused() -> None:
    with pytest.raises(
        SimulationError, match=r"all ranks must have the same seed .rank 0 has 0, rank 1 1.; give every"
    ):
        on_ranks(2, lambda comm: Simulator(brain(), comm.rank, backend="reference", comm=comm))


def test_more_ranks_than_blocks_are_refused() -> None:
    with pytest.raises(BackendError, match="ranks: 9 are more than the brain has blocks of targets to share"):
        on_ranks(9, lambda comm: Simulator(brain(), backend="reference", comm=comm))


def test_an_invalid_communicator_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"Simulator.comm: must be an mpi4py.MPI.Comm \(got 4\)"):
        Simulator(brain(), backend="reference", comm=4)  # type: ignore[arg-type]


def test_an_error_of_the_first_rank_is_raised_on_all_ranks(tmp_path: Path) -> None:
    def fails(comm: Any) -> list[str]:
        errors = []
        sim = Simulator(brain(), backend="reference", comm=comm)
        for path in (tmp_path, tmp_path / "missing.h5"):
            with pytest.raises(Exception, match=re.escape(str(path))) as raised:
                sim.save(path) if path is tmp_path else sim.load(path)
            errors.append(str(raised.value))
        return errors

    first, second = on_ranks(2, fails)
    assert first == second


def test_without_mpi4py_one_line_says_what_to_do() -> None:
    code = (
        "import sys; sys.modules['mpi4py'] = None; sys.argv[0] = 'brainsim'; from brainsim.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, "run", "experiments/noun_verb.py"]
    done = subprocess.run(command, env={**environment(), "PMI_SIZE": "2"}, capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        r"brainsim: mpiexec: mpi4py does not run here .*pip install 'brainsim\[mpi\]' mpich, or .*", line
    )


LONG = """
import sys
from pathlib import Path
from mpi4py import MPI
from brainsim import Simulator
from rank_play import brain
folder = Path(sys.argv[1])
(folder / f"pid-{MPI.COMM_WORLD.rank}").write_text(str(__import__("os").getpid()))
with Simulator(brain(), 5, backend="reference", comm=MPI.COMM_WORLD) as sim:
    sim.present(sim.brain["S"].patterns["0"])
    while True:
        sim.run(sim.brain.fibers)
        sim.save(folder / "state.h5")
"""


@pytest.mark.slow
def test_a_killed_rank_ends_the_run_and_leaves_a_state_that_continues(mpiexec: str, tmp_path: Path) -> None:
    draw = random.Random(7)
    (tmp_path / "long.py").write_text(LONG)
    for moment in range(20):
        folder = tmp_path / str(moment)
        folder.mkdir()
        command = [mpiexec, "-n", "3", sys.executable, str(tmp_path / "long.py"), str(folder)]
        running = subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        pids = [folder / f"pid-{rank}" for rank in range(3)]
        end = time.monotonic() + 100
        while not ((folder / "state.h5").exists() and all(pid.exists() for pid in pids)) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(draw.random())
        os.kill(int(draw.choice(pids).read_text()), signal.SIGKILL)
        out, _ = running.communicate(timeout=60)
        assert running.returncode != 0
        # The message comes from mpiexec, or from a rank that notices the end of another rank first.
        assert (
            "KILLED BY SIGNAL: 9" in out
            or "BAD TERMINATION" in out
            or "the last saved state, on any number of ranks" in out
        )
        # A kill during a save leaves a temporary file and the previous state.
        assert [path.name for path in folder.glob("*.h5") if not path.name.startswith(".brainsim-")] == ["state.h5"]
        with Simulator(brain(), 5, backend="reference") as sim, Simulator(brain(), 5, backend="reference") as whole:
            sim.load(folder / "state.h5")
            whole.present(whole.brain["S"].patterns["0"])
            whole.run(whole.brain.fibers, rounds=sim.rounds)
            sim.run(sim.brain.fibers, rounds=2)
            whole.run(whole.brain.fibers, rounds=2)
            fibers = [[each.connectome(fiber).learned() for fiber in each.brain.fibers] for each in (sim, whole)]
            assert str(fibers[0]) == str(fibers[1])
            assert sim.assembly("A") == whole.assembly("A")
