"""Threads of the cpu backend: parts and their order, errors, Ctrl-C, forked processes."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from brainsim import Area, Assembly, Brain, Hebbian, Simulator
from brainsim.kernels.cpu import threads
from brainsim.kernels.cpu.threads import in_parts, use_threads

SIZES = [(1, 1), (7, 1), (1, 4), (7, 2), (1000, 3), (5, 8), (40, 9)]


@pytest.mark.parametrize(("items", "count"), SIZES)
def test_every_item_is_in_one_part_and_results_come_in_order(items: int, count: int) -> None:
    for _ in range(20):
        parts = in_parts(lambda first, end: list(range(first, end)), items, count)
        assert [item for part in parts for item in part] == list(range(items))


def test_parts_run_at_the_same_time() -> None:
    """Each part waits for the other one, so a single thread would never finish."""
    meeting = threading.Barrier(2, timeout=30)
    assert sorted(in_parts(lambda first, end: meeting.wait(), 2, 2)) == [0, 1]


def test_an_error_in_a_part_reaches_the_caller_after_all_parts() -> None:
    done = []

    def part(first: int, end: int) -> None:
        if first == 0:
            raise MemoryError("no room")
        time.sleep(0.01)
        done.append(first)

    with pytest.raises(MemoryError, match="no room"):
        in_parts(part, 8, 2)
    assert sorted(done) == list(range(1, 8))


def test_an_interruption_waits_for_all_parts() -> None:
    done = []

    def part(first: int, end: int) -> None:
        if first == 0:
            signal.raise_signal(signal.SIGINT)
        time.sleep(0.01)
        done.append(first)

    with pytest.raises(KeyboardInterrupt):
        in_parts(part, 8, 2)
    assert sorted(done) == list(range(8))
    assert in_parts(lambda first, end: end - first, 8, 2) == [1] * 8


def test_helper_threads_keep_no_references_to_arguments() -> None:
    class Item:
        alive = 0

        def __init__(self) -> None:
            Item.alive += 1

        def __del__(self) -> None:
            Item.alive -= 1

    for _ in range(200):
        in_parts(lambda first, end, item: None, 4, 3, Item())
    assert Item.alive == 0


def test_little_work_is_done_by_one_thread() -> None:
    assert use_threads(8, 0) == use_threads(8, 1000) == 1
    assert use_threads(8, 1e12) == 8
    assert 1 < use_threads(8, 1e6) < 8


def learned(count: int, rounds: int = 6) -> str:
    """Return a digest of winners and weights of a brain that is large enough for several threads."""
    brain = Brain()
    source, target = brain.add(Area("S", n=2000, k=500), Area("T", n=100_000, k=100))
    brain.connect(source, target, p=0.05, plasticity=Hebbian(0.1))
    brain.connect(target, target, p=0.05, plasticity=Hebbian(0.1))
    with Simulator(brain, seed=2, backend="cpu", threads=count) as sim:
        sim.present(Assembly("S", np.arange(500)))
        sim.run(brain.fibers, rounds=rounds)
        weights = [column for fiber in brain.fibers for column in sim.connectome(fiber).learned()]
        return sha256(b"".join(array.tobytes() for array in (sim.assembly(target).neurons, *weights))).hexdigest()


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of helpers called for each job."""
    called = []
    call = threads._Helpers.call

    def count(self: Any, job: Any, helpers: int) -> None:
        called.append(helpers)
        call(self, job, helpers)

    monkeypatch.setattr(threads._Helpers, "call", count)
    return called


def test_results_do_not_depend_on_the_number_of_threads(jobs: list[int]) -> None:
    alone = learned(1)
    assert not jobs
    for count in (2, 3, 17):
        assert learned(count) == alone
    assert {1, 2} <= set(jobs)


def test_simulators_in_several_threads_share_the_helpers() -> None:
    alone = learned(1)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(learned, [2, 3, 2, 2])) == [alone] * 4


def _learned(results: Any) -> None:
    results.put(learned(2))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_parent_and_child_continue_after_a_fork(jobs: list[int]) -> None:
    alone = learned(2)
    assert jobs
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_learned, args=(results,))
    child.start()
    assert learned(2) == alone
    child.join(60)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert results.get() == alone
