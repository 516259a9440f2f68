"""States over ranks: in pieces, whole or not at all, and with no more memory than a rank's share."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.sparse import coo_array

from brainsim import Area, Assembly, Brain, Explicit, Hebbian, Simulator
from brainsim.errors import DumpError
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.law.rows import existing
from brainsim.kernels.parts import Explicit as GivenGraph
from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from brainsim.simulate.company import Company
from forging import forged
from ranked import on_ranks, ranked
from varied import ALL, SIZES, varied

SUPPORT = Path(__file__).parents[1] / "support"
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pieces have few synapses, so that each fiber has many."""
    for module in ("synapses_file", "spreading"):
        monkeypatch.setattr(f"brainsim.simulate.{module}.PIECE", 50)


def brain() -> Brain:
    """Return a brain whose areas have several blocks, with drawn and given synapses."""
    made = Brain()
    source, target = made.add(Area("S", 40, 10), Area("T", 900, 20))
    made.connect(source, target, p=0.3, plasticity=Hebbian(0.2))
    made.connect(target, target, p=0.3, plasticity=Hebbian(0.2))
    given = np.zeros((40, 900))
    given[np.arange(400) % 40, np.arange(400)] = 1.0
    made.connect(source, target, graph=Explicit(coo_array(given)), plasticity=Hebbian(0.1), label="given")
    return made


def learned(sim: Simulator) -> None:
    for first in (0, 10, 20):
        sim.present(Assembly("S", range(first, first + 10)))
        sim.run(sim.brain.fibers, rounds=3)


def content(path: Path) -> dict[str, Any]:
    """Return all datasets of a file."""
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update(
                {name: np.asarray(item[()]).tolist()} if isinstance(item, h5py.Dataset) else {}
            )
        )
    return found


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return a state that one process saved."""
    with Simulator(brain(), 3, backend="reference") as sim:
        learned(sim)
        sim.save(tmp_path / "alone.h5", "note")
    return tmp_path / "alone.h5"


@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_ranks_load_and_save_in_pieces_what_one_process_does(count: int, saved: Path, small_pieces: None) -> None:
    again = saved.with_name("again.h5")

    def through(comm: Any) -> str:
        with Simulator(brain(), 3, backend="reference", comm=comm) as sim:
            note = sim.load(saved)
            sim.save(again, note)
        return note

    assert on_ranks(count, through) == ["note"] * count
    assert content(again) == content(saved)
    assert min(len(content(saved)[f"learned/{fiber}/pre"]) for fiber in ("S->T", "T->T", "S->T[given]")) > 4 * 50


def test_one_process_loads_and_saves_in_pieces(saved: Path, small_pieces: None) -> None:
    again = saved.with_name("again.h5")
    with Simulator(brain(), 3, backend="reference") as sim:
        sim.save(again, sim.load(saved))
    assert content(again) == content(saved)


@pytest.mark.parametrize(
    ("fiber", "column", "row", "change", "message"),
    [
        ("T->T", "post", -1, 1, r"synapse \d+ -> \d+ does not exist in the random graph"),
        ("T->T", "pre", 50, -(2**40), "pre must lie between 0 and 899"),
        ("S->T", "pre", 50, -1, "its items must be in ascending order, each once"),  # the first of a piece
        ("S->T[given]", "post", -1, 1, "its synapses must be those of its graph, all of them and no others"),
    ],
)
def test_a_load_that_fails_changes_nothing_on_any_rank(
    fiber: str, column: str, row: int, change: int, message: str, saved: Path, small_pieces: None
) -> None:
    with forged(saved) as file:
        items = file[f"learned/{fiber}/{column}"]
        if change < -1:
            items[row] = change
        elif column == "pre":
            items[row] = items[row - 1] + change
        else:
            items[row] += change

    def fails(comm: Any) -> str:
        with Simulator(brain(), 3, backend="reference", comm=comm) as sim:
            sim.present(Assembly("S", range(30, 40)))
            sim.run(sim.brain.fibers, rounds=3)
            sim.save(saved.with_name("before.h5"))
            with pytest.raises(DumpError, match=f"{re.escape(fiber)}.: {message}") as raised:
                sim.load(saved)
            sim.save(saved.with_name("after.h5"))
            return str(raised.value)

    first, second = on_ranks(2, fails)
    assert first == second
    assert content(saved.with_name("after.h5")) == content(saved.with_name("before.h5"))


@pytest.mark.parametrize("part", ["pre", "post", "weight"])
def test_columns_of_unequal_lengths_are_refused(part: str, saved: Path, small_pieces: None) -> None:
    with forged(saved) as file:
        items = file[f"learned/T->T/{part}"][:-1]
        del file[f"learned/T->T/{part}"]
        file[f"learned/T->T/{part}"] = items
    with (
        Simulator(brain(), 3, backend="reference") as sim,
        pytest.raises(DumpError, match="learned of fiber 'T->T': its columns must be of one length"),
    ):
        sim.load(saved)


def test_an_error_of_any_rank_is_raised_on_all_when_the_first_asks() -> None:
    def answer(question: int) -> int:
        if question == 7:
            raise MemoryError("no room for 7")
        return 2 * question

    def asks(comm: Any) -> tuple[Any, str]:
        company = Company(comm)
        doubled = company.led(lambda ask: ask([1, 2, 3]), answer)
        with pytest.raises(MemoryError, match="no room for 7") as raised:
            company.led(lambda ask: ask([1, 2, 7]), answer)
        return doubled, str(raised.value)

    assert on_ranks(3, asks) == [([2, 4, 6], "no room for 7")] * 3


class Asked:
    """A communicator of the second of two ranks, whom the first one asks a few questions."""

    rank, size = 1, 2

    def __init__(self, *questions: int) -> None:
        self.questions: list[tuple[int] | None] = [*((each,) for each in questions), None]
        self.answers: list[Any] = []

    def scatter(self, _: Any) -> tuple[int] | None:
        return self.questions.pop(0)

    def gather(self, answer: Any) -> None:
        self.answers.append(answer)

    def bcast(self, _: Any) -> tuple[str, None]:
        self.answers.append("the end")
        return "done", None


def test_ctrl_c_waits_until_a_rank_has_answered_all_questions() -> None:
    """A rank that left in the middle would keep the first one, which writes a file, waiting."""
    comm: Any = Asked(3, 4)

    def answer(question: int) -> int:
        signal.raise_signal(signal.SIGINT)
        return 2 * question

    with pytest.raises(KeyboardInterrupt):
        Company(comm).led(lambda ask: ask([]), answer)
    assert comm.answers == [(6, None), (8, None), "the end"]


@pytest.mark.parametrize("inner", [CpuBackend, pytest.param(ReferenceBackend, marks=pytest.mark.slow)])
def test_ranks_find_the_synapses_that_exist(inner: Any) -> None:
    program, draw = varied(ALL, 0, SIZES).program, np.random.default_rng(0)
    fibers = [f for f, fiber in enumerate(program.fibers) if not isinstance(fiber.graph, GivenGraph)]
    pairs = {}
    for f in fibers:
        graph = program.fibers[f].graph
        pair = np.unique(draw.integers(0, (graph.n_source, graph.n_target), (200, 2)), axis=0)
        pairs[f] = pair[:, 0].copy(), pair[:, 1].copy()

    def compared(comm: Any) -> int:
        backend, found = ranked(inner, comm)(program, Options()), 0
        for f, (pre, post) in pairs.items():
            half = program.fibers[f].graph.n_target // 2
            for chosen in (post >= 0, post < half // 2, post > half + half // 2):
                expected = existing(program.fibers[f].graph, pre[chosen], post[chosen])
                assert backend.existing(f, pre[chosen], post[chosen]).tolist() == expected.tolist()
                found += int(expected.sum())
        backend.close()
        return found

    assert min(on_ranks(2, compared)) > 50


@pytest.mark.slow
def test_no_rank_needs_memory_for_more_than_its_share(tmp_path: Path) -> None:
    """Each of two ranks owns half of the synapses, which take 24 bytes each as they are saved."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed (the extra mpi)")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec; pip install mpich brings one")
    command = [MPIEXEC, "-n", "2", sys.executable, str(SUPPORT / "rank_memory.py"), str(tmp_path / "state.h5")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    share = 24 * found["synapses"] / 2
    assert found["synapses"] > 10**7
    assert max(found["load"]) < 2.8 * share
    assert max(found["save"]) < 3.4 * share
