"""Ask what coordinates do for a language model whose weights they modulate: its loss, routing, and paths between them.

Claims of the source document: a point ``theta`` that is predicted from the text changes the weights, and with them the
behaviour; texts are routed by their coordinates; between two coordinates the behaviour changes smoothly; a curriculum
of three phases organises the coordinates.  Small models of characters learn three registers of text at once:

- *loss*: modulated weights; the same bank at one constant, learned coordinate; no modulation at equal parameters (wider
  feed-forward layers); that model for ``longer`` times the steps, as many as take the same seconds; and modulated
  weights trained by the curriculum.  The trained model is evaluated at its own coordinates, at those of another
  sequence (shuffled), at their mean, and without its bank (identity).
- *routing*: which register a held-out sentence is of, by the nearest mean of its class: of coordinates (untrained,
  trained as a language model, trained by a supervised contrastive loss), and of token histograms; a naive Bayes
  classifier of the same tokens; labels shuffled in training.  Once as written, once in lower-case letters alone.
- *interpolation*: the divergence of the next token from either end at points between the mean coordinates of two
  registers.

Success is stated in advance, as means over seeds: modulated weights are better than the model of equal parameters at
equal steps by .02 nats, and no worse at equal seconds; the shuffled coordinate costs .02 nats; the constant coordinate
is worse by .02; coordinates of the trained language model route better than histograms; contrastive ones better than
naive Bayes; on the way from one register to the other the divergences are monotone in every seed; the curriculum costs
no more than .01 nats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.errors import ExperimentError
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import measured, over_seeds, scores, write_table
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95
from modulated.models import POINTS, trained
from modulated.routes import routed

ARMS = {
    "plain": "no modulation, equal parameters",
    "longer": "no modulation, equal parameters, equal seconds",
    "constant": "one constant, learned coordinate",
    "modulated": "modulated by the predicted coordinate",
    "curriculum": "modulated, three-phase curriculum",
}
ABLATIONS = {
    "own": "its own coordinates",
    "shuffled": "those of another sequence",
    "mean": "their mean",
    "identity": "none: bank switched off",
}
ROUTES = {
    "untrained": "coordinates, untrained",
    "language_model": "coordinates of the language model",
    "contrastive": "coordinates, contrastive loss",
    "shuffled_labels": "control: contrastive loss, labels shuffled",
    "histogram": "token histograms",
    "naive_bayes": "naive Bayes of the tokens",
}
CRITERIA = {
    "equal_steps": 0.02,
    "equal_seconds": 0.0,
    "shuffled_costs": 0.02,
    "constant_costs": 0.02,
    "curriculum_costs": 0.01,
}
SURFACES = {"written": "as written", "letters": "lower-case letters alone"}


@experiment(quick={"steps": 30, "contrastive_steps": 30, "sentences": 60, "seeds": 2})
def geometric_lm(
    run: Run,
    *,
    texts: Path | None = None,
    steps: int = 600,
    longer: float = 1.35,
    contrastive_steps: int = 300,
    sentences: int = 500,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Learn three registers of text with and without modulated weights, and look at the coordinates.

    Parameters
    ----------
    texts
        TSV file (or .tsv.gz) with the columns genre, split (train or test) and text; empty: registers that are made up
        of a few words.
    steps
        Steps of training of each model, of 8 sequences of 128 characters.
    longer
        How many times as many steps the unmodulated model does in the same time.
    contrastive_steps
        Steps of the contrastive training.
    sentences
        Held-out sentences of each register that are routed, at most.
    seeds
        Models of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    require_torch()
    source = str(texts) if texts else None
    calls: dict[str, Call] = {arm: Call(trained, (arm, source, steps, longer, sentences)) for arm in ARMS}
    for surface in SURFACES:
        calls[f"routing-{surface}"] = Call(routed, (source, surface, contrastive_steps, sentences))
    found = over_seeds(run, calls, seeds, unit="models")
    _check(found)
    _tables(run, found)
    run.picture("geometric_lm.png", lambda: _draw(found))
    return _metrics(found, source)


def _check(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Raise an error if a control is missing, because the measures would then have no comparison."""
    missing = {arm for arm in ARMS if not found.get(arm)}
    missing |= {name for part in found["modulated"] for name in ABLATIONS if name not in part.get("ablations", {})}
    routes = {*ROUTES} - {"language_model"}
    missing |= {
        name for key, parts in found.items() if key.startswith("routing") for part in parts for name in routes - {*part}
    }
    if missing:
        raise ExperimentError(f"geometric_lm: the controls {', '.join(sorted(missing))} are missing")


def _metrics(found: Mapping[str, Sequence[Mapping[str, Any]]], source: str | None) -> dict[str, Any]:
    losses = {arm: scores(found[arm], "loss") for arm in ARMS}
    ablated = {name: [part["ablations"][name] for part in found["modulated"]] for name in ABLATIONS}
    differences = {
        "equal_steps": _minus(losses["plain"], losses["modulated"]),
        "equal_seconds": _minus(losses["longer"], losses["modulated"]),
        "constant_costs": _minus(losses["constant"], losses["modulated"]),
        "curriculum_costs": _minus(losses["curriculum"], losses["modulated"]),
        **{f"{name}_costs": _minus(ablated[name], ablated["own"]) for name in ("shuffled", "mean", "identity")},
    }
    means = {name: fmean(values) for name, values in differences.items()}
    routes = {name: {route: fmean(values) for route, values in _routes(found, name).items()} for name in SURFACES}
    paths = [part["interpolation"] for part in found["modulated"]]
    return {
        "texts": source or "made up",
        "loss": {arm: fmean(values) for arm, values in losses.items()},
        "parameters_of": {arm: found[arm][0]["parameters"] for arm in ARMS},
        "differences": means,
        "routing_as_written": routes["written"],
        "routing_letters": routes["letters"],
        "interpolation": {name: fmean(scores(paths, name)) for name in ("whole", "largest_step", "monotone")},
        **{f"{arm}_step_seconds": fmean(scores(found[arm], "step_seconds")) for arm in ARMS},
        "chance": {"routing": found["routing-written"][0]["chance"]},
        "intervals_95": {name: interval_95(values) for name, values in differences.items()},
        "by_seed": {f"arm={arm}": {"loss": values} for arm, values in losses.items()},
        "criteria": CRITERIA,
        "met": {
            "equal_steps": means["equal_steps"] >= CRITERIA["equal_steps"],
            "equal_seconds": means["equal_seconds"] >= CRITERIA["equal_seconds"],
            "shuffled_costs": means["shuffled_costs"] >= CRITERIA["shuffled_costs"],
            "constant_costs": means["constant_costs"] >= CRITERIA["constant_costs"],
            "curriculum_costs": means["curriculum_costs"] <= CRITERIA["curriculum_costs"],
            "language_model_routes": routes["written"]["language_model"] > routes["written"]["histogram"],
            "contrastive_routes": all(each["contrastive"] > each["naive_bayes"] for each in routes.values()),
            "monotone": all(path["monotone"] for path in paths),
        },
    }


def _minus(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(first, second, strict=True)]


def _routes(found: Mapping[str, Sequence[Mapping[str, Any]]], surface: str) -> dict[str, list[float]]:
    """Return the shares of each way to route; that of the language model reads characters as they are written."""
    routes = {name: scores(found[f"routing-{surface}"], name) for name in ROUTES if name != "language_model"}
    return {**routes, "language_model": scores(found["modulated"], "routing")} if surface == "written" else routes


def _tables(run: Run, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    rows = [
        [title, found[arm][0]["parameters"], measured(scores(found[arm], "loss"), 3)] for arm, title in ARMS.items()
    ]
    for arm in ("modulated", "curriculum"):
        for name, title in ABLATIONS.items():
            values = [part["ablations"][name] for part in found[arm]]
            rows.append([f"{ARMS[arm]}; coordinates: {title}", "", measured(values, 3)])
    write_table(run, "loss.md", "Held-out loss, nats a character", ["", "parameters", "loss"], rows)
    ways = {surface: _routes(found, surface) for surface in SURFACES}
    shown = [
        [title, *(measured(way[name], 3, bounded=True) if name in way else None for way in ways.values())]
        for name, title in ROUTES.items()
    ]
    write_table(run, "routing.md", "Sentences routed to their register", ["", *SURFACES.values()], shown)


def _draw(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    figure = Figure(figsize=(13, 4), layout="constrained")
    loss, routing, path = figure.subplots(1, 3)
    bars = {title: scores(found[arm], "loss") for arm, title in ARMS.items()}
    for name, title in list(ABLATIONS.items())[1:]:
        bars[f"modulated, at {title}"] = [part["ablations"][name] for part in found["modulated"]]
    _bars(loss, bars)
    loss.set(xlabel="held-out loss (nats per character)")
    ways = _routes(found, "written")
    _bars(routing, {title: ways[name] for name, title in ROUTES.items()})
    routing.axvline(found["routing-written"][0]["chance"], color="0.5", ls=":")
    routing.set(xlabel="share of sentences routed right", xlim=(0, 1))
    shares = np.linspace(0, 1, POINTS)
    for part in found["modulated"]:
        path.plot(shares, part["interpolation"]["from_first"], "o-", ms=3, color="C0", alpha=0.6)
        path.plot(shares, part["interpolation"]["from_second"], "o-", ms=3, color="C1", alpha=0.6)
    path.set(xlabel="way between two registers' coordinates", ylabel="divergence from either end (nats)", ylim=0)
    return figure


def _bars(axes: Any, bars: Mapping[str, Sequence[float]]) -> None:
    for at, values in enumerate(bars.values()):
        axes.plot(values, [at] * len(values), ".", color="C0", alpha=0.5)
        axes.plot(fmean(values), at, "|", ms=16, color="C0")
    axes.set_yticks(range(len(bars)), list(bars), fontsize="x-small")
    axes.invert_yaxis()
