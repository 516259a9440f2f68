"""Scores of the studies: held-out ridge regression, correlations, bootstrap intervals over items, effective rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.errors import ExperimentError

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

ALPHAS = np.logspace(-1, 5, 13)
RESAMPLES = 2000


def means(nodes: Sequence[Sequence[int]], values: npt.NDArray[Any]) -> Numbers:
    """Return the mean of the rows of some nodes, for each list of them; for an empty list, the mean of all rows."""
    neutral = values.mean(axis=0)
    return np.array([values[each].mean(axis=0) if each else neutral for each in nodes], np.float64)


def needs_sklearn(study: str) -> None:
    """Raise an error if scikit-learn is not installed."""
    if find_spec("sklearn") is None:
        raise ExperimentError(f"{study}: needs scikit-learn, which is not installed; pip install scikit-learn")


def folds(count: int, parts: int, seed: int | list[int]) -> Iterator[tuple[Indices, Indices]]:
    """Yield the items to learn from and the held-out items of each fold."""
    fold = np.random.default_rng(seed).permutation(count) % parts
    for at in range(parts):
        yield np.flatnonzero(fold != at), np.flatnonzero(fold == at)


def predicted(features: Numbers, ratings: Numbers, unseen: Numbers) -> Numbers:
    """Return the ratings of unseen items by ridge regression; each rating has its own penalty.

    The penalty is chosen by leave-one-out on the items learned from alone.  Columns are scaled by those items, so that
    a few added features are not penalized for their units.
    """
    from sklearn.linear_model import RidgeCV

    centre, spread = features.mean(0), features.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    model = RidgeCV(ALPHAS, alpha_per_target=True)
    found: Numbers = model.fit((features - centre) / spread, ratings).predict((unseen - centre) / spread)
    return found.reshape(len(unseen), -1)


def held_out(features: Numbers, ratings: Numbers, parts: int, seed: int) -> Numbers:
    """Return what each fold's ridge regression predicts for its held-out items."""
    guessed = np.zeros_like(ratings)
    for known, unseen in folds(len(ratings), parts, seed):
        guessed[unseen] = predicted(features[known], ratings[known], features[unseen])
    return guessed


def correlations(guessed: Numbers, ratings: Numbers) -> Numbers:
    """Return Pearson's r of each column; 0 where a column does not vary."""
    a, b = guessed - guessed.mean(-2, keepdims=True), ratings - ratings.mean(-2, keepdims=True)
    norms = np.sqrt((a * a).sum(-2) * (b * b).sum(-2))
    return np.where(norms > 0, (a * b).sum(-2) / np.where(norms > 0, norms, 1.0), 0.0)


def gains(guessed: Mapping[str, Numbers], ratings: Numbers, than: str, seed: int) -> dict[str, list[list[float]]]:
    """Return 95 % bootstrap intervals, over items, of the difference of r from that of one of the predictions.

    The items of a resample are the same for all predictions, so that the difference is a paired one.
    """
    rng, kinds = np.random.default_rng([seed, 13]), list(guessed)
    drawn = np.zeros((RESAMPLES, len(kinds), ratings.shape[1]))
    for at in range(RESAMPLES):
        items = rng.integers(len(ratings), size=len(ratings))
        drawn[at] = [correlations(guessed[kind][items], ratings[items]) for kind in kinds]
    more = drawn - drawn[:, [kinds.index(than)]]
    low, high = np.percentile(more, [2.5, 97.5], axis=0)
    return {kind: np.stack([low[at], high[at]], axis=1).round(4).tolist() for at, kind in enumerate(kinds)}


def bootstrap(values: npt.ArrayLike, score: Any, seed: int) -> list[float]:
    """Return the 95 % bootstrap interval of ``score(items)``, by drawing items with replacement."""
    rng, items = np.random.default_rng([seed, 17]), np.asarray(values)
    drawn = [score(items[rng.integers(len(items), size=len(items))]) for _ in range(RESAMPLES)]
    return [round(float(each), 4) for each in np.percentile(drawn, [2.5, 97.5])]


def effective_rank(vectors: npt.NDArray[Any]) -> float:
    """Return the effective rank of some vectors: the exponential of the entropy of their singular values.

    Roy, Vetterli. The effective rank: a measure of effective dimensionality. EUSIPCO 2007.
    """
    exact = vectors.astype(np.float64)
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(exact.T @ exact), 0.0))
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def mean_cosine(vectors: npt.NDArray[Any], seed: int, pairs: int = 20_000) -> float:
    """Return the mean cosine of random pairs of unit vectors."""
    rng = np.random.default_rng([seed, 19])
    first, second = rng.integers(len(vectors), size=(2, pairs))
    return float(np.mean(np.einsum("ij,ij->i", vectors[first], vectors[second], dtype=np.float64)))
