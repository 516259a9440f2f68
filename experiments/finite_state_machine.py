"""Run a finite-state machine whose transitions are weights, and compare it with the authors' code.

Dabagia, Papadimitriou & Vempala, Computation with sequences of assemblies in a model of the brain, Neural Computation
2025, with the machine of their code (github.com/mdabagia/nemo): the remainder modulo 3 of a string of digits, and at
its end "accept" if it is 0, else "reject".  5000 neurons for arcs, 500 for states, 1000 for symbols, k = 70, beta = .1;
each of the 33 transitions is presented 15 times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Area, Brain, Hebbian, Simulator, experiment
from brainsim.operations import FiniteStateMachine
from brainsim.operations.machines import reachable
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

PUBLISHED = {0.1: ".10-.30", 0.2: ".85-.93", 0.4: "1.00"}  # the authors' code, three seeds
STATES = ("0", "1", "2", "accept", "reject")
END = "."
TRANSITIONS = [(str(rest), str(digit), str((rest + digit) % 3)) for rest in range(3) for digit in range(10)] + [
    (str(rest), END, "reject" if rest else "accept") for rest in range(3)
]
CONDITIONS = ("trained", "no_refraction", "beta_zero", "untrained", "shuffled")
NAMES = {"trained": "here", "no_refraction": "without refraction"}


@experiment(quick={"seeds": 1, "strings": 10})
def finite_state_machine(
    run: Run,
    *,
    n_arc: int = 5000,
    n_state: int = 500,
    n_symbol: int = 1000,
    k: int = 70,
    beta: float = 0.1,
    presentations: int = 15,
    strings: int = 40,
    longest: int = 6,
    seeds: int = 10,
) -> Mapping[str, Any]:
    """Teach the machine, and run it on random strings of 1 to ``longest`` digits, each followed by the end.

    Parameters
    ----------
    n_arc, n_state, n_symbol
        Neurons of the areas of arcs, states and symbols.
    k
        Winners of each area.
    beta
        Plasticity: how much a synapse strengthens in a step, as a fraction of its weight.
    presentations
        Times each transition is shown.
    strings
        Random strings that each machine reads.
    longest
        Most digits of a string.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    sizes = {"n_arc": n_arc, "n_state": n_state, "n_symbol": n_symbol, "k": k}
    calls = {
        (p, condition): Call(tested, (sizes, p, beta, presentations, strings, longest, condition))
        for p in PUBLISHED
        for condition in CONDITIONS
    }
    parts = over_seeds(run, calls, seeds, "machines")
    found = {p: {condition: parts[p, condition] for condition in CONDITIONS} for p in PUBLISHED}
    run.picture("correct.png", lambda: _draw(found))
    _table(run, found)
    return _metrics(found)


def declared(sizes: Mapping[str, int], p: float, beta: float, refraction: float) -> Brain:
    """Return a brain for the machine."""
    brain, k = Brain(), sizes["k"]
    symbols = [*map(str, range(10)), END]
    patterns = [{label: np.arange(k) + k * i for i, label in enumerate(labels)} for labels in (symbols, STATES)]
    symbol, state, arc = brain.add(
        Area("Symbol", sizes["n_symbol"], k, patterns[0]),
        Area("State", sizes["n_state"], k, patterns[1]),
        Area("Arc", sizes["n_arc"], k, refraction=refraction),
    )
    rule = Hebbian(beta)
    for source, target in ((symbol, arc), (state, arc), (arc, state)):
        brain.connect(source, target, p, rule)
    return brain


def tested(
    part: Part,
    sizes: Mapping[str, int],
    p: float,
    beta: float,
    presentations: int,
    strings: int,
    longest: int,
    condition: str,
    seed: int,
) -> dict[str, float]:
    """Return the share of strings that end in the right state, and the shares of all states that are right and exact.

    A state is right if at least half of its pattern fires, and more of it than of any other; ``nearest`` requires only
    the second, and ``rejected`` is the score of always answering "reject".
    """
    rate = 0.0 if condition == "beta_zero" else beta
    rng = np.random.default_rng(seed)
    right, nearest, rejected, steps, exact = (list[bool]() for _ in range(5))
    transitions = list(TRANSITIONS)
    if condition == "shuffled":  # the ends of the arcs are permuted
        ends = rng.permutation([following for _, _, following in transitions]).tolist()
        transitions = [(state, symbol, end) for (state, symbol, _), end in zip(transitions, ends, strict=True)]
    brain = declared(sizes, p, rate, 0.0 if condition == "no_refraction" else rate)
    with Simulator(brain, seed, **part.simulator) as sim:
        machine = FiniteStateMachine(sim, "Symbol", "State", "Arc")
        if condition != "untrained":
            reached = reachable("0", transitions)
            machine.learn([each for each in transitions if each[0] in reached], "0", presentations)
        for _ in range(strings):
            digits = rng.integers(0, 10, rng.integers(1, longest + 1))
            wanted = [str(rest) for rest in np.cumsum(digits) % 3]
            wanted.append("accept" if wanted[-1] == "0" else "reject")
            seen = machine.run("0", [*map(str, digits), END], threshold=0.0)
            nearest.append(seen[-1].label == wanted[-1])
            rejected.append(wanted[-1] == "reject")
            named = [read.label == label and read.overlap >= 0.5 for read, label in zip(seen, wanted, strict=True)]
            right.append(named[-1])
            steps += named
            exact += [known and read.overlap == 1.0 for known, read in zip(named, seen, strict=True)]
    seen_as = {"correct": right, "nearest": nearest, "rejected": rejected, "steps": steps, "exact_states": exact}
    return {name: float(np.mean(each)) for name, each in seen_as.items()}


Found = Mapping[float, Mapping[str, Sequence[Mapping[str, float]]]]


def _table(run: Run, found: Found) -> None:
    header = [
        "p",
        "the authors' code, strings",
        *(f"{NAMES.get(c, 'control: ' + c)}, strings" for c in CONDITIONS),
        "here, states",
        "here, exact states",
    ]
    rows = [
        [
            p,
            PUBLISHED[p],
            *(measured(scores(conditions[c], "correct"), bounded=True) for c in CONDITIONS),
            *(measured(scores(conditions["trained"], name), bounded=True) for name in ("steps", "exact_states")),
        ]
        for p, conditions in found.items()
    ]
    write_table(run, "correct.md", "Strings that end in the right state, of five", header, rows)
    header = ["p", *(f"{NAMES.get(c, 'control: ' + c)}" for c in CONDITIONS), "always reject"]
    bare = [
        [
            p,
            *(measured(scores(conditions[c], "nearest"), bounded=True) for c in CONDITIONS),
            measured(scores(conditions["trained"], "rejected"), bounded=True),
        ]
        for p, conditions in found.items()
    ]
    write_table(run, "nearest.md", "Strings whose last state is nearest to the right one, of five", header, bare)


def _metrics(found: Found) -> dict[str, Any]:
    def by_p(condition: str, name: str) -> dict[str, float]:
        return {str(p): round(fmean(scores(conditions[condition], name)), 4) for p, conditions in found.items()}

    def seeds(condition: str) -> dict[str, Any]:
        return {f"p={p}": by_seed(conditions[condition]) for p, conditions in found.items()}

    return {
        **{name: by_p("trained", name) for name in ("correct", "exact_states", "steps", "nearest")},
        "intervals_95": {
            str(p): interval_95(scores(conditions["trained"], "correct"), bounded=True)
            for p, conditions in found.items()
        },
        "by_seed": seeds("trained"),
        "controls": {
            c: {**{name: by_p(c, name) for name in ("correct", "nearest", "steps")}, "by_seed": seeds(c)}
            for c in CONDITIONS[1:]
        },
        "published": {"correct": {str(p): text for p, text in PUBLISHED.items()}},
        "chance": {"correct": round(fmean(scores(next(iter(found.values()))["trained"], "rejected")), 4)},
    }


def _draw(found: Found) -> Figure:
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    ax = figure.subplots()
    width = 0.8 / len(CONDITIONS)
    for number, condition in enumerate(CONDITIONS):
        values = [scores(conditions[condition], "correct") for conditions in found.values()]
        at = np.arange(len(found)) + (number - (len(CONDITIONS) - 1) / 2) * width
        shade = "tab:blue" if condition == "trained" else f"{0.35 + 0.12 * number:.2f}"
        ax.bar(at, np.mean(values, axis=1), width, color=shade, label=NAMES.get(condition, f"control: {condition}"))
        for x, each in zip(at, values, strict=True):
            ax.plot([x] * len(each), each, ".", color="black", ms=3)
    ax.set_xticks(range(len(found)), [f"p = {p}" for p in found])
    ax.set_ylabel("share of strings that end in the right state")
    ax.legend(frameon=False, fontsize="small")
    return figure
