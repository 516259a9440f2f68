"""Statistics over seeds, and peak memory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from brainsim.errors import DeclarationError
from brainsim.studies.info import peak_rss_mb
from brainsim.studies.statistics import crossing, exponent, interval_95


def test_the_interval_is_that_of_students_t() -> None:
    values = [0.9, 0.95, 0.7, 0.8]
    expected = stats.t.interval(0.95, 3, loc=0.8375, scale=stats.sem(values))
    assert interval_95(values) == pytest.approx(list(expected), abs=1e-4)
    assert interval_95(values, bounded=True) == pytest.approx([expected[0], 1.0], abs=1e-4)
    assert interval_95([1.0, 1.0, 1.0]) == [1.0, 1.0]


def test_one_seed_gives_no_interval() -> None:
    assert interval_95([0.9]) is None


def test_a_curve_crosses_a_level_between_its_points() -> None:
    recall = {400: 0.7, 100: 1.0, 200: 0.95}
    assert crossing(recall, 0.9) == pytest.approx(240.0)
    assert crossing(recall, 0.95) == pytest.approx(200.0), "falls below after the point that reaches it"
    assert crossing({**recall, 800: 0.95, 900: 0.2}, 0.9) == pytest.approx(240.0), "the first crossing"
    assert crossing(recall, 0.6) is None
    assert crossing({100: 0.5, 200: 0.4}, 0.9) == 100.0
    assert crossing({}, 0.9) is None


def test_the_exponent_of_a_power_law_is_fitted() -> None:
    assert exponent({each: 7.0 * each**1.5 for each in (10, 20, 500)}) == pytest.approx(1.5)
    assert exponent({10: 3.0, 1000: 3.0}) == pytest.approx(0.0)
    assert exponent({10: 3.0}) is None
    with pytest.raises(DeclarationError, match=r"exponent\.curve: must be positive numbers"):
        exponent({10: 0.0, 20: 1.0})


def test_the_peak_memory_is_that_of_the_process_itself() -> None:
    """``getrusage`` would return at least the peak of the parent process."""
    code = "from brainsim.studies.info import peak_rss_mb; print(peak_rss_mb())"
    held = np.ones(40_000_000)  # 305 MiB in this process
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert peak_rss_mb() > 305
    assert 5 < float(done.stdout) < 200
    assert held.all()
