"""The memory of a brain that has learned its words no longer grows while it hears more sentences."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brainsim import Simulator
from hearing import Listener, lexical_brain

STATM = Path("/proc/self/statm")
# The allocator alone adds up to 0.2 MiB in 16 000 sentences; this limit is 66 bytes for each of them.
SLACK = 1 << 20

needs_proc = pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from /proc, which is absent")


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the process, bytes that the simulator reports, and its learned synapses."""

    resident: int
    reported: int
    synapses: int


def resident() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grown(before: Memory, after: Memory, learning: float = 0.01) -> list[str]:
    """Return the measures that have grown; ``learning`` is the fraction of synapses that may be new."""
    slack = {"resident": SLACK, "reported": SLACK // 16, "synapses": learning * before.synapses}
    return [name for name, most in slack.items() if getattr(after, name) - getattr(before, name) > most]


def hear(noise: int, cache_mb: float, stops: Sequence[int], kept_per_sentence: int = 0) -> list[Memory]:
    """Return the memory of a listener, alone in this process, after given numbers of sentences.

    ``kept_per_sentence`` is a deliberate leak, in bytes.
    """
    sim = Simulator(lexical_brain(), seed=3, backend="cpu", threads=1, cache_mb=cache_mb)
    listener, seen, kept = Listener(sim, noise), [], []
    for number in range(1, stops[-1] + 1):
        deque(listener.hear(), maxlen=0)
        if kept_per_sentence:
            kept.append(bytes(kept_per_sentence))
        if number in stops:
            seen.append(Memory(resident(), listener.reported(), listener.synapses()))
    sim.close()
    return seen


def heard_alone(*arguments: Any) -> list[Memory]:
    """Do the same in a new process, where memory that other tests have freed cannot hide a leak."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(hear, *arguments).result()


# With noise no set of sounds recurs, so that only a bound can keep caches small.
BRAINS = pytest.mark.parametrize(("noise", "cache_mb"), [(0, 256.0), (2, 0.5)], ids=["the same", "never the same"])


@needs_proc
@BRAINS
def test_memory_is_flat(noise: int, cache_mb: float) -> None:
    before, after = heard_alone(noise, cache_mb, (700, 1000))
    assert before.synapses > 1000
    # The noise is learned during the first 2000 sentences or so.
    assert not grown(before, after, learning=0.1 if noise else 0.01), (before, after)


@needs_proc
@pytest.mark.slow
@BRAINS
def test_memory_is_flat_over_20_000_sentences(noise: int, cache_mb: float) -> None:
    before, after = heard_alone(noise, cache_mb, (4000, 20_000))
    assert before.synapses > 1000
    # The rarest pairs of noise and winner occur late: of 4119 synapses 46 were new in 16 000 sentences.
    assert not grown(before, after, learning=0.03 if noise else 0.01), (before, after)


@needs_proc
@pytest.mark.parametrize(
    ("stops", "leak"), [((700, 1000), 5000), pytest.param((4000, 20_000), 100, marks=pytest.mark.slow)]
)
def test_a_leak_is_detected(stops: tuple[int, int], leak: int) -> None:
    """The tests above must be able to fail: this one keeps some bytes of every sentence."""
    before, after = heard_alone(0, 256.0, stops, leak)
    assert grown(before, after) == ["resident"], (before, after)


def test_each_kind_of_growth_is_detected() -> None:
    flat = Memory(resident=10**8, reported=10**6, synapses=1000)
    assert grown(flat, flat) == []
    assert grown(flat, Memory(10**8 + SLACK, 10**6, 1005)) == []
    assert grown(flat, Memory(10**8 + SLACK + 1, 10**6 + SLACK, 1011)) == ["resident", "reported", "synapses"]
