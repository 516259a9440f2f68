"""Runs that are killed at random moments are resumed to the identical result."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brainsim.studies import stopping
from checkout import ROOT
from kills import CODES, kills


@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_run_that_is_killed_is_resumed_to_the_identical_result(seed: int) -> None:
    seen = list(kills(8, seed) if seed == 0 else kills(3, seed, rounds=60))
    assert [kill.row() for kill in seen if not kill.same] == []
    for kill in seen:
        if kill.status in ("interrupted", "terminated"):
            assert kill.code == CODES[signal.Signals[kill.way.split()[0]]]


@pytest.mark.parametrize(("kept", "code"), [("", -signal.SIGINT), ("keep_exit_code(); ", 143)])
def test_an_interruption_does_not_change_the_exit_code(kept: str, code: int, tmp_path: Path) -> None:
    """CPython ends itself with SIGINT if code in ``exec`` was interrupted; ``keep_exit_code`` prevents it."""
    interrupted = "try:\n    exec('raise KeyboardInterrupt')\nexcept KeyboardInterrupt:\n    pass\n"
    end = f"import sys; from brainsim.studies.stopping import keep_exit_code\n{interrupted}{kept}sys.exit(143)"
    (tmp_path / "ends.py").write_text(end)
    done = subprocess.run(
        [sys.executable, "-m", "ends"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_c_code_swallows_is_raised_again(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """C code drops an exception of its callbacks, and Numba has such callbacks."""
    monkeypatch.setattr(stopping, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    callback = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(number))
    with pytest.raises(KeyboardInterrupt), stopping.stoppable() as stop:
        callback()
        time.sleep(10)
    assert stop.terminated == (number == signal.SIGTERM)
    time.sleep(0.2)  # no further signal is raised
