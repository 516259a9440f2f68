"""Sizes of tiles: there are enough tiles to keep a device busy, and sparse graphs have larger ones."""

from __future__ import annotations

import pytest

from brainsim.kernels.gpu.device import Description
from brainsim.kernels.gpu.tables import half_life, tile_bits
from brainsim.kernels.law.gaps import gap_table
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.program import AreaSpec, FiberSpec, Program

TURING, HOPPER = 64 << 10, 227 << 10


def _program(n: int, p: float) -> Program:
    graph = Graph(key=1, n_source=n, n_target=n, p=p, recurrent=True)
    return Program((AreaSpec("A", n, 50),), (FiberSpec("A->A", 0, 0, graph, None),))


@pytest.mark.parametrize(
    ("n", "p", "shared", "bits"),
    [
        (10**5, 0.05, HOPPER, 11),
        (10**6, 0.05, HOPPER, 12),
        (10**7, 0.05, HOPPER, 14),
        (10**7, 0.001, HOPPER, 15),
        (10**7, 0.001, TURING, 14),
    ],
)
def test_tiles_keep_a_device_busy(n: int, p: float, shared: int, bits: int) -> None:
    assert tile_bits(_program(n, p), Description("H100", 132, 80 << 30, shared)) == bits


@pytest.mark.parametrize("p", [1e-6, 0.001, 0.05, 0.5])
def test_half_of_all_gaps_are_longer_than_the_half_life(p: float) -> None:
    thresholds = gap_table(p).thresholds.astype(float) / 2.0**64
    below, length = int((thresholds < 0.5).sum()), half_life(p)
    assert below == len(thresholds) or below == pytest.approx(length, abs=1)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_gaps_of_equal_length_have_no_half_life(p: float) -> None:
    assert half_life(p) == 0
