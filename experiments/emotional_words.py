"""Ratings of held-out words from word vectors, with and without emotional vectors, compared with simple baselines.

Some rated words have emotional input: safety from dominance, curiosity from arousal, joy from valence.  The local rule
takes the weights of edges among rated words to this input times the cosine of their vectors.  A held-out word is active
as well, without input of its own, so that its edges learn from its neighbours alone; its emotional vector is the mean
weight of its edges to words with input, in each channel.  A ridge regression on the word vector (V) is compared with
one on the word vector and the emotional vector (V + E), in five folds.  Words that the regression learns from get their
emotional vector in the same way, from a network that has no input for them, so that no rating leaks into it.

Controls: input shuffled among words; a graph whose nodes are shuffled.  Simple baselines with three numbers a word, as
E has: the mean of the ratings of its neighbours in the same graph (N), and of its 20 nearest rated words.

A second read-out, that of `CascadeModel`, is compared with the mean weight: the sum of weights over that of cosines.

Success is stated in advance, with 95 % bootstrap intervals over words (paired, in each seed): V + E is better than V in
r(valence), in all seeds; neither control is better than V by as much as E in any seed; E is better than N, in all
seeds.  By the order of the graph, E alone predicts valence better by .2 with nearest neighbours than with a ring in the
order of frequency.  A prototype gave .665 and .677 for V and V + E with other norms; it had no baseline N.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.sparse import coo_array, csr_array

from brainsim import Explicit, experiment
from brainsim.studies.comparison import measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import CORRELATION, interval_95
from emotional import material, scoring
from emotional.network import Network

FOLDS = 5
NEAREST = 20
CRITERIA = {"gain": 0.0, "alone": 0.2}
KINDS = {
    "vectors": "V",
    "emotion": "V + E",
    "weighted": "V + E, weighted by cosines",
    "shuffled_emotion": "control: V + E, input shuffled",
    "shuffled_graph": "control: V + E, graph shuffled",
    "neighbours": "V + N, mean of the neighbours' ratings",
    "nearest_rated": f"V + mean of the {NEAREST} nearest rated words",
    "both": "V + E + N",
    "emotion_alone": "E alone, nearest",
    "weighted_alone": "E alone, nearest, weighted by cosines",
    "emotion_alone_semantic": "E alone, semantic ring",
    "emotion_alone_frequency": "E alone, frequency ring",
    "neighbours_alone": "N alone",
    "nearest_rated_alone": f"mean of the {NEAREST} nearest rated words alone",
}
Features = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@experiment(quick={"dim": 32, "neighbours": 20, "rounds": 10, "seeds": 2})
def emotional_words(
    run: Run,
    *,
    text: str = "made",
    norms: Path | None = None,
    words: int = 60_000,
    dim: int = 128,
    neighbours: int = 100,
    rounds: int = 40,
    prepared: Path | None = None,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Predict the ratings of held-out words from their vectors, with and without their emotional vectors.

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
    rounds
        Rounds in which the weights learn.
    prepared
        The file vectors.npz of an earlier run with the same text, words, dim and neighbours; it and the graphs beside
        it are taken.
    seeds
        Divisions of the words, each with a seed of its own; means and 95 % intervals are reported.
    """
    scoring.needs_sklearn("emotional_words")
    about = material.prepare(run, text, words, dim, neighbours, prepared)
    known = material.rated(material.load(run.folder), material.norms_of(text, norms))
    found = over_seeds(run, {"words": Call(compared, (text, norms, rounds))}, seeds, "divisions")["words"]
    _table(run, found)
    run.picture("emotional_words.png", lambda: _draw(found))
    valence = {kind: fmean(part["r"][kind]["valence"] for part in found) for kind in KINDS}
    return {
        "valence": valence,
        "gain_of_emotion": fmean(_gains(found, "emotion", "vectors")),
        "gain_over_neighbours": fmean(_gains(found, "emotion", "neighbours")),
        "intervals_95": {
            "gain_of_emotion": interval_95(_gains(found, "emotion", "vectors")),
            "gain_over_neighbours": interval_95(_gains(found, "emotion", "neighbours")),
        },
        "bootstrap_95": {
            "over_vectors": {kind: [part["over_vectors"][kind][0] for part in found] for kind in KINDS},
            "over_neighbours": {kind: [part["over_neighbours"][kind][0] for part in found] for kind in KINDS},
        },
        "criteria": CRITERIA,
        "met": _met(found, valence),
        "chance": {"valence": 0.0},
        "by_seed": {
            f"features={kind}": {scale: [part["r"][kind][scale] for part in found] for scale in material.SCALES}
            for kind in KINDS
        },
        "rated_words": len(known.nodes),
        "rated_neighbours": fmean(part["rated_neighbours"] for part in found),
        **about,
    }


def _graphs(folder: Path, n: int, seed: int) -> dict[str, Explicit]:
    """Return the graphs; the shuffled one is that of nearest neighbours with permuted nodes."""
    pairs = {order: material.graph(folder, order) for order in material.ORDERS}
    place = np.random.default_rng([seed, 41]).permutation(n)
    return {
        order: material.explicit(each, n) for order, each in (pairs | {"shuffled": place[pairs["nearest"]]}).items()
    }


def compared(part: Part, text: str, norms: Path | None, rounds: int, seed: int) -> dict[str, Any]:
    """Predict the ratings of held-out words from each kind of features, in five folds."""
    words = material.load(part.folder)
    known = material.rated(words, material.norms_of(text, norms))
    graphs = _graphs(part.folder, len(words.words), seed)
    networks = {order: Network(words, each, rounds, seed, **part.simulator) for order, each in graphs.items()}
    maker = Maker(words, known, networks, seed)
    guessed = {kind: np.zeros_like(known.ratings) for kind in KINDS}
    for learned, unseen in scoring.folds(len(known.nodes), FOLDS, [seed, 1]):
        at_unseen = maker.features(learned, unseen)
        at_learned = {name: np.zeros((len(learned), found.shape[1])) for name, found in at_unseen.items()}
        for rest, left in scoring.folds(len(learned), FOLDS, [seed, 2]):
            for name, found in maker.features(learned[rest], learned[left]).items():
                at_learned[name][left] = found
        for kind in KINDS:
            chosen = _columns(kind)
            features, asked = (np.hstack([each[name] for name in chosen]) for each in (at_learned, at_unseen))
            guessed[kind][unseen] = scoring.predicted(features, known.ratings[learned], asked)
    for network in networks.values():
        network.close()
    found = {kind: scoring.correlations(each, known.ratings).round(4).tolist() for kind, each in guessed.items()}
    return {
        "r": {kind: dict(zip(material.SCALES, values, strict=True)) for kind, values in found.items()},
        "over_vectors": scoring.gains(guessed, known.ratings, "vectors", seed),
        "over_neighbours": scoring.gains(guessed, known.ratings, "neighbours", seed),
        "rated_neighbours": float(maker.joined.sum(axis=1).mean()),
    }


def _columns(kind: str) -> tuple[str, ...]:
    own = {"emotion_alone": "emotion", "emotion_alone_semantic": "semantic", "emotion_alone_frequency": "frequency"}
    own |= {"weighted_alone": "weighted", "neighbours_alone": "neighbours", "nearest_rated_alone": "nearest_rated"}
    if kind in own:
        return (own[kind],)
    return {"vectors": ("vectors",), "both": ("vectors", "emotion", "neighbours")}.get(kind, ("vectors", kind))


class Maker:
    """Makes the features of some words from the ratings of others."""

    def __init__(
        self,
        words: material.Material,
        known: material.Rated,
        networks: Mapping[str, Network],
        seed: int,
    ) -> None:
        self.known, self.networks, self.n = known, networks, len(words.words)
        self.vectors = words.vectors[known.nodes].astype(np.float64)
        self.joined = _among(networks["nearest"].pairs(), known.nodes, self.n)
        # One other word's input for each word, the same in all folds: a map that differed from fold to fold would fail
        # even if it told something.
        self.shuffled = known.inputs[np.random.default_rng([seed, 3]).permutation(len(known.inputs))]

    def features(self, rated: Indices, asked: Indices) -> dict[str, Features]:
        """Return the features of the words ``asked``; of ratings, only those of the words ``rated`` are used."""
        nodes, inputs, ratings = self.known.nodes, self.known.inputs[rated], self.known.ratings[rated]

        def emotions(order: str, inputs: Features) -> Features:
            given = material.unknown_mean(inputs, nodes[rated], self.n)
            return self.networks[order].emotions(given, nodes[asked])[nodes[asked]]

        joined = self.joined[asked][:, rated]
        count = np.asarray(joined.sum(axis=1)).reshape(-1, 1)
        cosines = self.vectors[asked] @ self.vectors[rated].T
        nearest = np.argpartition(-cosines, NEAREST, axis=1)[:, :NEAREST]
        likeness = np.asarray(joined.multiply(np.abs(cosines)).sum(axis=1)).reshape(-1, 1)
        emotion = emotions("nearest", inputs)
        return {
            "vectors": self.vectors[asked],
            "emotion": emotion,
            "weighted": emotion * count / np.maximum(likeness, 1e-9),
            "shuffled_emotion": emotions("nearest", self.shuffled[rated]),
            "shuffled_graph": emotions("shuffled", inputs),
            "frequency": emotions("frequency", inputs),
            "semantic": emotions("semantic", inputs),
            "neighbours": (joined @ ratings + ratings.mean(axis=0)) / (count + 1.0),
            "nearest_rated": ratings[nearest].mean(axis=1),
        }


def _among(pairs: Indices, nodes: Indices, n: int) -> csr_array:
    """Return which of some nodes have an edge, as a matrix."""
    place = np.full(n, -1)
    place[nodes] = np.arange(len(nodes))
    ends = place[pairs]
    a, b = ends[(ends >= 0).all(axis=1)].T
    both = np.concatenate([a, b]), np.concatenate([b, a])
    return csr_array(coo_array((np.ones(len(both[0])), both), shape=(len(nodes),) * 2))


def _gains(parts: Sequence[Any], kind: str, than: str, scale: str = "valence") -> list[float]:
    return [part["r"][kind][scale] - part["r"][than][scale] for part in parts]


def _met(parts: Sequence[Any], valence: Mapping[str, float]) -> dict[str, bool]:
    controls = ("shuffled_emotion", "shuffled_graph")
    return {
        "emotion_adds": all(part["over_vectors"]["emotion"][0][0] > CRITERIA["gain"] for part in parts),
        "controls_add_less": all(
            gain > control
            for kind in controls
            for gain, control in zip(_gains(parts, "emotion", "vectors"), _gains(parts, kind, "vectors"), strict=True)
        ),
        "beats_neighbours": all(part["over_neighbours"]["emotion"][0][0] > CRITERIA["gain"] for part in parts),
        "order_matters": valence["emotion_alone"] - valence["emotion_alone_frequency"] > CRITERIA["alone"],
    }


def _table(run: Run, parts: Sequence[Any]) -> None:
    rows = []
    for kind, title in KINDS.items():
        scores = [
            measured([part["r"][kind][scale] for part in parts], 3, bounded=CORRELATION) for scale in material.SCALES
        ]
        low, high = (fmean(part["over_vectors"][kind][0][end] for part in parts) for end in (0, 1))
        rows.append([title, *scores, f"{fmean(_gains(parts, kind, 'vectors')):+.4f} [{low:+.4f}, {high:+.4f}]"])
    header = ["features", *(f"r({scale})" for scale in material.SCALES), "r(valence) beyond V, bootstrap"]
    write_table(run, "words.md", "Held-out words", header, rows)


def _draw(parts: Sequence[Any]) -> Figure:
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    kinds = list(KINDS)[::-1]
    for at, scale in enumerate(material.SCALES):
        means = [fmean(part["r"][kind][scale] for part in parts) for kind in kinds]
        axes.barh(np.arange(len(kinds)) + 0.27 * (1 - at), means, 0.27, label=scale)
    axes.set_yticks(range(len(kinds)), [KINDS[kind] for kind in kinds], fontsize=7)
    axes.set(xlabel="correlation r with the ratings of held-out words")
    axes.legend(fontsize="small", loc="lower right")
    return figure
