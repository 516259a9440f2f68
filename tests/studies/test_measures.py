"""Statistics over seeds, and peak memory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from brainsim.studies.info import peak_rss_mb
from brainsim.studies.statistics import interval_95


def test_interval_is_students_t() -> None:
    values = [0.9, 0.95, 0.7, 0.8]
    expected = stats.t.interval(0.95, 3, loc=0.8375, scale=stats.sem(values))
    assert interval_95(values) == pytest.approx(list(expected), abs=1e-4)
    assert interval_95(values, bounded=True) == pytest.approx([expected[0], 1.0], abs=1e-4)
    assert interval_95([1.0, 1.0, 1.0]) == [1.0, 1.0]


def test_one_seed_says_nothing_about_spread() -> None:
    assert interval_95([0.9]) is None


def test_the_peak_of_a_process_is_its_own() -> None:
    """Not that of the process which started it, as ``getrusage`` would have it."""
    code = "from brainsim.studies.info import peak_rss_mb; print(peak_rss_mb())"
    held = np.ones(40_000_000)  # 305 MiB in this process
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert peak_rss_mb() > 305
    assert 5 < float(done.stdout) < 200
    assert held.all()
