"""Case ``row``: synapses generated per second, cold and warm, on one thread and on all.

One fiber S->T that does not learn; some neurons of S fire, one round.  *Cold*: neurons that never fired before.
*Warm*: the very same neurons presented once more, so that the drive comes from what the backend remembers (its cache):
that is a rate of synapses served, not generated.  The time is that of the project phase, as the simulator tells it.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from math import isqrt

import numpy as np

from brainsim import Area, Assembly, Brain, Simulator
from brainsim.bench.engine import OURS, Settings
from brainsim.bench.measure import Record, Say
from brainsim.bench.memory import peak_of
from brainsim.simulate import backends
from brainsim.simulate.usage import collected

_WANTED = 20_000_000


@dataclass(frozen=True)
class Row:
    """One size: ``firing`` neurons of S reach ``n`` targets each with probability ``p``.

    ``firing`` is enough for about 2e7 synapses, at least 2.
    """

    n: int
    p: float
    synapses: int = _WANTED

    @property
    def firing(self) -> int:
        """Neurons of S that fire."""
        return max(2, round(self.synapses / (self.n * self.p)))


@dataclass(frozen=True)
class RowTimes:
    """Seconds of set-up, of the first round ever, and of the project phase of each cold and each warm round."""

    setup: float
    first: float
    cold: list[float]
    warm: list[float]


def run_rows(row: Row, repeats: int, settings: Settings) -> RowTimes:
    """Run one warm-up round, then ``repeats`` cold rounds, each followed by a warm one."""
    start = time.perf_counter()
    brain = Brain()
    source = Area("S", n=row.firing * (repeats + 1), k=row.firing)
    source, target = brain.add(source, Area("T", n=row.n, k=isqrt(row.n)))
    fiber = brain.connect(source, target, p=row.p)
    fresh = np.random.default_rng(0).permutation(source.n).reshape(repeats + 1, row.firing)
    times = RowTimes(0.0, 0.0, [], [])
    with collected(), Simulator(brain, threads=settings.threads, backend=settings.backend) as sim:
        setup = time.perf_counter() - start
        for neurons in fresh:
            for kind in (times.cold, times.warm):
                sim.present(Assembly("S", neurons))
                before = sim.timings()["project"]
                sim.run(fiber)
                kind.append(sim.timings()["project"] - before)
    return RowTimes(setup, times.cold[0], times.cold[1:], times.warm[1:])


def measure_row(row: Row, settings: Settings, repeats: int, *, memory: bool, say: Say) -> list[Record]:
    """Return a cold and a warm record for one thread and for all."""
    backend = backends.resolve(settings.backend)
    records = []
    for threads in sorted({1, backends.thread_count(backend, settings.threads)}):
        say(f"row n={row.n:.0e} p={row.p:g}: {threads} threads")
        these = Settings(threads, backend)
        times = run_rows(row, repeats, these)
        peak = peak_of(run_rows, row, 1, these) if memory else None
        for state, seconds in (("cold", times.cold), ("warm", times.warm)):
            records.append(
                {
                    "case": "row",
                    "engine": OURS,
                    "backend": backend,
                    "n": row.n,
                    "k": row.firing,
                    "p": row.p,
                    "threads": threads,
                    "state": state,
                    "note": None,
                    **_times(row, seconds),
                    "setup_seconds": times.setup,
                    "first_seconds": times.first,
                    "peak_rss_mb": peak,
                    "support_over_k": None,
                }
            )
    return records


def _times(row: Row, seconds: list[float]) -> Record:
    median = statistics.median(seconds)
    rate = row.firing * row.n * row.p / median
    return {
        "repeats": len(seconds),
        "seconds": median,
        "seconds_min": min(seconds),
        "seconds_max": max(seconds),
        "rate": rate,
        "events_per_second": rate,
        "phases": {"project": median},
    }
