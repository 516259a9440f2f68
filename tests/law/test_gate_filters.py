"""Gates by channels: which firing neurons pass."""

from __future__ import annotations

import numpy as np
import pytest

from brainsim.kernels.parts import ChannelGate


@pytest.mark.parametrize("seed", range(20))
def test_a_neuron_passes_if_its_channel_is_open(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(30):
        channels, size, width = (int(rng.integers(1, most)) for most in (30, 5, 6))
        firing = np.flatnonzero(rng.random(channels * width) < rng.random())
        gating = np.flatnonzero(rng.random(channels * size) < rng.random() ** 3)
        passing = ChannelGate(0, size, width).passing(firing, gating)
        open_channels = {neuron // size for neuron in gating.tolist()}
        assert passing.tolist() == [neuron for neuron in firing.tolist() if neuron // width in open_channels]
        assert passing.dtype == np.int64
