"""Train a small model of characters for a given time, and compare it with n-grams and a published figure.

nanoGPT (Karpathy 2022) states a held-out loss of 1.88 nats per character of tinyshakespeare for its small model on a
CPU (0.80 M parameters, 2 000 steps of 12 x 64 characters, about 3 minutes on a laptop).  Here a transformer of as many
parameters trains for ``minutes`` of CPU time on one thread, on the first 90 % of the text, and is evaluated on the
rest; bigrams and interpolated 5-grams learn the same text.  Controls: the untrained model, and a model trained on the
same characters in random order.

Success is stated in advance: the mean loss over seeds is below 1.88 and below that of the 5-grams, and both controls
are above the bigrams.  The figure depends on the speed of the machine; ``steps`` is how many steps that time allowed.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

PUBLISHED = 1.88
HELD_OUT = 0.1
ARMS = {"trained": "trained", "untrained": "control: untrained", "scrambled": "control: trained on scrambled text"}


@experiment(quick={"steps": 40, "characters": 20_000, "seeds": 2})
def char_lm(
    run: Run,
    *,
    text: Path | None = None,
    minutes: float = 3.0,
    steps: int = 0,
    characters: int = 2_000_000,
    dim: int = 128,
    layers: int = 4,
    length: int = 64,
    batch: int = 12,
    rate: float = 4e-3,
    seeds: int = 3,
) -> Mapping[str, Any]:
    """Train models of characters on a text of the user, and compare their losses on the last tenth of it.

    Parameters
    ----------
    text
        File of plain text; empty: stories that brainsim makes up.
    minutes
        Processor time of a training, on one thread; the number of steps follows from the speed of the first 20.
    steps
        Steps of a training, whatever time they take; 0: as many as ``minutes`` suffice for.
    characters
        Characters of the text that are read, at most.
    dim, layers
        Size of the residual stream, and blocks.
    length, batch
        Characters in a sequence, and sequences in a batch.
    rate
        Highest learning rate.
    seeds
        Models of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    require_torch()
    source = str(text) if text else None
    sizes = {"dim": dim, "layers": layers, "length": length, "batch": batch, "rate": rate}
    calls = {arm: Call(learned, (arm, source, characters, minutes, steps, sizes)) for arm in ARMS}
    found = over_seeds(run, calls, seeds, unit="models")
    grams = {f"{n}-grams": gram_loss(*_split(read(source, characters)), n) for n in (2, 5)}
    _table(run, found, grams)
    run.picture("char_lm.png", lambda: _draw(found, grams))
    return _metrics(found, grams, source)


def read(source: str | None, characters: int) -> str:
    """Return the text, or one that is made up."""
    from brainsim.networks.made_text import made_text
    from brainsim.networks.text import read_text

    return (read_text(source) if source else made_text(min(characters, 200_000)))[:characters]


def _split(text: str) -> tuple[str, str]:
    cut = round((1 - HELD_OUT) * len(text))
    return text[:cut], text[cut:]


def learned(
    _: Part,
    arm: str,
    source: str | None,
    characters: int,
    minutes: float,
    steps: int,
    sizes: Mapping[str, Any],
    seed: int,
) -> dict[str, float]:
    """Train one model, and return its loss on held-out text."""
    import torch

    from brainsim.networks.recipe import Recipe
    from brainsim.networks.text import CharTokenizer
    from brainsim.networks.training import Corpus, Trainer, evaluate
    from brainsim.networks.transformer import Transformer, TransformerConfig

    torch.set_num_threads(1)
    text = read(source, characters)
    tokenizer = CharTokenizer.of(text)
    train, held = (tokenizer.encode(each) for each in _split(text))
    if arm == "scrambled":
        train = np.random.default_rng([seed, 8]).permutation(train).tolist()
    dim, length = sizes["dim"], sizes["length"]
    config = TransformerConfig(tokenizer.vocabulary, dim, sizes["layers"], 4, 4, round(8 * dim / 3), context=length)
    corpus = Corpus(train)

    def trainer(many: int) -> Trainer:
        return Trainer(
            Transformer(config, seed), Recipe(many, sizes["batch"], length, sizes["rate"], seed=seed), corpus.draw
        )

    many = steps or _steps_in(minutes, trainer)
    training = trainer(many)
    began = time.process_time()
    training.run(0 if arm == "untrained" else None)
    return {
        "loss": evaluate(training.model, held, length),
        "steps": training.done,
        "parameters": sum(each.numel() for each in training.model.parameters()),
        "training_seconds": time.process_time() - began,
    }


def _steps_in(minutes: float, trainer: Any) -> int:
    """Return how many steps a processor takes in some minutes, estimated from the first 20 of a training."""
    probe = trainer(10**6)
    probe.run(5)
    began = time.process_time()
    probe.run(25)
    return max(1, int(60 * minutes / ((time.process_time() - began) / 20)))


def gram_loss(train: str, held: str, n: int, discount: float = 0.75) -> float:
    """Return the loss of n-grams in nats a character, absolutely discounted and interpolated with shorter ones.

    Parameters
    ----------
    train, held
        Text for the counts, and text that is predicted.
    n
        Characters, including the predicted one.
    discount
        Discount of each count, which is given to the shorter context.
    """
    alphabet = len(set(train) | set(held))
    counts = [Counter(train[at : at + m] for at in range(len(train) - m + 1)) for m in range(1, n + 1)]
    contexts = [Counter(train[at : at + m - 1] for at in range(len(train) - m + 1)) for m in range(1, n + 1)]
    kinds = [Counter(gram[:-1] for gram in counted) for counted in counts]

    def likely(gram: str) -> float:
        p = 1 / alphabet
        for m in range(1, len(gram) + 1):
            part, level = gram[-m:], m - 1
            total = contexts[level][part[:-1]]
            if not total:
                return p
            left = discount * kinds[level][part[:-1]] / total
            p = max(counts[level][part] - discount, 0) / total + left * p
        return p

    return -fmean(math.log(likely(held[max(0, at - n + 1) : at + 1])) for at in range(len(held)))


def _metrics(found: Mapping[str, Sequence[Any]], grams: Mapping[str, float], source: str | None) -> dict[str, Any]:
    losses = {arm: scores(parts, "loss") for arm, parts in found.items()}
    means = {arm: fmean(values) for arm, values in losses.items()}
    return {
        "text": Path(source).name if source else "made up",
        "loss": means["trained"],
        "n_grams": dict(grams),
        "published_loss": PUBLISHED,
        "controls": {arm: {"loss": means[arm]} for arm in ("untrained", "scrambled")},
        "parameters_of_model": found["trained"][0]["parameters"],
        "steps": fmean(scores(found["trained"], "steps")),
        "training_seconds": fmean(scores(found["trained"], "training_seconds")),
        "intervals_95": {"loss": interval_95(losses["trained"])},
        "by_seed": {f"arm={arm}": {"loss": values} for arm, values in losses.items()},
        "met": {
            "published": means["trained"] < PUBLISHED,
            "five_grams": means["trained"] < grams["5-grams"],
            "controls": min(means["untrained"], means["scrambled"]) > grams["2-grams"],
        },
    }


def _table(run: Run, found: Mapping[str, Sequence[Any]], grams: Mapping[str, float]) -> None:
    rows = [[title, measured(scores(found[arm], "loss"), 3)] for arm, title in ARMS.items()]
    rows += [[name, f"{loss:.3f}"] for name, loss in grams.items()]
    rows.append(["nanoGPT, small, as published for tinyshakespeare", f"{PUBLISHED}"])
    write_table(run, "char_lm.md", "Held-out loss, nats a character", ["", "loss"], rows)


def _draw(found: Mapping[str, Sequence[Any]], grams: Mapping[str, float]) -> Figure:
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    shown = {title: scores(found[arm], "loss") for arm, title in ARMS.items()}
    shown |= {name: [loss] for name, loss in grams.items()}
    for at, values in enumerate(shown.values()):
        axes.plot(values, [at] * len(values), "o", color="C0", alpha=0.6)
    axes.axvline(PUBLISHED, color="C1", ls=":", label=f"nanoGPT, small: {PUBLISHED}")
    axes.set_yticks(range(len(shown)), list(shown))
    axes.set(xlabel="held-out loss (nats per character)", xlim=(0, None))
    axes.invert_yaxis()
    axes.legend(fontsize="small")
    return figure
