"""Case ``features``: the cost of a round with each feature of the law, compared with a plain brain.

The plain brain has one recurrent area that hears four stimuli in turn, ten rounds each.  Every other brain differs from
it in one feature.  All run in turn in one process, and each repeat draws another connectome.  *Forming* are the first
rounds with each stimulus, in which synapses are drawn and stored; *settled* is the third presentation of the stimuli.

A feature also changes who fires, so a ratio is not the time of the feature's own code alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isqrt
from statistics import median
from typing import Any

from brainsim import (
    STDP,
    Area,
    Assembly,
    Brain,
    Channels,
    Hebbian,
    Heterosynaptic,
    Modulator,
    Simulator,
    Topographic,
    Trace,
)
from brainsim.bench.engine import Settings
from brainsim.bench.measure import Record, Say
from brainsim.simulate.usage import collected

PLAIN = "plain"
STIMULI, ROUNDS, PASSES = 4, 10, 3
P, BETA, W_MAX = 0.05, 0.1, 20.0
RULE = Hebbian(BETA, W_MAX)
SIZE = 10  # neurons of a channel
Each = Callable[[Simulator], None]


@dataclass(frozen=True)
class Feature:
    """One brain: how it differs from the plain one.

    Attributes
    ----------
    area, stimulus, recurrent : mapping
        Further arguments of the area, and of `Brain.connect` for the two fibers.
    modulator : mapping, optional
        Baseline and decay of a modulator of both fibers.
    gated : bool
        Whether the stimulus passes a gate whose channels are all open.
    drives : bool
        Whether winners and drives are recorded.
    each : callable, optional
        What happens after the rounds of a stimulus.
    """

    area: Mapping[str, Any] = field(default_factory=dict)
    stimulus: Mapping[str, Any] = field(default_factory=dict)
    recurrent: Mapping[str, Any] = field(default_factory=dict)
    modulator: Mapping[str, float] | None = None
    gated: bool = False
    drives: bool = False
    each: Each | None = None


def both(**keywords: Any) -> dict[str, Any]:
    """Return a feature that both fibers have."""
    return {"stimulus": keywords, "recurrent": keywords}


def features(k: int) -> dict[str, Feature]:
    """Return the brains, the plain one first; ``k`` neurons win, a multiple of `SIZE`."""
    dopamine, falling = {"baseline": 0.5}, {"baseline": 0.5, "decay": 0.9}
    twice = Hebbian(2 * BETA, W_MAX)  # at rate .5 as fast as the plain brain's
    trace = both(plasticity=twice, trace=Trace(rounds=5, decay=0.8))
    return {
        PLAIN: Feature(),
        "modulator at .5": Feature(modulator=dopamine, **both(plasticity=twice)),
        "modulator that decays": Feature(
            modulator=falling, **both(plasticity=twice), each=lambda sim: sim.set_modulator("dopamine", 1.0)
        ),
        "trace of 5 rounds": Feature(modulator=dopamine, **trace),
        "trace, reinforced after each stimulus": Feature(
            modulator=dopamine, each=lambda sim: sim.reinforce("dopamine", 0.5), **trace
        ),
        "STDP": Feature(**both(plasticity=STDP(BETA, BETA / 2, W_MAX))),
        "Heterosynaptic": Feature(**both(plasticity=Heterosynaptic(BETA, 0.01, W_MAX))),
        "weight 2": Feature(**both(weight=2.0)),
        "channels": Feature(area={"activation": Channels(SIZE, k // SIZE)}),
        "gate, all channels open": Feature(gated=True),
        "topographic, width .1": Feature(stimulus={"graph": Topographic(P, 0.1)}),
        "winners and drives recorded": Feature(drives=True),
    }


def declared(feature: Feature, n: int, k: int) -> Brain:
    """Return the brain of a feature."""
    brain = Brain()
    size = STIMULI * k
    patterns = {str(number): range(number * k, (number + 1) * k) for number in range(STIMULI)}
    stimulus, area = brain.add(Area("S", size, k, patterns), Area("A", n, k, **feature.area))
    more: dict[str, Any] = {}
    if feature.modulator is not None:
        more["modulated_by"] = brain.add(Modulator("dopamine", **feature.modulator))
    gate = {"gate": brain.add(Area("G", size, size))} if feature.gated else {}
    for source, own in ((stimulus, {**feature.stimulus, **gate}), (area, feature.recurrent)):
        graph = {} if "graph" in own else {"p": P}
        brain.connect(source, area, **{"plasticity": RULE, **graph, **more, **own})
    return brain


def seconds(feature: Feature, n: int, k: int, seed: int, settings: Settings) -> tuple[float, float]:
    """Return the seconds of a round while assemblies form, and once they have."""
    brain = declared(feature, n, k)
    with collected(), Simulator(brain, seed, backend=settings.backend, threads=settings.threads) as sim:
        if feature.gated:
            sim.present(Assembly("G", range(brain["G"].n)))
        if feature.drives:
            sim.record("A", drives=True)
        passes = [_one_pass(sim, feature) for _ in range(PASSES)]
    return passes[0], passes[-1]


def _one_pass(sim: Simulator, feature: Feature) -> float:
    begun = time.perf_counter()
    for pattern in sim.brain["S"].patterns.values():
        sim.present(pattern)
        sim.run(sim.brain.fibers, rounds=ROUNDS)
        if feature.each is not None:
            feature.each(sim)
    return (time.perf_counter() - begun) / (STIMULI * ROUNDS)


def measure_features(n: int, settings: Settings, repeats: int, say: Say) -> list[Record]:
    """Return a record for each feature: times in milliseconds a round, and their ratios to the plain brain's."""
    k = max(1, isqrt(n) // SIZE) * SIZE
    every = features(k)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in every}
    for repeat in range(repeats + 1):  # the first one compiles, and does not count
        say(f"features n={n:.0e}: {'warm-up' if not repeat else f'repeat {repeat} of {repeats}'}")
        for name, feature in every.items():
            times[name].append(seconds(feature, n, k, repeat, settings))
    return [_record(name, times[name][1:], times[PLAIN][1:], n, k, settings) for name in every]


def _record(
    name: str,
    times: list[tuple[float, float]],
    plain: list[tuple[float, float]],
    n: int,
    k: int,
    settings: Settings,
) -> Record:
    record: Record = {"case": "features", "feature": name, "n": n, "k": k, "p": P, "backend": settings.backend}
    record |= {"threads": settings.threads, "repeats": len(times)}
    for at, when in enumerate(("forming", "settled")):
        ratios = [own[at] / other[at] for own, other in zip(times, plain, strict=True)]
        record[f"{when}_ms"] = 1e3 * median(own[at] for own in times)
        record[f"{when}_ratio"], record[f"{when}_range"] = median(ratios), [min(ratios), max(ratios)]
    return record


def features_table(records: list[Record]) -> str:
    """Return the records as lines."""
    first = records[0]
    width = max(len(record["feature"]) for record in records)
    lines = [
        f"features, n={first['n']:_}, k={first['k']}: ms a round (ratio to plain: median and range of "
        f"{first['repeats']} repeats)",
        f"{'':{width}}  {'forming':>30}  {'settled':>30}",
    ]
    for record in records:
        cells = [_cell(record, when) for when in ("forming", "settled")]
        lines.append(f"{record['feature']:{width}}  {cells[0]:>30}  {cells[1]:>30}")
    return "\n".join(lines)


def _cell(record: Record, when: str) -> str:
    low, high = record[f"{when}_range"]
    return f"{record[f'{when}_ms']:.3f} ({record[f'{when}_ratio']:.2f}, {low:.2f}-{high:.2f})"
