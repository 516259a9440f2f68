"""Seven training techniques, each compared alone with the same base, at equal tokens and at equal seconds.

The base is a small model with thalamic routing, trained on characters.  Each technique is a part of the same training
loop (`brainsim.networks.techniques`).  Controls: reversed dopamine and equal weights for the bio-gradient, a uniform
draw for importance sampling, a constant rate of the same mean for theta, no error feedback for pruning.

Success is stated in advance.  Two techniques are neutral by construction: the loss with micro-batches is within .005
nats of the base, and with prefetch the parameters equal those of the base bit for bit.  A technique *helps* if its loss
at equal tokens is below that of the base in every seed and the 95 % interval of the difference excludes 0; it *harms*
if its loss is above in the same way; otherwise nothing is shown.  At equal seconds, a technique has the loss that it
has reached when the base is done.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
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
    "base": "base",
    "bio": "1 bio-gradient",
    "bio_reversed": "1 control: dopamine reversed",
    "bio_equal": "1 control: equal weights",
    "hebbian": "2 Hebbian warm-up",
    "micro": "3 micro-batches",
    "importance": "4 importance sampling",
    "uniform": "4 control: uniform sampling",
    "theta": "5 theta-synchronised",
    "theta_mean": "5 control: constant, same mean",
    "pruned": "6 pruning, feedback",
    "pruned_lost": "6 control: pruning, no feedback",
    "prefetch": "7 prefetch",
}
NEUTRAL = 0.005
ONCE = ("bio_equal", "micro", "prefetch")  # equal to the base by construction: one seed is enough to show it
TIMES = 5  # measurements of the loss in the course of a training


@experiment(quick={"steps": 10, "held_out": 512, "length": 32, "seeds": 1})
def techniques(
    run: Run,
    *,
    text: str = "",
    steps: int = 200,
    batch: int = 16,
    length: int = 64,
    period: float = 16.7,
    held_out: int = 8192,
    seeds: int = 3,
) -> Mapping[str, Any]:
    """Train the same model with each technique alone.

    Parameters
    ----------
    text
        A text file; empty: stories that brainsim makes up.
    steps
        Training steps.
    batch
        Sequences of a step.
    length
        Tokens of a sequence.
    period
        Steps of a theta cycle: 16.7 steps are 6 Hz if a step stands for 10 ms.
    held_out
        Tokens of held-out text on which losses are measured.
    seeds
        Models of each kind, each with a seed of its own; their means and 95 % intervals are reported.  Techniques that
        equal the base by construction have one model.
    """
    require_torch()
    calls = {arm: Call(trained, (arm, text, steps, batch, length, period, held_out)) for arm in ARMS}
    found = over_seeds(run, calls, {arm: 1 if arm in ONCE else seeds for arm in ARMS}, unit="models")
    differences = {arm: _differences(found[arm], found["base"]) for arm in ARMS if arm != "base"}
    equal_seconds = {arm: _at_equal_seconds(found[arm], found["base"]) for arm in ARMS}
    _table(run, found, differences, equal_seconds)
    run.picture("techniques.png", lambda: _draw(differences))
    verdicts = {arm: _verdict(each) for arm, each in differences.items()}
    same = [one["digest"] == other["digest"] for one, other in zip(found["prefetch"], found["base"], strict=False)]
    return {
        "loss": {arm: fmean(scores(parts, "loss")) for arm, parts in found.items()},
        "difference": {arm: fmean(each) for arm, each in differences.items()},
        "verdicts": verdicts,
        "prefetch_bitwise_equal": all(same),
        "equal": {arm: {"loss_at_equal_seconds": fmean(each)} for arm, each in equal_seconds.items()},
        "cpu": {arm: {"step_seconds": fmean(scores(parts, "step_seconds"))} for arm, parts in found.items()},
        "criteria": {"neutral": NEUTRAL},
        "met": {
            "micro_neutral": max(abs(each) for each in differences["micro"]) <= NEUTRAL,
            "prefetch_neutral": all(same),
            "any_helps": any(each == "helps" for each in verdicts.values()),
        },
        "intervals_95": {arm: interval_95(each) for arm, each in differences.items()},
        "by_seed": {
            f"technique={arm}": by_seed([{"loss": each["loss"]} for each in parts]) for arm, parts in found.items()
        },
    }


def trained(
    _part: Part, arm: str, text: str, steps: int, batch: int, length: int, period: float, held_out: int, seed: int
) -> dict[str, Any]:
    """Train a model with one technique, and return its losses, its CPU seconds and a digest of its parameters."""
    from dataclasses import replace

    import torch

    from brainsim.networks.made_text import made_text
    from brainsim.networks.nokai import Nokai, NokaiConfig
    from brainsim.networks.techniques import trainer
    from brainsim.networks.text import CharTokenizer, read_text
    from brainsim.networks.training import Corpus, Recipe, evaluate

    torch.set_num_threads(1)
    written = read_text(text) if text else made_text(400_000)
    tokenizer = CharTokenizer.of(written)
    tokens = torch.tensor(tokenizer.encode(written))
    cut = int(0.9 * len(tokens))
    model = Nokai(replace(NokaiConfig.tiny(), vocab_size=tokenizer.vocabulary), seed)
    # The rate stays constant after its warm-up, so that losses on the way do not depend on when a training ends.
    recipe = Recipe(steps=steps, batch=batch, length=length, rate=4e-3, final=1.0, seed=seed)
    chosen = technique(arm, model, steps, period, seed)
    loop = trainer(model, recipe, Corpus(tokens[:cut]).draw, chosen)
    curve, spent = [], []
    for at in range(1, TIMES + 1):
        began = time.process_time()
        loop.run(until=at * steps // TIMES)
        spent.append(time.process_time() - began)
        curve.append(evaluate(model, tokens[cut : cut + held_out + 1], length))
    for each in chosen:
        getattr(each, "close", lambda: None)()
    return {
        "loss": curve[-1],
        "curve": curve,
        "spent_seconds": np.cumsum(spent).tolist(),
        "step_seconds": sum(spent) / steps,
        "digest": _digest(model),
    }


def technique(arm: str, model: Any, steps: int, period: float, seed: int) -> list[Any]:
    """Return the technique of an arm."""
    from brainsim.networks import techniques as known
    from brainsim.networks.plasticity.rhythms import Rhythm

    theta = Rhythm(frequency=1 / period, dt=1.0)
    made = {
        "bio": lambda: known.BioGradient(4),
        "bio_reversed": lambda: known.BioGradient(4, weights="reversed"),
        "bio_equal": lambda: known.BioGradient(4, weights="equal"),
        "hebbian": lambda: known.HebbianWarmup(model, phase=max(1, steps // 4)),
        "micro": lambda: known.MicroBatches(4),
        "importance": lambda: known.ImportanceSampling(0.5, seed=seed),
        "uniform": lambda: known.ImportanceSampling(0.5, uniform=True, seed=seed),
        "theta": lambda: known.ThetaUpdates(theta),
        "theta_mean": lambda: known.ThetaUpdates(theta, constant=True),
        "pruned": lambda: known.GradientPruning(0.4),
        "pruned_lost": lambda: known.GradientPruning(0.4, feedback=False),
        "prefetch": lambda: known.Prefetch(),
    }
    return [] if arm == "base" else [made[arm]()]


def _digest(model: Any) -> str:
    from hashlib import blake2b

    whole = blake2b(digest_size=8)
    for each in model.parameters():
        whole.update(each.detach().numpy().tobytes())
    return whole.hexdigest()


def _differences(parts: Sequence[Mapping[str, Any]], base: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the loss minus that of the base, seed by seed."""
    return [one["loss"] - other["loss"] for one, other in zip(parts, base, strict=False)]


def _at_equal_seconds(parts: Sequence[Mapping[str, Any]], base: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the interpolated loss at the time when the base is done, or the last loss if training ended before."""
    allowed = fmean(each["spent_seconds"][-1] for each in base[: len(parts)])
    spent = np.mean([each["spent_seconds"] for each in parts], axis=0)
    return [float(np.interp(allowed, spent, each["curve"])) for each in parts]


def _verdict(differences: Sequence[float]) -> str:
    """Return whether a technique helps or harms, or whether nothing is shown."""
    interval = interval_95(differences)
    if interval is None or interval[0] <= 0 <= interval[1]:
        return "nothing shown"
    return "helps" if max(differences) < 0 else "harms" if min(differences) > 0 else "nothing shown"


def _table(run: Run, found: Mapping[str, Any], differences: Mapping[str, Any], equal: Mapping[str, Any]) -> None:
    rows = [
        [
            ARMS[arm],
            measured(scores(parts, "loss"), 3),
            measured(differences[arm], 4) if arm in differences else None,
            measured(equal[arm], 3),
            f"{1000 * fmean(scores(parts, 'step_seconds')):.0f}",
            _verdict(differences[arm]) if arm in differences else None,
        ]
        for arm, parts in found.items()
    ]
    header = ["", "loss", "minus the base", "loss at equal seconds", "CPU ms a step", "verdict"]
    write_table(run, "techniques.md", "Each technique alone", header, rows)


def _draw(differences: Mapping[str, Sequence[float]]) -> Figure:
    figure = Figure(figsize=(6.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for at, (arm, each) in enumerate(differences.items()):
        axes.plot(each, [at] * len(each), "o", alpha=0.6, color="C1" if "control" in ARMS[arm] else "C0")
    axes.axvline(0, color="0.7", lw=1)
    axes.set_yticks(range(len(differences)), [ARMS[arm] for arm in differences], fontsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="loss minus that of the base (nats per character)")
    return figure
