"""Statistics over seeds."""

from __future__ import annotations

import pytest
from scipy import stats

from brainsim.measures import interval_95


def test_interval_is_students_t() -> None:
    values = [0.9, 0.95, 0.7, 0.8]
    expected = stats.t.interval(0.95, 3, loc=0.8375, scale=stats.sem(values))
    assert interval_95(values) == pytest.approx(list(expected), abs=1e-4)
    assert interval_95(values, bounded=True) == pytest.approx([expected[0], 1.0], abs=1e-4)
    assert interval_95([1.0, 1.0, 1.0]) == [1.0, 1.0]


def test_one_seed_says_nothing_about_spread() -> None:
    assert interval_95([0.9]) is None
