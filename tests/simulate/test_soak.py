"""Closed simulators release their memory, threads and files."""

from __future__ import annotations

import pytest

from soak import soak


def assert_constant_use(simulators: int, step: int, megabytes: float) -> None:
    rows = list(soak(simulators, step, n=2000))
    first, *later = rows[1:]  # kernels are loaded and caches filled by then
    assert later
    assert {(row.threads, row.files) for row in later} == {(first.threads, first.files)}
    assert max(row.memory for row in later) - first.memory < megabytes


def test_a_few_closed_simulators_release_their_resources() -> None:
    assert_constant_use(24, 6, 5)


@pytest.mark.slow
def test_many_closed_simulators_release_their_resources() -> None:
    assert_constant_use(600, 60, 10)
