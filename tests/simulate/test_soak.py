"""Simulators that are closed leave nothing behind: memory, threads and open files stay as they are."""

from __future__ import annotations

import pytest

from soak import soak


def flat(simulators: int, step: int, megabytes: float) -> None:
    rows = list(soak(simulators, step, n=2000))
    first, *later = rows[1:]  # kernels are loaded and caches filled by then
    assert later
    assert {(row.threads, row.files) for row in later} == {(first.threads, first.files)}
    assert max(row.memory for row in later) - first.memory < megabytes


def test_a_few_simulators_leave_nothing_behind() -> None:
    flat(24, 6, 5)


@pytest.mark.slow
def test_many_simulators_leave_nothing_behind() -> None:
    flat(600, 60, 10)
