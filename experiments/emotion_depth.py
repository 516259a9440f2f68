"""The effect of 16 layers of the emotional cascade on word vectors, for orders of the graph, norms, and an anchor.

Each word is a node of a `VectorArea`, with its vector from text.  A graph of 100 neighbours a word joins them: a small
world in the order of frequency, one in a chain of clusters of like meaning, or the nearest words and a tenth of random
ones.  A layer moves each vector towards its neighbours; the weights of edges are divided by their sum (``row``) or not
(``sum``), and an anchor keeps a part of the first vector.  After 0 to 16 layers, a ridge regression that was fitted to
some rated words predicts valence, arousal and dominance of held-out ones, in five folds.  The effective rank and the
mean cosine say how much the vectors have become alike.  The last arms give all vectors a common component, as raw word
vectors have.

Success is stated in advance, as means over seeds.  Published: "vectors stay meaningful through 16 layers", which is
taken to hold for an arm if r(valence) falls by less than .01.  Expected from a prototype: it holds for a ring in the
order of frequency with norm ``row``, whose neighbours are unrelated; it does not hold for any arm with norm ``sum`` and
no anchor; an anchor of .2 at least halves each fall of more than .01; with a common component the effective rank falls
below 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Brain, Cosine, Simulator, VectorArea, experiment
from brainsim.studies.comparison import by_seed, measured, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95
from emotional import material, scoring
from emotional.network import LAMBDAS

DEPTHS = (0, 1, 2, 4, 8, 16)
COMMON = 0.55  # mean cosine of vectors with a common component
CRITERIA = {"kept": 0.01, "halved": 0.5, "collapsed": 2.0}
NORMS = ("row", "sum")


@dataclass(frozen=True)
class Arm:
    """A way to run the cascade."""

    order: str
    norm: str
    anchored: bool = False
    common: bool = False

    @property
    def title(self) -> str:
        """The arm, in words."""
        parts = [f"{self.order}, {self.norm}"]
        return ", ".join(parts + ["anchor"] * self.anchored + ["common component"] * self.common)


ARMS = {
    "-".join([order, norm, *["anchor"] * anchored]): Arm(order, norm, anchored)
    for order in material.ORDERS
    for norm in NORMS
    for anchored in (False, True)
} | {f"common-{norm}": Arm("frequency", norm, common=True) for norm in NORMS}


@experiment(quick={"dim": 32, "neighbours": 20, "seeds": 2})
def emotion_depth(
    run: Run,
    *,
    text: str = "made",
    norms: Path | None = None,
    words: int = 60_000,
    dim: int = 128,
    neighbours: int = 100,
    anchor: float = 0.2,
    prepared: Path | None = None,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Predict ratings from vectors after some layers, for each order of the graph and each norm.

    Parameters
    ----------
    text
        Where vectors come from: made, installed, or names of packages and files with commas between them.
    norms
        CSV file with the columns word, valence, arousal and dominance; those of made text are made, too.
    words
        Most words of the vocabulary.
    dim
        Dimension of the vectors.
    neighbours
        Neighbours of a word in the graph.
    anchor
        Share of the first vector that an anchor keeps in each layer.
    prepared
        The file vectors.npz of an earlier run with the same text, words, dim and neighbours; it and the graphs beside
        it are taken.
    seeds
        Divisions of the words, each with a seed of its own; means and 95 % intervals are reported.
    """
    scoring.needs_sklearn("emotion_depth")
    about = material.prepare(run, text, words, dim, neighbours, prepared)
    known = material.rated(material.load(run.folder), material.norms_of(text, norms))
    calls = {name: Call(deep, (name, text, norms, anchor, seeds, run.seed)) for name in ARMS}
    found = run.parts(calls, unit="cascades")
    _table(run, found)
    run.picture("emotion_depth.png", lambda: _draw(found))
    falls = {name: fmean(_falls(parts)) for name, parts in found.items()}
    return {
        "fall_of_valence": falls,
        "intervals_95": {name: interval_95(_falls(parts)) for name, parts in found.items()},
        "effective_rank": {
            name: fmean(part["16"]["effective_rank"] for part in parts) for name, parts in found.items()
        },
        "criteria": CRITERIA,
        "met": _met(found, falls),
        "kept_by": [name for name, fall in falls.items() if fall < CRITERIA["kept"]],
        "chance": {"valence": 0.0},
        "by_seed": {f"arm={name}": _by_depth(parts) for name, parts in found.items()},
        "rated_words": len(known.nodes),
        **about,
    }


def deep(
    part: Part, name: str, text: str, norms: Path | None, anchor: float, seeds: int, seed: int
) -> list[dict[str, dict[str, float]]]:
    """Run the layers of an arm, and return what its vectors say of the ratings at each depth, for each division."""
    arm, words = ARMS[name], material.load(part.folder)
    known, first = material.rated(words, material.norms_of(text, norms)), words.vectors
    if arm.common:
        first = with_common(first, seed)
    brain = Brain()
    area = brain.add(VectorArea("Words", n=len(first), dim=first.shape[1], k=min(64, len(first))))
    brain.connect(
        area,
        area,
        graph=material.explicit(material.graph(part.folder, arm.order), len(first)),
        message=Cosine(0.8, norm=arm.norm, anchor=anchor if arm.anchored else 0.0),
        channels=LAMBDAS,
        weight=0.5,
    )
    seen: list[dict[str, dict[str, float]]] = [{} for _ in range(seeds)]
    with Simulator(brain, seed, **part.simulator) as sim:
        sim.set_vectors(area, first)
        for before, depth in zip((0, *DEPTHS), DEPTHS, strict=False):
            if depth:
                sim.run(area >> area, rounds=depth - before)
            vectors = np.asarray(sim.vectors(area))
            about = {"effective_rank": scoring.effective_rank(vectors), "cosine": scoring.mean_cosine(vectors, seed)}
            for at, division in enumerate(seen):
                division[str(depth)] = _measured(vectors, known, about, seed + at)
    return seen


def with_common(vectors: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float32]:
    """Return unit vectors with a common component, such that their mean cosine is about `COMMON`."""
    shared = np.random.default_rng([seed, 3]).normal(size=vectors.shape[1])
    mixed = np.sqrt(1 - COMMON) * vectors + np.sqrt(COMMON) * shared / np.linalg.norm(shared)
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)


def _measured(
    vectors: npt.NDArray[np.float32], known: material.Rated, about: Mapping[str, float], seed: int
) -> dict[str, float]:
    guessed = scoring.held_out(vectors[known.nodes].astype(np.float64), known.ratings, 5, seed)
    found = dict(zip(material.SCALES, scoring.correlations(guessed, known.ratings).tolist(), strict=True))
    return {title: round(value, 4) for title, value in {**found, **about}.items()}


def _falls(parts: Sequence[Any]) -> list[float]:
    """Return how much r(valence) falls from the first to the last layer, for each seed."""
    return [part["0"]["valence"] - part[str(DEPTHS[-1])]["valence"] for part in parts]


def _at_end(parts: Sequence[Any], title: str) -> list[float]:
    return [part[str(DEPTHS[-1])][title] for part in parts]


def _by_depth(parts: Sequence[Any]) -> dict[str, Any]:
    return {f"layers={depth}": by_seed([part[str(depth)] for part in parts]) for depth in DEPTHS}


def _met(found: Mapping[str, Sequence[Any]], falls: Mapping[str, float]) -> dict[str, bool]:
    pairs = [(falls[name], falls[f"{name}-anchor"]) for name in falls if f"{name}-anchor" in falls]
    ranks = [fmean(_at_end(found[f"common-{norm}"], "effective_rank")) for norm in NORMS]
    return {
        "frequency_row_kept": falls["frequency-row"] < CRITERIA["kept"],
        "sum_not_kept": all(falls[f"{order}-sum"] >= CRITERIA["kept"] for order in material.ORDERS),
        "anchor_halves": all(with_it <= CRITERIA["halved"] * without for without, with_it in pairs if without > 0.01),
        "common_component_collapses": max(ranks) < CRITERIA["collapsed"],
    }


def _table(run: Run, found: Mapping[str, Sequence[Any]]) -> None:
    rows = []
    for name, parts in found.items():
        at_end = [_at_end(parts, title) for title in (*material.SCALES, "effective_rank", "cosine")]
        falls = measured(_falls(parts), 3)
        rows.append([ARMS[name].title, *(measured(values, 3) for values in at_end[:3]), falls])
        rows[-1] += [measured(at_end[3], 1), measured(at_end[4], 2)]
    header = ["after 16 layers", *(f"r({title})" for title in material.SCALES), "fall of r(valence)"]
    first = [part["0"] for parts in found.values() for part in parts if parts is found["frequency-row"]]
    start = ["no layer", *(measured([each[title] for each in first], 3) for title in material.SCALES), ""]
    start += [measured([each["effective_rank"] for each in first], 1), measured([each["cosine"] for each in first], 2)]
    write_table(run, "depth.md", "Depth", [*header, "effective rank", "mean cosine"], [start, *rows])


def _draw(found: Mapping[str, Sequence[Any]]) -> Figure:
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    valence, rank = figure.subplots(1, 2)
    for name, parts in found.items():
        arm = ARMS[name]
        colour = "0.5" if arm.common else f"C{material.ORDERS.index(arm.order)}"
        style = ("-" if arm.norm == "row" else "--") if not arm.anchored else ("-." if arm.norm == "row" else ":")
        for axes, title in ((valence, "valence"), (rank, "effective_rank")):
            curve = [fmean(part[str(depth)][title] for part in parts) for depth in DEPTHS]
            axes.plot(DEPTHS, curve, style, color=colour, marker="o", ms=3, label=arm.title)
    valence.set(xlabel="layers", ylabel="r(valence), held-out words")
    rank.set(xlabel="layers", ylabel="effective rank", yscale="log")
    rank.legend(fontsize="xx-small", ncols=2)
    return figure
