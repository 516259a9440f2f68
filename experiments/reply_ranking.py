"""Rank the true reply of a dialogue among 20: the emotional cascade, a bag of word vectors, TF-IDF, and chance.

A dialogue is a prompt and its reply.  Dialogues whose prompt is held out are the test; the 19 false candidates are
replies to other held-out prompts.  A score says how well a reply fits a prompt:

* the cosine of their mean word vectors (the *bag*), of TF-IDF vectors, or of mean vectors after layers of the cascade;
* the negative distance of their emotional vectors, which are derived from rated words.

The bag and a score of the cascade are also combined, by a logistic regression that is fitted to true and false replies
of the other dialogues.  Control: emotional input shuffled among words.

Success is stated in advance.  The measure is the fraction of true replies that rank first; differences are judged by
paired bootstrap intervals over prompts, in each seed.  The vectors after 16 layers are better than chance (1/20) by
more than .05, and better than the bag; the bag with the emotional vector is better than the bag alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.studies.comparison import measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from emotional import material, scoring, talk
from emotional.network import Network

CANDIDATES = 20
HELD_OUT = 0.3
LAYERS = (1, 4, 16)
JUDGED = 16  # layers, as published
ASKED = "How are you?"
CRITERIA = {"beyond_chance": 0.05, "gain": 0.0}
SCORES = {
    "tfidf": "TF-IDF cosine",
    "bag": "mean word vectors, cosine",
    **{f"layers_{depth}": f"mean vectors after {depth} layers, cosine" for depth in LAYERS},
    "emotion": "emotional vectors, distance",
    "emotion_shuffled": "control: emotional vectors, input shuffled",
}
COMBINED = {
    "bag_emotion": ("bag and emotional vector, fitted", ("bag", "emotion")),
    "bag_shuffled": ("control: bag and shuffled emotional vector, fitted", ("bag", "emotion_shuffled")),
    "bag_layers": ("bag and 16 layers, fitted", ("bag", "layers_16")),
}
TITLES = {**SCORES, **{name: title for name, (title, _) in COMBINED.items()}}
Values = npt.NDArray[np.float64]


@experiment(quick={"dim": 32, "neighbours": 20, "rounds": 10, "seeds": 2})
def reply_ranking(
    run: Run,
    *,
    text: str = "made",
    norms: Path | None = None,
    dialogues: str = "made",
    words: int = 60_000,
    dim: int = 128,
    neighbours: int = 100,
    rounds: int = 20,
    prepared: Path | None = None,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Rank replies to held-out prompts by several scores.

    Parameters
    ----------
    text
        Source of the word vectors: made, installed, or names of packages and files with commas between them.
    norms
        CSV file with the columns word, valence, arousal and dominance; made text has made ratings.
    dialogues
        Source of the dialogues: made, chatterbot, or a TSV file with a prompt and a reply in each line.
    words
        Largest size of the vocabulary, in words.
    dim
        Dimension of the vectors.
    neighbours
        Neighbours of a word in the graph, which joins nearest neighbours.
    rounds
        Rounds in which the weights learn.
    prepared
        The file vectors.npz of an earlier run with the same text, words, dim and neighbours; the run reuses it and the
        graphs in the same folder.
    seeds
        Divisions of the dialogues, each with a seed of its own; means and 95 % intervals are reported.
    """
    scoring.needs_sklearn("reply_ranking")
    about = material.prepare(run, text, words, dim, neighbours, prepared, ("nearest",))
    found = over_seeds(run, {"replies": Call(ranked, (text, norms, dialogues, rounds))}, seeds, "divisions")
    parts = found["replies"]
    _table(run, parts)
    run.picture("reply_ranking.png", lambda: _draw(parts))
    first = {name: fmean(part["first"][name] for part in parts) for name in TITLES}
    return {
        "first": first,
        "answers": parts[0]["answers"],
        "bootstrap_95": {name: [part["beyond"][name] for part in parts] for name in TITLES},
        "criteria": CRITERIA,
        "met": {
            "beyond_chance": all(
                part["beyond_chance"][f"layers_{JUDGED}"][0] > CRITERIA["beyond_chance"] for part in parts
            ),
            "layers_beat_bag": all(part["beyond"][f"layers_{JUDGED}"][0] > CRITERIA["gain"] for part in parts),
            "emotion_adds": all(part["beyond"]["bag_emotion"][0] > CRITERIA["gain"] for part in parts),
        },
        "chance": {"first": 1 / CANDIDATES},
        "by_seed": {f"score={name}": {"first": [part["first"][name] for part in parts]} for name in TITLES},
        "dialogues": len(talk.read_dialogues(dialogues)),
        "held_out": fmean(part["held_out"] for part in parts),
        **about,
    }


class Sayings:
    """All sayings of some dialogues, and the vectors of them that each score compares."""

    def __init__(
        self,
        words: material.Material,
        said: Sequence[str],
        vectors: Mapping[str, Values],
        emotions: Mapping[str, Values],
    ) -> None:
        nodes = [words.nodes(each) for each in said]
        self.units = {name: _unit(scoring.means(nodes, each)) for name, each in vectors.items()}
        self.units["tfidf"] = _tfidf(said)
        self.emotions = {name: _scaled(scoring.means(nodes, each)) for name, each in emotions.items()}

    def scores(self, prompts: npt.NDArray[np.int64], replies: npt.NDArray[np.int64]) -> dict[str, Values]:
        """Return how well each of some replies, shape (prompts, candidates), fits its prompt, by each score."""
        found = {name: _cosines(units, prompts, replies) for name, units in self.units.items()}
        for name, each in self.emotions.items():
            found[name] = -np.linalg.norm(each[replies] - each[prompts][:, None], axis=2)
        return found


def _unit(rows: Values) -> Values:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _scaled(rows: Values) -> Values:
    return (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-9)


def _cosines(units: Any, prompts: npt.NDArray[np.int64], replies: npt.NDArray[np.int64]) -> Values:
    if isinstance(units, np.ndarray):
        return np.asarray(np.einsum("pd,pcd->pc", units[prompts], units[replies]))
    rows = [
        (units[reply] @ units[prompt].T).toarray().ravel()
        for prompt, reply in zip(prompts[:, None], replies, strict=True)
    ]
    return np.array(rows)


def _tfidf(said: Sequence[str]) -> Any:
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

    return csr_array(TfidfVectorizer(sublinear_tf=True).fit_transform(said))


def ranked(part: Part, text: str, norms: Path | None, dialogues: str, rounds: int, seed: int) -> dict[str, Any]:
    """Rank candidates for the held-out prompts by each score."""
    pairs, words = talk.read_dialogues(dialogues), material.load(part.folder)
    known = material.rated(words, material.norms_of(text, norms))
    vectors, emotions = _by_cascade(part, words, known, rounds, seed)
    said = list(dict.fromkeys([each for pair in pairs for each in pair] + [ASKED]))
    place = {each: at for at, each in enumerate(said)}
    sayings = Sayings(words, said, vectors, emotions)
    train, test = _divided(pairs, seed)
    rng = np.random.default_rng([seed, 7])
    found = {}
    for name, some in (("train", train), ("test", test)):
        prompts, replies = _candidates(some, place, rng)
        found[name] = sayings.scores(prompts, replies)
    scores = found["test"] | {
        name: _fitted(found["train"], found["test"], kinds) for name, (_, kinds) in COMBINED.items()
    }
    hits = {name: _first(scores[name]) for name in TITLES}
    return {
        "first": {name: round(float(each.mean()), 4) for name, each in hits.items()},
        "beyond": {name: _beyond(each, hits["bag"], seed) for name, each in hits.items()},
        "beyond_chance": {name: _beyond(each, np.array(1 / CANDIDATES), seed) for name, each in hits.items()},
        "answers": _answers(sayings, place, pairs),
        "held_out": len(test),
    }


def _by_cascade(
    part: Part, words: material.Material, known: material.Rated, rounds: int, seed: int
) -> tuple[dict[str, Values], dict[str, Values]]:
    """Return the vectors of all words by the number of layers, and their emotional vectors."""
    graph = material.explicit(material.graph(part.folder, "nearest"), len(words.words))
    network = Network(words, graph, rounds, seed, **part.simulator)
    mixed = np.random.default_rng([seed, 8]).permutation(known.inputs)
    shuffled = network.emotions(material.unknown_mean(mixed, known.nodes, len(words.words)), [])
    emotions = network.emotions(material.unknown_mean(known.inputs, known.nodes, len(words.words)), [])
    vectors = {"bag": words.vectors} | {f"layers_{depth}": each for depth, each in network.layers(LAYERS).items()}
    network.close()
    return vectors, {"emotion": emotions, "emotion_shuffled": shuffled}


def _divided(pairs: Sequence[tuple[str, str]], seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Divide dialogues by their prompts, so that no held-out prompt was seen, with one reply for each held-out one."""
    prompts = list(dict.fromkeys(prompt for prompt, _ in pairs))
    chosen = np.random.default_rng([seed, 9]).permutation(len(prompts))[: round(HELD_OUT * len(prompts))]
    held_out = {prompts[at] for at in chosen}
    train = [pair for pair in pairs if pair[0] not in held_out]
    return train, list({prompt: (prompt, reply) for prompt, reply in pairs if prompt in held_out}.values())


def _candidates(
    pairs: Sequence[tuple[str, str]], place: Mapping[str, int], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the prompts, and the candidates of each: the true reply first, then false ones."""
    prompts = np.array([place[prompt] for prompt, _ in pairs])
    true = np.array([place[reply] for _, reply in pairs])
    others = [rng.choice(np.setdiff1d(true, [each]), CANDIDATES - 1, replace=False) for each in true]
    return prompts, np.column_stack([true, others])


def _first(scores: Values) -> Values:
    """Return the chance that the true reply, the first column, ranks first; ties are broken at random."""
    best = scores == scores.max(axis=1, keepdims=True)
    return np.where(best[:, 0], 1.0 / best.sum(axis=1), 0.0)


def _beyond(hits: Values, than: Values, seed: int) -> list[float]:
    return scoring.bootstrap(hits - than, np.mean, seed)


def _fitted(train: Mapping[str, Values], test: Mapping[str, Values], kinds: Sequence[str]) -> Values:
    """Return the scores of a logistic regression on some scores, which distinguishes true replies from false ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def columns(scores: Mapping[str, Values]) -> Values:
        return np.column_stack([scores[kind].ravel() for kind in kinds])

    truth = np.zeros(train["bag"].shape, np.int64)
    truth[:, 0] = 1
    read = make_pipeline(StandardScaler(), LogisticRegression()).fit(columns(train), truth.ravel())
    return np.asarray(read.decision_function(columns(test)), np.float64).reshape(test["bag"].shape)


def _answers(sayings: Sayings, place: Mapping[str, int], pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the best three of all replies to `ASKED`, by each score."""
    said, replies = list(place), np.array(sorted({place[reply] for _, reply in pairs}))
    scores = sayings.scores(np.array([place[ASKED]]), replies[None])
    return {
        name: [said[replies[at]] for at in np.argsort(-each[0], kind="stable")[:3]] for name, each in scores.items()
    }


def _table(run: Run, parts: Sequence[Any]) -> None:
    rows = []
    for name, title in TITLES.items():
        low, high = (fmean(part["beyond"][name][end] for part in parts) for end in (0, 1))
        rows.append(
            [title, measured([part["first"][name] for part in parts], 3, bounded=True), f"[{low:+.3f}, {high:+.3f}]"]
        )
    header = ["score", "true reply first", "difference from the bag, bootstrap"]
    write_table(run, "replies.md", f"True reply among {CANDIDATES} (chance {1 / CANDIDATES:.2f})", header, rows)
    answers = [[SCORES[name], *found] for name, found in parts[0]["answers"].items()]
    write_table(run, "answers.md", f"Best replies to {ASKED!r}", ["score", "first", "second", "third"], answers)


def _draw(parts: Sequence[Any]) -> Figure:
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes, names = figure.subplots(), list(TITLES)[::-1]
    axes.barh(range(len(names)), [fmean(part["first"][name] for part in parts) for name in names])
    axes.set_yticks(range(len(names)), [TITLES[name] for name in names], fontsize=7)
    axes.axvline(1 / CANDIDATES, color="0.6", lw=1)
    axes.set(xlabel=f"share of true replies that rank first of {CANDIDATES} (line: chance)")
    return figure
