"""A small brain whose rounds are recorded, in memory and in files; as a script, it is a process to be killed."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from brainsim import Area, Brain, Hebbian, Simulator
from brainsim.simulate.recordings.recording import Recorded, Recording


def brain() -> Brain:
    """Return a brain in which a stimulus area drives an area, which drives another one."""
    made = Brain()
    areas = made.add(Area("S", 60, 6, {"dog": range(6), "cat": range(6, 12)}), Area("A", 200, 8), Area("B", 300, 10))
    for source, target in ((0, 1), (1, 1), (1, 2)):
        made.connect(areas[source], areas[target], p=0.2, plasticity=Hebbian(beta=0.1))
    return made


def simulator(backend: str = "reference") -> Simulator:
    """Return the brain with its stimulus presented."""
    made = brain()
    sim = Simulator(made, seed=5, backend=backend)
    sim.present(made["S"]["dog"])
    return sim


def play(
    sim: Simulator, recordings: Sequence[Recorded], rounds: int, done: Callable[[int], None] = lambda number: None
) -> None:
    """Run rounds, with a mark before every tenth."""
    for number in range(0, rounds, 10):
        for recording in recordings:
            recording.mark(f"ten {number}")  # type: ignore[attr-defined]
        sim.run(sim.brain.fibers, min(10, rounds - number))
        done(number)


def truth(rounds: int) -> Recording:
    """Return the recording of some rounds, in memory."""
    with simulator() as sim:
        recording = sim.record(drives=True)
        play(sim, [recording], rounds)
    return recording


def assert_begins(found: Recorded, whole: Recorded) -> None:
    """Check that a recording has the first rounds of another one, and their marks."""
    assert_rounds(found, whole)
    length = len(found)
    # A mark belongs to the round that follows it.
    assert [mark for mark in found.marks if mark.round < length] == [m for m in whole.marks if m.round < length]


def assert_rounds(found: Recorded, whole: Recorded) -> None:
    """Check that a recording has the first rounds of another one."""
    length = len(found)
    assert [(a.name, a.n, a.k) for a in found.areas] == [(a.name, a.n, a.k) for a in whole.areas]
    assert found.seed == whole.seed
    for area in whole.areas:
        assert_same(found.winners(area), whole.winners(area, 0, length))
        if found.has_drives:
            assert_same(found.drives(area), whole.drives(area, 0, length))


def assert_same(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> None:
    """Check that two lists hold equal arrays of equal types."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """Limit the size of each file that this process writes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


if __name__ == "__main__":
    path, every, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with simulator() as running:
        history = running.record(to=path, every=every, drives=True)
        play(running, [history], rounds, lambda number: print(number, flush=True))
