"""Sets that differ little from counted ones: their counts are looked up where they matter, and are right there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from brainsim.kernels.cpu import backend, counts, drive
from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.program import Options
from scenarios import settled, settled_reference, trace


class Watched(CpuBackend):
    """Counts how often the winners were certain without all counts, at once or once suspects were looked at."""

    taken: Counter[str] = Counter()

    def _select_reached(self, area: int, fibers: Any) -> Any:
        before = int(self._reached.size[0])
        looked = [len(change.difference.known_at) for _, change in self._changed(fibers)]
        winners = super()._select_reached(area, fibers)
        more = [len(change.difference.known_at) for _, change in self._changed(fibers)] != looked
        self.taken["drawn" if winners is None else "suspects" if more and before else "certain"] += 1
        return winners


@pytest.mark.parametrize("most_suspects", [1, 1024])
@pytest.mark.parametrize("cache_mb", [0.02, 0.2, 64])
@pytest.mark.parametrize("threads", [1, 2])
def test_looking_up_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, threads: int, cache_mb: float, most_suspects: int
) -> None:
    monkeypatch.setattr(counts, "_BLOCKS_PER_TARGET", 0)
    monkeypatch.setattr(backend, "MOST_SUSPECTS", most_suspects)
    for number in range(200, 203):
        case, reference = settled_reference(number)
        assert trace(Watched, case, Options(threads=threads, cache_mb=cache_mb)) == reference


def test_all_ways_were_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above proves little if, say, the winners are never certain."""
    monkeypatch.setattr(counts, "_BLOCKS_PER_TARGET", 0)
    Watched.taken.clear()
    for number in range(200, 203):
        trace(Watched, settled(number), Options())
    assert min(Watched.taken[way] for way in ("certain", "suspects", "drawn")) >= 5, Watched.taken
    assert drive.MOST_SUSPECTS == backend.MOST_SUSPECTS
