"""Learn from a reward that arrives three rounds late, with a trace of the last rounds.

A `Striatum` holds four actions.  A cue and noise choose one of them (`choose_action`); each cue has one right action,
which is rewarded some trials later, after other cues and actions have passed.  The fiber from cues to the striatum
remembers its last rounds (`Trace`), and dopamine, the reward minus the expectation of its choice, is applied to all of
them (`reward`).

Success is stated in advance, as means over seeds and the last 100 trials: with a trace at least .9 of the actions
are right; without one, and with rewards shuffled in time, at most .5 (chance .25).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Area, Brain, Modulator, Simulator, Trace, experiment
from brainsim.areas import Striatum
from brainsim.operations import Choice, choose_action, reward
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

K, ACTIONS = 50, ("left", "right", "up", "down")  # neurons of a cue
WINDOW = 100  # trials over which the share of right actions is taken
CRITERIA = {"trace": 0.9, "controls": 0.5}
CONTROLS = ("no_trace", "shuffled")


@dataclass(frozen=True)
class Arm:
    """The trace of a brain, and whether its rewards are shuffled."""

    title: str
    trace: Trace
    shuffled: bool = False


def arms(delay: int, decay: float) -> dict[str, Arm]:
    """Return the arms that are compared."""
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
    noise: float = 0.1,
    rate: float = 0.3,
    trials: int = 600,
    seeds: int = 10,
) -> Mapping[str, Any]:
    """Learn ``cues`` with rewards that arrive ``delay`` trials late.

    Parameters
    ----------
    cues
        Cues, each with one right action of four.
    delay
        Trials from an action to its reward.
    decay
        Factor by which a round counts less than the one after it, in the arm whose trace decays.
    noise
        Standard deviation of the noise that disturbs values, in units of the reward.
    rate
        Dopamine for an error of 1.
    trials
        Trials of each brain.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    compared = arms(delay, decay)
    calls = {name: Call(learned, (arm, cues, delay, noise, rate, trials)) for name, arm in compared.items()}
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
        "chance": {"right": 1 / len(ACTIONS)},
        "intervals_95": {name: interval_95(scores(seen, "right"), bounded=True) for name, seen in parts.items()},
        "by_seed": {f"condition={name}": by_seed(seen) for name, seen in parts.items()},
        "curve": {name: [_by_trials(part["curve"]) for part in seen] for name, seen in parts.items()},
    }


def _by_trials(curve: Sequence[float]) -> list[dict[str, float]]:
    return [{"trials": WINDOW * number, "right": share} for number, share in enumerate(curve, 1)]


def learned(
    part: Part, arm: Arm, cues: int, delay: int, noise: float, rate: float, trials: int, seed: int
) -> dict[str, Any]:
    """Run trials and return the share of right actions in the last ones, and in each window of trials."""
    rng, brain = np.random.default_rng([seed, 1]), Brain()
    cue = brain.add(Area("Cue", cues * K, K, {str(at): range(at * K, (at + 1) * K) for at in range(cues)}))
    striatum = brain.add(Striatum("Striatum", ACTIONS, dopamine=brain.add(Modulator("dopamine", baseline=0.0))))
    striatum.learns_from(cue, trace=arm.trace)
    right = rng.permutation(ACTIONS)[np.arange(cues) % len(ACTIONS)]
    waiting: deque[Choice] = deque()
    hits: list[float] = []
    with Simulator(brain, seed, **part.simulator) as sim:
        for trial in range(trials):
            at = int(rng.integers(cues))
            waiting.append(choose_action(sim, striatum, cue[str(at)], noise, rng=rng))
            hits.append(float(waiting[-1].action == right[at]))
            if len(waiting) > delay:
                known = trial - delay
                value = hits[int(rng.integers(known + 1)) if arm.shuffled else known]
                reward(sim, striatum, waiting.popleft(), value, rate)
    return {
        "right": fmean(hits[-WINDOW:]),
        "curve": [fmean(hits[at : at + WINDOW]) for at in range(0, trials, WINDOW)],
    }


def _table(run: Run, parts: Mapping[str, Sequence[Any]], compared: Mapping[str, Arm]) -> None:
    rows = [[compared[name].title, measured(scores(seen, "right"), bounded=True)] for name, seen in parts.items()]
    write_table(run, "delayed_reward.md", "Late rewards", ["", f"right, last {WINDOW} trials"], rows)


def _draw(parts: Mapping[str, Sequence[Any]], compared: Mapping[str, Arm]) -> Figure:
    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    for at, (name, seen) in enumerate(parts.items()):
        curves = np.array([part["curve"] for part in seen])
        color = "0.4" if name in CONTROLS else f"C{at}"
        ends = WINDOW * np.arange(1, curves.shape[1] + 1)
        axes.plot(ends, curves.T, color=color, alpha=0.3, lw=1)
        style = "--" if name == "shuffled" else "-"
        axes.plot(ends, curves.mean(axis=0), style, color=color, lw=2, label=compared[name].title)
    axes.axhline(CRITERIA["trace"], color="tab:red", lw=1, label=f"criterion {CRITERIA['trace']:g}")
    axes.axhline(1 / len(ACTIONS), color="0.6", lw=1, ls=":", label=f"chance {1 / len(ACTIONS):g}")
    axes.set(xlabel="trials", ylabel=f"share of right actions, last {WINDOW} trials", ylim=(0, 1.03))
    axes.set_title("A reward that comes late teaches the action before it", fontsize="medium")
    figure.legend(loc="outside lower center", ncols=2, fontsize="x-small")
    return figure
