"""How ties are broken: unrelated stimuli share winners by chance only, and one stimulus always has the same winners.

In a k-winners-take-all area many neurons have exactly the smallest drive that still wins, and only some of them can
fire.  This study presents stimuli to an area that has learned nothing.  It compares the rule of the law for such ties
with three others, computed from the same drives: the lowest index, one fixed random order of the neurons, and a new
random order in every round.

Success is stated in advance.  Winners of unrelated stimuli overlap as much as expected by chance.  Half of the winners
are in the lower half of the area.  A repeated stimulus has the same winners.  If a tenth of a stimulus is replaced, as
many winners stay as with a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.operations import chance_overlap
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import COUNT, Range, interval_95

Neurons = npt.NDArray[np.int64]
Drives = npt.NDArray[np.float64]
Rule = Callable[[Drives, int], Neurons]

CHANGED = 0.1  # share of a stimulus that a similar one replaces
RULES = {
    "law": "the law: a hash of the input",
    "index": "control: lowest index",
    "fixed": "control: one fixed order",
    "random": "control: new order in every round",
}
MEASURES = {
    "overlap": "overlap of unrelated stimuli, times chance",
    "lower_half": "share of winners in the lower half of the area",
    "repeated": "overlap when a stimulus is repeated",
    "similar": "overlap when a tenth of the stimulus is replaced",
}
FORMED = {
    "support": "neurons that ever fired, in multiples of k",
    "settled": "share of brains whose winners settled",
}


@experiment(quick={"n": 2000, "k": 45, "p": 0.05, "stimuli": 6, "seeds": 2})
def ties(
    run: Run,
    *,
    n: int = 10_000,
    k: int = 100,
    p: float = 0.01,
    beta: float = 0.05,
    stimuli: int = 20,
    rounds: int = 20,
    most_rounds: int = 40,
    seeds: int = 10,
) -> Mapping[str, Any]:
    """Compare first winners by four rules, and form assemblies under the law, with and without learning.

    Parameters
    ----------
    n, k
        Neurons and winners of the area.
    p
        Connection probability.
    beta
        Plasticity: how much a synapse strengthens in a step, as a fraction of its weight.
    stimuli
        Unrelated stimuli.
    rounds
        Rounds over which the support of a forming assembly is counted.
    most_rounds
        Rounds after which an assembly that still changes counts as one that does not settle.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    rates = {"trained": beta, "beta_zero": 0.0}
    calls = {f"formed-{name}": Call(formed, (n, k, p, rate, rounds, most_rounds)) for name, rate in rates.items()}
    found = over_seeds(run, {"caps": Call(first_caps, (n, k, p, stimuli)), **calls}, seeds, "parts")
    caps, grown = found["caps"], {name: found[f"formed-{name}"] for name in rates}
    _tables(run, caps, grown)
    run.picture("ties.png", lambda: _draw(caps))
    return {
        "first_winners": {rule: _means([part[rule] for part in caps]) for rule in RULES},
        "formed": {name: _means(parts) for name, parts in grown.items()},
        "chance": {"overlap": 1.0, "lower_half": 0.5, "overlap_of_assemblies": chance_overlap(n, k)},
        "intervals_95": {
            rule: {
                name: interval_95(scores([part[rule] for part in caps], name), bounded=_range(name))
                for name in MEASURES
            }
            for rule in RULES
        },
        "by_seed": {
            **{f"condition={rule}": {"first_winners": by_seed([part[rule] for part in caps])} for rule in RULES},
            **{f"condition={name}": {"formed": by_seed(parts)} for name, parts in grown.items()},
        },
    }


def first_caps(part: Part, n: int, k: int, p: float, stimuli: int, seed: int) -> dict[str, dict[str, float]]:
    """Return the measures of each rule for the first winners of unrelated stimuli."""
    brain, changed = Brain(), max(1, round(CHANGED * k))
    source, area = brain.add(Area("Stimulus", n=stimuli * k + changed, k=k), Area("A", n=n, k=k))
    brain.connect(source, area, p=p)
    neurons = np.random.default_rng(seed).permutation(source.n)
    shown, others = neurons[changed:].reshape(stimuli, k), neurons[:changed]
    similar = [np.concatenate([stimulus[changed:], others]) for stimulus in shown]
    rules, seen = _other_rules(n, seed), {name: [] for name in RULES}
    with Simulator(brain, seed=seed, **part.simulator) as sim:
        for stimulus in [*shown, *shown, *similar]:
            sim.present(Assembly(source.name, np.sort(stimulus)))
            drives = sim.drives(area, source >> area)
            sim.run(source >> area)
            seen["law"].append(sim.assembly(area).neurons)
            for name, rule in rules.items():
                seen[name].append(rule(drives, k))
    return {name: _measures(winners, n, stimuli) for name, winners in seen.items()}


def _other_rules(n: int, seed: int) -> dict[str, Rule]:
    index, rng = np.arange(n), np.random.default_rng([seed, 1])
    fixed = rng.permutation(n)
    return {
        "index": lambda drives, k: winners(drives, k, index),
        "fixed": lambda drives, k: winners(drives, k, fixed),
        "random": lambda drives, k: winners(drives, k, rng.permutation(n)),
    }


def winners(drives: Drives, k: int, order: npt.NDArray[np.int64]) -> Neurons:
    """Return the ``k`` neurons with the largest drives, ascending; of neurons that tie, the first in ``order`` win."""
    bar = max(np.partition(drives, -k)[-k], np.nextafter(0, 1))  # a neuron that is not driven never fires
    above, tied = np.flatnonzero(drives > bar), np.flatnonzero(drives == bar)
    first = tied[np.argsort(order[tied])][: k - len(above)]
    return np.sort(np.concatenate([above, first]))


def _measures(seen: Sequence[Neurons], n: int, stimuli: int) -> dict[str, float]:
    shown, again, similar = (seen[at * stimuli : (at + 1) * stimuli] for at in range(3))
    unrelated = fmean(_overlap(*pair) * n / len(pair[0]) for pair in combinations(shown, 2))
    return {
        "overlap": unrelated,
        "lower_half": float(np.mean(np.concatenate(shown) < n // 2)),
        "repeated": fmean(map(_overlap, shown, again)),
        "similar": fmean(map(_overlap, shown, similar)),
    }


def _overlap(ours: Neurons, theirs: Neurons) -> float:
    return len(np.intersect1d(ours, theirs)) / len(ours)


def formed(
    part: Part, n: int, k: int, p: float, beta: float, rounds: int, most_rounds: int, seed: int
) -> dict[str, float]:
    """Return how many neurons fire while an assembly forms, and whether its winners settle."""
    brain = Brain()
    source, area = brain.add(Area("Stimulus", n=k, k=k), Area("A", n=n, k=k))
    for fiber_source in (source, area):
        brain.connect(fiber_source, area, p=p, plasticity=Hebbian(beta))
    with Simulator(brain, seed=seed, **part.simulator) as sim:
        recording = sim.record(area)
        sim.present(Assembly(source.name, np.arange(k)))
        sim.run(source >> area)
        settled = bool(sim.run(brain.fibers, until_stable=True, max_rounds=most_rounds - 1).stable)
        fired = np.unique(np.concatenate(recording.winners(area)[:rounds]))
    return {"support": len(fired) / k, "settled": float(settled)}


def _range(name: str) -> bool | Range:
    """Return the possible range of a measure: ratios are not limited to 1."""
    return COUNT if name in ("overlap", "support") else True


def _means(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(fmean(scores(parts, name)), 4) for name in parts[0]}


def _tables(run: Run, caps: Sequence[Any], grown: Mapping[str, Sequence[Any]]) -> None:
    rows = [
        [
            title,
            *(measured(scores([part[rule] for part in caps], name), 3, bounded=_range(name)) for rule in RULES),
        ]
        for name, title in MEASURES.items()
    ]
    write_table(run, "first_winners.md", "First winners, by how ties are broken", ["", *RULES.values()], rows)
    rows = [
        [title, *(measured(scores(parts, name), bounded=_range(name)) for parts in grown.values())]
        for name, title in FORMED.items()
    ]
    write_table(run, "formed.md", "Assemblies under the law", ["", "trained", "control: beta 0"], rows)


def _draw(caps: Sequence[Any]) -> Figure:
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for ax, (name, title) in zip(figure.subplots(1, len(MEASURES)), MEASURES.items(), strict=True):
        for at, rule in enumerate(RULES):
            values = scores([part[rule] for part in caps], name)
            ax.plot(values, [at] * len(values), "o", alpha=0.5, color="C0" if rule == "law" else "0.4")
        ax.axvline({"overlap": 1.0, "lower_half": 0.5}.get(name, 1.0), color="tab:red", lw=1)
        ax.set_yticks(range(len(RULES)), list(RULES) if name == "overlap" else [])
        ax.set_title(
            title.replace(",", ",\n").replace(" when", "\nwhen").replace(" in the", "\nin the"), fontsize="small"
        )
    return figure
