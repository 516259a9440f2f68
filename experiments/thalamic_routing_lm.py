"""Attention routed by a thalamus in a language model: its cost, its loss, and a task that it should be able to solve.

Three parts.  *Cost*: the number of attention scores that are computed for texts of 1k to 16k tokens, and the time.
*Text*: a character model is trained with each arm (`brainsim.networks.nokai.routing`) on equal tokens; in all arms
except the dense one a query reads k positions.  *Copy*: a marked token stands somewhere after the first k positions,
and is asked for after a long gap of other tokens.  All queries need the same position, so that a gate that does not
know the query is sufficient: the task is a fair positive case.  The model has one layer, so that no other position can
relay the mark (`routed.copying`).

Success is stated in advance.  Cost: the number of scores is n·(k + chunk) exactly, and its slope between 1k and 16k
tokens in logarithmic axes is 1.00 (dense: 2.00).  Text: the mean loss of `literal` is lower than that of `random` by
more than .05 nats, as the claim "routing keeps quality" requires; and `recency` is within .05 nats of `local`.  Copy:
`literal` copies at least .95 over the gap, and `local` and `random` at most .30; chance is 1/16.  `random` and `local`
are controls that must fail in the copy task by their structure: a query of `local` does not read the mark, and one of
`random` reads it only where its fixed draw contains the position of the mark.  The expected share that they can get
right follows from this (`bound`), and must itself be at most .30.  A further control, `window`, reads the last k as
`local` does, with the scores of `recency`, so that a gain of `recency` over it is due to the choice of positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log10
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95
from routed.copying import FAR, NEAR, SYMBOLS, copied
from routed.costs import costs
from routed.models import modelled

ARMS = {
    "dense": "dense: all positions",
    "local": "control: local, the last k",
    "window": "control: local, distance in its scores",
    "recency": "routed, content and recency",
    "literal": "routed, content alone",
    "random": "control: random k",
}
CONTROLS = ("local", "random")  # of the copy task
CRITERIA = {"literal_over_random": 0.05, "recency_within": 0.05, "copied": 0.95, "not_copied": 0.30, "slope": 1.0}


@experiment(
    quick={"steps": 8, "copy_steps": 8, "seeds": 1, "sizes": "256,512", "length": 64, "gap": 64, "held_out": 512}
)
def thalamic_routing_lm(
    run: Run,
    *,
    text: str = "",
    k: int = 16,
    steps: int = 200,
    length: int = 256,
    copy_steps: int = 300,
    gap: int = 160,
    held_out: int = 16_384,
    sizes: str = "1024,2048,4096,8192,16384",
    cost_k: int = 64,
    seeds: int = 3,
) -> Mapping[str, Any]:
    """Count what routing costs, train a model of text with each arm, and train each arm to copy over a gap.

    Parameters
    ----------
    text
        A text file; empty: stories that brainsim makes up.
    k
        Positions that a query reads, in the parts on text and on copying.
    steps
        Training steps on text, each of 1024 tokens.
    length
        Tokens of a sequence of text.
    copy_steps
        Training steps of the copy task, each of 16 sequences.
    gap
        Tokens of a sequence of the copy task after its first 3 k, which hold the marked token; an answer at least as
        many tokens after the mark counts as far.
    held_out
        Tokens of held-out text on which losses are measured.
    sizes
        Lengths for which costs are measured, with commas between them.
    cost_k
        Positions that a query reads, in the part on costs.
    seeds
        Models of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    require_torch()
    lengths = [int(each) for each in sizes.split(",")]
    calls = {("cost", "all"): Call(costs, (lengths, cost_k))}
    calls |= {("text", arm): Call(modelled, (arm, text, k, steps, length, held_out)) for arm in ARMS}
    calls |= {("copy", arm): Call(copied, (arm, k, copy_steps, gap)) for arm in ARMS}
    found = over_seeds(run, calls, {name: 1 if name[0] == "cost" else seeds for name in calls}, unit="models")
    cost = found["cost", "all"][0]
    texts, copies = ({arm: found[part, arm] for arm in ARMS} for part in ("text", "copy"))
    _tables(run, cost, texts, copies)
    run.picture("thalamic_routing_lm.png", lambda: _draw(cost, texts, copies))
    losses = {arm: fmean(scores(parts, "loss")) for arm, parts in texts.items()}
    far = {arm: scores(parts, FAR) for arm, parts in copies.items()}
    bound = {arm: fmean(scores(parts, "bound")) for arm, parts in copies.items() if "bound" in parts[0]}
    slopes = {name: _slope(cost["scores"][name]) for name in cost["scores"]}
    return {
        "loss": losses,
        "copied": {arm: {at: fmean(scores(parts, at)) for at in (NEAR, FAR)} for arm, parts in copies.items()},
        "bound": bound,
        "recency": {
            arm: fmean(scores(parts["recency"], "lambda")) for arm, parts in (("text", texts), ("copy", copies))
        },
        "scores": cost["scores"],
        "score_slopes": slopes,
        "cost_seconds": cost["seconds"],
        "slopes_of_time_seconds": {name: _slope(each) for name, each in cost["seconds"].items()},
        "chance": {"copied": 1 / SYMBOLS},
        "criteria": CRITERIA,
        "met": {
            "slope": slopes["routed"] == CRITERIA["slope"] and cost["exact"],
            "literal_over_random": losses["random"] - losses["literal"] > CRITERIA["literal_over_random"],
            "recency_within": losses["recency"] - losses["local"] <= CRITERIA["recency_within"],
            "copied": fmean(far["literal"]) >= CRITERIA["copied"],
            "not_copied": max(fmean(far[arm]) for arm in CONTROLS) <= CRITERIA["not_copied"],
            "cannot_copy": max(bound[arm] for arm in CONTROLS) <= CRITERIA["not_copied"],
        },
        "intervals_95": {
            "loss": {arm: interval_95(scores(parts, "loss")) for arm, parts in texts.items()},
            "copied": {arm: interval_95(each, bounded=True) for arm, each in far.items()},
        },
        "by_seed": {
            **{f"text={arm}": by_seed(parts) for arm, parts in texts.items()},
            **{f"copy={arm}": by_seed(parts) for arm, parts in copies.items()},
        },
    }


def _slope(values: Mapping[str, float]) -> float | None:
    """Return the slope of values by length in a plot with logarithmic axes."""
    if len(values) < 2:
        return None
    slope = np.polyfit([log10(int(n)) for n in values], [log10(max(each, 1e-9)) for each in values.values()], 1)[0]
    return round(float(slope), 3)


def _tables(run: Run, cost: Mapping[str, Any], texts: Mapping[str, Any], copies: Mapping[str, Any]) -> None:
    rows = [
        [
            n,
            *(f"{cost['scores'][name][n]:_}" for name in cost["scores"]),
            *(f"{cost['seconds'][name][n]:.3g}" for name in cost["seconds"]),
        ]
        for n in cost["scores"]["routed"]
    ]
    write_table(
        run, "cost.md", "Scores per head, and CPU seconds", ["n", "routed", "dense", "routed, s", "dense, s"], rows
    )
    rows = [
        [
            ARMS[arm],
            measured(scores(texts[arm], "loss"), 3),
            measured(scores(copies[arm], NEAR), 3, bounded=True),
            measured(scores(copies[arm], FAR), 3, bounded=True),
            measured(scores(copies[arm], "bound"), 3, bounded=True) if "bound" in copies[arm][0] else None,
        ]
        for arm in ARMS
    ]
    write_table(run, "arms.md", "Arms", ["", "loss on text", "copied, near", "copied, far", "can be copied"], rows)


def _draw(cost: Mapping[str, Any], texts: Mapping[str, Any], copies: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    counts, losses, tasks = figure.subplots(1, 3)
    for name, each in cost["scores"].items():
        counts.loglog([int(n) for n in each], list(each.values()), "o-", label=name)
    counts.set(xlabel="tokens n", ylabel="scores computed per head")
    counts.legend(fontsize="x-small")
    for axes, parts, name in ((losses, texts, "loss"), (tasks, copies, FAR)):
        for at, arm in enumerate(ARMS):
            values = scores(parts[arm], name)
            axes.plot(values, [at] * len(values), "o", alpha=0.6)
        axes.set_yticks(range(len(ARMS)), [title.replace("control: ", "") for title in ARMS.values()], fontsize=7)
        axes.invert_yaxis()
    counts.set_title("cost")
    losses.set(xlabel="loss (nats per character)", title="held-out text, by seed")
    tasks.axvline(1 / SYMBOLS, color="0.8", lw=1)
    tasks.set(xlabel="share copied (line: chance)", xlim=(-0.03, 1.03), title="copying over a long gap, by seed")
    return figure
