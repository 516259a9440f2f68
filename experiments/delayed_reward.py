"""Learn from a reward that comes three rounds late: a trace of the last rounds carries the credit.

A striatum holds four actions.  A cue and noise choose one of them; each cue has one right action, which is rewarded
some trials later, after other cues and actions have passed.  The fiber from cues to the striatum remembers its last
rounds (`Trace`), and dopamine, the reward less the mean reward, is applied to them (`Simulator.reinforce`).

Success is stated in advance, in the mean over seeds and the last 100 trials: with a trace at least .9 of the actions
are right; without one, and with rewards shuffled in time, at most .5 (chance .25).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import AffinePlasticity, Area, Brain, Hebbian, Modulator, Simulator, Trace, experiment
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Neurons = npt.NDArray[np.int64]

K, P = 50, 0.3  # neurons of a cue and of an action; connection probability
ACTIONS, STRIATUM = 4, 1000
NOISE = 40.0  # standard deviation, in units of drive
OUT_OF_REACH = 10_000.0  # threshold of the neurons of no action
SETTLING = 3  # recurrent rounds in which one action wins
WINDOW = 100  # trials over which the share of right actions is taken
FOLLOWS = 0.05  # how fast the mean reward follows
CRITERIA = {"trace": 0.9, "controls": 0.5}
CONTROLS = ("no_trace", "shuffled")


@dataclass(frozen=True)
class Additive(AffinePlasticity):
    """A constant step, which dopamine scales in both directions."""

    amount: float
    w_max: float
    w_min: float = 1.0

    @property
    def coefficients(self) -> tuple[float, float]:
        return 0.0, self.amount


@dataclass(frozen=True)
class Arm:
    """What a brain remembers, and whether its rewards come in another order."""

    title: str
    trace: Trace
    shuffled: bool = False


def arms(delay: int, decay: float) -> dict[str, Arm]:
    """Return what is compared."""
    return {
        "trace": Arm(f"trace of {delay + 1} rounds", Trace(delay + 1, 1.0)),
        "decaying": Arm(f"trace that decays by {decay:g} a round", Trace(delay + 1, decay)),
        "no_trace": Arm("control: no trace", Trace(1, 1.0)),
        "shuffled": Arm("control: rewards shuffled in time", Trace(delay + 1, 1.0), shuffled=True),
    }


@experiment(quick={"trials": 300, "cues": 2, "delay": 1, "seeds": 2})
def delayed_reward(
    run: Run,
    *,
    cues: int = 4,
    delay: int = 3,
    decay: float = 0.8,
    eta: float = 0.35,
    trials: int = 600,
    seeds: int = 10,
) -> Mapping[str, Any]:
    """Learn ``cues`` with rewards that come ``delay`` trials late.

    Parameters
    ----------
    cues
        Cues, each with one right action of four.
    delay
        Trials from an action to its reward.
    decay
        Factor by which a round counts less than the one after it, in the arm whose trace decays.
    eta
        Learning rate: factor from reward less mean reward to dopamine.
    trials
        Trials of each brain.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    compared = arms(delay, decay)
    calls = {name: Call(learned, (arm, cues, delay, eta, trials)) for name, arm in compared.items()}
    parts = over_seeds(run, calls, seeds)
    _table(run, parts, compared)
    run.picture("delayed_reward.png", lambda: _draw(parts, compared))
    means = {name: round(fmean(scores(seen, "right")), 4) for name, seen in parts.items()}
    return {
        "right": means,
        "criteria": CRITERIA,
        "met": {
            "trace": means["trace"] >= CRITERIA["trace"],
            "controls": all(means[name] <= CRITERIA["controls"] for name in CONTROLS),
        },
        "chance": {"right": 1 / ACTIONS},
        "intervals_95": {name: interval_95(scores(seen, "right"), bounded=True) for name, seen in parts.items()},
        "by_seed": {f"condition={name}": by_seed(seen) for name, seen in parts.items()},
        "curve": {name: [_by_trials(part["curve"]) for part in seen] for name, seen in parts.items()},
    }


def _by_trials(curve: Sequence[float]) -> list[dict[str, float]]:
    return [{"trials": WINDOW * number, "right": share} for number, share in enumerate(curve, 1)]


class Striatum:
    """Cues, a striatum that holds actions, and a fiber between them that dopamine changes."""

    def __init__(self, cues: int, trace: Trace, seed: int, **options: Any) -> None:
        brain = Brain()
        cue = brain.add(Area("Cue", cues * K, K, {str(each): range(each * K, (each + 1) * K) for each in range(cues)}))
        actions = {str(each): range(each * K, (each + 1) * K) for each in range(ACTIONS)}
        striatum = brain.add(Area("Striatum", STRIATUM, K, actions))
        self.dopamine = brain.add(Modulator("dopamine", baseline=0.0))
        self.chooses = brain.connect(
            cue, striatum, P, Additive(2.0, w_max=5.0), modulated_by=self.dopamine, trace=trace
        )
        self.settles = brain.connect(striatum, striatum, P, Hebbian(8.0, 9.0))
        self.cue, self.area, self.sim = cue, striatum, Simulator(brain, seed, **options)
        self._outside = np.where(np.arange(STRIATUM) < ACTIONS * K, 0.0, OUT_OF_REACH)
        for action in actions:
            self.sim.present(striatum[action])
            self.sim.run((), learn=self.settles)

    def choose(self, cue: int, rng: np.random.Generator) -> int:
        """Return the action that a cue and noise choose, in a probe."""
        with self.sim.frozen():
            self.sim.release(self.area)
            self.sim.present(self.cue[str(cue)])
            noise = rng.normal(0.0, NOISE, STRIATUM)
            self.sim.set_thresholds(self.area, self._outside + noise)
            self.sim.run(self.chooses)
            self.sim.set_thresholds(self.area, self._outside)
            self.sim.run(self.settles, SETTLING)
            fired = self.sim.assembly(self.area).neurons
        return int(np.bincount(fired // K, minlength=ACTIONS).argmax())

    def act(self, cue: int, action: int) -> None:
        """Let a cue and an action fire for one round, which the fiber between them remembers."""
        self.sim.present(self.cue[str(cue)], self.area[str(action)])
        self.sim.run((), learn=self.chooses)

    def reward(self, dopamine: float) -> None:
        """Apply dopamine to the rounds that are remembered."""
        self.sim.reinforce(self.dopamine, dopamine)


def learned(part: Part, arm: Arm, cues: int, delay: int, eta: float, trials: int, seed: int) -> dict[str, Any]:
    """Run trials and return the share of right actions in the last ones, and in each window of trials."""
    rng = np.random.default_rng([seed, 1])
    right = rng.permutation(ACTIONS)[np.arange(cues) % ACTIONS]
    striatum = Striatum(cues, arm.trace, seed, **part.simulator)
    waiting: deque[float] = deque()
    past: list[float] = []
    mean, hits = 1 / ACTIONS, []
    with striatum.sim:
        for _ in range(trials):
            cue = int(rng.integers(cues))
            action = striatum.choose(cue, rng)
            striatum.act(cue, action)
            hits.append(float(action == right[cue]))
            waiting.append(hits[-1])
            if len(waiting) > delay:
                past.append(waiting.popleft())
                reward = past[int(rng.integers(len(past)))] if arm.shuffled else past[-1]
                striatum.reward(eta * (reward - mean))
                mean += FOLLOWS * (reward - mean)
    curve = [fmean(hits[at : at + WINDOW]) for at in range(0, trials, WINDOW)]
    return {"right": fmean(hits[-WINDOW:]), "curve": curve}


def _table(run: Run, parts: Mapping[str, Sequence[Any]], compared: Mapping[str, Arm]) -> None:
    rows = [[compared[name].title, measured(scores(seen, "right"), bounded=True)] for name, seen in parts.items()]
    write_table(run, "delayed_reward.md", "Late rewards", ["", f"right, last {WINDOW} trials"], rows)


def _draw(parts: Mapping[str, Sequence[Any]], compared: Mapping[str, Arm]) -> Figure:
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for at, (name, seen) in enumerate(parts.items()):
        curves = np.array([part["curve"] for part in seen])
        color = "0.4" if name in CONTROLS else f"C{at}"
        ends = WINDOW * np.arange(1, curves.shape[1] + 1)
        axes.plot(ends, curves.T, color=color, alpha=0.3, lw=1)
        style = "--" if name == "shuffled" else "-"
        axes.plot(ends, curves.mean(axis=0), style, color=color, lw=2, label=compared[name].title)
    axes.axhline(CRITERIA["trace"], color="tab:red", lw=1)
    axes.axhline(1 / ACTIONS, color="0.8", lw=1)
    axes.set(xlabel="trials", ylabel=f"right actions, {WINDOW} trials", ylim=(0, 1.03))
    axes.legend(fontsize="x-small")
    return figure
