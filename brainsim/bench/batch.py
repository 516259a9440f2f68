"""Case ``batch``: the throughput of many brains in a `Batch`, compared with the same brains one after the other.

The brains are the plain one of the case ``features`` under different seeds: one recurrent area that hears four stimuli
in turn, ten rounds each, 3 times and, in other repeats, 60 times.  A batch takes as long as its slower worker: in the
few tenths of a second of the short schedule, that is partly chance.  Both ways take turns, and each repeat has seeds of
its own.  Building the brains is not timed.  Starting the workers of the batch, until their kernels are loaded, is a
figure of its own.
"""

from __future__ import annotations

import time
from functools import partial
from math import isqrt
from statistics import median

from brainsim.bench.engine import Settings
from brainsim.bench.features import PLAIN, ROUNDS, RULE, SIZE, STIMULI, P, declared, features
from brainsim.bench.measure import Record, Say
from brainsim.declare.brain import Brain
from brainsim.simulate.simulator import Simulator
from brainsim.studies.batch import Batch

BRAINS = 16
SHORT, LONG = 3, 60  # passes over the stimuli
_loaded: list[bool] = []


def schedule(sim: Simulator, passes: int) -> None:
    """Hear the stimuli, pass after pass."""
    for _ in range(passes):
        for pattern in sim.brain["S"].patterns.values():
            sim.present(pattern)
            sim.run(sim.brain.fibers, rounds=ROUNDS)


def load_kernels(sim: Simulator) -> None:
    """Run the schedule in a brain of its own, once in each process: kernels are loaded when they are first used."""
    if not _loaded:
        n, k = sim.brain["A"].n, sim.brain["A"].k
        with Simulator(declared(features(k)[PLAIN], n, k), backend=sim.backend_name, threads=1) as other:
            schedule(other, SHORT)
        _loaded.append(True)


def measure_batch(n: int, settings: Settings, repeats: int, say: Say, *, quick: bool) -> list[Record]:
    """Return a record for each schedule: brain-rounds per second both ways, and their ratio, repeat by repeat."""
    k = max(1, isqrt(n) // SIZE) * SIZE
    brain = declared(features(k)[PLAIN], n, k)
    schedule_alone(brain, (0,), settings, SHORT)  # loads or compiles kernels
    if quick:
        return [_measured(brain, settings, repeats, say, brains=2, passes=SHORT)]
    return [_measured(brain, settings, repeats, say, brains=BRAINS, passes=passes) for passes in (SHORT, LONG)]


def _measured(brain: Brain, settings: Settings, repeats: int, say: Say, *, brains: int, passes: int) -> Record:
    area, rounds = brain["A"], passes * STIMULI * ROUNDS
    alone, together, starts = [], [], []
    for repeat in range(repeats):
        say(f"batch n={area.n:.0e}, {rounds} rounds: repeat {repeat + 1} of {repeats}")
        seeds = range(repeat * brains, (repeat + 1) * brains)
        alone.append(schedule_alone(brain, seeds, settings, passes))
        begun = time.perf_counter()
        with Batch(brain, seeds, backend=settings.backend) as batch:
            batch.each(load_kernels)
            starts.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            batch.each(partial(schedule, passes=passes))
            together.append(time.perf_counter() - begun)
            workers = batch.workers
    ratios = [one / other for one, other in zip(alone, together, strict=True)]
    return {
        "case": "batch",
        "n": area.n,
        "k": area.k,
        "p": P,
        "rule": repr(RULE),
        "backend": settings.backend,
        "brains": brains,
        "workers": workers,
        "rounds_per_brain": rounds,
        "repeats": repeats,
        "alone_rounds_per_second": brains * rounds / median(alone),
        "batch_rounds_per_second": brains * rounds / median(together),
        "alone_seconds": median(alone),
        "batch_seconds": median(together),
        "ratio": median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "start_seconds": median(starts),
    }


def schedule_alone(brain: Brain, seeds: range | tuple[int, ...], settings: Settings, passes: int) -> float:
    """Return the seconds of the schedules of brains that run one after the other, on one thread each."""
    spent = 0.0
    for seed in seeds:
        with Simulator(brain, seed, backend=settings.backend, threads=1) as sim:
            begun = time.perf_counter()
            schedule(sim, passes)
            spent += time.perf_counter() - begun
    return spent


def batch_table(records: list[Record]) -> str:
    """Return the records as lines."""
    return "\n".join(_line(each) for each in records)


def _line(record: Record) -> str:
    low, high = record["ratio_range"]
    return (
        f"batch, n={record['n']:_}, k={record['k']}, {record['brains']} brains of {record['rounds_per_brain']:_} "
        f"rounds on {record['workers']} workers: "
        f"{record['batch_rounds_per_second']:_.0f} rounds/s together, {record['alone_rounds_per_second']:_.0f} one "
        f"after the other; {record['ratio']:.2f} times (median, {low:.2f}-{high:.2f} in {record['repeats']} repeats); "
        f"the workers start in {record['start_seconds']:.1f} s"
    )
