"""Refine, average and decode by coordinates: three claims about how a modulated language model generates text.

A small model of characters whose weights are modulated by predicted coordinates is trained, once driven by the
prediction at each position and once by its moving average (*drift*, which is said to give long-range coherence).  Then

- *drift*: the held-out loss of both;
- *refinement*: prompts of 64 characters are refined by gradient descent (.01 x 2 steps, as published; 10 x 5), and the
  loss of the next 64 is measured;
- *adaptive decoding*: if the uncertainty exceeds a threshold, a character is drawn from the nucleus; otherwise the
  likeliest one is taken.  Uncertainty is the variance of what a coordinate moved (published threshold .5), or the
  entropy of the next character (threshold 1.5 nats).  Measured are the share of repeated 8-grams and the share of
  characters that are drawn; greedy decoding and the nucleus alone are the controls.

Success is stated in advance, as means over seeds.  Drift lowers the held-out loss, and published refinement the loss of
the continuation, by at least .005 nats, and the 95 % interval of the gain is above 0; with one seed there is no
interval, so that neither counts.  Adaptive decoding by the published uncertainty has at most half of the repetitions of
greedy decoding, and so has adaptive decoding by entropy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

LENGTH, HALF = 128, 64
LEAST_GAIN = 0.005  # nats
REFINED = {"published": (2, 0.01), "strong": (5, 10.0)}
DECODED = {
    "greedy": ("greedy", "entropy"),
    "coordinate": ("adaptive", "coordinate"),
    "entropy": ("adaptive", "entropy"),
    "nucleus": ("nucleus", "entropy"),
}
TITLES = {
    "loss": "held-out loss, driven by the prediction",
    "drift": "held-out loss, driven by its moving average",
    "continuation": "loss of continuations, not refined",
    "continuation_published": "refined: rate .01, 2 steps",
    "continuation_strong": "refined: rate 10, 5 steps",
    "prompt": "loss of prompts, not refined",
    "prompt_strong": "refined: rate 10, 5 steps (prompts)",
    **{f"repeated_{name}": f"repeated 8-grams, {name}" for name in DECODED},
    **{f"drawn_{name}": f"share drawn, {name}" for name in DECODED},
}


@experiment(quick={"steps": 40, "prompts": 3, "generated": 40, "seeds": 2})
def coordinate_decoding(
    run: Run,
    *,
    text: Path | None = None,
    steps: int = 600,
    prompts: int = 24,
    generated: int = 160,
    seeds: int = 3,
) -> Mapping[str, Any]:
    """Train modulated models of characters, and measure what drift, refinement and adaptive decoding do.

    Parameters
    ----------
    text
        File of plain text; empty: stories that brainsim makes up.
    steps
        Steps of training, of 8 sequences of 128 characters.
    prompts
        Held-out prompts that are refined and continued.
    generated
        Characters that are generated after each.
    seeds
        Models, each with a seed of its own; their means and 95 % intervals are reported.
    """
    require_torch()
    source = str(text) if text else None
    found = over_seeds(run, {"models": Call(measured_model, (source, steps, prompts, generated))}, seeds, unit="models")
    parts = found["models"]
    rows = [[title, measured(scores(parts, name), 4)] for name, title in TITLES.items()]
    write_table(run, "coordinate_decoding.md", "Drift, refinement, decoding", ["", "mean"], rows)
    run.picture("coordinate_decoding.png", lambda: _draw(parts))
    return _metrics(parts, source)


def measured_model(
    _: Part, source: str | None, steps: int, prompts: int, generated: int, seed: int
) -> dict[str, float]:
    """Train two models, and return all measures."""
    import torch

    from brainsim.networks.made_text import made_text
    from brainsim.networks.text import CharTokenizer, read_text
    from brainsim.networks.training import evaluate

    torch.set_num_threads(1)
    text = read_text(source) if source else made_text(60_000)
    tokenizer = CharTokenizer.of(text)
    tokens = tokenizer.encode(text)
    cut = round(0.9 * len(tokens))
    models = {drive: _trained(tokens[:cut], tokenizer.vocabulary, drive, steps, seed) for drive in ("token", "context")}
    held = torch.tensor(tokens[cut:])
    begins = torch.linspace(0, len(held) - LENGTH - 1, prompts).long().tolist()
    asked = [held[at : at + LENGTH] for at in begins]
    return {
        "loss": evaluate(models["token"], held, LENGTH, most=60_000),
        "drift": evaluate(models["context"], held, LENGTH, most=60_000),
        **_refined(models["token"], asked),
        **_decoded(models["token"], asked, generated, seed),
    }


def _trained(tokens: Sequence[int], vocabulary: int, drive: str, steps: int, seed: int) -> Any:
    from brainsim.networks.geometric import Geometric, GeometricConfig, coordinate_groups
    from brainsim.networks.recipe import Recipe
    from brainsim.networks.training import Corpus, Trainer
    from brainsim.networks.transformer import TransformerConfig

    base = TransformerConfig(vocabulary, 64, 2, 4, 2, 172)
    model = Geometric(GeometricConfig(base, 64, pairs=8, rank=4, predictor=64, drive=drive), seed)
    Trainer(model, Recipe(steps, 8, LENGTH, 4e-3, seed=seed), Corpus(tokens).draw, groups=coordinate_groups).run()
    return model.eval()


def _refined(model: Any, asked: Sequence[Any]) -> dict[str, float]:
    """Return the loss of prompts, and of what follows them, at the predicted and at refined coordinates."""
    from brainsim.networks.geometric.coordinates import point, refine

    found: dict[str, list[float]] = {}
    for piece in asked:
        prompt = piece[:HALF]
        found.setdefault("continuation", []).append(_after(model, piece, point(model, prompt)))
        for name, (steps, rate) in REFINED.items():
            theta, losses = refine(model, prompt, steps=steps, rate=rate)
            found.setdefault("prompt", []).append(losses[0])
            found.setdefault(f"prompt_{name}", []).append(losses[-1])
            found.setdefault(f"continuation_{name}", []).append(_after(model, piece, theta))
    return {name: fmean(values) for name, values in found.items()}


def _after(model: Any, piece: Any, theta: Any) -> float:
    """Return the loss of the second half of a piece at one coordinate, which is that of its first half."""
    import torch
    from torch.nn import functional

    with torch.no_grad():
        logits = model(piece[None, :-1], theta=theta)[0, HALF - 1 :]
        return float(functional.cross_entropy(logits, piece[HALF:]))


def _decoded(model: Any, asked: Sequence[Any], generated: int, seed: int) -> dict[str, float]:
    """Return the shares of the generated text that are repeated and drawn, for each way to decode."""
    from brainsim.networks.generating import Decoding, generate

    found = {}
    for name, (choose, uncertainty) in DECODED.items():
        decoding = Decoding(choose, uncertainty)
        every = [list(generate(model, each[:HALF].tolist(), generated, decoding, seed)) for each in asked]
        found[f"repeated_{name}"] = fmean(_repeated([step.token for step in steps]) for steps in every)
        found[f"drawn_{name}"] = fmean(step.drawn for steps in every for step in steps)
    return found


def _repeated(tokens: Sequence[int], n: int = 8) -> float:
    """Return the share of the n-grams that occurred before."""
    grams = [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]
    return 1 - len(set(grams)) / len(grams)


def _metrics(parts: Sequence[Mapping[str, float]], source: str | None) -> dict[str, Any]:
    means = {name: fmean(scores(parts, name)) for name in parts[0]}
    gains = {
        "drift": [part["loss"] - part["drift"] for part in parts],
        "published": [part["continuation"] - part["continuation_published"] for part in parts],
        "strong": [part["continuation"] - part["continuation_strong"] for part in parts],
    }
    gained = {name: fmean(values) for name, values in gains.items()}
    return {
        "text": Path(source).name if source else "made up",
        "means": means,
        "gains": gained,
        "intervals_95": {name: interval_95(values) for name, values in gains.items()},
        "by_seed": {"model": {name: scores(parts, name) for name in parts[0]}},
        "criteria": {"least_gain": LEAST_GAIN},
        "met": {
            "drift": gains_enough(gains["drift"]),
            "refinement": gains_enough(gains["published"]),
            "coordinate": means["repeated_coordinate"] <= means["repeated_greedy"] / 2,
            "entropy": means["repeated_entropy"] <= means["repeated_greedy"] / 2,
        },
    }


def gains_enough(gains: Sequence[float]) -> bool:
    """Return whether the mean gain is large enough and its 95 % interval is above 0."""
    interval = interval_95(gains)
    return interval is not None and interval[0] > 0 and fmean(gains) >= LEAST_GAIN


def _draw(parts: Sequence[Mapping[str, float]]) -> Figure:
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    axes = figure.subplots()
    for at, name in enumerate(DECODED):
        axes.plot(scores(parts, f"repeated_{name}"), [at] * len(parts), "o", color="C0", alpha=0.6)
        axes.plot(scores(parts, f"drawn_{name}"), [at] * len(parts), "x", color="C1", alpha=0.8)
    axes.set_yticks(range(len(DECODED)), list(DECODED))
    axes.set(xlim=(-0.03, 1.03), xlabel="share of 8-grams that are repeated (o), of characters that are drawn (x)")
    axes.invert_yaxis()
    return figure
