"""Let a brain that has heard a sequence of three states continue it, and compare the transition probabilities.

Dabagia, Mitropolsky, Papadimitriou & Vempala, Coin-flipping in the brain: statistical learning with neuronal
assemblies, 2024 (arXiv 2406.07715).  A chain of three states is heard; weights record how often each state followed
each, by a rule whose softmax is the frequency; then the brain runs by itself, and noise in the drives selects the next
state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import (
    Area,
    Brain,
    Hebbian,
    Plasticity,
    SaturatingHebbian,
    Simulator,
    StatisticalHebbian,
    experiment,
)
from brainsim.operations import MarkovChain, choice_noise, flip_coin, frequencies, imprint
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

STATES = "abc"
TARGET = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.25, 0.25, 0.5]])
_ADDED = 15.0  # total weight that one synapse can gain from the whole sequence
CONDITIONS = ("trained", "beta_zero", "shuffled", "additive")
NAMES = {
    "trained": "here",
    "beta_zero": "control: beta = 0",
    "shuffled": "control: heard in random order",
    "additive": "control: additive rule",
}


@experiment(quick={"seeds": 1, "heard": 1000, "sampled": 400, "flips": 60})
def markov_chain(
    run: Run,
    *,
    k: int = 100,
    blocks: int = 4,
    p: float = 0.8,
    beta: float = 0.25,
    steepness: float = 2.0,
    imprinting: int = 3,
    heard: int = 3000,
    sampled: int = 3000,
    flips: int = 300,
    seeds: int = 10,
) -> Mapping[str, Any]:
    """Hear ``heard`` states and sample as many as ``sampled``; areas have ``blocks * k`` neurons.

    Parameters
    ----------
    k
        Neurons that stand for a state, and winners of each area.
    blocks
        Neurons of an area, in units of k; three blocks stand for the states.
    p
        Connection probability.
    beta
        First step of the rule that records frequencies.
    steepness
        Steepness of that rule, and of the softmax by which the brain chooses.
    imprinting
        Times each state is imprinted at the start.
    heard, sampled
        States that a brain hears, and states that it goes through by itself.
    flips
        Flips of a coin by a brain that has heard nothing.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    calls = {c: Call(chain, (k, blocks, p, beta, steepness, imprinting, heard, sampled, c)) for c in CONDITIONS}
    parts = over_seeds(run, {**calls, "coin": Call(coin, (blocks * k, k, p, imprinting, flips))}, seeds, "chains")
    found, coins = {condition: parts[condition] for condition in CONDITIONS}, parts["coin"]
    run.picture("transitions.png", lambda: _draw(found))
    _tables(run, found, coins)
    return _metrics(found, coins)


def declared(k: int, blocks: int, p: float, rule: Plasticity) -> Brain:
    """Return a brain with an area for the present state and one for the following."""
    brain = Brain()
    patterns = {state: np.arange(k) + k * i for i, state in enumerate(STATES)}
    now, following = brain.add(Area("Now", blocks * k, k, patterns), Area("Following", blocks * k, k, patterns))
    brain.connect(now, following, p, rule)
    brain.connect(following, following, p, Hebbian(1.0, 8.0))
    brain.connect(following, now, p, Hebbian(1.0, 8.0))
    return brain


def drawn(length: int, seed: int) -> list[str]:
    """Return a sequence of states that follows the target probabilities."""
    rng, states = np.random.default_rng([seed, length]), [0]
    while len(states) < length:
        states.append(int(rng.choice(len(STATES), p=TARGET[states[-1]])))
    return [STATES[state] for state in states]


def chain(
    part: Part,
    k: int,
    blocks: int,
    p: float,
    beta: float,
    steepness: float,
    imprinting: int,
    heard: int,
    sampled: int,
    condition: str,
    seed: int,
) -> dict[str, Any]:
    """Return the transition frequencies of what was heard and of what was sampled."""
    states = drawn(heard, seed)
    if condition == "shuffled":
        states = np.random.default_rng(seed).permutation(states).tolist()
    rule: Plasticity = StatisticalHebbian(0.0 if condition == "beta_zero" else beta, 16.0, steepness)
    if condition == "additive":  # each step adds the same amount, so that common transitions end with similar weights
        rule = SaturatingHebbian(_ADDED / heard, 32_767.0)
    with Simulator(declared(k, blocks, p, rule), seed, **part.simulator) as sim:
        chain_ = MarkovChain(sim, "Now", "Following")
        chain_.imprint(imprinting)
        chain_.observe(states)
        rng = np.random.default_rng([seed, 1])
        again = chain_.sample(states[0], sampled, choice_noise(k, p, steepness), rng=rng)
    return {
        "heard": frequencies(states, STATES).tolist(),
        "sampled": frequencies([states[0], *again], STATES).tolist(),
    }


def coin(part: Part, n: int, k: int, p: float, imprinting: int, flips: int, seed: int) -> dict[str, float]:
    """Return how often a coin fell on each of its two sides, and on none."""
    brain = Brain()
    patterns = {"heads": np.arange(k), "tails": np.arange(k) + k}
    area = brain.add(Area("Coin", n, k, patterns))
    brain.connect(area, area, p, Hebbian(1.0, 8.0))
    sides = {side: area[side] for side in patterns}
    with Simulator(brain, seed, **part.simulator) as sim:
        for side in sides.values():
            imprint(sim, side, side, imprinting)
        rng = np.random.default_rng([seed, 2])
        fallen = [flip_coin(sim, area, sides, rng=rng).label for _ in range(flips)]
    return {"heads": fallen.count("heads") / flips, "none": fallen.count(None) / flips}


Parts = Sequence[Mapping[str, Any]]


def _error(part: Mapping[str, Any], against: npt.ArrayLike | None = None) -> float:
    """Return the largest error of a transition frequency, by default against what was heard."""
    return float(np.abs(np.array(part["sampled"]) - (part["heard"] if against is None else against)).max())


def _tables(run: Run, found: Mapping[str, Parts], coins: Parts) -> None:
    mean = {name: np.mean([part[name] for part in found["trained"]], axis=0) for name in ("heard", "sampled")}
    rows = [
        [f"{a} to {b}", f"{TARGET[i, j]:.2f}", f"{mean['heard'][i, j]:.3f}", column]
        for i, a in enumerate(STATES)
        for j, b in enumerate(STATES)
        for column in [measured([part["sampled"][i][j] for part in found["trained"]], 3, bounded=True)]
    ]
    write_table(run, "transitions.md", "Transition probabilities", ["", "target", "heard", "sampled"], rows)
    errors = [
        [
            NAMES[condition],
            measured([_error(part, TARGET) for part in parts], 3, bounded=True),
            measured([_error(part) for part in parts], 3, bounded=True),
        ]
        for condition, parts in found.items()
    ]
    heard = [float(np.abs(np.array(part["heard"]) - TARGET).max()) for part in found["trained"]]
    errors.append(["what was heard, itself", measured(heard, 3, bounded=True), "0"])
    errors.append(["chance: 1/3 each", f"{np.abs(TARGET - 1 / 3).max():.3f}", ""])
    header = ["", "largest error against the target", "against what was heard"]
    write_table(run, "errors.md", "Largest error of the nine probabilities", header, errors)
    fallen = [[measured([part[name] for part in coins], 3, bounded=True) for name in ("heads", "none")]]
    write_table(run, "coin.md", "A fair coin", ["heads", "neither side"], fallen)


def _metrics(found: Mapping[str, Parts], coins: Parts) -> dict[str, Any]:
    def largest(condition: str, against: npt.ArrayLike | None = TARGET) -> float:
        return round(fmean(_error(part, against) for part in found[condition]), 4)

    def errors(condition: str) -> dict[str, list[float]]:
        parts = found[condition]
        return {
            "max_error": [_error(part, TARGET) for part in parts],
            "max_error_against_heard": [_error(part) for part in parts],
        }

    return {
        "max_error": largest("trained"),
        "max_error_interval_95": interval_95([_error(part, TARGET) for part in found["trained"]], bounded=True),
        "max_error_against_heard": largest("trained", None),
        "sampled": np.round(np.mean([part["sampled"] for part in found["trained"]], axis=0), 4).tolist(),
        "target": TARGET.tolist(),
        "coin": {name: round(fmean(part[name] for part in coins), 4) for name in ("heads", "none")},
        "coin_interval_95": interval_95([part["heads"] for part in coins], bounded=True),
        "by_seed": {**errors("trained"), "coin": by_seed(coins)},
        "controls": {
            condition: {"max_error": largest(condition), "by_seed": errors(condition)} for condition in CONDITIONS[1:]
        },
        "chance": {"max_error": round(float(np.abs(TARGET - 1 / 3).max()), 4), "coin": 0.5},
    }


def _draw(found: Mapping[str, Parts]) -> Figure:
    figure = Figure(figsize=(6.5, 4.6), layout="constrained")
    ax = figure.subplots()
    for number, (condition, parts) in enumerate(found.items()):
        sampled = np.array([part["sampled"] for part in parts])
        shade, marker = ("tab:blue", "0.25", "tab:green", "tab:orange")[number], "oxx+"[number]
        for seed in sampled:
            ax.plot(TARGET.ravel(), seed.ravel(), marker, color=shade, ms=4, ls="none", alpha=0.5)
        ax.plot([], [], marker, color=shade, label=NAMES[condition])
    ax.plot([0, 0.7], [0, 0.7], color="black", lw=0.8)
    ax.set_xlabel("target probability")
    ax.set_ylabel("frequency in the sampled sequence")
    ax.legend(frameon=False, fontsize="small")
    return figure
