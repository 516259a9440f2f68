"""A full disk: a save or a run fails, but the simulator, earlier files and finished parts stay intact."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, dumps
from brainsim.cli.main import main
from brainsim.errors import BrainsimError, DumpError, RunFolderError, UnwrittenError
from brainsim.studies.folders import write_json
from full_disk import STUDY, can_mount, disk, full_disks, is_whole, make_room
from kills import left
from recorded import files_at_most

pytest.importorskip("resource", reason="this system has no limits of files")


def brain_of() -> Brain:
    brain = Brain()
    source, target = brain.add(Area("S", 200, 50), Area("T", 2000, 50))
    brain.connect(source, target, 0.3, Hebbian(0.1))
    brain.connect(target, target, 0.1, Hebbian(0.1))
    return brain


def test_a_simulator_continues_after_a_failed_save(tmp_path: Path) -> None:
    brain, path = brain_of(), tmp_path / "state.h5"
    with Simulator(brain, 3, backend="reference") as sim:
        sim.present(Assembly("S", np.arange(50)))
        sim.run(brain.fibers, 3)
        sim.save(path, "before")
        before = path.read_bytes()
        for size in (*range(0, len(before), len(before) // 12), len(before) - 1):
            with files_at_most(size), pytest.raises(UnwrittenError, match=r"state.h5: cannot be written \(File too"):
                sim.save(path, "after!")
            assert path.read_bytes() == before
            assert [each.name for each in tmp_path.iterdir()] == ["state.h5"]
        with files_at_most(len(before)):
            sim.save(path, "after!")
        assert sim.load(path) == "after!"
        sim.run(brain.fibers, 2)
        after = sim.assembly("T")
    with Simulator(brain, 3, backend="reference") as sim:
        sim.present(Assembly("S", np.arange(50)))
        sim.run(brain.fibers, 5)
        assert sim.assembly("T") == after


def test_a_file_that_cannot_be_written_whole_is_removed(tmp_path: Path) -> None:
    assemblies = [Assembly("T", np.arange(1000), str(number)) for number in range(20)]
    for size in (0, 600, 5000, 100_000):
        with files_at_most(size):
            with pytest.raises(DumpError, match=r"cannot be written \(File too large\)"):
                dumps.write_assemblies(tmp_path / "dump.h5", assemblies)
            with pytest.raises(RunFolderError, match=r"m.json: cannot be written \(File too large\)"):
                write_json(tmp_path / "m.json", {"numbers": list(range(50_000))})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not can_mount(), reason="mounting a small disk needs root")
def test_a_save_to_a_full_disk_keeps_earlier_files(tmp_path: Path) -> None:
    brain = brain_of()
    with disk(400 * 1024) as small, Simulator(brain, 3, backend="reference") as sim:
        sim.present(Assembly("S", np.arange(50)))
        sim.run(brain.fibers, 3)
        saved: list[Path] = []
        with pytest.raises(DumpError, match="No space left on device"):
            for number in range(100):
                sim.save(small / f"{number}.h5", str(number))
                saved.append(small / f"{number}.h5")
        assert saved
        assert sorted(small.iterdir()) == sorted(saved)
        assert sim.load(saved[-1]) == str(len(saved) - 1)
        make_room(small)
        sim.save(small / "last.h5", "last")
        assert sim.load(small / "last.h5") == "last"


def study(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """Run the study as the command does, in this process; return the exit code."""
    command = ["brainsim", "run", *options, "--jobs", "1", "--out", str(folder), "--backend", "reference"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_run_ends_with_one_line_and_continues_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [str(STUDY), "--set", "n=400", "--set", "rounds=20"]
    assert study(tmp_path / "whole", monkeypatch, *small) == 0
    expected = left(tmp_path / "whole")
    sizes = sorted({path.stat().st_size for path in (tmp_path / "whole").rglob("*") if path.is_file()} - {0})
    capsys.readouterr()
    for number, size in enumerate((sizes[0] - 1, sizes[len(sizes) // 2], sizes[-1] - 1)):
        folder = tmp_path / str(number)
        with files_at_most(size):
            assert study(folder, monkeypatch, *small) == 1
        lines = capsys.readouterr().err.splitlines()
        assert [line[:10] for line in lines] == ["brainsim: "], lines
        assert is_whole(folder)
        again = ["--resume"] if (folder / "run.json").exists() else small
        assert study(folder, monkeypatch, *again) == 0
        capsys.readouterr()
        assert left(folder) == expected
        assert json.loads((folder / "run.json").read_text())["status"] == "finished"


@pytest.mark.slow
def test_a_run_resumes_wherever_the_disk_was_full() -> None:
    assert [full.row() for full in full_disks(6, mount=can_mount()) if not full.right()] == []


def test_writing_through_a_symbolic_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.h5").symlink_to(tmp_path / "there" / "dump.h5")
    for label in ("first", "second"):
        dumps.write_assemblies(tmp_path / "link.h5", [Assembly("T", [1], label)])
        assert (tmp_path / "link.h5").is_symlink()
        assert list(dumps.read_assemblies(tmp_path / "there" / "dump.h5")["T"]) == [label]
    assert [each.name for each in (tmp_path / "there").iterdir()] == ["dump.h5"]


def _unwritable(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "circle.h5").symlink_to(tmp_path / "circle.h5")
    os.mkfifo(tmp_path / "pipe.h5")
    (tmp_path / "file").write_text("")
    names = {
        "missing folder": "none/x.h5",
        "folder": ".",
        "circle": "circle.h5",
        "pipe": "pipe.h5",
        "file": "file/x.h5",
    }
    return {
        **{name: tmp_path / path for name, path in names.items()},
        "device": "/dev/full",
        "long": tmp_path / ("x" * 300),
    }


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    for place in _unwritable(tmp_path).values():
        kept = sorted(each.name for each in tmp_path.iterdir())
        with pytest.raises(DumpError, match="cannot be written"):
            dumps.write_assemblies(place, [])
        with pytest.raises(DumpError, match="cannot be read"):
            dumps.read_assemblies(place)
        assert sorted(each.name for each in tmp_path.iterdir()) == kept


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DumpError, match="Permission denied"):
        dumps.write_assemblies(tmp_path / "x.h5", [])
    tmp_path.chmod(0o700)


def test_an_unwritten_file_is_an_error_of_each_kind() -> None:
    kinds = (BrainsimError, OSError, ValueError, DumpError, RunFolderError)
    assert all(issubclass(UnwrittenError, kind) for kind in kinds)
    assert isinstance(UnwrittenError("x"), OSError)
    assert str(UnwrittenError("x: full")) == str(pickle.loads(pickle.dumps(UnwrittenError("x: full")))) == "x: full"
