"""Safety, curiosity and joy of sentences: the emotional cascade compared with a linear classifier of their words.

Sentences that people labelled teach which words occur with which label: the emotional input of a word is, for each
label, the fraction of its sentences that have it.  The local rule spreads the input over the graph, so that words
without labelled sentences get an emotional vector as well.  The features of a sentence are the mean of its words; a
logistic regression reads them out.  Words of training sentences get their input from other training sentences, so that
no label leaks into it.

Compared: input of words alone, without a graph; input, and emotional vectors for words without input; emotional vectors
for all words; the mean word vector; TF-IDF with logistic regression, whose settings are chosen by cross-validation on
the training sentences; TF-IDF together with the emotional vector; TF-IDF that sees question marks, which word nodes do
not.  Control: labels shuffled.

Success is stated in advance: macro-F1 of the best cascade within .03 of TF-IDF; the cascade for unseen words better
than input of words alone by a paired bootstrap interval over test sentences; shuffled labels below .45 (chance .33).
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

from brainsim import experiment
from brainsim.models.cascade import CHANNELS, EmotionalInput, labelled_input
from brainsim.studies.comparison import measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from emotional import material, scoring, talk
from emotional.network import Network

LABELS = {channel: (channel,) for channel in CHANNELS}
FOLDS = 5
CRITERIA = {"behind": 0.03, "shuffled": 0.45}
KINDS = {
    "tfidf": "TF-IDF, logistic regression",
    "tfidf_marks": "TF-IDF with question marks",
    "tfidf_emotion": "TF-IDF and emotional vector",
    "bag": "mean word vector",
    "counts": "input of words, no graph",
    "unseen": "input, cascade for words without input",
    "cascade": "cascade for all words",
    "shuffled": "control: cascade, labels shuffled",
}
Sentence = tuple[str, str, str]
Features = npt.NDArray[np.float64]


@experiment(quick={"dim": 32, "neighbours": 20, "rounds": 10, "seeds": 2})
def emotional_sentences(
    run: Run,
    *,
    text: str = "made",
    sentences: Path | None = None,
    words: int = 60_000,
    dim: int = 128,
    neighbours: int = 100,
    rounds: int = 20,
    prior: float = 5.0,
    prepared: Path | None = None,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Classify held-out sentences by the emotion of their words.

    Parameters
    ----------
    text
        Where vectors come from: made, installed, or names of packages and files with commas between them.
    sentences
        TSV file with the columns text, labels and split, as that of GoEmotions; empty: made sentences.
    words
        Most words of the vocabulary.
    dim
        Dimension of the vectors.
    neighbours
        Neighbours of a word in the graph, which is that of nearest neighbours.
    rounds
        Rounds in which the weights learn.
    prior
        Sentences of the general mixture that are added to those of each word.
    prepared
        The file vectors.npz of an earlier run with the same text, words, dim and neighbours; it and the graphs beside
        it are taken.
    seeds
        Divisions of the training sentences, each with a seed of its own; means and 95 % intervals are reported.
    """
    scoring.needs_sklearn("emotional_sentences")
    about = material.prepare(run, text, words, dim, neighbours, prepared, ("nearest",))
    every = talk.read_sentences(sentences)
    found = over_seeds(run, {"sentences": Call(classified, (sentences, rounds, prior))}, seeds, "divisions")
    parts = found["sentences"]
    _table(run, parts)
    run.picture("emotional_sentences.png", lambda: _draw(parts))
    means = {kind: fmean(part["f1"][kind] for part in parts) for kind in KINDS}
    best = max(means["unseen"], means["cascade"])
    return {
        "macro_f1": means,
        "bootstrap_95": {kind: [part["beyond_counts"][kind] for part in parts] for kind in KINDS},
        "criteria": CRITERIA,
        "met": {
            "close_to_tfidf": best >= means["tfidf"] - CRITERIA["behind"],
            "graph_adds": all(part["beyond_counts"]["unseen"][0] > 0 for part in parts),
            "shuffled_fails": means["shuffled"] < CRITERIA["shuffled"],
        },
        "chance": {"macro_f1": 1 / len(CHANNELS)},
        "by_seed": {f"features={kind}": {"macro_f1": [part["f1"][kind] for part in parts]} for kind in KINDS},
        "train": sum(split == "train" for *_, split in every),
        "test": sum(split != "train" for *_, split in every),
        "words_without_input": fmean(part["words_without_input"] for part in parts),
        **about,
    }


@dataclass
class Reader:
    """Gives sentences their emotional features."""

    words: material.Material
    network: Network
    prior: float

    def _taught(self, sentences: Sequence[tuple[str, str]]) -> EmotionalInput:
        return labelled_input(sentences, self.words.vocabulary, LABELS, prior=self.prior)

    def features(
        self, taught: Sequence[Sentence], asked: Sequence[Sentence], shuffled: Mapping[str, str]
    ) -> dict[str, Features]:
        """Return the features of the sentences ``asked``; only the labels of the sentences ``taught`` are used.

        The control takes those labels from ``shuffled``, which gives each training sentence that of another one.
        """
        nodes = [self.words.nodes(text) for text, *_ in asked]
        active = sorted({node for each in nodes for node in each})
        given = self._taught([(text, label) for text, label, _ in taught])
        emotions = self.network.emotions(given, active)
        mixed = self.network.emotions(self._taught([(text, shuffled[text]) for text, *_ in taught]), active)
        filled = np.where(given.known[:, None], given.values, _like(emotions, given))
        return {
            "counts": scoring.means(nodes, given.values),
            "unseen": scoring.means(nodes, filled),
            "cascade": scoring.means(nodes, emotions),
            "shuffled": scoring.means(nodes, mixed),
            "bag": scoring.means(nodes, self.words.vectors),
        }


def _like(emotions: Features, given: EmotionalInput) -> Features:
    """Return emotional vectors with the mean and the spread, in each channel, that the input of known words has."""
    known = given.known
    spread = np.maximum(emotions[known].std(axis=0), 1e-9)
    return (emotions - emotions[known].mean(axis=0)) / spread * given.values[known].std(axis=0) + given.values[
        known
    ].mean(axis=0)


def classified(part: Part, sentences: Path | None, rounds: int, prior: float, seed: int) -> dict[str, Any]:
    """Classify the test sentences from each kind of features."""
    every, words = talk.read_sentences(sentences), material.load(part.folder)
    train, test = ([each for each in every if (each[2] == "train") == wanted] for wanted in (True, False))
    graph = material.explicit(material.graph(part.folder, "nearest"), len(words.words))
    # One other sentence's label for each, the same in all folds: a map that differed from fold to fold would fail even
    # if it told something.
    order = np.random.default_rng([seed, 5]).permutation(len(train))
    shuffled = {text: train[at][1] for (text, *_), at in zip(train, order, strict=True)}
    reader = Reader(words, Network(words, graph, rounds, seed, **part.simulator), prior)
    at_test = reader.features(train, test, shuffled)
    at_train = {kind: np.zeros((len(train), found.shape[1])) for kind, found in at_test.items()}
    for rest, left in scoring.folds(len(train), FOLDS, [seed, 6]):
        taught, asked = ([train[at] for at in chosen] for chosen in (rest, left))
        for kind, found in reader.features(taught, asked, shuffled).items():
            at_train[kind][left] = found
    reader.network.close()
    truth, labels = [label for _, label, _ in test], [label for _, label, _ in train]
    guessed = {kind: _linear(at_train[kind], labels, at_test[kind], seed) for kind in at_test}
    guessed |= _tfidf(train, test, at_train["unseen"], at_test["unseen"], seed)
    given = labelled_input([(text, label) for text, label, _ in train], words.vocabulary, LABELS)
    used = [node for text, *_ in test for node in words.nodes(text)]
    return {
        "f1": {kind: round(_macro_f1(truth, guessed[kind]), 4) for kind in KINDS},
        "beyond_counts": {kind: _beyond(truth, guessed[kind], guessed["counts"], seed) for kind in KINDS},
        "words_without_input": float(np.mean(~given.known[used])),
    }


def _macro_f1(truth: Sequence[str], guessed: Sequence[str]) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, guessed, labels=CHANNELS, average="macro", zero_division=0.0))


def _beyond(truth: Sequence[str], guessed: Sequence[str], than: Sequence[str], seed: int) -> list[float]:
    """Return the 95 % bootstrap interval of the difference in macro-F1 over sentences."""
    codes = np.array([[CHANNELS.index(each) for each in row] for row in (truth, guessed, than)]).T
    return scoring.bootstrap(codes, lambda rows: _f1(rows[:, 0], rows[:, 1]) - _f1(rows[:, 0], rows[:, 2]), seed)


def _f1(truth: npt.NDArray[np.int64], guessed: npt.NDArray[np.int64]) -> float:
    hits = np.bincount(truth[truth == guessed], minlength=3)
    both = np.bincount(truth, minlength=3) + np.bincount(guessed, minlength=3)
    return float(np.mean(2 * hits / np.maximum(both, 1)))


def _linear(train: Features, labels: Sequence[str], test: Features, seed: int) -> list[str]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    steps = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    search = GridSearchCV(steps, {"logisticregression__C": np.logspace(-3, 2, 6)}, scoring="f1_macro", cv=_cv(seed))
    found: list[str] = search.fit(train, labels).predict(test).tolist()
    return found


def _cv(seed: int) -> Any:
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)


def _tfidf(
    train: Sequence[Sentence], test: Sequence[Sentence], emotion_train: Features, emotion_test: Features, seed: int
) -> dict[str, list[str]]:
    """Return the answers of TF-IDF classifiers: on words, with question marks, and with the emotional vector."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    labels = [label for _, label, _ in train]
    grid = {
        "words__ngram_range": [(1, 1), (1, 2)],
        "words__sublinear_tf": [False, True],
        "read__C": [0.3, 1, 3, 10, 30],
    }
    said, searches = {}, {}
    for kind, pattern in (("tfidf", r"(?u)\b\w\w+\b"), ("tfidf_marks", r"(?u)\b\w+\b|\?")):
        steps = Pipeline(
            [("words", TfidfVectorizer(token_pattern=pattern)), ("read", LogisticRegression(max_iter=2000))]
        )
        searches[kind] = GridSearchCV(steps, grid, scoring="f1_macro", cv=_cv(seed)).fit([t for t, *_ in train], labels)
        said[kind] = searches[kind].predict([text for text, *_ in test]).tolist()
    best = searches["tfidf"].best_estimator_
    centre, spread = emotion_train.mean(axis=0), np.maximum(emotion_train.std(axis=0), 1e-9)

    def with_emotion(some: Sequence[Sentence], emotion: Features) -> Any:
        scaled = 0.1 * (emotion - centre) / spread  # about as large as an entry of TF-IDF
        return hstack([best["words"].transform([text for text, *_ in some]), csr_matrix(scaled)]).tocsr()

    read = LogisticRegression(max_iter=2000, C=best["read"].C).fit(with_emotion(train, emotion_train), labels)
    said["tfidf_emotion"] = read.predict(with_emotion(test, emotion_test)).tolist()
    return said


def _table(run: Run, parts: Sequence[Any]) -> None:
    rows = []
    for kind, title in KINDS.items():
        low, high = (fmean(part["beyond_counts"][kind][end] for part in parts) for end in (0, 1))
        f1 = measured([part["f1"][kind] for part in parts], 3, bounded=True)
        rows.append([title, f1, f"[{low:+.3f}, {high:+.3f}]"])
    header = ["features", "macro-F1", "less input of words alone, bootstrap"]
    write_table(run, "sentences.md", "Safety, curiosity and joy of test sentences", header, rows)


def _draw(parts: Sequence[Any]) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes, kinds = figure.subplots(), list(KINDS)[::-1]
    axes.barh(range(len(kinds)), [fmean(part["f1"][kind] for part in parts) for kind in kinds])
    axes.set_yticks(range(len(kinds)), [KINDS[kind] for kind in kinds], fontsize=7)
    axes.axvline(1 / len(CHANNELS), color="0.6", lw=1)
    axes.set(xlabel="macro-F1, test sentences", xlim=(0, 1))
    return figure
