"""The search of the CPU for winners and winning channels agrees with the law, and it skips chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.channels import winners_in_channels
from brainsim.kernels.cpu.counts import CHUNK
from brainsim.kernels.cpu.drives import Search
from brainsim.kernels.cpu.records import counts_record, joined
from brainsim.kernels.cpu.scan import find_winners
from brainsim.kernels.cpu.sparse_drive import LISTED, SparseArrays
from brainsim.kernels.law.graph import mix64
from brainsim.kernels.law.selection import winners as law
from brainsim.kernels.law.selection import winners_in_channels as law_of_channels
from brainsim.kernels.law.weights import ONE, WEIGHT_BITS


class Case:
    """Counts of some fibers and learned weight at some neurons, drawn from a seed.

    The base weights of the fibers are 1, unless others are set.
    """

    def __init__(self, seed: int, n: int, fibers: int, listed: int, strength: int) -> None:
        rng = np.random.default_rng(seed)
        kinds = rng.choice(3, fibers)
        self.n = n
        self.key, self.tag = (int(number) for number in rng.integers(2**64, size=2, dtype=np.uint64))
        self.counts: list[Any] = [
            rng.poisson(rng.choice([0.01, 0.5, 5, 80]), n).astype((np.uint8, np.uint16, np.uint32)[kind])
            for kind in kinds
        ]
        self.peaks: list[Any] = [
            np.maximum.reduceat(counts, np.arange(0, n, CHUNK)).astype(np.uint32) for counts in self.counts
        ]
        self.extra = np.zeros(n, np.int64)
        self.listed = rng.choice(n, min(listed, n), replace=False)
        self.extra[self.listed] = rng.integers(-ONE, strength * ONE, len(self.listed))
        if seed % 2:  # whole weights: many ties
            self.extra = self.extra // ONE * ONE
        self.bases: list[int] = [ONE] * fibers

    def scale(self, seed: int) -> None:
        """Give the fibers other base weights, some of which inhibit."""
        rng = np.random.default_rng(seed)
        self.bases = rng.choice([-ONE, -ONE // 2, ONE, 2 * ONE, 100 * ONE, ONE // 4, 77], len(self.counts)).tolist()

    def drive(self) -> Any:
        added = [counts.astype(np.int64) * base for counts, base in zip(self.counts, self.bases, strict=True)]
        return self.extra + sum(added, np.zeros(self.n, np.int64))

    def choose(self, k: int, threads: int, channel: int = 0) -> Any:
        marked = np.zeros(self.n, np.uint8)
        marked[self.listed] = LISTED
        sparse = SparseArrays(self.extra.copy(), marked, self.listed.copy(), np.array([len(self.listed)]))
        counts = joined([counts_record(*each) for each in zip(self.counts, self.peaks, self.bases, strict=True)])
        key = np.uint64(mix64(self.key ^ self.tag))
        peak = sum(int(peaks.max()) for peaks in self.peaks)
        shift = 0 if any(base != ONE for base in self.bases) else WEIGHT_BITS
        search = Search(sparse, counts, self.n, k, key, shift)
        won = winners_in_channels(search, channel, threads) if channel else find_winners(search, peak, threads)
        assert won.ascending().tolist() == self.drive()[won.winners].tolist()
        assert not sparse.extra.any()
        assert not sparse.marked.any()
        assert sparse.size[0] == 0
        return won.winners


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("k", [1, 7, 300])
def test_winners_are_those_of_a_plain_sort(k: int, threads: int) -> None:
    for seed in range(60):
        n = (CHUNK, 3 * CHUNK + 17, 301, 20_000)[seed % 4]
        case = Case(seed, n, fibers=seed % 5, listed=(0, 5, 700)[seed % 3], strength=(1, 3, 60)[seed // 2 % 3])
        assert case.choose(k, threads).tolist() == law(case.drive(), k, case.key, case.tag).tolist(), seed


def test_chunks_that_cannot_hold_a_winner_are_not_read() -> None:
    """A wrong peak hides the winners of a chunk if and only if k listed neurons have drives above that peak."""
    case = Case(2, 3 * CHUNK, fibers=2, listed=50, strength=1000)
    case.counts[0][CHUNK + 5] += 200
    case.extra[case.listed] += 300 * ONE
    expected = case.choose(50, 1)
    case.peaks[0][1] = 0
    assert np.array_equal(case.choose(50, 1), expected)
    case.counts[0] = case.counts[0].astype(np.uint16)
    case.counts[0][CHUNK + 5] = 60_000
    assert np.array_equal(case.choose(50, 1), expected)
    case.peaks[0][1] = 60_000
    assert CHUNK + 5 in case.choose(50, 1)


def tied(chunks: int, listed: int) -> Case:
    """Return a case in which each neuron has one synapse, and the first neuron of each of ``listed`` chunks is listed."""
    case = Case(3, chunks * CHUNK, fibers=1, listed=0, strength=1)
    case.counts, case.peaks = [np.ones(case.n, np.uint8)], [np.ones(chunks, np.uint32)]
    case.listed = np.arange(listed) * CHUNK
    return case


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("listed", [0, 90])
def test_neurons_that_tie_at_the_bar_are_found_in_every_chunk(threads: int, listed: int) -> None:
    """Each chunk whose peak equals the bar is read, and no other chunk."""
    case = tied(100, listed)
    found = case.choose(90, threads)
    assert found.tolist() == law(case.drive(), 90, case.key, case.tag).tolist()
    lost = set((found // CHUNK).tolist()) - set((case.listed // CHUNK).tolist())
    assert len(set((found // CHUNK).tolist())) > 40
    case.extra[case.listed] += ONE  # so that all of them are above the bar
    chosen = case.choose(90, threads)
    assert chosen.tolist() == law(case.drive(), 90, case.key, case.tag).tolist()
    if listed:
        assert chosen.tolist() == case.listed.tolist()
    else:
        hidden = min(lost)
        case.peaks[0][hidden] = 0  # a wrong peak, with which the chunk cannot hold a winner
        assert not np.any(case.choose(90, threads) // CHUNK == hidden)


def test_drives_past_32_bits_are_compared() -> None:
    case = Case(0, 2 * CHUNK, fibers=2, listed=3, strength=1)
    case.extra[case.listed] = np.array([1, 2, 3]) << 60
    assert case.choose(3, 2).tolist() == sorted(case.listed.tolist())


@pytest.mark.parametrize("threads", [1, 5])
@pytest.mark.parametrize("k", [1, 7, 300])
def test_winners_for_base_weights_of_both_signs_are_those_of_the_law(k: int, threads: int) -> None:
    for seed in range(60):
        n = (CHUNK, 3 * CHUNK + 17, 301, 20_000)[seed % 4]
        case = Case(seed, n, fibers=1 + seed % 4, listed=(0, 5, 700)[seed % 3], strength=(1, 3, 60)[seed // 2 % 3])
        case.scale(seed)
        assert case.choose(k, threads).tolist() == law(case.drive(), k, case.key, case.tag).tolist(), seed


def test_a_fiber_that_inhibits_does_not_lower_the_bound_of_a_chunk() -> None:
    """One neuron of a chunk may be inhibited and another excited, so the peak of inhibition is not used."""
    case = Case(2, 3 * CHUNK, fibers=2, listed=50, strength=1)
    case.counts = [np.zeros(case.n, np.uint8) for _ in range(2)]
    case.counts[0][CHUNK + 5], case.counts[1][CHUNK + 6] = 3, 200
    case.peaks = [np.array([0, 3, 0], np.uint32), np.array([0, 200, 0], np.uint32)]
    case.bases = [50 * ONE, -ONE]
    case.extra[case.listed] = 2 * ONE
    assert case.choose(1, 1).tolist() == [CHUNK + 5]
    case.peaks[0][1] = 0  # a wrong peak, which shows that chunks of scaled fibers are skipped
    assert case.choose(1, 1).tolist() != [CHUNK + 5]
    case.peaks[0][1], case.extra[case.listed[0]] = 3, 151 * ONE
    assert case.choose(1, 1).tolist() == [case.listed[0]]
    case.counts[0][CHUNK + 5] = 200
    assert case.choose(1, 1).tolist() == [case.listed[0]], "3 * 50 cannot reach 151: the chunk is not read"


def test_drives_of_scaled_fibers_past_32_bits_are_compared() -> None:
    case = Case(1, 2 * CHUNK, fibers=1, listed=0, strength=1)
    case.counts, case.bases = [np.zeros(case.n, np.uint32)], [-(2**31) + 1]
    case.counts[0][[3, CHUNK + 9]] = 2**30
    case.peaks = [np.full(2, 2**30, np.uint32)]
    assert case.choose(3, 2).tolist() == []
    case.bases = [2**31 - 1]
    assert case.choose(3, 2).tolist() == [3, CHUNK + 9]


@pytest.mark.parametrize("threads", [1, 3, 5])
@pytest.mark.parametrize("size", [1, 7, 12, 1000, CHUNK + 3, 3 * CHUNK])
def test_channels_at_any_position_are_those_of_the_law(size: int, threads: int) -> None:
    for seed in range(12):
        channels = max(2, (3 * CHUNK + 17) // size)
        case = Case(seed, channels * size, fibers=seed % 4, listed=(0, 5, 700)[seed % 3], strength=(1, 60)[seed % 2])
        if seed % 3:
            case.scale(seed)
        for open_ in (1, 2, channels // 2, channels):
            found = case.choose(open_ * size, threads, size)
            assert found.tolist() == law_of_channels(case.drive(), size, open_ * size, case.key, case.tag).tolist()


@pytest.mark.parametrize("threads", [1, 4])
def test_channels_that_tie_are_ordered_by_their_numbers(threads: int) -> None:
    case = tied(3, 0)
    for size in (1, 3, 96, CHUNK // 2 * 3):
        found = case.choose(2 * size, threads, size)
        assert len(found) == 2 * size
        assert found.tolist() == law_of_channels(case.drive(), size, 2 * size, case.key, case.tag).tolist()
