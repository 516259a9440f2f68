"""Store similar episodes: what the dentate gyrus (DG) adds to a direct fiber from entorhinal cortex (EC) to CA3.

Clusters of ten episodes share 0, 30 or 60 % of their neurons.  Each episode is stored in one presentation and recalled
from half or a fifth of its neurons.  Three ways of choosing the neurons of CA3 are compared: by a DG of many neurons,
by a DG of as many neurons as EC, and, as the control, by a fixed fiber from EC without a DG.

Success is stated in advance, as means over seeds.  If episodes share 60 % of their neurons, half a cue recalls at least
.95 of CA3 with the DG, and at least .1 more than with the fixed fiber.  If they share none, the fixed fiber is expected
to recall as much, within .02, because the DG helps with similar episodes only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Cycle, Hebbian, Phase, Region, Simulator, experiment
from brainsim.areas import Hippocampus
from brainsim.operations import recall, store
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Neurons = npt.NDArray[np.int64]
Seen = dict[str, dict[str, float]]  # share, measure

K = 50  # neurons of an episode
CLUSTER = 10
SHARES = (0.0, 0.3, 0.6)
ONE_SHOT = Hebbian(8.0, 9.0)
CRITERIA = {"completed": 0.95, "gain": 0.1, "unrelated_within": 0.02}
ARMS = {
    "dg": "dentate gyrus",
    "small_dg": "dentate gyrus of as many neurons as EC",
    "direct": "control: fixed fiber EC → CA3",
}
MEASURES = {
    "shared_ec": "shared by neighbours in EC",
    "shared_ca3": "shared by neighbours in CA3",
    "half": "CA3 from half a cue",
    "half_answer": "ECout from half a cue",
    "fifth": "CA3 from a fifth of a cue",
}


class Direct(Region):
    """A hippocampus without a dentate gyrus: a fixed fiber from EC chooses the neurons of CA3."""

    def __init__(self, n_ec: int, n_ca3: int, n_ca1: int, p: float) -> None:
        super().__init__("Direct")
        self.entry, self.attractor, ca1, self.exit = self.add(
            Area("EC", n_ec, K), Area("CA3", n_ca3, 100), Area("CA1", n_ca1, 100), Area("ECout", n_ec, K)
        )
        ec, ca3 = self.entry, self.attractor
        chooses = self.connect(ec, ca1, 0.1) | self.connect(ec, ca3, 0.1, label="fixed")
        cued, inner = self.connect(ec, ca3, p, ONE_SHOT), self.connect(ca3, ca3, p, ONE_SHOT)
        forward, back = self.connect(ca3, ca1, p, ONE_SHOT), self.connect(ca1, self.exit, p, ONE_SHOT)
        self.encoding = Cycle(
            choose=Phase(1, chooses, learn=()), imprint=Phase(1, chooses, learn=cued | inner | forward | back)
        )
        reading = {"read": Phase(1, forward, learn=()), "answer": Phase(1, back, learn=())}
        self.retrieval = Cycle(cue=Phase(1, cued, learn=()), complete=Phase(5, cued | inner, learn=()), **reading)
        self.replaying = Cycle(settle=Phase(12, inner, learn=()), **reading)


@experiment(quick={"n_ec": 500, "n_dg": 4000, "n_ca3": 2000, "n_ca1": 2000, "count": 30, "probes": 10, "seeds": 2})
def pattern_separation(
    run: Run,
    *,
    n_ec: int = 1000,
    n_dg: int = 20_000,
    n_ca3: int = 10_000,
    n_ca1: int = 10_000,
    p: float = 0.2,
    count: int = 200,
    probes: int = 40,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Store ``count`` episodes in clusters, and recall ``probes`` of them.

    Parameters
    ----------
    n_ec, n_dg, n_ca3, n_ca1
        Neurons of the areas.
    p
        Connection probability of the plastic fibers.
    count
        Episodes that are stored.
    probes
        Episodes that are recalled.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    sizes = {"n_ec": n_ec, "n_dg": n_dg, "n_ca3": n_ca3, "n_ca1": n_ca1, "p": p}
    seen = over_seeds(run, {name: Call(separated, (name, sizes, count, probes)) for name in ARMS}, seeds)
    _table(run, seen)
    run.picture("pattern_separation.png", lambda: _draw(seen))
    means = {name: {str(share): _means(parts, share) for share in SHARES} for name, parts in seen.items()}
    alike, unrelated = ({name: means[name][share]["half"] for name in ARMS} for share in ("0.6", "0.0"))
    return {
        "recall": means,
        "criteria": CRITERIA,
        "met": {
            "completed": alike["dg"] >= CRITERIA["completed"],
            "gain": alike["dg"] - alike["direct"] >= CRITERIA["gain"],
            "unrelated_within": abs(unrelated["dg"] - unrelated["direct"]) <= CRITERIA["unrelated_within"],
        },
        "chance": {"shared_ca3": 100 / n_ca3, "half": 100 / n_ca3, "half_answer": K / n_ec},
        "intervals_95": {
            name: {str(share): interval_95(_values(parts, share, "half"), bounded=True) for share in SHARES}
            for name, parts in seen.items()
        },
        "by_seed": {
            f"memory={name}": {f"shared={share}": by_seed([part[str(share)] for part in parts]) for share in SHARES}
            for name, parts in seen.items()
        },
    }


def memory_of(name: str, sizes: Mapping[str, Any]) -> Hippocampus | Direct:
    """Return the memory of an arm."""
    if name == "direct":
        return Direct(sizes["n_ec"], sizes["n_ca3"], sizes["n_ca1"], sizes["p"])
    return Hippocampus(**{**sizes, "n_dg": sizes["n_dg"] if name == "dg" else sizes["n_ec"]})


def separated(part: Part, name: str, sizes: Mapping[str, Any], count: int, probes: int, seed: int) -> Seen:
    """Store clusters of episodes that share neurons; return the shares of common neurons in EC and CA3, and recall."""
    seen = {}
    for share in SHARES:
        rng = np.random.default_rng([seed, round(100 * share)])
        episodes = [each for _ in range(count // CLUSTER) for each in _cluster(sizes["n_ec"], share, rng)]
        memory, brain = memory_of(name, sizes), Brain()
        brain.add(memory)
        with Simulator(brain, seed, **part.simulator) as sim:
            stored = [store(sim, memory, Assembly(memory.entry.name, each)) for each in episodes]
            asked = rng.choice(len(episodes), min(probes, len(episodes)), replace=False)
            half, fifth = (
                [_recalled(sim, memory, episodes[at], stored[at], cue, rng) for at in asked] for cue in (0.5, 0.2)
            )
        seen[str(share)] = {
            "shared_ec": _shared(episodes),
            "shared_ca3": _shared([each.neurons for each in stored]),
            "half": fmean(completed for completed, _ in half),
            "half_answer": fmean(answer for _, answer in half),
            "fifth": fmean(completed for completed, _ in fifth),
        }
    return seen


def _cluster(n: int, share: float, rng: np.random.Generator) -> list[Neurons]:
    """Return episodes that have a share of their neurons in common; the other neurons of each are its own."""
    common = rng.choice(n, round(K * share), replace=False)
    rest = np.setdiff1d(np.arange(n), common)
    return [np.concatenate([common, rng.choice(rest, K - len(common), replace=False)]) for _ in range(CLUSTER)]


def _shared(sets: Sequence[Neurons]) -> float:
    """Return the mean share of neurons that successive episodes of a cluster have in common."""
    pairs = [pair for at, pair in enumerate(pairwise(sets), 1) if at % CLUSTER]
    return fmean(len(np.intersect1d(a, b)) / len(a) for a, b in pairs)


def _recalled(
    sim: Simulator,
    memory: Hippocampus | Direct,
    episode: Neurons,
    stored: Assembly,
    cue: float,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return the shares of right neurons that fire in CA3 and in ECout when a part of an episode is presented."""
    part = rng.choice(episode, round(cue * K), replace=False)
    found = recall(sim, memory, Assembly(memory.entry.name, part))
    return found.completed.overlap(stored), len(np.intersect1d(found.answer.neurons, episode)) / K


def _values(parts: Sequence[Seen], share: float, name: str) -> list[float]:
    return [part[str(share)][name] for part in parts]


def _means(parts: Sequence[Seen], share: float) -> dict[str, float]:
    return {name: round(fmean(_values(parts, share, name)), 4) for name in MEASURES}


def _table(run: Run, seen: Mapping[str, Sequence[Seen]]) -> None:
    rows = [
        [f"{share:.0%}", ARMS[name], *(measured(_values(parts, share, each), bounded=True) for each in MEASURES)]
        for share in SHARES
        for name, parts in seen.items()
    ]
    write_table(run, "separation.md", "Episodes that share neurons", ["share", "", *MEASURES.values()], rows)


def _draw(seen: Mapping[str, Sequence[Seen]]) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    shared, recalled = figure.subplots(1, 2)
    for at, (name, parts) in enumerate(seen.items()):
        at_ec = [fmean(_values(parts, share, "shared_ec")) for share in SHARES]
        for axes, measure in ((shared, "shared_ca3"), (recalled, "half")):
            values = [_values(parts, share, measure) for share in SHARES]
            axes.plot(at_ec, values, ".", color=f"C{at}", alpha=0.5)
            axes.plot(at_ec, [fmean(each) for each in values], "o-", color=f"C{at}", label=ARMS[name])
    shared.set(ylabel="share of common neurons, CA3", ylim=(-0.01, None), title="how similar episodes are in CA3")
    recalled.set(ylabel="share of right neurons, CA3", ylim=(0, 1.03), title="recall from half a cue")
    for axes in (shared, recalled):
        axes.set_xlabel("share of common neurons, EC")
    recalled.legend(fontsize="x-small")
    return figure
