"""Learn 184 operations one after the other, without replay: as gated assemblies, and by gradient at equal memory.

The operations are the functions of `brainsim.networks.operations`.  *As assemblies*: the assembly of an operation
disinhibits a share of an area, two operands meet in another area, whose assembly drives the first, and its winners are
linked to one of 16 result symbols by synapses that one co-firing saturates (``counted``: weights that grow as the
logarithm of the count; ``relabelled``: these, where each operation has its results in an order of its own, so that no
result is frequent in all).  Each of the 64 pairs of 8 x 8 operand levels is presented once.  Accuracy is measured just
after an operation is learned, and for all operations at the end, against the neurons of the gated area.
*By gradient*: small networks see points of one operation for some steps, then the next.  Their memories hold equally
many numbers: a plain network that is given the operation as a code, elastic weight consolidation (EWC, Kirkpatrick et
al. 2017), superposition of parameters (Cheung et al. 2019), weights modulated by coordinates with all parameters free,
and a private low-rank pair and read-out for each operation on a frozen base.

*Routing* asks which operation is meant: by its name and a description as presented, by a description in other words, by
a description of which half of the neurons are replaced, and by eight examples alone.  For other words, a baseline
compares descriptions by the words that they share, weighted by rarity (TF-IDF).

Success is stated in advance.  At 10^5 neurons at least .95 of the results are right at the end, and at most .3 if
another operation gates; more neurons are better.  Routing is .99 for the cue with half of its neurons replaced, and
.95 for other words.  Private pairs do not forget: outputs at the end equal those just after, bit for bit; the plain
network and free modulation do forget (their error at the end is at least 3 times that just after).  "Zero forgetting"
is reported only where all outputs are the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95
from continual.assemblies import assembled
from continual.gradients import GOOD, trained
from continual.routing import routed
from continual.shared import RESULTS

ARMS = {
    "gated": "gated assemblies",
    "ungated": "no gate: the operation drives, too",
    "counted": "weights that count",
    "relabelled": "weights that count, results relabelled",
    "beta_zero": "control: beta = 0",
}
NETWORKS = {
    "plain": "plain network",
    "ewc": "elastic weight consolidation",
    "superposition": "parameter superposition",
    "modulated": "modulation, all weights free",
    "private": "private low-rank pairs",
}
CUES = {
    "seen": "as presented",
    "other_words": "other words",
    "shared_words": "other words, baseline: shared words",
    "corrupted": "half of the neurons replaced",
    "examples": "eight examples",
}
CRITERIA = {"final": 0.95, "other_gate": 0.3, "corrupted": 0.99, "other_words": 0.95, "forgets": 3.0}


@experiment(quick={"sizes": "5000", "judged": 5000, "count": 4, "steps": 20, "seeds": 2})
def operations_184(
    run: Run,
    *,
    sizes: str = "20000,100000",
    judged: int = 100_000,
    gate: float = 0.0,
    count: int = 184,
    steps: int = 100,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Learn operations in sequence, and measure what is retained of each.

    Parameters
    ----------
    sizes
        Neurons of the gated area, with commas between the numbers.
    judged
        Size at which the assemblies are judged and the controls run; one of ``sizes``.
    gate
        Share of the area that an operation disinhibits; 0 for .1 up to 5e4 neurons, .05 up to 5e5, and .02 above.
    count
        Operations, spread evenly over the table.
    steps
        Steps of gradient for each operation, 64 points each.
    seeds
        Orders of the operations, brains and networks; their means and 95 % intervals are reported.
    """
    require_torch()
    every = [int(each) for each in sizes.split(",")]
    arms = [(arm, min(every)) for arm in ("counted", "relabelled")] + [("gated", n) for n in sorted(every)]
    arms += [(arm, judged) for arm in ("ungated", "beta_zero")]
    calls: dict[Any, Call] = {("routing", 0): Call(routed, (count,))}
    calls |= {(arm, n): Call(assembled, (arm, n, gate, count)) for arm, n in arms}
    calls |= {("network", arm): Call(trained, (arm, count, steps)) for arm in NETWORKS}
    parts = over_seeds(run, calls, seeds, "runs")
    brains = {key: each for key, each in parts.items() if key[0] in ARMS}
    networks = {arm: parts["network", arm] for arm in NETWORKS}
    _tables(run, brains, networks, parts["routing", 0])
    run.picture("operations_184.png", lambda: _draw(brains, networks, parts["routing", 0]))
    named = {f"{arm}/n={n}": each for (arm, n), each in brains.items()} | networks | {"routing": parts["routing", 0]}
    means = {name: {key: fmean(scores(each, key)) for key in each[0]} for name, each in named.items()}
    return {
        "means": means,
        "criteria": CRITERIA,
        "met": _met(means, judged),
        "zero_forgetting": {
            name: each["same_bits"] == 1.0
            for name, each in means.items()
            if name in NETWORKS or name.startswith(("gated", "ungated"))
        },
        "chance": {"result": 1 / RESULTS, "routing": 1 / count},
        "intervals_95": {
            name: {key: interval_95(scores(each, key), bounded=name not in NETWORKS) for key in each[0]}
            for name, each in named.items()
        },
        "by_seed": {f"arm={name}": by_seed(each) for name, each in named.items()},
    }


def _met(means: Mapping[str, Mapping[str, float]], judged: int) -> dict[str, bool]:
    gated = sorted(
        (int(name.split("=")[1]), each["final"]) for name, each in means.items() if name.startswith("gated/")
    )
    return {
        "final": means[f"gated/n={judged}"]["final"] >= CRITERIA["final"],
        "more_neurons": all(one[1] <= other[1] for one, other in pairwise(gated)),
        "other_gate": means[f"gated/n={judged}"]["other_gate"] <= CRITERIA["other_gate"],
        "corrupted": means["routing"]["corrupted"] >= CRITERIA["corrupted"],
        "other_words": means["routing"]["other_words"] >= CRITERIA["other_words"],
        "private_same_bits": means["private"]["same_bits"] == 1.0,
        "others_forget": all(
            means[arm]["final"] >= CRITERIA["forgets"] * means[arm]["just_after"] for arm in ("plain", "modulated")
        ),
    }


def _tables(
    run: Run,
    brains: Mapping[tuple[str, int], Sequence[Any]],
    networks: Mapping[str, Sequence[Any]],
    routing: Sequence[Any],
) -> None:
    names = ("just_after", "final", "same_bits", "other_gate")
    rows = [
        [ARMS[arm], f"{n:_}", *(measured(scores(each, name), 3, bounded=True) for name in names)]
        for (arm, n), each in brains.items()
    ]
    share = fmean(scores(next(iter(brains.values())), "most_frequent"))
    title = f"Right results; always the most frequent one of an operation: {share:.3f}"
    header = ["", "neurons", "just after", "at the end", "answers that stayed the same", "control: another gate"]
    write_table(run, "assemblies.md", title, header, rows)
    columns = {
        "numbers": "numbers held",
        "just_after": "error just after",
        "final": "error at the end",
        "good_at_the_end": f"error below {GOOD} at the end",
        "same_bits": "same bits at the end",
    }
    rows = [[NETWORKS[arm], *(measured(scores(each, name), 3) for name in columns)] for arm, each in networks.items()]
    rows = [[*row, "zero forgetting" if min(scores(networks[arm], "same_bits")) == 1.0 else ""]
            for row, arm in zip(rows, networks, strict=True)]  # fmt: skip
    write_table(run, "networks.md", "Normalised squared error", ["", *columns.values(), ""], rows)
    routes = [[title, measured(scores(routing, name), 3, bounded=True)] for name, title in CUES.items()]
    write_table(run, "routing.md", "Which operation a cue means", ["cue", "right"], routes)


def _draw(
    brains: Mapping[tuple[str, int], Sequence[Any]], networks: Mapping[str, Sequence[Any]], routing: Sequence[Any]
) -> Figure:
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    size_axes, error_axes, cue_axes = figure.subplots(1, 3)
    for at, arm in enumerate(ARMS):
        sizes = sorted(n for name, n in brains if name == arm)
        for name, style in (("just_after", "--"), ("final", "-")):
            values = [[part[name] for part in brains[arm, n]] for n in sizes]
            label = f"{ARMS[arm]}, {'at the end' if style == '-' else 'just after'}"
            size_axes.plot(sizes, [fmean(each) for each in values], f"o{style}", color=f"C{at}", ms=4, label=label)
    size_axes.set(xscale="log", xlabel="neurons of the gated area", ylabel="share of right results", ylim=(0, 1.03))
    shown = sorted({n for _, n in brains})
    size_axes.set_xticks(shown, [f"{n:_}" for n in shown])
    size_axes.minorticks_off()
    size_axes.legend(fontsize="xx-small")
    for at, parts in enumerate(networks.values()):
        for name, marker in (("just_after", "o"), ("final", "s")):
            error_axes.plot(
                scores(parts, name), [at] * len(parts), marker, color=f"C{at}", mfc="none" if marker == "o" else None
            )
    error_axes.set_yticks(range(len(networks)), [NETWORKS[arm] for arm in networks], fontsize="x-small")
    error_axes.set(xscale="log", xlabel="normalised squared error, just after (open) and at the end (filled)")
    for at, name in enumerate(CUES):
        cue_axes.plot([at] * len(routing), scores(routing, name), "o", color="C0", alpha=0.6)
    cue_axes.set_xticks(range(len(CUES)), [title.replace(" ", "\n") for title in CUES.values()], fontsize="x-small")
    cue_axes.set(ylabel="share of cues, right operation", ylim=(-0.03, 1.03))
    return figure
