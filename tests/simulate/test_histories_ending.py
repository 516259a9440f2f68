"""Histories whose process is killed, whose disk is full, or whose file is damaged: flushed rounds are complete."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest

import recorded
from brainsim import dumps
from brainsim.errors import DumpError
from brainsim.simulate.hdf5 import apart, seal
from brainsim.simulate.recordings import growing
from checkout import ROOT
from recorded import assert_begins, assert_rounds, assert_same, files_at_most, play, simulator

WHOLE = recorded.truth(100)
EVERY = 4


def run(path: Path, rounds: int = 100_000) -> subprocess.Popen[str]:
    """Start a process that records, and wait until it has run ten rounds."""
    command = [sys.executable, recorded.__file__, str(path), str(EVERY), str(rounds)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    return process


def ended(path: Path, seconds: float, number: signal.Signals) -> int:
    """Start a process that records, end it by a signal after some seconds, and return its exit code."""
    with run(path) as process:
        time.sleep(seconds)
        process.send_signal(number)
        process.communicate()
        return process.returncode


def test_flushed_rounds_survive_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    assert ended(path, 0.05, signal.SIGKILL) == -signal.SIGKILL
    assert path.read_bytes().startswith(b"brainsim open 1\n")
    found = dumps.read_recordings(path)["history"]
    assert len(found) % EVERY == 0
    assert len(found) > 0
    assert_begins(found, recorded.truth(len(found)))


@pytest.mark.slow
def test_flushed_rounds_survive_twenty_kills(tmp_path: Path) -> None:
    moments, whole, lengths = random.Random(3), recorded.truth(1000), set()
    for number in range(20):
        path = tmp_path / f"{number}.h5"
        assert ended(path, moments.uniform(0, 0.5), signal.SIGKILL) == -signal.SIGKILL
        found = dumps.read_recordings(path)["history"]
        assert len(found) % EVERY == 0
        assert len(found) <= 1000
        assert_begins(found, whole)
        lengths.add(len(found))
    assert len(lengths) > 5


def test_ctrl_c_leaves_a_sealed_file_with_all_rounds(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    assert ended(path, 0.05, signal.SIGINT) == -signal.SIGINT
    assert path.read_bytes().startswith(b"brainsim seal 1\n")
    found = dumps.read_recordings(path)["history"]
    assert len(found) > 0
    assert_begins(found, recorded.truth(len(found)))


FORKING = """
import os, signal, sys
from recorded import simulator
sim = simulator()
history = sim.record(to=sys.argv[1], every=4)
sim.run(sim.brain.fibers, 10)
waiting, going = os.pipe()
child = os.fork()
if not child:
    os.read(waiting, 1)
    if sys.argv[2] == "stop":
        history.stop()
    sys.exit(0)
sim.run(sim.brain.fibers, 80)
os.write(going, b"x")
assert os.waitpid(child, 0)[1] == 0
sim.run(sim.brain.fibers, 10)
{ending}
"""


@pytest.mark.parametrize("child", ["stop", "exit"])
@pytest.mark.parametrize("ending", ["sim.close()", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_forked_child_does_not_change_the_file(tmp_path: Path, child: str, ending: str) -> None:
    path = tmp_path / "h.h5"
    command = [sys.executable, "-W", "ignore", "-c", FORKING.format(ending=ending), str(path), child]
    places = os.pathsep.join((str(ROOT), str(Path(recorded.__file__).parent)))
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": places})
    assert done.returncode == (-signal.SIGKILL if "kill" in ending else 0), done.stderr
    assert "Error" not in done.stderr
    found = dumps.read_recordings(path)["history"]
    assert len(found) == 100
    assert_rounds(found, WHOLE)


def test_a_full_disk_ends_the_history_and_not_the_run(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    with simulator() as sim:
        memory, history = sim.record(drives=True), sim.record(to=path, every=5, drives=True)
        with (
            files_at_most(path.stat().st_size + 320_000),
            pytest.raises(DumpError, match="cannot be written") as caught,
        ):
            play(sim, [memory, history], 2000)
        assert "\n" not in str(caught.value)
        rounds, flushed = sim.rounds, history.flushed
        assert history.stopped
        assert (len(memory), len(history), flushed % 5) == (rounds, rounds, 0)
        assert flushed > 0
        # The rounds that could not be written are still in memory.
        assert_begins(history, memory)
        play(sim, [memory], 5)
        assert len(memory) == rounds + 5
    assert path.read_bytes().startswith(b"brainsim seal 1\n")
    found = dumps.read_recordings(path)["history"]
    assert len(found) == flushed
    assert_begins(found, memory)


def test_a_full_disk_at_close_is_an_error_and_the_simulator_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    sim = simulator()
    sim.record(to=path, every=50)
    sim.run(sim.brain.fibers, 20)
    with files_at_most(path.stat().st_size), pytest.raises(DumpError, match="its 0 rounds are whole, and the 20"):
        sim.close()
    assert repr(sim).endswith("closed>")
    assert len(dumps.read_recordings(path)["history"]) == 0


def test_the_error_of_a_block_has_the_error_of_a_full_disk_as_a_note(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    with pytest.raises(ZeroDivisionError) as caught, files_at_most(100_000), simulator() as sim:
        sim.record(to=path, every=50)
        sim.run(sim.brain.fibers, 20)
        1 / 0  # noqa: B018
    assert "cannot be written" in caught.value.__notes__[0]


def test_after_a_full_disk_in_a_probe_the_state_is_restored(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    with simulator() as sim:
        sim.run(sim.brain.fibers, 3)
        before = sim.assembly("B")
        with pytest.raises(DumpError, match="cannot be written"), files_at_most(100_000), sim.frozen():
            sim.record(to=path, every=50)
            sim.run(sim.brain.fibers, 20)
        assert sim.learning
        assert (sim.assembly("B"), sim.rounds) == (before, 3)


def test_a_write_error_in_hdf5_ends_the_history_and_not_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 cannot close a file that it cannot write, and would crash the process when it tries."""
    path = tmp_path / "h.h5"
    with simulator() as sim:
        memory, history = sim.record(), sim.record(to=path, every=5)
        play(sim, [memory, history], 20)

        def make_read_only(handle: int, *_: object) -> None:
            reader = os.open(path, os.O_RDONLY)  # writing fails from now on
            os.dup2(reader, handle)
            os.close(reader)

        monkeypatch.setattr(
            growing.GrowingFile, "_reserve", lambda self, size: make_read_only(self.file.id.get_vfd_handle())
        )
        with pytest.raises(DumpError, match=r"Bad file descriptor.*its 20 rounds are whole"):
            play(sim, [memory, history], 20)
        assert (history.stopped, history.flushed) == (True, 20)
        assert_begins(history, memory)
        sim.run(sim.brain.fibers, 3)
    found = dumps.read_recordings(path)["history"]
    assert len(found) == 20
    assert_begins(found, memory)


def left_open(path: Path, rounds: int) -> Path:
    """Write the file of a history that was not closed."""
    source = path.with_name("source.h5")
    with simulator() as sim:
        history = sim.record(to=source, every=10, drives=True)
        play(sim, [history], rounds)
        path.write_bytes(source.read_bytes())
    return path


def overwrite(path: Path, dataset: str, item: int, data: bytes) -> None:
    """Overwrite an item of a dataset that is not compressed."""
    with h5py.File(path, "r", swmr=True) as file:
        found = file[dataset]
        place = found.id.get_chunk_info(0).byte_offset + item * found.dtype.itemsize
        assert path.read_bytes()[place:].startswith(found[item].tobytes())
    with path.open("r+b") as raw:
        raw.seek(place)
        raw.write(data)


@pytest.mark.parametrize("rounds", [0, 9, 35])
def test_a_file_that_was_not_closed_has_the_rounds_of_its_complete_blocks(tmp_path: Path, rounds: int) -> None:
    found = dumps.read_recordings(left_open(tmp_path / "h.h5", rounds))["history"]
    assert len(found) == rounds // 10 * 10
    assert_begins(found, WHOLE)


@pytest.mark.parametrize(
    ("dataset", "item", "data"),
    [
        ("recordings/history/A/offsets", 25, b"\x01"),
        ("recordings/history/marks_letters", 13, b"x"),
        ("blocks/history", 3, bytes(100)),
        ("blocks/history", 3, b"\xff" * 100),
        ("blocks/history", 3, bytes(30) + b"\x7f"),
    ],
    ids=["data", "label", "no row", "huge counts", "other digest"],
)
def test_a_damaged_last_block_is_left_out(tmp_path: Path, dataset: str, item: int, data: bytes) -> None:
    path = left_open(tmp_path / "h.h5", 35)
    overwrite(path, dataset, item, data)
    found = dumps.read_recordings(path)["history"]
    assert len(found) == 20
    assert_begins(found, WHOLE)


def test_a_damaged_block_is_named_and_the_others_can_be_read(tmp_path: Path) -> None:
    path = left_open(tmp_path / "h.h5", 45)
    overwrite(path, "recordings/history/A/offsets", 15, b"\x01")
    with pytest.raises(DumpError, match="A/offsets up to round 20 is not what was written"):
        dumps.read_recordings(path)
    with dumps.open_recordings(path) as recordings:
        assert_same(recordings["history"].winners("A", 0, 10), WHOLE.winners("A", 0, 10))
        assert_same(recordings["history"].winners("A", 30, 40), WHOLE.winners("A", 30, 40))
        with pytest.raises(DumpError, match="not what was written"):
            recordings["history"].winners("A", 5, 12)


@pytest.mark.parametrize("length", [0, 100, 512, 530, 550, 5000])
def test_an_open_file_that_was_cut_short_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """HDF5 would wait for data that a running writer might add, until its process reaches the time limit."""
    path = left_open(tmp_path / "h.h5", 35)
    monkeypatch.setattr(apart, "look", lambda *_, **__: pytest.fail("HDF5 must not read the file"))
    os.truncate(path, length)
    with pytest.raises(DumpError, match=r"h\.h5: "):
        dumps.read_recordings(path)


def test_a_file_that_was_closed_and_not_sealed_is_read(tmp_path: Path) -> None:
    """The writer was killed after it closed the file and before it sealed it."""
    path = tmp_path / "h.h5"
    with simulator() as sim:
        play(sim, [sim.record(to=path)], 30)
    seal.mark_open(path)
    found = dumps.read_recordings(path)["history"]
    assert len(found) == 30
    assert_begins(found, WHOLE)
