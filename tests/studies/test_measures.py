"""Statistics over seeds, and peak memory."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import stats

from brainsim.cli.summary import summary
from brainsim.errors import DeclarationError
from brainsim.studies.info import peak_rss_mb
from brainsim.studies.reporting.grouped import curves, scores
from brainsim.studies.statistics import CORRELATION, COUNT, crossing, exponent, interval_95


def test_the_interval_is_that_of_students_t() -> None:
    values = [0.9, 0.95, 0.7, 0.8]
    expected = stats.t.interval(0.95, 3, loc=0.8375, scale=stats.sem(values))
    assert interval_95(values) == pytest.approx(list(expected), abs=1e-4)
    assert interval_95(values, bounded=True) == pytest.approx([expected[0], 1.0], abs=1e-4)
    assert interval_95([1.0, 1.0, 1.0]) == [1.0, 1.0]


def test_an_interval_stays_in_the_possible_range() -> None:
    assert interval_95([0.9, 1.0]) == [0.3147, 1.5853], "with two seeds, the interval exceeds the range of a share"
    assert interval_95([0.9, 1.0], bounded=True) == [0.3147, 1.0]
    assert interval_95([0.0, 0.1], bounded=True) == [0.0, 0.6853]
    assert interval_95([125, 175], bounded=COUNT) == [0.0, 467.6551]
    assert interval_95([0.9, 0.7], bounded=CORRELATION) == [-0.4706, 1.0]
    assert interval_95([3.0, 4.0], bounded=(3.0, None)) == [3.0, 9.8531]
    assert all(isinstance(end, float) for end in interval_95([0.2, 0.4], bounded=(0, 1)) or ())
    values = [0.4, 0.5, 0.6]
    assert interval_95(values, bounded=True) == interval_95(values), "an interval inside the range is unchanged"
    assert interval_95([0.1 + 0.2, 1.0 + 1e-12], bounded=True) is not None, "sums of fractions are rounded"


@pytest.mark.parametrize(("bounded", "values"), [(True, [0.5, 1.2]), (COUNT, [-1.0, 3.0]), ((5.0, 2.0), [3.0, 4.0])])
def test_values_outside_their_range_are_refused(bounded: Any, values: list[float]) -> None:
    with pytest.raises(DeclarationError, match=r"interval_95\.values: must be from .* give the possible range"):
        interval_95(values, bounded=bounded)


def test_a_page_and_the_terminal_keep_intervals_in_the_range_that_metrics_declare() -> None:
    by_seed = {"hits": [0.9, 1.0], "steps": [0, 40], "gain": [0.0, 0.1], "load_seconds": [2.0, 9.0]}
    metrics = {
        "seed": 1,
        "steps": 20.0,
        "by_seed": by_seed,
        "controls": {"beta_zero": {"by_seed": {"gain": [-0.1, 0.1]}}},
        "ranges": {"steps": [0, 50]},
        "intervals_95": {"steps": [-234.1, 274.1]},
    }
    shown = {test: each["trained"].interval for test, each in scores(metrics).items()}
    assert shown["hits"] == (0.3147, 1.0), "all values lie in [0, 1]"
    assert shown["steps"] == (0.0, 50.0), "declared"
    assert shown["gain"] == (-0.5853, 0.6853), "a control is negative, so that it is no fraction"
    assert shown["load_seconds"] == (0.0, 49.9717), "a time"
    assert "20 [0, 50]" in summary(metrics)
    metrics["ranges"] = {"steps": [0, 30]}
    assert scores(metrics)["steps"]["trained"].interval == (-234.1241, 274.1241), "a wrong range is not used"
    for malformed in ("range", [0], ["low", None], {"least": 0}):
        metrics["ranges"] = {"steps": malformed}
        assert scores(metrics)["steps"]["trained"].interval == (-234.1241, 274.1241), "as without a range"
        assert "20 [-234.1, 274.1]" in summary(metrics)
    metrics["curve"] = {"trained": [[{"steps": 1, "hits": 0.9}], [{"steps": 1, "hits": 1.0}]]}
    assert curves(metrics)["hits"]["trained"][1].interval == (0.3147, 1.0)


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


def test_the_terminal_shows_the_scores_of_controls_beside_those_of_the_study() -> None:
    controls = {"beta_zero": {"hits": 0.25, "steps": 3.0, "by_load": {"100": 0.1}}, "untrained": {"hits": 0.5}}
    metrics = {"hits": 1.0, "steps": None, "only": {"steps": 2}, "controls": controls}
    assert summary(metrics).splitlines() == [
        "hits               1; controls: beta_zero 0.25, untrained 0.5",
        "steps              none; controls: beta_zero 3",
        "only               steps 2",
        "control beta_zero  by_load: 100 0.1",
    ]
