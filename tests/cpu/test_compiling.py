"""Compilation: what is said when it takes long, where its results are kept, and what Python may call."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from brainsim.kernels.cpu import graph

ROW = """
import sys
from brainsim.kernels.cpu import compiling
from brainsim.kernels.cpu.graph import graph_arrays, row_targets
from brainsim.kernels.law.graph import Graph

compiling._SAY_AFTER = float(sys.argv[1])
print(len(row_targets(graph_arrays(Graph(1, 100, 100, 1.0, True)), 3)))
"""


def draw_a_row(cache: Path, say_after: float) -> str:
    """Draw a row in a new process, which compiles a kernel; return what it says on stderr."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ROW, str(say_after)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "99\n", done.stderr
    return done.stderr


def test_long_compilation_is_announced_once_and_only_when_it_happens(tmp_path: Path) -> None:
    said = draw_a_row(tmp_path, say_after=0.01)
    assert said.startswith("brainsim: compiling kernels for the first time on this machine")
    assert said.count("\n") == 1
    assert draw_a_row(tmp_path, say_after=0.01) == ""  # loaded from disk
    assert len(list(tmp_path.glob("numba-*"))) == 1


def test_short_compilation_is_not_announced_and_nothing_is_kept_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert draw_a_row(tmp_path / "file", say_after=1000) == ""


def test_python_cannot_call_a_part_of_a_kernel() -> None:
    counts = np.zeros(10, np.uint8)
    with pytest.raises(TypeError, match="add_row is compiled for use in kernels; Python cannot call it"):
        graph.add_row(counts, np.uint64(0), np.uint64(10), 0, np.uint8(1), None)  # type: ignore[arg-type]
