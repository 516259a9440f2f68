"""Time engines in turn on the same trials, and record the results.

A record has, beside what was run (``case, engine, backend, n, k, p, threads``, ``sentences`` or ``rounds``):

* ``seconds, seconds_min, seconds_max``: median and range of ``repeats`` timed runs; ``rate``: units per second from the
  median; ``rate_last``: sentences per second in the last quarter of each run (median), when the words are best known;
  ``events_per_second``: synapses that are expected to transmit, see `brainsim.bench.quality`;
* ``phases``: seconds by phase of the run nearest to the median, if the engine tells;
* ``setup_seconds``: median of building brain and engine; ``first_seconds``: the first two rounds of the warm-up, which
  at the first size of a process include compiling, or loading what is compiled;
* ``peak_rss_mb``: peak memory of a process that does one run (`brainsim.bench.memory`);
* ``support_over_k``: distinct winners of the main area (Lex1, A) in the timed rounds of the warm-up run, over ``k``;
  ``first_overlap``: overlap of the first two caps; ``converged_at``: round after which the cap never changed (with one
  stimulus only); ``word_overlap``: overlap of Lex1's caps at the ends of the first two sentences with one noun;
* ``note``: what was cut.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from brainsim.bench.cases import Case, Sentences, one_unit
from brainsim.bench.engine import OURS, Engine, EngineUnavailableError, Settings
from brainsim.bench.engines import engine_class
from brainsim.bench.memory import peak_of
from brainsim.bench.quality import Watched, converged_at, first_overlap, support_over_k, watch, word_overlap
from brainsim.bench.work import Trial

Record = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Timed:
    """The duration of one run; ``phases`` of the timed part, ``last`` the seconds of its last quarter of episodes."""

    setup: float
    seconds: float
    last: float
    phases: dict[str, float] | None


def run_timed(name: str, trial: Trial, settings: Settings) -> Timed:
    """Build an engine, warm it up and time the rest of the trial."""
    engine_type = engine_class(name)
    gc.collect()  # or an engine would pay for what another one left behind
    start = time.perf_counter()
    engine = engine_type(trial.network, settings)
    setup = time.perf_counter() - start
    for episode in trial.warm:
        engine.run(episode)
    before = engine.phases()
    marks = [time.perf_counter()]
    for episode in trial.timed:
        engine.run(episode)
        marks.append(time.perf_counter())
    after = engine.phases()
    engine.close()
    spent = {phase: after[phase] - before[phase] for phase in after} if before and after else None
    return Timed(setup, marks[-1] - marks[0], marks[-1] - marks[-1 - _quarter(len(trial.timed))], spent)


def _quarter(episodes: int) -> int:
    return max(1, episodes // 4)


def run_watched(name: str, trial: Trial, settings: Settings, main: str) -> Watched:
    """Build an engine and examine its results, untimed; this also warms it up in this process."""
    engine = engine_class(name)(trial.network, settings)
    watched = watch(engine, trial, main)
    engine.close()
    return watched


def compare(
    case: Case, engines: Mapping[str, type[Engine]], settings: Settings, repeats: int, *, memory: bool, say: Say
) -> list[Record]:
    """Run one size of a case on all engines, taking turns repeat by repeat, and return a record for each.

    Repeat ``r`` has seed ``r`` (sentences and random graph), the same for all engines; seed 0 is the watched run.
    Engines that cannot afford the whole work get less of it, and their record says so.
    """
    units = _affordable(case, engines, say)
    watched, runs = {}, {name: list[Timed]() for name in units}
    for name, count in units.items():
        say(f"{case.name} n={case.n:.0e}: {name}, warm-up")
        watched[name] = run_watched(name, case.trial(0, count), settings, case.main)
    for repeat in range(1, repeats + 1):
        say(f"{case.name} n={case.n:.0e}: repeat {repeat} of {repeats}")
        for name, count in units.items():
            runs[name].append(run_timed(name, case.trial(repeat, count), settings))
    return [
        {
            **_identity(case, name, units[name], settings),
            **_times(runs[name], units[name], watched[name], recurs=isinstance(case, Sentences)),
            "peak_rss_mb": peak_of(run_timed, name, case.trial(1, units[name]), settings) if memory else None,
            **_quality(case, watched[name]),
        }
        for name in units
    ]


def _affordable(case: Case, engines: Mapping[str, type[Engine]], say: Say) -> dict[str, int]:
    """Return how many units each engine runs; one that cannot run even two is left out, with a message."""
    network, unit = one_unit(case)
    units = {}
    for name, engine in engines.items():
        try:
            units[name] = engine.affordable(network, unit, case.units, recurs=case.recurs)
        except EngineUnavailableError as error:
            say(f"note: {case.name} n={case.n:.0e}: {error}")
    return units


def _identity(case: Case, name: str, units: int, settings: Settings) -> Record:
    from brainsim.simulate import backends

    backend = backends.resolve(settings.backend) if name == OURS else None
    threads = 1 if name == "neural-assemblies" else backends.thread_count(backend or "cpu", settings.threads)
    cut = f"time and support of {units} of {case.units} {case.unit}s; more would take too long or too much memory"
    return {
        "case": case.name,
        "engine": name,
        "backend": backend,
        "n": case.n,
        "k": case.k,
        "p": case.p,
        "threads": threads,
        f"{case.unit}s": units,
        "note": cut if units < case.units else None,
    }


def _times(runs: list[Timed], units: int, watched: Watched, *, recurs: bool) -> Record:
    seconds = [run.seconds for run in runs]
    median = statistics.median(seconds)
    middle = min(runs, key=lambda run: abs(run.seconds - median))
    return {
        "repeats": len(runs),
        "seconds": median,
        "seconds_min": min(seconds),
        "seconds_max": max(seconds),
        "rate": units / median,
        "rate_last": _quarter(units) / statistics.median(run.last for run in runs) if recurs else None,
        "events_per_second": watched.events / median,
        "phases": middle.phases,
        "setup_seconds": statistics.median(run.setup for run in runs),
        "first_seconds": watched.first_seconds,
    }


def _quality(case: Case, watched: Watched) -> Record:
    spoken = isinstance(case, Sentences)
    return {
        "support_over_k": support_over_k(watched.caps, case.k),
        "converged_at": None if spoken else converged_at(watched.caps),
        "first_overlap": first_overlap(watched.caps),
        "word_overlap": word_overlap(watched, case.rounds) if spoken else None,
    }
