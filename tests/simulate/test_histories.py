"""Histories: recordings in files equal those in memory, while they are written and afterwards."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from brainsim import Area, Brain, BrainsimError, Simulator, dumps, plots
from brainsim.errors import DumpError, SimulationError, UnknownNameError, UnwrittenError
from brainsim.kernels.backend import Drained
from brainsim.kernels.reference import ReferenceBackend
from recorded import assert_begins, assert_rounds, assert_same, play, simulator, truth

WHOLE = truth(100)


@pytest.mark.parametrize("every", [1, 7, 1000])
def test_a_history_equals_a_recording(tmp_path: Path, backend: str, every: int) -> None:
    path = tmp_path / "h.h5"
    with simulator(backend) as sim:
        memory, history = sim.record(drives=True), sim.record(to=path, every=every, drives=True)
        play(sim, [memory, history], 33)
        for recording in (memory, history):
            recording.mark("end, with ümläut, NUL \0 and 🧠")
        assert_begins(history, memory)
        assert history.flushed == 33 // every * every
    assert history.stopped
    found = dumps.read_recordings(path)["history"]
    for recording in (history, found):
        assert_begins(recording, memory)
        assert recording.marks == memory.marks
        assert len(recording) == 33
    assert_begins(memory, WHOLE)


def test_a_history_is_read_in_slices(tmp_path: Path) -> None:
    wanted, spans = WHOLE.winners("B", 0, 50), [(3, 8), (8, 30), (44, 48), (-3, None), (-60, 4), (49, 60), (20, 9)]
    with simulator() as sim:
        history = sim.record(to=tmp_path / "h.h5", every=9, drives=True)
        play(sim, [history], 50)
        for start, stop in spans:
            assert_same(history.winners("B", start, stop), wanted[start:stop])
            assert_same(history.drives("B", start, stop), WHOLE.drives("B", 0, 50)[start:stop])
    with dumps.open_recordings(tmp_path / "h.h5") as recordings:
        stored = recordings["history"]
        for start, stop in spans:
            assert_same(stored.winners("B", start, stop), wanted[start:stop])
        assert stored.support("B") == history.support("B") == len(np.unique(np.concatenate(wanted)))
        assert_same(WHOLE.winners("B", 5, -40), WHOLE.winners("B")[5:-40])


def test_a_long_run_drains_its_rounds_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: at most one block of rounds is kept in memory, however long the run is."""
    drained_rounds = watch(monkeypatch)
    with simulator() as sim:
        sim.record("A", to=tmp_path / "h.h5", every=10)
        slower = sim.record("A", to=tmp_path / "slower.h5", every=25)
        sim.run(sim.brain.fibers, 95)
        assert slower.flushed == 75
    assert max(drained_rounds) == 10
    assert sum(drained_rounds) == 95


def test_without_a_history_all_rounds_are_drained_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    drained_rounds = watch(monkeypatch)
    with simulator() as sim:
        sim.record("A")
        sim.run(sim.brain.fibers, 95)
    assert drained_rounds == [95]


def watch(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which each call of ``drain`` appends the number of rounds that it returns."""
    drained_rounds: list[int] = []
    drain = ReferenceBackend.drain

    def watched(backend: ReferenceBackend) -> Drained:
        drained = drain(backend)
        drained_rounds.append(len(drained.recorded))
        return drained

    monkeypatch.setattr(ReferenceBackend, "drain", watched)
    return drained_rounds


def test_a_history_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    with simulator() as sim:
        memory, history = sim.record(), sim.record(to=path, every=10)
        play(sim, [memory, history], 30)
        with dumps.open_recordings(path) as recordings:
            live = recordings["history"]
            lengths = [len(live)]
            for rounds in (5, 10, 30):
                play(sim, [memory, history], rounds)
                live.refresh()
                lengths.append(len(live))
                assert_begins(live, memory)
        assert_begins(dumps.read_recordings(path)["history"], memory)
    assert lengths == [30, 30, 40, 70]


def test_h5py_can_read_a_history_without_brainsim(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    with simulator() as sim:
        play(sim, [sim.record("A", to=path, every=10)], 25)
        with h5py.File(path, "r", swmr=True) as file:
            assert len(file["recordings/history/A/offsets"]) == 21
    with h5py.File(path) as file:
        group = file["recordings/history/A"]
        offsets, neurons = group["offsets"][:], group["neurons"][:]
        assert (group.attrs["n"], group.attrs["k"], file["recordings/history"].attrs["seed"]) == (200, 8, 5)
        assert file["blocks/history"]["rounds"].tolist() == [0, 10, 20, 25]
    assert_same([neurons[offsets[t] : offsets[t + 1]] for t in range(25)], WHOLE.winners("A", 0, 25))


def test_a_history_in_a_probe_ends_with_it(tmp_path: Path) -> None:
    with simulator() as sim:
        outside = sim.record(to=tmp_path / "outside.h5")
        with sim.frozen():
            inside = sim.record(to=tmp_path / "inside.h5")
            sim.run(sim.brain.fibers, 3)
        assert (len(inside), inside.stopped, len(outside), outside.stopped) == (3, True, 0, False)
        sim.run(sim.brain.fibers, 2)
    assert len(dumps.read_recordings(tmp_path / "inside.h5")["history"]) == 3
    assert len(dumps.read_recordings(tmp_path / "outside.h5")["history"]) == 2


def test_missing_drives_unknown_areas_and_stopped_histories_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    with simulator() as sim:
        history = sim.record("A", to=path)
        play(sim, [history], 4)
        with pytest.raises(SimulationError, match="has no drives"):
            history.drives("A")
        with pytest.raises(UnknownNameError, match="did you mean 'A'"):
            history.winners("AA")
        history.stop()
        history.stop()
        for call in (lambda: history.mark("late"), lambda: history.append({"A": np.arange(3)})):
            with pytest.raises(SimulationError, match="has been stopped"):
                call()
        play(sim, [], 4)
        assert len(history) == 4
    with pytest.raises(SimulationError, match="is closed"):
        sim.record(to=tmp_path / "other.h5")
    assert not (tmp_path / "other.h5").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": ""}, "not empty"),
        ({"to": 3}, "must be the path of a file"),
        ({"to": b"x"}, "must be the path of a file"),
        ({"to": "."}, "directory"),
        ({"to": "nowhere/h.h5"}, "nowhere/h.h5: cannot be written"),
        ({"to": "nul\0.h5"}, "cannot be written"),
        ({"to": "old.h5"}, r"old.h5: exists already; .*overwrite=True"),
        ({"to": "h.h5", "every": 0}, "every: must be an integer of at least 1"),
        ({"to": "h.h5", "every": 1.5}, "every: must be an integer"),
        ({"to": "h.h5", "every": "2"}, "every: must be an integer"),
        ({"to": "h.h5", "overwrite": "no"}, "overwrite: must be True or False"),
        ({"to": "h.h5", "drives": 1}, "drives: must be True or False"),
        ({"every": 5}, "give to="),
        ({"overwrite": True}, "give to="),
    ],
)
def test_bad_options_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.h5").write_text("old")
    with simulator() as sim:
        with pytest.raises(BrainsimError, match=message):
            sim.record(**options)
        play(sim, [], 2)
    assert [each.name for each in tmp_path.iterdir()] == ["old.h5"]
    assert Path("old.h5").read_text() == "old"


def test_a_file_can_be_replaced_only_after_its_history_stopped(tmp_path: Path) -> None:
    path = tmp_path / "h.h5"
    with simulator() as sim:
        first = sim.record("A", to=path)
        with pytest.raises(DumpError, match="exists already"):
            sim.record("B", to=path)
        with pytest.raises(DumpError, match="is being written"):
            sim.record("B", to=path, overwrite=True)
        with pytest.raises(DumpError, match="is being written"):
            sim.save(path)
        with pytest.raises(DumpError, match="is being written"):
            dumps.write_assemblies(path, [])
        play(sim, [first], 5)
        first.stop()
        second = sim.record("B", to=path, overwrite=True)
        play(sim, [second], 3)
    (found,) = dumps.read_recordings(path).values()
    assert (len(found), [area.name for area in found.areas]) == (3, ["B"])


@pytest.mark.parametrize("remove", [Path.unlink, lambda path: Path(shutil.copy(path, f"{path}-")).rename(path)])
def test_stopping_a_history_whose_file_was_deleted_or_replaced_is_an_error(
    tmp_path: Path, remove: Callable[[Path], object]
) -> None:
    path = tmp_path / "h.h5"
    with simulator() as sim:
        history = sim.record("A", to=path)
        play(sim, [history], 5)
        remove(path)
        with pytest.raises(UnwrittenError, match=r"^\S+h\.h5: was deleted or replaced .* its rounds are lost"):
            history.stop()
        assert history.stopped


def test_a_garbage_collected_history_without_its_file_prints_one_line(tmp_path: Path, capsys: Any) -> None:
    sim = simulator()
    sim.record(to=tmp_path / "h.h5")
    (tmp_path / "h.h5").unlink()
    del sim
    gc.collect()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"brainsim: {tmp_path / 'h.h5'}: was deleted or replaced while")


def test_an_area_with_the_name_of_a_dataset_is_refused(tmp_path: Path) -> None:
    named = Brain()
    named.add(Area("marks_round", 10, 2))
    sim = Simulator(named, 1, backend="reference")
    with pytest.raises(DumpError, match="rename the area"):
        sim.record(to=tmp_path / "h.h5")


def test_a_garbage_collected_simulator_leaves_a_complete_file(tmp_path: Path) -> None:
    sim = simulator()
    sim.record(to=tmp_path / "h.h5")
    sim.run(sim.brain.fibers, 5)
    del sim
    gc.collect()
    assert (tmp_path / "h.h5").read_bytes().startswith(b"brainsim seal 1\n")
    assert_rounds(dumps.read_recordings(tmp_path / "h.h5")["history"], WHOLE)


def test_a_block_that_ends_with_an_error_leaves_a_complete_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), simulator() as sim:
        sim.record(to=tmp_path / "h.h5")
        sim.run(sim.brain.fibers, 5)
        1 / 0  # noqa: B018
    assert len(dumps.read_recordings(tmp_path / "h.h5")["history"]) == 5


def test_an_error_inside_the_reading_block_is_not_reported_as_damage(tmp_path: Path) -> None:
    with simulator() as sim:
        sim.record(to=tmp_path / "h.h5")
    with pytest.raises(KeyError, match="mine"), dumps.open_recordings(tmp_path / "h.h5"):
        raise KeyError("mine")


def test_a_history_continues_after_a_state_is_loaded(tmp_path: Path) -> None:
    with simulator() as sim:
        history = sim.record(to=tmp_path / "h.h5", every=3)
        sim.run(sim.brain.fibers, 4)
        sim.save(tmp_path / "state.h5")
        sim.run(sim.brain.fibers, 4)
        sim.load(tmp_path / "state.h5")
        sim.run(sim.brain.fibers, 4)
        assert_same(history.winners("B", 4, 8), history.winners("B", 8, 12))


def test_recordings_written_as_a_dump_keep_the_seed(tmp_path: Path) -> None:
    with simulator() as sim:
        history = sim.record("A", to=tmp_path / "h.h5")
        sim.run(sim.brain.fibers, 4)
        dumps.write_assemblies(tmp_path / "dump.h5", [], {"memory": WHOLE, "file": history})
    found = dumps.read_recordings(tmp_path / "dump.h5")
    assert (found["memory"].seed, found["file"].seed, len(found["file"])) == (5, 5, 4)
    assert_begins(found["memory"], WHOLE)


def test_a_history_is_drawn_as_a_recording_is(tmp_path: Path) -> None:
    with simulator() as sim:
        memory, history = sim.record(), sim.record(to=tmp_path / "h.h5", every=10)
        play(sim, [memory, history], 15)
        drawn = [plots.raster(each) for each in (memory, history)]
    texts = [[text.get_text() for text in ax.get_yticklabels() + ax.texts] for ax in drawn]
    assert texts[0] == texts[1]
    assert [len(ax.lines) for ax in drawn] == [len(drawn[0].lines)] * 2


@pytest.mark.parametrize("wrong", [None, 3, b"A", object(), ["A"]], ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize("kind", ["memory", "file"])
def test_invalid_arguments_are_refused(tmp_path: Path, kind: str, wrong: Any) -> None:
    with simulator() as sim:
        recording = sim.record(drives=True, **({"to": tmp_path / "h.h5"} if kind == "file" else {}))
        play(sim, [recording], 3)
        for call in (recording.winners, recording.drives, recording.support, recording.append):
            with pytest.raises(BrainsimError):
                call(wrong)
        for start, stop in (("0", 2), (0, 1.5), ([0], 1)):
            with pytest.raises(BrainsimError, match="must be an integer"):
                recording.winners("A", start, stop)  # type: ignore[arg-type]
        assert len(recording) == 3
        assert len(recording.winners("A", np.int64(1), 3)) == 2
