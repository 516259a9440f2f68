"""How large does the support of a projected assembly grow?  The exact law and the lazy engine of the literature.

Papadimitriou, Vempala, Mitropolsky, Collins & Maass (PNAS 2020), first simulation: a stimulus is projected into a
recurrent area until the winners stay the same.  The support is the number of neurons that fired at least once until
then.  The published figures come from a lazy engine: in every round it draws new inputs for all neurons that have not
fired yet, while the exact law keeps one random graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.models.lazy import LazyProjection
from brainsim.operations import Trace, project
from brainsim.studies.comparison import measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import COUNT, interval_95

BETAS = (0.25, 0.1, 0.075, 0.05, 0.03)
PUBLISHED = {0.25: 1.59, 0.1: 2.65, 0.075: 3.31, 0.05: 3.91, 0.03: 5.03}  # lazy engine, n = 1e5, k = 317, p = .01
BY_ROUNDS = {1: 1.0, 2: 1.61, 3: 2.08, 5: 2.60, 10: 3.00, 20: 3.03}  # the law, n = 1e4, k = 100, p = .01, beta = .05
CONTROL = 0.0
SMALL = 10_000  # neurons of the brains that are followed round by round


@experiment(quick={"n": 4000, "large_n": 0, "rounds": 20, "seeds": 2, "lazy_seeds": 1})
def projection(
    run: Run,
    *,
    n: int = 100_000,
    large_n: int = 1_000_000,
    p: float = 0.01,
    rounds: int = 100,
    seeds: int = 5,
    lazy_seeds: int = 5,
    beta_by_rounds: float = 0.05,
) -> Mapping[str, Any]:
    """Project one stimulus of k = sqrt(n) neurons, and follow the support; ``large_n=0`` drops the larger brain.

    Parameters
    ----------
    n
        Neurons of the area; sqrt(n) of them win.
    large_n
        Neurons of the larger area, which only the exact law simulates; 0: none.
    p
        Connection probability.
    rounds
        Rounds of the projection.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    lazy_seeds
        Runs of the lazy engine.
    beta_by_rounds
        Plasticity at which the two engines are compared round by round.
    """
    sizes = [size for size in (n, large_n) if size]
    betas = (*BETAS, CONTROL)
    engines = {"exact": _exact, "lazy": _lazy}
    counts = {("exact", size, beta): seeds for size in reversed(sizes) for beta in betas}  # the largest begin first
    counts |= {("lazy", n, beta): lazy_seeds for beta in BETAS}
    for engine in engines:  # with n = 10_000, these may be among those above
        counts[engine, SMALL, beta_by_rounds] = max(seeds, counts.get((engine, SMALL, beta_by_rounds), 0))
    calls = {(engine, size, beta): Call(engines[engine], (size, p, beta, rounds)) for engine, size, beta in counts}
    found = over_seeds(run, calls, counts, "projections")
    exact = {size: {beta: found["exact", size, beta][:seeds] for beta in betas} for size in sizes}
    lazy = {beta: found["lazy", n, beta][:lazy_seeds] for beta in BETAS}
    small = {engine: found[engine, SMALL, beta_by_rounds][:seeds] for engine in engines}
    run.picture("support.png", lambda: _draw(exact, lazy))
    _tables(run, n, exact, lazy, small)
    return _metrics(n, exact, lazy, small)


def _exact(part: Part, n: int, p: float, beta: float, rounds: int, seed: int) -> dict[str, list[float]]:
    k, brain = round(n**0.5), Brain()
    stimulus, area = brain.add(Area("Stimulus", n=k, k=k), Area("A", n=n, k=k))
    rule = Hebbian(beta)
    brain.connect(stimulus, area, p=p, plasticity=rule)
    brain.connect(area, area, p=p, plasticity=rule)
    trace = Trace()
    with Simulator(brain, seed=seed, **part.simulator) as sim:
        project(sim, Assembly("Stimulus", np.arange(k)), area, rounds, trace=trace)
    return {"support_over_k": [count / k for count in trace.support], "overlap": list(trace.overlaps)}


def _lazy(_: Part, n: int, p: float, beta: float, rounds: int, seed: int) -> dict[str, list[float]]:
    k = round(n**0.5)
    engine, support, overlaps = LazyProjection(n, k, p, beta, seed), [], []
    for _round in range(rounds):
        before = engine.winners
        engine.step()
        support.append(engine.support / k)
        overlaps.append(len(np.intersect1d(before, engine.winners)) / k)
    return {"support_over_k": support, "overlap": overlaps[1:]}


def _ends(curves: Sequence[Mapping[str, list[float]]]) -> list[float]:
    return [curve["support_over_k"][-1] for curve in curves]


Curves = Mapping[float, Sequence[Mapping[str, list[float]]]]


def _tables(run: Run, n: int, exact: Mapping[int, Curves], lazy: Curves, small: Mapping[str, Any]) -> None:
    sizes = list(exact)
    header = [
        "beta",
        "published, lazy",
        "lazy engine here",
        *(f"the law, n = {size:_}" for size in sizes),
        "lazy / law",
    ]
    rows: list[list[Any]] = []
    for beta in (*BETAS, CONTROL):
        law = [measured(_ends(exact[size][beta]), bounded=COUNT) for size in sizes]
        here = _ends(lazy[beta]) if beta in lazy else None
        ratio = f"{fmean(here) / fmean(_ends(exact[n][beta])):.2f}" if here else None
        published = PUBLISHED.get(beta) if n == 100_000 else None
        rows.append([beta or "0 (control)", published, measured(here, bounded=COUNT) if here else None, *law, ratio])
    write_table(run, "support.md", "Support / k of a projected assembly", header, rows)
    steps = [step for step in BY_ROUNDS if step <= len(small["exact"][0]["support_over_k"])]
    by_rounds = [
        [
            step,
            BY_ROUNDS[step],
            *(measured([c["support_over_k"][step - 1] for c in small[e]], bounded=COUNT) for e in ("exact", "lazy")),
        ]
        for step in steps
    ]
    header = ["round", "expected of the law", "the law here", "lazy engine here"]
    write_table(run, "support_by_rounds.md", "Support / k, n = 10_000, k = 100, p = .01", header, by_rounds)


def _metrics(n: int, exact: Mapping[int, Curves], lazy: Curves, small: Mapping[str, Any]) -> dict[str, Any]:
    def summary(curves: Curves) -> dict[str, float]:
        return {str(beta): round(fmean(_ends(seeds)), 4) for beta, seeds in curves.items() if beta != CONTROL}

    law = {size: {beta: c for beta, c in curves.items() if beta != CONTROL} for size, curves in exact.items()}
    zero = {size: {CONTROL: curves[CONTROL]} for size, curves in exact.items()}
    control = exact[n][CONTROL]
    return {
        "support_over_k": summary(exact[n]),
        "intervals_95": {str(beta): interval_95(_ends(seeds), bounded=COUNT) for beta, seeds in exact[n].items()},
        "by_size": {str(size): summary(curves) for size, curves in exact.items()},
        "overlap_last": {
            str(beta): round(fmean(c["overlap"][-1] for c in seeds), 4) for beta, seeds in exact[n].items()
        },
        "lazy": {"support_over_k": summary(lazy)},
        "published": {"support_over_k": {str(beta): value for beta, value in PUBLISHED.items()}},
        "by_rounds": {engine: [c["support_over_k"] for c in curves] for engine, curves in small.items()},
        "controls": {
            "beta_zero": {
                "support_over_k": round(fmean(_ends(control)), 4),
                "overlap_last": round(fmean(c["overlap"][-1] for c in control), 4),
                "by_seed": _by_seed(zero),
            }
        },
        "by_seed": {**_by_seed(law), "condition=lazy": _by_seed({n: lazy})},
        "curve": {"trained": _points(law), "beta_zero": _points(zero), "lazy": _points({n: lazy})},
    }


def _by_seed(by_size: Mapping[int, Curves]) -> dict[str, Any]:
    return {
        f"n={size}": {
            f"beta={beta}": {"support_over_k": _ends(seeds), "overlap_last": [c["overlap"][-1] for c in seeds]}
            for beta, seeds in curves.items()
        }
        for size, curves in by_size.items()
    }


def _points(by_size: Mapping[int, Curves]) -> dict[str, Any]:
    """Return the supports after some of the rounds."""

    def of(curve: Mapping[str, list[float]]) -> list[dict[str, float]]:
        support = curve["support_over_k"]
        steps = sorted({*(step for step in BY_ROUNDS if step < len(support)), len(support)})
        return [{"round": step, "support_over_k": support[step - 1]} for step in steps]

    return {
        f"n={size}": {f"beta={beta}": [of(curve) for curve in seeds] for beta, seeds in curves.items()}
        for size, curves in by_size.items()
    }


def _draw(exact: Mapping[int, Curves], lazy: Curves) -> Figure:
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots(1, len(exact), squeeze=False, sharey=True)[0]
    for ax, (size, curves) in zip(axes, exact.items(), strict=True):
        for number, beta in enumerate(BETAS):
            values = np.array([curve["support_over_k"] for curve in curves[beta]])
            steps = np.arange(1, values.shape[1] + 1)
            ax.plot(steps, values.mean(axis=0), color=f"C{number}", lw=2, label=f"beta {beta}")
            ax.fill_between(steps, values.min(axis=0), values.max(axis=0), color=f"C{number}", alpha=0.2, lw=0)
            if size == next(iter(exact)):
                drawn = np.array([curve["support_over_k"] for curve in lazy[beta]]).mean(axis=0)
                ax.plot(steps, drawn, color=f"C{number}", lw=1, ls="--")
        ax.set_title(f"{size:,} neurons")
        ax.set_xlabel("round")
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("neurons that ever fired / k")
    handles, names = axes[0].get_legend_handles_labels()
    dashed = Line2D([], [], color="0.4", lw=1, ls="--")
    figure.legend(
        [*handles, dashed],
        [*names, "lazy engine"],
        loc="outside lower center",
        ncols=6,
        frameon=False,
        fontsize="small",
    )
    figure.suptitle("Support of an assembly while it forms (mean of the seeds; shaded: range)")
    return figure
