"""Attention routed by a thalamus in a language model: what it costs, what it loses, and a task made for it.

Three parts.  *Cost*: the scores that are computed for texts of 1k to 16k tokens, counted, and the time.  *Text*: a
character model is trained with each arm (`brainsim.networks.routing`) on equal tokens; all but the dense arm read k
positions.  *Copy*: a marked token stands at the beginning, and after a long gap of other tokens it is asked for.  Every
query wants the same position, so that a gate that does not know the query is enough: the fair positive case.

Success is stated in advance.  Cost: scores are n·(k + chunk) exactly, and their slope between 1k and 16k tokens in a
plot with logarithmic axes is 1.00 (dense: 2.00).  Text: `literal` beats `random` by more than .05 nats in the mean, as
the claim "routing keeps quality" needs; and `recency` is within .05 nats of `local`.  Copy: `literal` copies at least
.95 after gaps that exceed what `local` can see, and `local` and `random` at most .30 (chance 1/16).
The controls that must fail: `random` and `local` in the copy task.  A control to compare with: `window` reads the last
k as `local` does, with the scores of `recency`, so that what `recency` gains over it is due to the choice of positions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import log10
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

ARMS = {
    "dense": "dense: all positions",
    "local": "control: local, the last k",
    "window": "control: local, distance in its scores",
    "recency": "routed, content and recency",
    "literal": "routed, content alone",
    "random": "control: random k",
}
SYMBOLS = 16  # marked tokens, and as many that are not marked; one more token asks
NEAR, FAR = "near", "far"
CRITERIA = {"literal_over_random": 0.05, "recency_within": 0.05, "copied": 0.95, "not_copied": 0.30, "slope": 1.0}
HEADS, WIDTH = 4, 16  # of the part on costs


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
        A file of text; without one, stories that brainsim makes.
    k
        Positions that a query reads, in the parts on text and on copying.
    steps
        Training steps on text, each of 1024 tokens.
    length
        Tokens of a sequence of text.
    copy_steps
        Training steps of the copy task, each of 16 sequences.
    gap
        Tokens of a sequence of the copy task after the part in which the marked token stands.
    held_out
        Tokens of the text that losses are measured on.
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
    slopes = {name: _slope(cost["scores"][name]) for name in cost["scores"]}
    return {
        "loss": losses,
        "copied": {arm: {at: fmean(scores(parts, at)) for at in (NEAR, FAR)} for arm, parts in copies.items()},
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
            "not_copied": max(fmean(far[arm]) for arm in ("local", "random")) <= CRITERIA["not_copied"],
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


def costs(_part: Part, sizes: Sequence[int], k: int, seed: int) -> dict[str, Any]:
    """Return counted scores and CPU seconds of one pass, for routed attention and for dense attention."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from brainsim.networks.routing import routed_attention, scores_computed

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    counted: dict[str, dict[str, int]] = {"routed": {}, "dense": {}}
    seconds: dict[str, dict[str, float]] = {"routed": {}, "dense": {}}
    for n in sizes:
        q, key, v = (torch.randn(1, HEADS, n, WIDTH, generator=generator) for _ in range(3))
        gate = torch.nn.functional.logsigmoid(torch.randn(1, n, generator=generator))
        for name, arm in (("routed", "recency"), ("dense", "dense")):
            seconds[name][str(n)] = min(_timed(partial(routed_attention, q, key, v, gate, k=k, arm=arm)))
        with FlopCounterMode(display=False) as flops:
            routed_attention(q, key, v, gate, k=k)
        # Two operations for each element of a key, and two for each of a value.
        counted["routed"][str(n)] = flops.get_total_flops() // (4 * HEADS * WIDTH)
        counted["dense"][str(n)] = n * n  # by arithmetic: its kernel hides what it computes
    exact = all(counted["routed"][str(n)] == scores_computed(n, k, k) == n * 2 * k for n in sizes)
    return {"scores": counted, "seconds": seconds, "exact": exact}


def _timed(work: Callable[[], Any]) -> list[float]:
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return found


def modelled(
    _part: Part, arm: str, text: str, k: int, steps: int, length: int, held_out: int, seed: int
) -> dict[str, float]:
    """Train a character model with an arm, and return its loss on held-out text, in nats per character."""
    import torch

    from brainsim.networks.made_text import made_text
    from brainsim.networks.text import CharTokenizer, read_text
    from brainsim.networks.training import Corpus, Recipe, Trainer, evaluate

    torch.set_num_threads(1)
    written = read_text(text) if text else made_text(400_000)
    tokenizer = CharTokenizer.of(written)
    tokens = torch.tensor(tokenizer.encode(written))
    cut = int(0.9 * len(tokens))
    model = _model(arm, tokenizer.vocabulary, 64, k, seed)
    recipe = Recipe(steps=steps, batch=max(1, 1024 // length), length=length, rate=4e-3, seed=seed)
    Trainer(model, recipe, Corpus(tokens[:cut]).draw).run()
    loss = evaluate(model, tokens[cut : cut + held_out + 1], length)
    return {"loss": loss, "lambda": _recency(model)}


def copied(_part: Part, arm: str, k: int, steps: int, gap: int, seed: int) -> dict[str, float]:
    """Train a model to name the marked token wherever it is asked, and return how often it does, near and far."""
    import torch

    from brainsim.networks.blocks import generator_of
    from brainsim.networks.training import Recipe, Trainer

    torch.set_num_threads(1)
    model = _model(arm, 2 * SYMBOLS + 1, 32, k, seed)
    recipe = Recipe(steps=steps, batch=16, length=16 + gap, rate=4e-3, seed=seed)
    Trainer(model, recipe, marked, _loss_where_asked).run()
    model.eval()
    with torch.no_grad():
        tokens, targets = marked(generator_of(seed, "test"), 64, 16 + gap)
        right = model(tokens).argmax(-1) == targets
    asked = targets >= 0
    marks = (tokens < SYMBOLS).float().argmax(-1, keepdim=True)
    distance = torch.arange(tokens.shape[1]) - marks
    # Two layers of local attention see 2 (k - 1) positions back.
    far, near = asked & (distance >= max(2 * k, gap // 2)), asked & (distance < k)
    return {NEAR: float(right[near].float().mean()), FAR: float(right[far].float().mean()), "lambda": _recency(model)}


def marked(generator: Any, batch: int, length: int) -> tuple[Any, Any]:
    """Draw sequences with one marked token among the first 8, and queries of it; a target of -100 is not asked."""
    import torch

    filler = torch.randint(SYMBOLS, 2 * SYMBOLS, (batch, length), generator=generator)
    at = torch.randint(8, (batch, 1), generator=generator)
    symbol = torch.randint(SYMBOLS, (batch, 1), generator=generator)
    asked = (torch.rand(batch, length, generator=generator) < 0.1) & (torch.arange(length) > at)
    tokens = filler.masked_fill(asked, 2 * SYMBOLS).scatter(1, at, symbol)
    return tokens, symbol.expand(-1, length).masked_fill(~asked, -100)


def _loss_where_asked(model: Any, batch: tuple[Any, Any]) -> Any:
    from torch.nn import functional

    return functional.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten(), ignore_index=-100)


def _model(arm: str, vocabulary: int, dim: int, k: int, seed: int) -> Any:
    from dataclasses import replace

    from brainsim.networks.nokai import Nokai, NokaiConfig

    sizes = {"embedding_dim": dim, "feedforward_dim": 172 * dim // 64, "gate_dim": 32, "ca3_rank": dim // 2}
    return Nokai(replace(NokaiConfig.tiny(), vocab_size=vocabulary, routing=arm, routing_k=k, **sizes), seed)


def _recency(model: Any) -> float:
    """Return λ, in the mean over layers."""
    import torch

    with torch.no_grad():
        return fmean(float(layer.attention.recency) for layer in model.cortex)


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
        ]
        for arm in ARMS
    ]
    write_table(run, "arms.md", "Arms", ["", "loss on text", "copied, near", "copied, far"], rows)


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
    losses.set(xlabel="loss on held-out text, nats per character")
    tasks.axvline(1 / SYMBOLS, color="0.8", lw=1)
    tasks.set(xlabel="copied after a long gap", xlim=(-0.03, 1.03))
    return figure
