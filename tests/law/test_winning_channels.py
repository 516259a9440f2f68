"""Channels: those with the largest sums of positive drives win, and all their driven neurons fire."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.law.selection import tie_order, winners, winners_in_channels
from brainsim.kernels.law.weights import ONE


def test_the_sum_of_positive_drives_decides() -> None:
    drive = np.array([3, 3, -90, 5, 0, 0, 2, 2, 3, -1, 0, 0]) * ONE
    assert winners_in_channels(drive, 3, 3, 1, 2).tolist() == [6, 7, 8], "7 beats 6 beats 5"
    assert winners_in_channels(drive, 3, 6, 1, 2).tolist() == [0, 1, 6, 7, 8]
    assert winners_in_channels(drive, 3, 12, 1, 2).tolist() == [0, 1, 3, 6, 7, 8], "no channel wins without drive"


def test_equal_sums_are_ordered_by_a_hash_of_the_channel() -> None:
    drive = np.full(40, ONE)
    for tag in range(20):
        best = np.argsort(tie_order(5, tag, np.arange(10)))[:3]
        expected = sorted(4 * channel + each for channel in best.tolist() for each in range(4))
        assert winners_in_channels(drive, 4, 12, 5, tag).tolist() == expected


def test_channels_of_one_neuron_win_as_neurons_do() -> None:
    rng = np.random.default_rng(3)
    for tag in range(20):
        drive = rng.integers(-3, 9, 500) * ONE
        assert winners_in_channels(drive, 1, 25, 11, tag).tolist() == winners(drive, 25, 11, tag).tolist()
