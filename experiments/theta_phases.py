"""Store and recall with and without phases: what is lost if fibers transmit while they learn, or learn during recall.

With the phases of a `Hippocampus` the plastic fibers learn without transmitting and transmit without learning.  Without
phases all fibers into CA3 transmit in the round in which they learn; the loss depends on the strength of the mossy
fiber.  In another control, plasticity stays on during recall: known half cues are recalled many times before the memory
is tested.

Success is stated in advance, as means over seeds, from half a cue with 400 episodes.  With phases at least .985 of CA3
is recalled.  Without phases and with a mossy fiber of weight 1, at most .2 of ECout is recalled; with plasticity on in
200 recalls, at most .2 of CA3.  With a mossy fiber of weight 100 instead of phases, the recall of ECout is expected to
be the same within .05.

Hasselmo, Bodelón & Wyble (Neural Computation 2002) propose that the theta rhythm provides such phases.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Assembly, Brain, Cycle, Phase, Simulator, experiment
from brainsim.areas import Hippocampus
from brainsim.operations import recall, store
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

ARMS = {
    "phases": "with phases",
    "mossy-100": "no phases, mossy fiber of weight 100",
    "mossy-30": "no phases, mossy fiber of weight 30",
    "mossy-1": "control: no phases, mossy fiber of weight 1",
    "left_on": "control: plasticity on during recall",
}
MEASURES = {"completed": "CA3", "answer": "ECout"}
CRITERIA = {"completed": 0.985, "no_phases": 0.2, "left_on": 0.2, "detonator_within": 0.05}


@experiment(quick={"n_ca3": 2000, "episodes": 20, "recalls": 20, "probes": 10, "seeds": 2})
def theta_phases(
    run: Run, *, n_ca3: int = 10_000, episodes: int = 400, recalls: int = 200, probes: int = 40, seeds: int = 5
) -> Mapping[str, Any]:
    """Store episodes with and without phases, and recall ``probes`` of them.

    Parameters
    ----------
    n_ca3
        Neurons of CA3 and of CA1; DG has twice as many.
    episodes
        Episodes that are stored.
    recalls
        Recalls with plasticity on, in that control.
    probes
        Episodes that are recalled.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    seen = over_seeds(run, {name: Call(phased, (name, n_ca3, episodes, recalls, probes)) for name in ARMS}, seeds)
    rows = [
        [ARMS[name], *(measured(scores(parts, each), 3, bounded=True) for each in MEASURES)]
        for name, parts in seen.items()
    ]
    write_table(run, "phases.md", f"Right neurons from half a cue, {episodes} episodes", ["", *MEASURES.values()], rows)
    run.picture("theta_phases.png", lambda: _draw(seen))
    means = {name: {each: fmean(scores(parts, each)) for each in MEASURES} for name, parts in seen.items()}
    return {
        "recall_from_half_cue": means,
        "controls": {name: means[name]["answer"] for name in ("mossy-1", "left_on")},
        "criteria": CRITERIA,
        "met": {
            "completed": means["phases"]["completed"] >= CRITERIA["completed"],
            "no_phases": means["mossy-1"]["answer"] <= CRITERIA["no_phases"],
            "left_on": means["left_on"]["completed"] <= CRITERIA["left_on"],
            "detonator_within": abs(means["phases"]["answer"] - means["mossy-100"]["answer"])
            <= CRITERIA["detonator_within"],
        },
        "chance": {"completed": 100 / n_ca3, "answer": 0.05},
        "intervals_95": {
            name: {each: interval_95(scores(parts, each), bounded=True) for each in MEASURES}
            for name, parts in seen.items()
        },
        "by_seed": {f"encoding={name}": by_seed(parts) for name, parts in seen.items()},
    }


def phased(part: Part, name: str, n_ca3: int, episodes: int, recalls: int, probes: int, seed: int) -> dict[str, float]:
    """Store episodes with phases, or with all fibers open, and return what half a cue recalls."""
    rng, brain = np.random.default_rng([seed, 14]), Brain()
    memory = brain.add(Hippocampus(n_dg=2 * n_ca3, n_ca3=n_ca3, n_ca1=n_ca3, mossy_weight=_mossy(name)))
    if name.startswith("mossy"):
        separate, choose, _ = memory.encoding.phases.values()
        opened = memory.fibers.into(memory.attractor)
        memory.encoding = Cycle(separate=separate, choose=choose, imprint=Phase(1, opened, learn=memory.fibers))
    patterns = [rng.choice(memory.entry.n, memory.entry.k, replace=False) for _ in range(episodes)]

    def half(at: int) -> Assembly:
        return Assembly(memory.entry.name, rng.choice(patterns[at], memory.entry.k // 2, replace=False))

    with Simulator(brain, seed, **part.simulator) as sim:
        stored = [store(sim, memory, Assembly(memory.entry.name, each)) for each in patterns]
        for _ in range(recalls if name == "left_on" else 0):
            sim.silence()
            sim.present(half(int(rng.integers(episodes))))
            for phase in memory.retrieval.phases.values():
                sim.run(phase.open, phase.rounds)  # without learn=(): the open fibers learn
        seen = [
            (at, recall(sim, memory, half(at))) for at in rng.choice(episodes, min(probes, episodes), False).tolist()
        ]
    return {
        "completed": fmean(each.completed.overlap(stored[at]) for at, each in seen),
        "answer": fmean(len(np.intersect1d(each.answer.neurons, patterns[at])) / memory.exit.k for at, each in seen),
    }


def _mossy(name: str) -> float:
    """Return the weight of the mossy fiber of an arm."""
    return float(name.removeprefix("mossy-")) if name.startswith("mossy") else 1.0


def _draw(seen: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(6.5, 3.2), layout="constrained")
    axes = figure.subplots()
    for color, name in zip(("C0", "C1"), MEASURES, strict=True):
        for at, parts in enumerate(seen.values()):
            values = scores(parts, name)
            label = MEASURES[name] if not at else None
            axes.plot(
                values,
                [at + (0.1 if name == "answer" else -0.1)] * len(values),
                "o",
                color=color,
                alpha=0.6,
                label=label,
            )
    axes.set_yticks(range(len(seen)), [ARMS[name].replace("control: ", "") for name in seen])
    axes.invert_yaxis()
    axes.set(xlabel="share of right neurons", xlim=(-0.03, 1.03), title="recall from half a cue, by seed")
    axes.legend(fontsize="x-small")
    return figure
