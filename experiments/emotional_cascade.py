"""Train the emotional cascade on the next word for one epoch: seconds, memory, loss, and what each part adds.

The published description states 61 seconds for 1 M tokens in 1000 steps.  Attention and feed-forward layers learn the
next word by gradient; the emotional weights learn by their local rule.  Ablations have the same text and as many steps:
no cascade (each node keeps its own vector), no attention, and emotional weights that are random and do not learn.
For comparison, a unigram and a bigram model are counted on the same words.  They know less: the word vectors are
computed from the whole text, which is larger than the training text and contains the held-out words.

Success is stated in advance, as means over seeds, on held-out text.  Training lowers the loss by at least 1 nat; the
loss is below that of the unigram model; and each part helps: without it the loss is higher by at least .01 nats.  95 %
bootstrap intervals of the differences (paired, in each seed) come from resampled windows of the held-out text.  Seconds
and memory are reported, without a target.

The command for full sizes is in docs/studies/emotional_cascade.md.  Other claims of the description have experiments
of their own: small_world, emotion_depth, emotional_words, emotional_sentences, reply_ranking, limbic_link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.models.cascade import Cascade, CascadeModel, Vocabulary, begin_training, words_of
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.info import peak_rss_mb
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95
from emotional import material, scoring, texts

HELD_OUT = 0.05
MOST_HELD_OUT = 10_000  # words, as in training
LENGTH = 50
CRITERIA = {"falls": 1.0, "pays": 0.01}
DESIGNS = {"tiny": Cascade.tiny, "natural": Cascade.natural, "paper": Cascade.paper}
ARMS = {
    "whole": ("whole model", {}),
    "no_cascade": ("ablation: no cascade", {"keep": 1.0}),
    "no_attention": ("ablation: no attention", {"attention_every": 0}),
    "random_weights": ("ablation: random emotional weights", {}),
}


@experiment(quick={"design": "tiny", "dim": 16, "neighbours": 10, "tokens": 6000, "steps": 30, "batch": 4, "seeds": 2})
def emotional_cascade(
    run: Run,
    *,
    text: str = "made",
    norms: Path | None = None,
    design: Literal["tiny", "natural", "paper"] = "natural",
    words: int = 60_000,
    dim: int = 128,
    neighbours: int = 100,
    tokens: int = 1_000_000,
    steps: int = 1000,
    batch: int = 20,
    rate: float = 0.001,
    prepared: Path | None = None,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Train the model and its ablations on the same text.

    Parameters
    ----------
    text
        Where text comes from: made, installed, or names of packages and files with commas between them.
    norms
        CSV file with the columns word, valence, arousal and dominance; those of made text are made, too.
    design
        Sizes of attention and feed-forward layers.
    words
        Most words of the vocabulary.
    dim
        Dimension of the vectors.
    neighbours
        Neighbours of a word in the graph, a ring in the order of frequency as published.
    tokens
        Words of text that training reads, about: whole passages are drawn.
    steps
        Steps of training.
    batch
        Windows of 50 words in a step.
    rate
        Largest learning rate.
    prepared
        The file vectors.npz of an earlier run with the same text, words, dim and neighbours; it and the graphs beside
        it are taken.
    seeds
        Models of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    require_torch()
    about = material.prepare(run, text, words, dim, neighbours, prepared, ("frequency",))
    sizes = {"design": design, "tokens": tokens, "steps": steps, "batch": batch, "rate": rate}
    calls = {arm: Call(trained, (arm, text, norms, neighbours, sizes)) for arm in ARMS}
    found = over_seeds(run, calls, seeds, "models")
    beyond = _beyond(found)
    _table(run, found, beyond)
    run.picture("emotional_cascade.png", lambda: _draw(found))
    loss = {arm: fmean(_of(parts, "loss_after")) for arm, parts in found.items()}
    whole = found["whole"]
    return {
        "loss": loss,
        "loss_before": fmean(_of(whole, "loss_before")),
        "unigram": fmean(_of(whole, "unigram")),
        "bigram": fmean(_of(whole, "bigram")),
        "epoch_seconds": {arm: fmean(_of(parts, "train_seconds")) for arm, parts in found.items()},
        "memory": {arm: fmean(_of(parts, "memory")) for arm, parts in found.items()},
        "bootstrap_95": beyond,
        "intervals_95": {arm: interval_95(_of(parts, "loss_after")) for arm, parts in found.items()},
        "criteria": CRITERIA,
        "met": {
            "falls": fmean(_of(whole, "loss_before")) - loss["whole"] >= CRITERIA["falls"],
            "beats_unigram": loss["whole"] < fmean(_of(whole, "unigram")),
            **{f"{arm}_is_worse": loss[arm] - loss["whole"] >= CRITERIA["pays"] for arm in ARMS if arm != "whole"},
        },
        "chance": {"loss": log(about["words"])},
        "by_seed": {f"arm={arm}": by_seed([_numbers(part) for part in parts]) for arm, parts in found.items()},
        **about,
    }


def trained(
    part: Part, arm: str, text: str, norms: Path | None, neighbours: int, sizes: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Train a model; return its loss on held-out text, also by window, and the time and memory of the training."""
    from brainsim.networks.training import Recipe

    words, rng = material.load(part.folder), np.random.default_rng([seed, 21])
    n, dim = words.vectors.shape
    read = _drawn([each for found in texts.passages(text).values() for each in found], sizes["tokens"], rng)
    design = replace(DESIGNS[sizes["design"]](), n=n, dim=dim, neighbours=neighbours, **ARMS[arm][1])
    edges = material.graph(part.folder, design.order)
    model = CascadeModel(design, words.vocabulary, words.vectors, edges=edges, seed=seed, **part.simulator)
    given = material.norms_of(text, norms)
    if given is not None:
        model.set_input(given.input(words.vocabulary))
    if arm == "random_weights":
        model.edges.replace(rng.random(model.edges.weights.shape, np.float32))
    recipe = Recipe(steps=sizes["steps"], batch=sizes["batch"], length=min(LENGTH, design.window), rate=sizes["rate"])
    training = begin_training(model, read, recipe, held_out=HELD_OUT, local=arm != "random_weights")
    training.run()
    report, by_counts = training.report(), counted(read, words.vocabulary, recipe.length)
    by_window = {name: _by_window(losses, recipe.length) for name, losses in by_counts.items()}
    return {
        "loss_before": round(report.loss_before, 4),
        "loss_after": round(report.loss_after, 4),
        "windows": {"model": training.window_losses().round(5).tolist(), **by_window},
        **{name: round(fmean(losses), 4) for name, losses in by_counts.items()},
        "tokens": report.tokens,
        "memory": round(report.memory_mb),
        "train_seconds": report.seconds,
        "peak_rss_mb": peak_rss_mb(),
    }


def _drawn(passages: Sequence[str], tokens: int, rng: np.random.Generator) -> list[str]:
    """Return passages in random order, until they have about so many words."""
    found, count = [], 0
    for at in rng.permutation(len(passages)):
        found.append(passages[at])
        count += len(words_of(passages[at]))
        if count >= tokens:
            break
    return found


def _by_window(losses: Sequence[float], length: int) -> list[float]:
    """Return the mean loss of each window, of which the last may be shorter."""
    return [round(fmean(losses[begin : begin + length]), 5) for begin in range(0, len(losses), length)]


def counted(read: Sequence[str], vocabulary: Vocabulary, length: int) -> dict[str, list[float]]:
    """Return the loss at each held-out word of a unigram and a bigram model, counted on the rest of the same text.

    A bigram is mixed with the unigram as if its first word had been followed by 100 words drawn from that.
    """
    stream = [vocabulary.index[word] for text in read for word in words_of(text) if word in vocabulary]
    kept = len(stream) - max(length + 1, round(HELD_OUT * len(stream)))
    known, held_out = stream[:kept], stream[kept:][:MOST_HELD_OUT]
    once, pairs = Counter(known), Counter(pairwise(known))

    def unigram(word: int) -> float:
        return (once[word] + 1) / (len(known) + len(vocabulary))

    def bigram(first: int, word: int) -> float:
        return (pairs[first, word] + 100 * unigram(word)) / (once[first] + 100)

    both = list(pairwise(held_out))
    return {
        "unigram": [-log(unigram(word)) for _, word in both],
        "bigram": [-log(bigram(first, word)) for first, word in both],
    }


def _of(parts: Sequence[Any], name: str) -> list[float]:
    return [part[name] for part in parts]


def _numbers(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of a part without the losses of its windows."""
    return {name: value for name, value in part.items() if name != "windows"}


def _beyond(found: Mapping[str, Sequence[Any]]) -> dict[str, list[list[float]]]:
    """Return, for each seed, intervals of the loss of ablations and counted models minus that of the whole model."""
    others = {arm: [part["windows"]["model"] for part in parts] for arm, parts in found.items() if arm != "whole"}
    others |= {name: [part["windows"][name] for part in found["whole"]] for name in ("unigram", "bigram")}
    whole = [part["windows"]["model"] for part in found["whole"]]
    return {
        name: [
            scoring.bootstrap(np.subtract(theirs, mine), np.mean, seed)
            for seed, (theirs, mine) in enumerate(zip(windows, whole, strict=True))
        ]
        for name, windows in others.items()
    }


def _table(run: Run, found: Mapping[str, Sequence[Any]], beyond: Mapping[str, Sequence[Sequence[float]]]) -> None:
    def interval(name: str) -> str:
        return ", ".join(f"[{low:+.3f}, {high:+.3f}]" for low, high in beyond.get(name, ()))

    rows = [
        [
            ARMS[arm][0],
            *(measured(_of(parts, name), 3) for name in ("loss_before", "loss_after")),
            interval(arm),
            measured(_of(parts, "train_seconds"), 0),
            measured(_of(parts, "memory"), 0),
        ]
        for arm, parts in found.items()
    ]
    rows += [
        [f"{name}, counted", "", measured(_of(found["whole"], name), 3), interval(name), "", ""]
        for name in ("unigram", "bigram")
    ]
    header = ["", "loss before (nats a word)", "after one epoch", "minus the whole model, bootstrap", "seconds", "MB"]
    write_table(run, "epoch.md", "One epoch", header, rows)


def _draw(found: Mapping[str, Sequence[Any]]) -> Figure:
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes, arms = figure.subplots(), list(found)[::-1]
    for at, arm in enumerate(arms):
        values = _of(found[arm], "loss_after")
        axes.plot(values, [at] * len(values), "o", alpha=0.5)
    for style, name in (("--", "unigram"), (":", "bigram")):
        axes.axvline(fmean(_of(found["whole"], name)), color="0.5", ls=style, lw=1, label=name)
    axes.set_yticks(range(len(arms)), [ARMS[arm][0] for arm in arms], fontsize=8)
    axes.set(xlabel="loss on held-out text (nats per word)")
    axes.legend(fontsize="small")
    return figure
