"""The sparse drive: corrections, thresholds and clearing."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.cpu.records import counts_record, joined, patch_of, patched
from brainsim.kernels.cpu.sparse_drive import LISTED, SUSPECT, SparseDrive
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.state import Thresholds


def test_corrections_change_only_neurons_with_the_given_mark() -> None:
    gains, losses = np.array([1, 2, 2, 5]), np.array([2, 3])
    counts, peaks = np.zeros(8, np.uint8), np.zeros(1, np.uint32)
    records = joined([patched(counts_record(counts, peaks), patch_of(gains, losses)), counts_record(counts, peaks)])
    sparse = SparseDrive(8)
    sparse.subtract(Thresholds(np.array([1]), np.array([0])))
    sparse.add_suspects(np.array([2, 3, 7]))
    sparse.correct(records, SUSPECT)
    assert (sparse.arrays.extra // ONE).tolist() == [0, 0, 1, -1, 0, 0, 0, 0]
    sparse.correct(records, LISTED)
    assert (sparse.arrays.extra // ONE).tolist() == [0, 1, 1, -1, 0, 0, 0, 0]
    assert sparse.listed().tolist() == [1, 2, 3, 7]
    sparse.clear()
    assert not sparse.arrays.extra.any()
    assert not sparse.arrays.marked.any()
    assert sparse.size == 0


def test_thresholds_are_subtracted_and_listed_once() -> None:
    sparse = SparseDrive(5)
    for _ in range(2):
        sparse.subtract(Thresholds(np.array([0, 4]), np.array([3, -2])))
    assert sparse.arrays.extra.tolist() == [-6, 0, 0, 0, 4]
    assert sparse.listed().tolist() == [0, 4]
