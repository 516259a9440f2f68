"""Learn a second list after a first one: when a cortex forgets, and how much replay by a hippocampus preserves.

Cortex learns pairs: an item and the context of its list recall a target.  Both lists have the same items (A-B, A-C).
It learns slowly, in epochs: it recalls a target, then the right one is presented, and a rule with *depression* weakens
synapses onto wrongly recalled neurons.  The hippocampus stores each pair of list 1 once.  While cortex learns list 2,
after each pair there is no replay; a replay of an episode by the hippocampus; the same with the target of another
replay (control); or a true pair of list 1 (interleaved).  A naive cortex learns from replays alone.  All arms are
repeated without depression.

Success is stated in advance, as means over seeds: with depression, list 1 falls to .25 or less without replay and
with shuffled replay, and stays at .9 or more with replay, which leaves list 2 at .9 or more; a naive cortex reaches .8
(chance .025).  Without depression nothing is forgotten: .9 of list 1 without replay.

McClelland, McNaughton & O'Reilly (Psychological Review 1995) propose that the hippocampus teaches cortex in this way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.sparse import coo_array

from brainsim import Area, Assembly, Brain, Cycle, Explicit, Phase, Plasticity, Simulator, experiment
from brainsim.areas import Hippocampus
from brainsim.operations import consolidate, replay, store
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Neurons = npt.NDArray[np.int64]

CUE, TARGET = 1200, 800  # neurons of the cortical areas; the entorhinal cortex has them all
ITEM, CONTEXT, SAID = 25, 15, 20  # neurons of an item, of a context and of a target
TEACHES = 1000.0  # exceeds any drive that a cue can give
DEPRESSION = 0.2
ARMS = {
    "none": "no replay",
    "replay": "replay",
    "shuffled": "control: replay with other targets",
    "interleaved": "true pairs interleaved",
    "naive": "naive cortex, replays alone",
}
CRITERIA = {
    "forgets": 0.25,
    "kept": 0.9,
    "naive": 0.8,
    "no_depression": 0.9,
}


@dataclass(frozen=True)
class Slow(Plasticity):
    """A saturating rule, ten times slower than that of the hippocampus, with depression of wrongly recalled neurons."""

    alpha: float
    w_max: float = 9.0

    def step(self, w: float) -> float:
        return 0.4 - 0.4 / self.w_max * w

    def depress(self, w: float) -> float:
        return -self.alpha * (w - 1.0)


@experiment(quick={"pairs": 4, "epochs": 4, "n_ca3": 3000, "seeds": 2})
def forgetting(
    run: Run,
    *,
    pairs: int = 20,
    epochs: int = 20,
    n_ca3: int = 10_000,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Learn two lists in all arms, with and without depression.

    Parameters
    ----------
    pairs
        Pairs of each list.
    epochs
        How often each pair is taught.
    n_ca3
        Neurons of CA3 and of CA1; DG has twice as many.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    kinds = {"depression": DEPRESSION, "none": 0.0}
    calls = {
        (kind, arm): Call(lists, (arm, depression, pairs, epochs, n_ca3))
        for kind, depression in kinds.items()
        for arm in ARMS
    }
    found = over_seeds(run, calls, seeds)
    learned = {kind: {arm: found[kind, arm] for arm in ARMS} for kind in kinds}
    _table(run, learned)
    run.picture("forgetting.png", lambda: _draw(learned))
    kept = {
        kind: {arm: fmean(scores(parts, "list_1")) for arm, parts in arms.items()} for kind, arms in learned.items()
    }
    second = {
        kind: {arm: fmean(scores(parts, "list_2")) for arm, parts in arms.items()} for kind, arms in learned.items()
    }
    with_it = kept["depression"]
    return {
        "retention": kept,
        "list_2": second,
        "controls": {arm: with_it[arm] for arm in ("none", "shuffled")},
        "criteria": CRITERIA,
        "met": {
            "forgets": max(with_it["none"], with_it["shuffled"]) <= CRITERIA["forgets"],
            "kept": min(with_it["replay"], second["depression"]["replay"]) >= CRITERIA["kept"],
            "naive": with_it["naive"] >= CRITERIA["naive"],
            "no_depression": kept["none"]["none"] >= CRITERIA["no_depression"],
        },
        "chance": {"retention": 1 / (2 * pairs)},
        "intervals_95": {
            kind: {arm: interval_95(scores(parts, "list_1"), bounded=True) for arm, parts in arms.items()}
            for kind, arms in learned.items()
        },
        "by_seed": {
            f"depression={kind}": {f"arm={arm}": by_seed(parts) for arm, parts in arms.items()}
            for kind, arms in learned.items()
        },
    }


class Cortex:
    """A cortex that recalls targets from cues, and a hippocampus whose exit leads to both."""

    def __init__(self, depression: float, n_ca3: int, seed: int, **options: Any) -> None:
        brain = Brain()
        self.memory = brain.add(Hippocampus("H", CUE + TARGET, 2 * n_ca3, n_ca3, n_ca3, k_ec=ITEM + CONTEXT + SAID))
        self._cue, self._target = brain.add(Area("Cue", CUE, ITEM + CONTEXT), Area("Target", TARGET, SAID))
        exit_ = self.memory.exit
        shows = brain.connect(exit_, self._cue, graph=_part_of(0, CUE))
        teaches = brain.connect(exit_, self._target, graph=_part_of(CUE, TARGET), weight=TEACHES)
        self._recalls = brain.connect(self._cue, self._target, 0.5, Slow(depression))
        self.lesson = Cycle(
            show=Phase(1, shows, learn=()),
            say=Phase(1, self._recalls, learn=()),
            teach=Phase(1, teaches | self._recalls, learn=self._recalls),
        )
        self.sim = Simulator(brain, seed, **options)

    def teach(self, pattern: Neurons) -> None:
        """Show the cue of a pattern, let cortex recall a target, and present the target of the pattern."""
        self.sim.silence()
        self.sim.present(Assembly(self.memory.exit.name, pattern))
        self.sim.run(self.lesson)

    def says(self, pattern: Neurons) -> Neurons:
        """Return the target that the cue of a pattern recalls, as neurons of a pattern."""
        with self.sim.frozen():
            self.sim.silence()
            self.sim.present(Assembly("Cue", pattern[pattern < CUE]))
            self.sim.run(self._recalls)
            return self.sim.assembly("Target").neurons + CUE


def _part_of(start: int, count: int) -> Explicit:
    """Return a graph from some neurons of the entorhinal cortex, one to one."""
    at = np.arange(count)
    return Explicit(coo_array((np.ones(count), (at + start, at)), shape=(CUE + TARGET, count)))


def lists(part: Part, arm: str, depression: float, pairs: int, epochs: int, n_ca3: int, seed: int) -> dict[str, float]:
    """Teach two lists, and return how many targets of each are recalled at the end."""
    rng, cortex = np.random.default_rng([seed, 13]), Cortex(depression, n_ca3, seed, **part.simulator)
    first, second = _two_lists(pairs, rng)
    naive = arm == "naive"
    with cortex.sim:
        for pattern in first:
            store(cortex.sim, cortex.memory, Assembly(cortex.memory.entry.name, pattern))
        for pattern in _epochs(first, 0 if naive else epochs, rng):
            cortex.teach(pattern)
        before = _right(cortex, first, [*first, *second])
        earlier: list[Neurons] = []
        for pattern in _epochs(second, epochs, rng):
            if not naive:
                cortex.teach(pattern)
            _between(arm, cortex, first, earlier, rng)
        return {
            "list_1_before": before,
            "list_1": _right(cortex, first, [*first, *second]),
            "list_2": _right(cortex, second, [*first, *second]),
        }


def _two_lists(pairs: int, rng: np.random.Generator) -> tuple[list[Neurons], list[Neurons]]:
    """Return two lists of patterns that share their items, each with a context of its own."""
    places, targets = rng.permutation(CUE), CUE + rng.permutation(TARGET)
    items = places[: pairs * ITEM].reshape(pairs, ITEM)
    contexts = places[len(places) - 2 * CONTEXT :].reshape(2, CONTEXT)
    said = targets[: 2 * pairs * SAID].reshape(2, pairs, SAID)
    return tuple(
        [np.sort(np.concatenate([items[at], contexts[which], said[which, at]])) for at in range(pairs)]
        for which in (0, 1)
    )  # type: ignore[return-value]


def _epochs(patterns: Sequence[Neurons], epochs: int, rng: np.random.Generator) -> list[Neurons]:
    return [patterns[at] for _ in range(epochs) for at in rng.permutation(len(patterns))]


def _between(
    arm: str, cortex: Cortex, first: Sequence[Neurons], earlier: list[Neurons], rng: np.random.Generator
) -> None:
    """Carry out the step of an arm that follows each pair of list 2."""
    if arm in ("replay", "naive"):
        consolidate(cortex.sim, cortex.memory, cortex.lesson, 1, rng=rng)
    elif arm == "interleaved":
        cortex.teach(first[int(rng.integers(len(first)))])
    elif arm == "shuffled":
        earlier.append(replay(cortex.sim, cortex.memory, rng=rng).answer.neurons)
        other = earlier[int(rng.integers(len(earlier)))]
        cortex.teach(np.concatenate([earlier[-1][earlier[-1] < CUE], other[other >= CUE]]))


def _right(cortex: Cortex, asked: Sequence[Neurons], every: Sequence[Neurons]) -> float:
    """Return the share of patterns whose cue recalls its own target, of all targets."""
    hits = []
    for pattern in asked:
        said = cortex.says(pattern)
        shares = [len(np.intersect1d(said, each)) for each in every]
        own = len(np.intersect1d(said, pattern))
        hits.append(own == max(shares) and shares.count(own) == 1)
    return fmean(hits)


def _table(run: Run, learned: Mapping[str, Mapping[str, Any]]) -> None:
    names = ("list_1_before", "list_1", "list_2")
    rows = [
        [ARMS[arm], kind, *(measured(scores(parts, name), bounded=True) for name in names)]
        for kind, arms in learned.items()
        for arm, parts in arms.items()
    ]
    header = ["", "depression", "list 1, before list 2", "list 1, in the end", "list 2, in the end"]
    write_table(run, "lists.md", "Right targets", header, rows)


def _draw(learned: Mapping[str, Mapping[str, Any]]) -> Figure:
    figure = Figure(figsize=(7.6, 3.8), layout="constrained")
    listed = figure.subplots()
    for shift, (kind, arms) in enumerate(learned.items()):
        for at, parts in enumerate(arms.values()):
            for name, marker in (("list_1", "o"), ("list_2", "x")):
                values = scores(parts, name)
                place = at + 0.3 * shift + (0.1 if name == "list_2" else 0.0)
                label = f"{name.replace('_', ' ')}, {'with' if kind == 'depression' else 'without'} depression"
                listed.plot([place] * len(values), values, marker, color=f"C{shift}", alpha=0.6, label=label)
    handles, labels = listed.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=4, fontsize="x-small")
    listed.set_xticks(range(len(ARMS)), [title.replace(": ", ":\n").replace(", ", ",\n") for title in ARMS.values()])
    listed.tick_params(axis="x", labelsize=6)
    listed.set(ylabel="share of right targets", ylim=(-0.03, 1.03))
    listed.set_title("A cortex learns list 1 and then list 2: what it remembers of both", fontsize="medium")
    return figure
