"""Store episodes in hippocampi of 10⁵ and 10⁶ neurons an area: measured and expected capacity, time and memory.

The plastic fibers of the larger memories are sparser (p = .05 and p = .02), and their assemblies larger, so that each
neuron keeps some ten synapses from a cue and twenty from an episode in CA3.  At each load, some episodes are recalled
from half a cue.  The prediction of `Hippocampus.expected_recall` and the capacity of a full Willshaw memory are
reported for comparison.

Success is stated in advance: up to the load where .9 of ECout is expected, at least .985 of CA3 and .88 of ECout are
right, and an episode is stored in less than a second on one core.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Assembly, Brain, Simulator, experiment
from brainsim.areas import Hippocampus
from brainsim.operations import recall, store
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.info import peak_rss_mb
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import crossing

Neurons = npt.NDArray[np.int64]

CUE = 0.5
EXPECTED = 0.9  # of right neurons: loads up to which ECout is expected to have so many are judged
CRITERIA = {"completed": 0.985, "answer": 0.88, "seconds": 1.0}
SIZES = {
    "2e3": {"n_ec": 500, "n_dg": 4000, "n_ca3": 2000, "n_ca1": 2000},
    "1e4": {},
    "1e5": {
        **{"n_ec": 5000, "n_dg": 200_000, "n_ca3": 100_000, "n_ca1": 100_000},
        **{"k_ec": 200, "k_dg": 200, "k_ca3": 400, "k_ca1": 400},
        **{"p": 0.05, "p_dg": 0.05, "p_mossy": 0.02, "p_ca1": 0.05},
    },
    "1e6": {
        **{"n_ec": 10_000, "n_dg": 1_000_000, "n_ca3": 1_000_000, "n_ca1": 1_000_000},
        **{"k_ec": 500, "k_dg": 500, "k_ca3": 1000, "k_ca1": 1000},
        **{"p": 0.02, "p_dg": 0.02, "p_mossy": 0.01, "p_ca1": 0.02},
    },
}
MEASURES = {"first": "CA3, first winners", "completed": "CA3, completed", "answer": "ECout"}


@experiment(quick={"size": "2e3", "loads": "10,20,40", "probes": 5, "seeds": 2})
def one_shot_scale(
    run: Run,
    *,
    size: str = "1e5",
    loads: str = "500,1000,1500,2000,2500,3000,3500",
    probes: int = 20,
    seeds: int = 3,
) -> Mapping[str, Any]:
    """Store up to the last of ``loads`` episodes in a memory of a ``size``: 2e3, 1e4, 1e5 or 1e6.

    Parameters
    ----------
    size
        Neurons of CA3, by which the other sizes are chosen.
    loads
        How many episodes are stored when some are recalled, with commas between the numbers.
    probes
        Episodes that are recalled at each load.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    every = [int(each) for each in loads.split(",")]
    memory = Hippocampus(**SIZES[size], episodes=max(every))
    expected = {str(load): _expected(memory, load) for load in every}
    seen = over_seeds(run, {size: Call(filled, (size, every, probes))}, seeds)[size]
    _table(run, size, seen, expected)
    run.picture("one_shot_scale.png", lambda: _draw(size, seen, expected, memory.capacity()))
    judged = [load for load, each in expected.items() if each["answer"] >= EXPECTED]
    means = {load: {name: fmean(part[load][name] for part in seen) for name in seen[0][load]} for load in expected}
    return {
        "by_load": means,
        "by_seed": {f"episodes={load}": by_seed([part[load] for part in seen]) for load in expected},
        "expected": expected,
        "capacity": {name: [capacity(part, name) for part in seen] for name in ("completed", "answer")},
        "expected_capacity": {name: capacity(expected, name) for name in ("completed", "answer")},
        "formula": memory.capacity(),
        "synapses_an_episode": memory.synapses(1),
        "criteria": CRITERIA,
        "met": {
            **{name: all(means[load][name] >= CRITERIA[name] for load in judged) for name in ("completed", "answer")},
            "seconds": all(each["store_seconds"] < CRITERIA["seconds"] for each in means.values()),
        },
        "judged": judged,
        "chance": {"completed": memory.attractor.k / memory.attractor.n, "answer": memory.exit.k / memory.exit.n},
    }


def _expected(memory: Hippocampus, load: int) -> dict[str, float]:
    samples = [memory.expected_recall(load, CUE, seed=seed) for seed in range(3)]
    return {name: fmean(getattr(each, name) for each in samples) for name in MEASURES}


def filled(part: Part, size: str, loads: Sequence[int], probes: int, seed: int) -> dict[str, dict[str, float]]:
    """Store episodes, and return for each load the recall from half a cue, with time and memory."""
    rng, memory, brain = np.random.default_rng([seed, 3]), Hippocampus(**SIZES[size]), Brain()
    brain.add(memory)
    entry = memory.entry
    known: list[tuple[Neurons, Assembly]] = []
    seen = {}
    with Simulator(brain, seed, **part.simulator) as sim:
        for load in loads:
            begun, before = time.perf_counter(), len(known)
            for _ in range(load - before):
                episode = rng.choice(entry.n, entry.k, replace=False)
                known.append((episode, store(sim, memory, Assembly(entry.name, episode))))
            stored = time.perf_counter()
            scores = [_recalled(sim, memory, *known[at], rng) for at in rng.choice(load, min(probes, load), False)]
            seen[str(load)] = {
                **{name: fmean(each[name] for each in scores) for name in MEASURES},
                "store_seconds": (stored - begun) / (load - before),
                "recall_seconds": (time.perf_counter() - stored) / len(scores),
                "stored_mb": sum(each["learned"] for each in sim.memory()["fibers"].values()) / 1e6,
                "peak_rss_mb": peak_rss_mb(),
            }
    return seen


def _recalled(
    sim: Simulator, memory: Hippocampus, episode: Neurons, assembly: Assembly, rng: np.random.Generator
) -> dict[str, float]:
    part = rng.choice(episode, round(CUE * len(episode)), replace=False)
    found = recall(sim, memory, Assembly(memory.entry.name, part))
    return {
        "first": found.first.overlap(assembly),
        "completed": found.completed.overlap(assembly),
        "answer": len(np.intersect1d(found.answer.neurons, episode)) / len(episode),
    }


def capacity(seen: Mapping[str, Mapping[str, float]], name: str) -> float | None:
    """Return the load at which a measure falls below `EXPECTED`: ``None`` if it does not, 0 at the first load."""
    return crossing({0: EXPECTED, **{int(load): each[name] for load, each in seen.items()}}, EXPECTED)


def _table(run: Run, size: str, seen: Sequence[Any], expected: Mapping[str, Mapping[str, float]]) -> None:
    header = ["episodes", *(cell for title in MEASURES.values() for cell in (title, "expected"))]
    header += ["store (s)", "recall (s)", "learned synapses (MB)"]
    rows = []
    for load, each in expected.items():
        cells = [cell for name in MEASURES for cell in (_cell(seen, load, name), f"{each[name]:.2f}")]
        costs = ("store_seconds", "recall_seconds", "stored_mb")
        rows.append([load, *cells, *(f"{fmean(part[load][name] for part in seen):.3g}" for name in costs)])
    write_table(run, "scale.md", f"Right neurons from half a cue, {size} neurons in CA3", header, rows)


def _cell(seen: Sequence[Any], load: str, name: str) -> str:
    return measured([part[load][name] for part in seen], 3, bounded=True)


def _draw(size: str, seen: Sequence[Any], expected: Mapping[str, Mapping[str, float]], formula: int) -> Figure:
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes, loads = figure.subplots(), [int(load) for load in expected]
    for at, (name, title) in enumerate(MEASURES.items()):
        values = [[part[str(load)][name] for part in seen] for load in loads]
        axes.plot(loads, values, ".", color=f"C{at}", alpha=0.5)
        axes.plot(loads, [fmean(each) for each in values], color=f"C{at}", label=title)
        axes.plot(loads, [each[name] for each in expected.values()], "--", color=f"C{at}")
    axes.set(xlabel="episodes stored", ylabel="share of right neurons, from half a cue", ylim=(-0.03, 1.03))
    axes.set_title(f"{size} neurons in CA3; dashed: expected; full Willshaw memory: {formula}", fontsize="small")
    axes.legend(fontsize="x-small")
    return figure
