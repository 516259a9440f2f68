"""Compare one population of striatal neurons with two opponent ones, D1 and D2, on bandits.

In a `Striatum` the weights from a cue to an action are its value.  In the model OpAL (Collins & Frank, Psychological
Review 2014) an action has two weights: G, of the D1 (go) pathway, and N, of the D2 (no-go) pathway.  The action with
the largest G - N + noise is chosen, and dopamine d, the reward minus the expectation of a critic, changes both in
proportion to themselves: ``G <- G + rate G d``, ``N <- N - rate N d``.  Here the two are fibers from the cue, one of
which inhibits.  The critic is the mean reward of the cue, which follows with a rate of .1.

Three ways to learn are compared: one population whose own drive is its expectation (the region as it is), the same with
the critic, and the opponent pathways with the critic.  Each plays four bandits of four arms: one that pays with .2 to
.8; the same, whose arms are reversed after half of the pulls; a *rich* one, .6 to .9; and a *lean* one, .1 to .4.
Noise and rate of each way were set by `tuned` on seeds 1 to 3, from the same number of settings.

Success of the opponent pathways is stated in advance: on fresh seeds they earn more than the region in the mean over
the bandits, and the 95 % interval of the difference (paired by seed) is above 0.  Only then will brainsim have a region
with both pathways.  Control: dopamine off, which earns at most .01 more than chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import AffinePlasticity, Area, Brain, Modulator, Simulator, Trace, experiment
from brainsim.areas import Striatum
from brainsim.operations import Choice, choose_action
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

K, P = 50, 0.3  # neurons of the cue; connection probability of its fibers
ACTIONS = ("left", "right", "up", "down")
FOLLOWS = 0.1  # learning rate of the critic
DRIVEN = -200.0  # threshold of the actions, so low that all can fire while N exceeds G
BANDITS = {
    "plain": ("pays .2 to .8", (0.2, 0.4, 0.6, 0.8)),
    "reversed": ("reversed after half of the pulls", (0.2, 0.4, 0.6, 0.8)),
    "rich": ("pays .6 to .9", (0.6, 0.7, 0.8, 0.9)),
    "lean": ("pays .1 to .4", (0.1, 0.2, 0.3, 0.4)),
}
GRID = {"noise": (0.03, 0.1, 0.2), "rate": (0.2, 0.5, 1.0)}
TUNED = range(1, 4)


@dataclass(frozen=True)
class Way:
    """A way to learn: its pathways and its expectation, with noise and rate."""

    title: str
    opponent: bool
    critic: bool
    noise: float
    rate: float


WAYS = {
    "one": Way("one population, expectation by its drive", False, False, 0.1, 0.5),
    "one_critic": Way("one population, critic", False, True, 0.1, 0.2),
    "opponent": Way("D1 and D2 (OpAL), critic", True, True, 0.03, 1.0),
    "off": Way("control: no dopamine", False, False, 0.1, 0.0),
}


@dataclass(frozen=True)
class Proportional(AffinePlasticity):
    """A step in proportion to the weight: ``w <- w + gain w d`` for dopamine d."""

    gain: float
    w_max: float
    w_min: float

    @property
    def coefficients(self) -> tuple[float, float]:
        return self.gain, 0.0


GO, NO_GO = Proportional(1.0, 8.0, 0.05), Proportional(-1.0, -0.05, -8.0)


@experiment(quick={"pulls": 60, "seeds": 2})
def opponent_striatum(run: Run, *, pulls: int = 400, seeds: int = 20) -> Mapping[str, Any]:
    """Let each way of learning play each bandit for ``pulls``.

    Parameters
    ----------
    pulls
        Pulls of each bandit.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    found = over_seeds(run, {name: Call(played, (way, pulls)) for name, way in WAYS.items()}, seeds)
    rows = [
        [WAYS[name].title, *(measured(scores(parts, each), 3, bounded=True) for each in (*BANDITS, "mean"))]
        for name, parts in found.items()
    ]
    header = ["", *(title for title, _ in BANDITS.values()), "mean"]
    write_table(run, "opponent_striatum.md", "What the chosen arms pay", header, rows)
    run.picture("opponent_striatum.png", lambda: _draw(found))
    gains = {name: _gains(found["opponent"], found[name]) for name in ("one", "one_critic")}
    interval = interval_95(gains["one"]["mean"])
    chance = {name: fmean(pays) for name, (_, pays) in BANDITS.items()}
    off = {name: fmean(scores(found["off"], name)) for name in BANDITS}
    return {
        "reward": {
            name: {each: fmean(scores(parts, each)) for each in (*BANDITS, "mean")} for name, parts in found.items()
        },
        "gain_of_opponent": {
            name: {each: fmean(values) for each, values in gain.items()} for name, gain in gains.items()
        },
        "controls": off,
        "met": {
            "opponent": interval is not None and interval[0] > 0.0,
            "control": all(off[name] <= chance[name] + 0.01 for name in BANDITS),
        },
        "chance": chance,
        "intervals_95": {
            "reward": {
                name: {each: interval_95(scores(parts, each), bounded=True) for each in (*BANDITS, "mean")}
                for name, parts in found.items()
            },
            "gain_of_opponent": {
                name: {each: interval_95(values) for each, values in gain.items()} for name, gain in gains.items()
            },
        },
        "by_seed": {f"way={name}": by_seed(parts) for name, parts in found.items()},
    }


class Player:
    """A striatum that chooses among four actions, and learns in one of the ways."""

    def __init__(self, way: Way, seed: int, **options: Any) -> None:
        brain, self._way, self._expected = Brain(), way, 0.5
        self._cue, self._dopamine = brain.add(Area("Cue", K, K, {"cue": range(K)}), Modulator("dopamine", baseline=0.0))
        self._striatum = brain.add(Striatum("Striatum", ACTIONS, dopamine=self._dopamine))
        if way.opponent:
            self._striatum.learns_from(self._cue, P, GO, label="D1")
            brain.connect(
                self._cue,
                self._striatum.area,
                P,
                NO_GO,
                weight=-1.0,
                label="D2",
                modulated_by=self._dopamine,
                trace=Trace(rounds=1, decay=1.0),
            )
        else:
            self._striatum.learns_from(self._cue, P)
        self.sim = Simulator(brain, seed, **options)
        self.sim.set_thresholds(self._striatum.area, DRIVEN)

    def choose(self, rng: np.random.Generator) -> Choice:
        """Return the action that the cue and noise choose."""
        return choose_action(self.sim, self._striatum, self._cue["cue"], self._way.noise, rng=rng)

    def reward(self, choice: Choice, value: float) -> None:
        """Apply dopamine, and let the critic follow."""
        error = value - (self._expected if self._way.critic else choice.expected)
        self.sim.reinforce(self._dopamine, self._way.rate * error)
        self._expected += FOLLOWS * (value - self._expected)


def played(part: Part, way: Way, pulls: int, seed: int) -> dict[str, float]:
    """Play all bandits, each with its own brain, and return the mean payment of the chosen arms."""
    found = {}
    for at, (name, (_, arms)) in enumerate(BANDITS.items()):
        rng, player = np.random.default_rng([seed, 18, at]), Player(way, seed, **part.simulator)
        pays = rng.permutation(arms)
        got = []
        with player.sim:
            for pull in range(pulls):
                if name == "reversed" and pull == pulls // 2:
                    pays = np.sum([np.min(arms), np.max(arms)]) - pays
                choice = player.choose(rng)
                got.append(float(pays[ACTIONS.index(str(choice.action))]))
                player.reward(choice, float(rng.random() < got[-1]))
        found[name] = fmean(got)
    return {**found, "mean": fmean(found.values())}


def tuned(part: Part, name: str, pulls: int = 400) -> dict[str, float]:
    """Return the noise and the rate of a grid with which a way earns most, on seeds that are not reported."""
    settings = [dict(zip(GRID, each, strict=True)) for each in product(*GRID.values())]

    def pays(setting: Mapping[str, float]) -> float:
        way = Way(**{**WAYS[name].__dict__, **setting})
        return fmean(played(part, way, pulls, seed)["mean"] for seed in TUNED)

    return max(settings, key=pays)


def _gains(parts: Sequence[Mapping[str, float]], others: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Return the payment of one way minus that of another, seed by seed."""
    return {name: [a[name] - b[name] for a, b in zip(parts, others, strict=True)] for name in parts[0]}


def _draw(found: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for axes, (bandit, (title, _)) in zip(figure.subplots(1, len(BANDITS)), BANDITS.items(), strict=True):
        axes.boxplot([scores(parts, bandit) for parts in found.values()], widths=0.6)
        axes.set_xticks(range(1, len(found) + 1), [name.replace("_", " ") for name in found], fontsize=6, rotation=45)
        axes.set_title(title, fontsize="x-small")
    figure.supylabel("mean payment of the chosen arms", fontsize="small")
    return figure
