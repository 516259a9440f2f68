"""Compilation: messages, folders of compiled kernels, and functions that Python may call."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile

from brainsim.kernels.cpu import compiling, disk, graph
from brainsim.kernels.writable import temporary_folder

ROW = """
import sys
from brainsim.kernels.cpu import compiling
from brainsim.kernels.cpu.graph import graph_arrays, row_targets
from brainsim.kernels.law.graph import Graph

compiling._SAY_AFTER = float(sys.argv[1])
print(len(row_targets(graph_arrays(Graph(1, 100, 100, 1.0, True)), 3)))
"""


def draw_a_row(cache: Path, say_after: float, script: str = ROW, **environment: str) -> str:
    """Draw a row in a new process, which compiles a kernel; return its stderr."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    command = [sys.executable, "-c", script, str(say_after)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "99\n", done.stderr
    return done.stderr


def test_long_compilation_is_announced_once_and_only_when_it_happens(tmp_path: Path) -> None:
    said = draw_a_row(tmp_path, say_after=0.01)
    assert said.startswith("brainsim: compiling kernels for the first time on this machine")
    assert said.count("\n") == 1
    assert draw_a_row(tmp_path, say_after=0.01) == ""  # loaded from disk
    assert len(list(tmp_path.glob("numba-*"))) == 1


def test_kernels_are_kept_in_a_temporary_folder_if_the_chosen_one_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = draw_a_row(tmp_path / "file", say_after=1000, TMPDIR=str(tmp_path))
    (folder,) = tmp_path.glob("brainsim-*")
    assert said == (
        f"brainsim: NUMBA_CACHE_DIR={tmp_path / 'file'} cannot be written; compiled kernels are kept in {folder} "
        "(set NUMBA_CACHE_DIR to a folder for them)\n"
    )
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.glob("numba-*/*/*.nbc"))
    assert draw_a_row(tmp_path / "file", say_after=0.01, TMPDIR=str(tmp_path)) == ""  # loaded from there


def test_kernels_are_not_kept_if_no_folder_is_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = f"import tempfile; tempfile.tempdir = {str(tmp_path / 'file')!r}\n"
    said = draw_a_row(tmp_path / "file", 1000, nowhere + ROW)
    assert said.endswith(
        "cannot be written, and there is no temporary folder; each process compiles its kernels (set NUMBA_CACHE_DIR "
        "to a folder for them)\n"
    )
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = temporary_folder()
    assert folder is not None
    assert temporary_folder() == folder
    folder.chmod(0o777)
    assert temporary_folder() is None
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert temporary_folder() is None


def double(number: int) -> int:
    return 2 * number


def kept(function: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Compile a function, or load it from a folder; return how often each happened."""
    monkeypatch.setattr(disk, "FOLDER", folder)
    kernel = compiling.compiled(function)
    assert kernel(4) == 8
    return sum(kernel.stats.cache_misses.values()), sum(kernel.stats.cache_hits.values())


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_damaged_machine_code_is_compiled_again(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(double, tmp_path, monkeypatch) == (1, 0)
    (path,) = tmp_path.rglob(f"*.{kind}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert kept(double, tmp_path, monkeypatch) == (1, 0)
    assert kept(double, tmp_path, monkeypatch) == (0, 1)  # the damaged file has been replaced


def test_on_a_full_disk_each_process_compiles_its_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def save(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "save", save)
    monkeypatch.setattr(disk._Kept, "said", False)
    for _ in range(2):
        assert kept(double, tmp_path, monkeypatch) == (1, 0)
    assert capsys.readouterr().err == (
        f"brainsim: {tmp_path} cannot be written (No space left on device); each process compiles its kernels (set "
        "NUMBA_CACHE_DIR to a folder for them)\n"
    )


def test_kernels_run_where_no_folder_can_be_made_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(function: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(disk._Kept, "__init__", lambda self, function: refuse(function))
    assert kept(double, tmp_path, monkeypatch) == (1, 0)
    assert list(tmp_path.iterdir()) == []


def test_python_cannot_call_a_part_of_a_kernel() -> None:
    counts = np.zeros(10, np.uint8)
    with pytest.raises(TypeError, match="add_row is compiled for use in kernels; Python cannot call it"):
        graph.add_row(counts, np.uint64(0), np.uint64(10), 0, np.uint8(1), None)  # type: ignore[arg-type]
