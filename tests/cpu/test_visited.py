"""Visited pairs agree with a list of all visits."""

from __future__ import annotations

import numpy as np
import pytest

from brainsim.kernels.cpu.arena import Arena
from brainsim.kernels.cpu.records import FIBER
from brainsim.kernels.cpu.row_index import RowIndex
from brainsim.kernels.cpu.visited import STEPS, VisitedPairs

N = 150  # more than there are rows at first
LARGE = 10_000  # neurons with rows, so that those of a step are few among them


def visited_pairs(rows: int) -> VisitedPairs:
    """Return the visited pairs of a fiber whose first neurons on either side have rows."""
    indices = RowIndex(max(N, rows)), RowIndex(max(N, rows))
    for index in indices:
        index.assign_rows(np.arange(rows))
    return VisitedPairs(*indices, Arena(FIBER, 1), 0)


def pairs(visited: VisitedPairs) -> np.ndarray:
    """Return for all pairs whether they have a step in common, as the kernels compare them."""
    sources, targets = visited.bits(np.arange(N), np.arange(N))
    return (sources[:, None] & targets[None]).any(axis=-1)


@pytest.mark.parametrize("rows", [0, LARGE])
@pytest.mark.parametrize("seed", range(6))
def test_only_visited_pairs_have_a_step_in_common(seed: int, rows: int) -> None:
    """Steps grow by recurring sets on either side, and there are more visits than stored steps."""
    rng, visited = np.random.default_rng(seed), visited_pairs(rows)
    sets = [np.sort(rng.choice(N, rng.integers(1, 9), replace=False)) for _ in range((5, 40, 400)[seed % 3])]
    true, found = np.zeros((N, N), bool), 0
    for number in range(STEPS + 150):
        sources, targets = sets[rng.integers(len(sets))], sets[rng.integers(len(sets))]
        visited.visit(sources, targets)
        true[np.ix_(sources, targets)] = True
        claimed = pairs(visited)
        assert not (claimed & ~true).any(), "a pair was never visited"
        assert claimed[np.ix_(sources, targets)].all(), "the last visit is remembered"
        assert np.array_equal(visited.last[0], sources)
        assert np.array_equal(visited.last[1], targets)
        if number == 20:
            found = int(claimed.sum())
    assert found > 50
    visited.clear()
    assert not pairs(visited).any()


def test_a_step_that_grew_on_one_side_does_not_grow_on_the_other() -> None:
    visited = visited_pairs(0)
    a, b, c, d = (np.arange(start, start + 5) for start in (0, 10, 20, 30))
    for sources, targets in ((a, b), (a, c), (d, b)):
        visited.visit(sources, targets)
    claimed = pairs(visited)
    assert claimed[np.ix_(a, b)].all()
    assert claimed[np.ix_(a, c)].all()
    assert claimed[np.ix_(d, b)].all()
    assert not claimed[np.ix_(d, c)].any()


def test_recurring_sets_take_no_further_steps() -> None:
    """All pairs of one set with many others stay stored, for any number of visits."""
    visited = visited_pairs(0)
    rng, same = np.random.default_rng(0), np.arange(4)
    targets = [np.sort(rng.choice(N, 3, replace=False)) for _ in range(3 * STEPS)]
    for each in targets:
        visited.visit(same, each)
    assert pairs(visited)[np.ix_(same, np.unique(np.concatenate(targets)))].all()


@pytest.mark.parametrize("rows", [0, LARGE])
def test_neurons_of_forgotten_steps_have_no_bits(rows: int) -> None:
    """The bits of a replaced step are cleared in all its neurons, also in those that were added later."""
    visited = visited_pairs(rows)
    for number in range(STEPS):
        visited.visit(np.array([number % N]), np.array([(number + number // N) % N]))
        visited.visit(np.array([number % N]), np.array([(number + 7) % N]))
    sets = [np.sort(np.random.default_rng(each).choice(N, 3, replace=False)) for each in range(STEPS)]
    for each in sets:
        visited.visit(each, each)
    true = np.zeros((N, N), bool)
    for each in sets:
        true[np.ix_(each, each)] = True
    assert np.array_equal(pairs(visited), true)
