"""How many presentations are needed until a sequence of assemblies runs by itself?  Compared with the authors' code.

Dabagia, Papadimitriou & Vempala, Computation with sequences of assemblies in a model of the brain, Neural Computation
2025: n = 1000, k = 30, 25 stimuli, beta = .1, weights normalized at the start.  After each presentation the first
stimulus fires for one round, and then the area runs without input.  The measure is how much of the last assembly is
recalled.  The area learns either alone or with a second area, the scaffold, that is connected with it both ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.operations import chance_overlap, memorize_sequence, normalize, recall_sequence
from brainsim.plots import Curve, learning_curve
from brainsim.studies.comparison import measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

# The authors' code (github.com/mdabagia/nemo), six seeds: overlap of the last element after 1, 2, 3, ... presentations.
PUBLISHED = {
    0.2: {
        "simple": (0.03, 0.05, 0.03, 0.01, 0.03, 0.80, 0.92, 0.95, 0.97, 0.98),
        "scaffold": (0.03, 0.02, 0.41, 0.96, 0.98, 0.99),
    },
    0.4: {"simple": (0.05, 0.03, 0.04, 0.62, 0.94, 0.98, 0.99), "scaffold": (0.03, 0.79, 0.98, 0.99, 1.0)},
}
KINDS = ("simple", "scaffold")
CONDITIONS = ("trained", "not_normalized", "beta_zero", "shuffled")


@experiment(quick={"seeds": 1, "presentations": 8})
def sequences(
    run: Run,
    *,
    n: int = 1000,
    k: int = 30,
    length: int = 25,
    beta: float = 0.1,
    presentations: int = 10,
    seeds: int = 10,
) -> Mapping[str, Any]:
    """Memorize a sequence of ``length`` stimuli, and recall it after each presentation.

    Parameters
    ----------
    n, k
        Neurons and winners of the area.
    length
        Stimuli of the sequence.
    beta
        Plasticity: how much a synapse strengthens in a step, as a fraction of its weight.
    presentations
        Times the sequence is shown.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    rates = {condition: 0.0 if condition == "beta_zero" else beta for condition in CONDITIONS}
    calls = {
        (p, condition, kind): Call(recalled, (n, k, p, rate, length, presentations, kind, condition))
        for p in PUBLISHED
        for condition, rate in rates.items()
        for kind in KINDS
    }
    parts = over_seeds(run, calls, seeds, "sequences")
    found = {p: {c: {kind: parts[p, c, kind] for kind in KINDS} for c in CONDITIONS} for p in PUBLISHED}
    run.picture("recall.png", lambda: _draw(found))
    _tables(run, found, presentations)
    return _metrics(n, k, found)


def recalled(
    part: Part,
    n: int,
    k: int,
    p: float,
    beta: float,
    length: int,
    presentations: int,
    kind: str,
    condition: str,
    seed: int,
) -> dict[str, list[float]]:
    """Return, after each presentation, how much of the last assembly is recalled, and how much two elements overlap."""
    brain = Brain()
    stimulus, area = brain.add(Area("Stimulus", max(n, length * k), k), Area("A", n, k))
    rule = Hebbian(beta)
    brain.connect(stimulus, area, p, rule)
    brain.connect(area, area, p, rule)
    scaffold = None
    if kind == "scaffold":
        scaffold = brain.add(Area("Scaffold", n, k))
        for source, target in ((area, scaffold), (scaffold, area), (scaffold, scaffold)):
            brain.connect(source, target, p, rule)
    stimuli = [Assembly("Stimulus", np.arange(i * k, (i + 1) * k)) for i in range(length)]
    orders, last, shared = np.random.default_rng(seed), [], []
    with Simulator(brain, seed, **part.simulator) as sim:
        if condition != "not_normalized":
            normalize(sim, brain.fibers)
        for _ in range(presentations):
            # Shuffled: the first stimulus stays the first, but what follows comes in another order each time.
            later = orders.permutation(np.arange(1, length)) if condition == "shuffled" else np.arange(1, length)
            order = [0, *later.tolist()]
            heard = memorize_sequence(sim, [stimuli[i] for i in order], area, scaffold=scaffold)
            again = recall_sequence(sim, stimuli[0], area, length, scaffold=scaffold)
            overlaps = [a.overlap(b) for a, b in zip(again, heard, strict=True)]
            last.append(overlaps[-1])
            pairs = [a.overlap(b) for i, a in enumerate(heard) for b in heard[:i]]
            shared.append(float(np.mean(pairs)))
    return {"last": last, "shared": shared}


Found = Mapping[float, Mapping[str, Mapping[str, Sequence[Mapping[str, list[float]]]]]]


def _last(curves: Sequence[Mapping[str, list[float]]], name: str = "last") -> npt.NDArray[np.float64]:
    return np.array([curve[name] for curve in curves])


def _tables(run: Run, found: Found, presentations: int) -> None:
    header = ["presentations", *(str(number) for number in range(1, presentations + 1))]
    rows: list[list[Any]] = []
    for p, conditions in found.items():
        for kind in KINDS:
            published = [f"{value:.2f}" for value in PUBLISHED[p][kind]][:presentations]
            published += [""] * (presentations - len(published))
            rows.append([f"p = {p}, {kind}: the authors' code", *published])
            for condition in CONDITIONS:
                name = "here" if condition == "trained" else condition.replace("_", " ")
                columns = _last(conditions[condition][kind]).T.tolist()
                rows.append([f"p = {p}, {kind}: {name}", *(measured(column, bounded=True) for column in columns)])
    write_table(run, "recall_last.md", "Overlap of the last element with what is recalled", header, rows)
    shared = [
        [f"p = {p}, {kind}: {condition.replace('_', ' ')}", *(measured(c, bounded=True) for c in columns)]
        for p, conditions in found.items()
        for kind in KINDS
        for condition in CONDITIONS
        for columns in [_last(conditions[condition][kind], "shared").T.tolist()]
    ]
    write_table(run, "shared.md", "Overlap of two different elements, mean over all pairs", header, shared)


def _metrics(n: int, k: int, found: Found) -> dict[str, Any]:
    def by_presentation(curves: Sequence[Mapping[str, list[float]]]) -> dict[str, float]:
        return {str(number + 1): round(float(value), 4) for number, value in enumerate(_last(curves).mean(axis=0))}

    def shared(p: float, condition: str) -> dict[str, dict[str, float]]:
        return {
            kind: {
                str(number + 1): round(float(value), 4)
                for number, value in enumerate(_last(found[p][condition][kind], "shared").mean(axis=0))
            }
            for kind in KINDS
        }

    def at(p: float, condition: str) -> dict[str, dict[str, float]]:
        return {kind: by_presentation(found[p][condition][kind]) for kind in KINDS}

    def ends(condition: str) -> dict[str, Any]:
        """Return the scores after the last presentation."""
        return {
            f"p={p}": {
                kind: {name: _last(c[condition][kind], name)[:, -1].tolist() for name in ("last", "shared")}
                for kind in KINDS
            }
            for p, c in found.items()
        }

    lowest = min(found)
    return {
        "recall_last": at(lowest, "trained"),
        "by_p": {str(p): {"recall_last": at(p, "trained"), "shared": shared(p, "trained")} for p in found},
        "intervals_95": {
            str(p): {
                kind: [interval_95(column, bounded=True) for column in _last(found[p]["trained"][kind]).T.tolist()]
                for kind in KINDS
            }
            for p in found
        },
        "by_seed": ends("trained"),
        "controls": {
            c: {**{str(p): {"recall_last": at(p, c), "shared": shared(p, c)} for p in found}, "by_seed": ends(c)}
            for c in CONDITIONS[1:]
        },
        "curve": {
            c: {
                f"p={p}": {kind: [_by_presentation(curve) for curve in found[p][c][kind]] for kind in KINDS}
                for p in found
            }
            for c in CONDITIONS
        },
        "published": {
            str(p): {"recall_last": {kind: list(values) for kind, values in kinds.items()}}
            for p, kinds in PUBLISHED.items()
        },
        "chance": {"overlap": chance_overlap(n, k)},
    }


def _by_presentation(curve: Mapping[str, list[float]]) -> list[dict[str, float]]:
    pairs = zip(curve["last"], curve["shared"], strict=True)
    return [{"presentation": number, "last": last, "shared": shared} for number, (last, shared) in enumerate(pairs, 1)]


def _draw(found: Found) -> Figure:
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    for ax, (p, conditions) in zip(figure.subplots(1, len(found)), found.items(), strict=True):
        steps = range(1, len(conditions["trained"]["simple"][0]["last"]) + 1)
        curves = [Curve(kind, steps, _last(conditions["trained"][kind])) for kind in KINDS]
        curves += [
            Curve(f"{c.replace('_', ' ')}, {kind}", steps, _last(conditions[c][kind]), control=True)
            for c, kind in (("beta_zero", "simple"), ("shuffled", "simple"), ("shuffled", "scaffold"))
        ]
        learning_curve(curves, xlabel="presentations", ylabel="share of the last element recalled", ax=ax)
        for number, kind in enumerate(KINDS):
            values = PUBLISHED[p][kind][: len(steps)]
            ax.plot(
                steps[: len(values)], values, "o", color=f"C{number}", mfc="none", label=f"{kind}: the authors' code"
            )
        ax.legend(frameon=False, fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)
        ax.set_title(f"connection probability p = {p}")
    return figure
