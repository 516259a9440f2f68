"""The emulator: it runs correct kernels, and detects faults that a GPU would not report."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from emulator import planted, sanitized
from emulator.build import build
from emulator.device import EmulatorError, emulate, emulated, load
from scenarios import named, trace
from watching import against_the_reference

SEEDS = range(6)
SHIPPED = [pytest.param("mixed", 1, marks=pytest.mark.slow), ("mixed", 3), ("excitable", 304)]
OTHERS = [("depression", 1), ("traces", 0), ("channels", 2), ("topography", 1), ("all", 0)]
VARIED = [("gates", 0), *(pytest.param(*case, marks=pytest.mark.slow) for case in OTHERS)]


def outcome(kernel: str, *, races: bool = False, **options: Any) -> list[int]:
    """Run a planted kernel with 64 threads and return its output of 64 numbers, which are 0 before."""
    library, out = load(build(planted.source(), races=races)), np.zeros(64, np.uint32)
    emulate(library, kernel, 1, planted.arguments(out, 64), threads=64, shared=256, **options)
    return out.tolist()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("missing_barrier", [63 - i for i in range(64)]),
        ("scratch_used_again_too_early", [63 - i for i in range(64)]),
        ("missing_warp_barrier", [i ^ 1 for i in range(64)]),
        ("not_atomic", [64, *[0] * 63]),
    ],
    ids=["barrier", "scratch", "warp barrier", "atomic"],
)
def test_races_give_wrong_results_in_a_random_order(kind: str, expected: list[int]) -> None:
    right = [outcome(f"{kind}_fine", seed=seed) for seed in SEEDS]
    wrong = [outcome(f"{kind}_faulty", seed=seed) for seed in SEEDS]
    assert right == [expected] * len(SEEDS)
    assert all(found != expected for found in wrong)


class TestRaces:
    """Unordered accesses are found in every order of execution."""

    @pytest.mark.parametrize(
        "kind", ["missing_barrier", "scratch_used_again_too_early", "missing_warp_barrier", "not_atomic"]
    )
    @pytest.mark.parametrize("seed", [-1, 4])
    def test_planted_races_are_found(self, kind: str, seed: int) -> None:
        outcome(f"{kind}_fine", races=True, seed=seed)
        with pytest.raises(EmulatorError, match=r"a race: .* nothing to order them"):
            outcome(f"{kind}_faulty", races=True, seed=seed)

    @pytest.mark.parametrize(("kind", "number"), SHIPPED)
    def test_kernels_of_the_backend_have_no_races(self, kind: str, number: int) -> None:
        case = named(kind, number)
        assert trace(emulated(races=True), case, Options()) == trace(ReferenceBackend, case, Options())

    @pytest.mark.parametrize(("kind", "number"), VARIED)
    def test_kernels_for_other_kinds_of_learning_have_no_races(self, kind: str, number: int) -> None:
        assert not against_the_reference(emulated(races=True), kind, number)


@pytest.mark.parametrize("kind", ["unwritten_shared", "unwritten_dynamic"], ids=["static", "dynamic"])
def test_reading_unwritten_memory_returns_the_poison(kind: str) -> None:
    right = [outcome(f"{kind}_fine", poison=poison) for poison in (0xA5, 0xFF)]
    assert right == [[3] * 64] * 2
    assert outcome(f"{kind}_faulty", poison=0xA5)[5] == 0xA5A5A5A5
    assert outcome(f"{kind}_faulty", poison=0xFF)[5] == 0xFFFFFFFF


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("barrier_not_reached_by_all", "a barrier is not reached by all threads of the block: 17 wait, 47 have"),
        ("shuffle_without_all", "a warp operation waits for a lane that has ended"),
        ("different_warp_operations", "different warp operations"),
    ],
    ids=["barrier", "shuffle", "operations"],
)
@pytest.mark.parametrize("seed", [-1, 4])
def test_undefined_behaviour_is_refused(kind: str, complaint: str, seed: int) -> None:
    outcome(f"{kind}_fine", seed=seed)
    with pytest.raises(EmulatorError, match=complaint):
        outcome(f"{kind}_faulty", seed=seed)
    outcome(f"{kind}_fine", seed=seed)  # a failure does not affect later launches


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++, which reports where its address sanitizer is")
class TestAddresses:
    """Accesses past the end of an array are caught."""

    @pytest.mark.parametrize("name", ["out_of_bounds", "out_of_shared_bounds"])
    def test_a_planted_write_past_the_end_is_caught(self, name: str) -> None:
        fine, faulty = sanitized.run(f"{name}_fine"), sanitized.run(f"{name}_faulty")
        assert fine.returncode == 0, fine.stderr
        assert faulty.returncode != 0
        assert "AddressSanitizer: heap-buffer-overflow" in faulty.stderr

    @pytest.mark.parametrize(("kind", "number"), [*SHIPPED, *VARIED])
    def test_kernels_of_the_backend_stay_inside_their_arrays(self, kind: str, number: int) -> None:
        done = sanitized.run("shipped", kind, str(number))
        assert done.returncode == 0, done.stderr
