"""Sets that differ little from counted ones: counts are looked up where they matter, and are correct there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from brainsim.kernels.cpu import counts, select
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.program import Options
from scenarios import settled, settled_reference, trace


@pytest.mark.parametrize("most_suspects", [1, 1024])
@pytest.mark.parametrize("cache_mb", [0.02, 0.2, 64])
@pytest.mark.parametrize("threads", [1, 2])
def test_looking_up_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, threads: int, cache_mb: float, most_suspects: int
) -> None:
    monkeypatch.setattr(counts, "_BLOCKS_PER_TARGET", 0)
    monkeypatch.setattr(select, "MOST_SUSPECTS", most_suspects)
    for number in range(200, 203):
        case, reference = settled_reference(number)
        assert trace(CpuBackend, case, Options(threads=threads, cache_mb=cache_mb)) == reference


def test_each_method_is_used_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above proves little if, for example, the winners are never certain."""
    taken: Counter[str] = Counter()

    def watch(name: str, way: str) -> None:
        whole = getattr(select, name)

        def counted(*arguments: Any) -> Any:
            taken[way] += 1
            return whole(*arguments)

        monkeypatch.setattr(select, name, counted)

    watch("winners_or_suspects", "searched among the listed neurons")
    watch("look_up", "looked suspects up")
    watch("draw", "drew complete counts")
    monkeypatch.setattr(counts, "_BLOCKS_PER_TARGET", 0)
    for number in range(200, 203):
        trace(CpuBackend, settled(number), Options())
    certain = taken["searched among the listed neurons"] - 2 * taken["looked suspects up"]
    assert min(certain, taken["looked suspects up"], taken["drew complete counts"]) >= 5, taken
