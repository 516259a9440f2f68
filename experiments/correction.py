"""Correct a wrong pair: which weakening of synapses corrects the error without loss of other pairs.

A cue area learns pairs: each cue recalls a target.  A teacher makes a target fire through a strong one-to-one fiber.
Some pairs are wrong at first, and are corrected in trials: the cue recalls something, then the teacher fires the right
target.  Four rules learn the same pairs.  One never weakens (the control).  One reverses its step through a modulator
of -1 when what was recalled is wrong.  One weakens synapses onto neurons that have just lost (`STDP`), one those onto
all neurons that did not win (`Heterosynaptic`).

Success is stated in advance: after one trial a cue recalls at least .95 of the right target, unrelated pairs are still
recalled at .99 after all trials, and the control does not correct itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import (
    STDP,
    Area,
    Assembly,
    Brain,
    Fiber,
    Hebbian,
    Heterosynaptic,
    Modulator,
    OneToOne,
    Plasticity,
    Simulator,
    experiment,
)
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Neurons = npt.NDArray[np.int64]

STEP, CAP = 8.0, 9.0  # one co-firing takes a synapse from 1 to the cap
TEACHER = 1000.0  # exceeds any drive that a cue can give
SHARED = 0.4  # share of a cue that a neighbour has in common with a cue that is corrected
CRITERIA = {"right_after_first": 0.95, "unrelated": 0.99}
ARMS = {
    "none": "control: no weakening",
    "reversed": "reversed Hebb (modulator -1)",
    "stdp": "STDP (neurons that just lost)",
    "heterosynaptic": "heterosynaptic (all losers)",
}
MEASURES = {
    "right_after_first": "right target after one trial",
    "right": "right target after all trials",
    "wrong": "wrong target after all trials",
    "same_target": "neighbours of the cue with the wrong target",
    "other_target": "neighbours of the cue with targets of their own",
    "unrelated": "unrelated pairs",
}


def rules(depression: float, decay: float) -> dict[str, Plasticity]:
    """Return the rule of each arm."""
    return {
        "none": Hebbian(STEP, CAP, w_min=1.0),
        "reversed": Hebbian(STEP, CAP, w_min=1.0),
        "stdp": STDP(STEP, depression, CAP),
        "heterosynaptic": Heterosynaptic(STEP, decay, CAP),
    }


@dataclass(frozen=True)
class Pairs:
    """Cues and their targets, row by row: wrong pairs, what they should be, their neighbours, and unrelated pairs."""

    cues: Neurons
    wrong: Neurons
    right: Neurons
    same_target: Neurons
    other_target: tuple[Neurons, Neurons]
    unrelated: tuple[Neurons, Neurons]

    @classmethod
    def drawn(cls, n_cue: int, n_target: int, k: int, wrong: int, unrelated: int, seed: int) -> Pairs:
        """Draw all of them; a neighbour has `SHARED` of the neurons of a cue."""
        rng = np.random.default_rng([seed, 1])

        def sets(n: int, count: int) -> Neurons:
            return np.sort([rng.choice(n, k, replace=False) for _ in range(count)])

        def neighbours(cues: Neurons) -> Neurons:
            shared = round(SHARED * k)
            others = [rng.choice(np.setdiff1d(np.arange(n_cue), cue), k - shared, replace=False) for cue in cues]
            kept = [rng.choice(cue, shared, replace=False) for cue in cues]
            return np.sort(np.hstack([kept, others]))

        cues = sets(n_cue, wrong)
        return cls(
            cues=cues,
            wrong=sets(n_target, wrong),
            right=sets(n_target, wrong),
            same_target=neighbours(cues),
            other_target=(neighbours(cues), sets(n_target, wrong)),
            unrelated=(sets(n_cue, unrelated), sets(n_target, unrelated)),
        )


@experiment(quick={"n_cue": 400, "n_target": 1000, "k": 30, "wrong": 4, "unrelated": 10, "seeds": 2})
def correction(
    run: Run,
    *,
    n_cue: int = 2000,
    n_target: int = 5000,
    k: int = 50,
    p: float = 0.4,
    wrong: int = 20,
    unrelated: int = 100,
    trials: int = 3,
    depression: float = 4.0,
    decay: float = 0.5,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Store pairs, some of them wrong, and correct these under each rule.

    Parameters
    ----------
    n_cue, n_target
        Neurons of the area of cues and of the area of targets.
    k
        Winners of each.
    p
        Connection probability from cues to targets.
    wrong
        Pairs that are wrong at first.
    unrelated
        Pairs that are right, which the correction must not change.
    trials
        Times each wrong pair is corrected.
    depression
        How much synapses weaken in a step of `STDP` (its ``ltd``).
    decay
        Fraction of its distance from the floor that a synapse loses in a step of `Heterosynaptic`.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    sizes = (n_cue, n_target, k, p)
    calls = {
        arm: Call(corrected, (arm, rule, (wrong, unrelated), sizes, trials))
        for arm, rule in rules(depression, decay).items()
    }
    parts = over_seeds(run, calls, seeds)
    _table(run, parts)
    run.picture("correction.png", lambda: _draw(parts, trials))
    means = {
        arm: {name: round(fmean(scores(seen, name)), 4) for name in seen[0] if name != "curve"}
        for arm, seen in parts.items()
    }
    return {
        "arms": means,
        "criteria": CRITERIA,
        "met": {arm: all(each[name] >= least for name, least in CRITERIA.items()) for arm, each in means.items()},
        "chance": {"overlap": k / n_target},
        "intervals_95": {
            arm: {name: interval_95(scores(seen, name), bounded=True) for name in MEASURES}
            for arm, seen in parts.items()
        },
        "by_seed": {f"condition={arm}": by_seed(seen) for arm, seen in parts.items()},
        "curve": {arm: [_by_trial(part["curve"]) for part in seen] for arm, seen in parts.items()},
    }


def _by_trial(curve: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    return [{"trial": number, **point} for number, point in enumerate(curve, 1)]


class Teaching:
    """A cue area, a target area, and a teacher that makes targets fire."""

    def __init__(self, rule: Plasticity, sizes: tuple[int, int, int, float], seed: int, **options: Any) -> None:
        n_cue, n_target, k, p = sizes
        brain = Brain()
        self._cue, self._target = brain.add(Area("Cue", n_cue, k), Area("Target", n_target, k))
        self._teacher = brain.add(Area("Teacher", n_target, k))
        self.dopamine = brain.add(Modulator("dopamine"))
        self._recalls: Fiber = brain.connect(self._cue, self._target, p, rule, modulated_by=self.dopamine)
        self._teaches: Fiber = brain.connect(self._teacher, self._target, graph=OneToOne(), weight=TEACHER)
        self.sim = Simulator(brain, seed, **options)

    def recall(self, cue: Neurons, *, learn: bool = False) -> Neurons:
        """Let a cue fire and return which targets do."""
        self.sim.silence(self._target, self._teacher)
        self.sim.present(Assembly("Cue", cue))
        self.sim.run(self._recalls, learn=self._recalls if learn else ())
        return self.sim.assembly(self._target).neurons

    def teach(self, cue: Neurons, target: Neurons) -> None:
        """Let the teacher make a target fire while a cue fires; neurons that fired before may lose."""
        self.sim.present(Assembly("Cue", cue), Assembly("Teacher", target))
        self.sim.run(self._recalls | self._teaches, learn=self._recalls)

    def store(self, cue: Neurons, target: Neurons) -> None:
        """Store a pair while nothing else fires."""
        self.sim.silence(self._target)
        self.teach(cue, target)

    def stored(self) -> int:
        """Return the number of synapses that have learned."""
        return len(self.sim.connectome(self._recalls).learned()[0])

    def overlap(self, cues: Neurons, targets: Neurons) -> float:
        """Return the mean share of their targets that cues recall."""
        return fmean(
            len(np.intersect1d(self.recall(cue), target)) / len(target)
            for cue, target in zip(cues, targets, strict=True)
        )


def corrected(
    part: Part,
    arm: str,
    rule: Plasticity,
    counts: tuple[int, int],
    sizes: tuple[int, int, int, float],
    trials: int,
    seed: int,
) -> dict[str, Any]:
    """Store all pairs, correct the wrong ones, and return what cues recall before, after each trial and at the end."""
    n_cue, n_target, k, _ = sizes
    pairs = Pairs.drawn(n_cue, n_target, k, *counts, seed)
    teaching = Teaching(rule, sizes, seed, **part.simulator)
    with teaching.sim:
        for cues, targets in (
            pairs.unrelated,
            (pairs.cues, pairs.wrong),
            pairs.other_target,
            (pairs.same_target, pairs.wrong),
        ):
            for cue, target in zip(cues, targets, strict=True):
                teaching.store(cue, target)
        before = _recalled(teaching, pairs)
        curve = []
        for _ in range(trials):
            for cue, target in zip(pairs.cues, pairs.right, strict=True):
                _trial(teaching, cue, target, reverse=arm == "reversed")
            curve.append({name: teaching.overlap(pairs.cues, getattr(pairs, name)) for name in ("right", "wrong")})
        return {
            "right_after_first": curve[0]["right"],
            **_recalled(teaching, pairs),
            **{f"{name}_before": value for name, value in before.items()},
            "stored": teaching.stored(),
            "curve": curve,
        }


def _trial(teaching: Teaching, cue: Neurons, target: Neurons, *, reverse: bool) -> None:
    """Recall a target, then learn the right one; with ``reverse``, a wrong target is unlearned first."""
    said = teaching.recall(cue)
    if reverse and len(np.intersect1d(said, target)) < len(target) / 2:
        teaching.sim.set_modulator(teaching.dopamine, -1.0)
        teaching.recall(cue, learn=True)
        teaching.sim.set_modulator(teaching.dopamine, 1.0)
    teaching.teach(cue, target)


def _recalled(teaching: Teaching, pairs: Pairs) -> dict[str, float]:
    return {
        "right": teaching.overlap(pairs.cues, pairs.right),
        "wrong": teaching.overlap(pairs.cues, pairs.wrong),
        "same_target": teaching.overlap(pairs.same_target, pairs.wrong),
        "other_target": teaching.overlap(*pairs.other_target),
        "unrelated": teaching.overlap(*pairs.unrelated),
    }


def _table(run: Run, parts: Mapping[str, Sequence[Any]]) -> None:
    rows = [
        [
            title,
            *(measured(scores(seen, name), 3, bounded=True) for seen in parts.values()),
        ]
        for name, title in MEASURES.items()
    ]
    before = [f"{title}, before" for title in list(MEASURES.values())[3:]]
    rows += [
        [title, *(measured(scores(seen, f"{name}_before"), 3, bounded=True) for seen in parts.values())]
        for title, name in zip(before, list(MEASURES)[3:], strict=True)
    ]
    write_table(run, "correction.md", "What cues recall", ["", *(ARMS[arm] for arm in parts)], rows)


def _draw(parts: Mapping[str, Sequence[Any]], trials: int) -> Figure:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    trial_axes, neighbour_axes = figure.subplots(1, 2)
    for at, (arm, seen) in enumerate(parts.items()):
        color = f"C{at}" if arm != "none" else "0.4"
        rights = np.array([[0.0, *(each["right"] for each in part["curve"])] for part in seen])
        trial_axes.plot(range(trials + 1), rights.T, color=color, alpha=0.4)
        trial_axes.plot(range(trials + 1), rights.mean(axis=0), color=color, lw=2, label=ARMS[arm])
        for place, name in enumerate(list(MEASURES)[3:]):
            values = [part[name] - part[f"{name}_before"] for part in seen]
            neighbour_axes.plot(values, [place + 0.15 * (at - 1.5)] * len(values), "o", color=color, alpha=0.6)
    wanted = CRITERIA["right_after_first"]
    trial_axes.axhline(wanted, color="0.4", lw=1, ls=":", label=f"criterion {wanted:g}")
    trial_axes.set(xlabel="trials", ylabel="overlap with the right target", xticks=range(trials + 1), ylim=(0, 1.03))
    trial_axes.set_title("A wrong pair is corrected", fontsize="medium")
    figure.legend(*trial_axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize="x-small")
    neighbour_axes.set_yticks(range(3), ["wrong target,\nsimilar cue", "own target,\nsimilar cue", "unrelated"])
    neighbour_axes.axvline(0.0, color="0.8", lw=1)
    neighbour_axes.set(xlabel="change of the overlap with what was stored")
    neighbour_axes.set_title("What the correction does to other pairs", fontsize="medium")
    return figure
