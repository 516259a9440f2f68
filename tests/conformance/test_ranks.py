"""One brain on several ranks gives the bits of one process, with every feature of the law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brainsim.kernels.cpu.backend import CpuBackend
from brainsim.kernels.errors import BackendUnavailableError
from brainsim.kernels.exchange import Exchange, best
from brainsim.kernels.law.selection import winners
from brainsim.kernels.outcomes import Won
from brainsim.kernels.program import AreaSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.shares import Range, ranges, ranges_of
from emulator.device import EmulatedBackend
from ranked import on_ranks, ranked
from varied import ALL, CROWDED, KINDS, SIZES, Varied, varied
from watching import difference, watched


def several_blocks(program: Program, ranks: int) -> int:
    """Return how many areas of a program all ranks share."""
    owned = [ranges(program, rank, ranks) for rank in range(ranks)]
    return sum(all(len(each[a]) for each in owned) for a in range(len(program.areas)))


def compared(inner: Any, case: Varied, ranks: int) -> list[str]:
    expected = watched(ReferenceBackend, case, Options())
    found = on_ranks(ranks, lambda comm: watched(ranked(inner, comm), case, Options(cache_mb=4)))
    return [difference(each, expected) for each in found]


QUICK = [
    ("reference", ALL, 0, 2),
    ("cpu", ALL, 0, 2),
    ("cpu", CROWDED, 1, 3),
    ("gpu", ALL, 0, 2),
    ("gpu", CROWDED, 1, 3),
]
SLOW = [
    (inner, kind, number, ranks)
    for inner in ("reference", "cpu", "gpu")
    for kind in KINDS
    for number in range(3)
    for ranks in (1, 2, 3, 4)
]
INNER = {"reference": ReferenceBackend, "cpu": CpuBackend, "gpu": EmulatedBackend}


@pytest.mark.parametrize(
    ("inner", "kind", "number", "ranks"), [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)]
)
def test_ranks_give_the_bits_of_one_process(inner: str, kind: str, number: int, ranks: int) -> None:
    case = varied(kind, number, SIZES, 7 if (inner, kind, number, ranks) in QUICK else 14)
    try:
        ranges(case.program, 0, ranks)
    except BackendUnavailableError as refusal:
        pytest.skip(str(refusal))
    assert compared(INNER[inner], case, ranks) == [""] * ranks


def test_more_ranks_than_blocks_are_refused() -> None:
    program = varied("depression", 0, SIZES).program
    message = (
        "ranks: 4 are more than the brain has blocks of .* rank 3 would own none .* 'A1' has most, 2 of 128 neurons"
    )
    with pytest.raises(BackendUnavailableError, match=message):
        ranges(program, 0, 4)


def test_ranges_of_an_area_are_those_of_each_rank_and_have_each_neuron_once() -> None:
    program = varied(ALL, 0, SIZES).program
    for area, spec in enumerate(program.areas):
        for ranks in (2, 3):
            found = ranges_of(program, area, ranks)
            assert found == [ranges(program, rank, ranks)[area] for rank in range(ranks)]
            assert np.array_equal(
                np.sort(np.concatenate([np.arange(*each) for each in ends(found)])), np.arange(spec.n)
            )


def ends(found: list[Range]) -> list[tuple[int, int]]:
    return [(each.first, each.end) for each in found]


def test_the_areas_are_shared() -> None:
    programs = [varied(kind, number, SIZES).program for kind in (ALL, CROWDED) for number in range(3)]
    assert sum(several_blocks(program, 2) for program in programs) > 5


@pytest.mark.parametrize("ranks", [3, 5])
def test_what_ranks_keep_back_is_exchanged_if_it_may_win(ranks: int) -> None:
    """Offers are right whether winners are spread over the ranks or belong to one, with many ties."""
    draw, k = np.random.default_rng(ranks), 200
    program = Program((AreaSpec("A", 5000, k, key=99),), ())
    share = [Range(1000 * rank, 1000 * rank + 1000) for rank in range(ranks)]
    for crowded in (False, True):
        drives = draw.integers(1, 40, 1000 * ranks)
        if crowded:  # all winners belong to the second rank
            drives[1000:2000] += 100
        expected = winners(drives, k, 99, 7)

        def agree(comm: Any, drives: Any = drives) -> tuple[Any, Any, int]:
            own = share[comm.rank]
            mine = drives[own.first : own.end]
            at = best(program.areas[0], 7, np.arange(own.first, own.end), mine, k)
            exchange = Exchange(program, comm, [own])
            (won,) = exchange.winners({0: Won(np.sort(at), at, mine[at])}, lambda _: 7).values()
            return won.winners.tolist(), won.drives.tolist(), exchange.traffic.nbytes

        first, *others = on_ranks(ranks, agree)
        assert all(each == first for each in others)
        assert first[0] == expected.tolist()
        assert first[1] == drives[expected].tolist()
        short = 8 * (1 + 2 * (2 * k // ranks + 32))
        assert first[2] == short + (8 * (1 + 2 * k) if crowded else 0)
