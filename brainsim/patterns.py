"""Stimulus patterns: which neurons of an area stand for which word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from brainsim._validation import integer, real
from brainsim.errors import DeclarationError

Patterns = dict[str, npt.NDArray[np.int64]]
_NEIGHBOURS = 3  # of each word, between which the pool's preferred ratings lie
_WORDS_PER_NEURON = 2  # on average


def disjoint(words: Iterable[str], k: int) -> Patterns:
    """Return a pattern of ``k`` consecutive neurons for each word, one after the other.

    Raises
    ------
    DeclarationError
        If there is no word, or one comes twice.
    """
    k = integer("patterns: k", k, 1, None)
    listed = _checked(words)
    return {word: np.arange(i * k, (i + 1) * k) for i, word in enumerate(listed)}


def grounded(
    words: Iterable[str], k: int, features: Mapping[str, Sequence[float]] | None, shared: float
) -> tuple[int, Patterns]:
    """Return the neurons an area needs and a pattern of ``k`` neurons for each word, shaped by ratings.

    A fraction ``shared`` of each pattern is drawn from a pool of feature neurons, each tuned to a point in the space of
    ratings; a word fires those whose preferred ratings are nearest to its own, so words rated alike share neurons.  The
    pool is dense where words are dense, as sensory cortex is, so that no neuron serves more than a few words.  The
    other neurons are the word's own, so that words with equal ratings stay distinct.  Without ``features`` the
    patterns are `disjoint`.

    Parameters
    ----------
    words : iterable of str
        In the order of their own neurons.
    k : int
        Neurons in each pattern.
    features : mapping of str to sequence of float, or None
        Ratings by word, all of one length; each feature is standardised over the words.
    shared : float
        Fraction of the pattern chosen by the ratings, 0 to 1.

    Raises
    ------
    DeclarationError
        If a word has no ratings, or their number differs between words.
    """
    listed = _checked(words)
    share = round(real("patterns: shared", shared, 0.0, 1.0) * integer("patterns: k", k, 1, None))
    if features is None or share == 0:
        return k * len(listed), disjoint(listed, k)
    chosen = _nearest_preferences(_standardised([_ratings(word, features) for word in listed]), share)
    pool = int(chosen.max()) + 1
    own = pool + np.arange(len(listed) * (k - share)).reshape(len(listed), k - share)
    patterns = np.concatenate([chosen, own], axis=1)
    return pool + own.size, dict(zip(listed, patterns, strict=True))


def _nearest_preferences(ratings: npt.NDArray[np.float64], share: int) -> npt.NDArray[np.int64]:
    """Return for each word the ``share`` feature neurons whose preferred ratings are nearest to its own.

    Preferred ratings lie midway between each word and its nearest neighbours, so they are dense where words are dense.
    """
    words = len(ratings)
    if words == 1:
        return np.arange(share)[None]
    apart = np.linalg.norm(ratings[:, None] - ratings[None], axis=2)
    neighbours = np.argsort(apart, axis=1, kind="stable")[:, 1 : 1 + _NEIGHBOURS]
    preferred = ((ratings[:, None] + ratings[neighbours]) / 2).reshape(-1, ratings.shape[1])
    size = -(-words * share // _WORDS_PER_NEURON)
    preferred = preferred[np.arange(size) % len(preferred)]
    distance = np.linalg.norm(ratings[:, None] - preferred[None], axis=2)
    return np.argsort(distance, axis=1, kind="stable")[:, :share]


def _checked(words: Iterable[str]) -> list[str]:
    listed = list(words)
    if not listed:
        raise DeclarationError("patterns: words must name at least one word (got none)")
    for word in listed:
        if listed.count(word) > 1:
            raise DeclarationError(f"patterns: words must be distinct (got {word!r} twice)")
    return listed


def _ratings(word: str, features: Mapping[str, Sequence[float]]) -> Sequence[float]:
    if word not in features:
        raise DeclarationError(f"patterns: features must rate every word (nothing for {word!r})")
    ratings = features[word]
    expected = len(next(iter(features.values())))
    if len(ratings) != expected or not np.isfinite(ratings).all():
        raise DeclarationError(
            f"patterns: features[{word!r}] must be {expected} finite numbers (got {list(ratings)!r})"
        )
    return ratings


def _standardised(ratings: Sequence[Sequence[float]]) -> npt.NDArray[np.float64]:
    table: npt.NDArray[np.float64] = np.array(ratings, dtype=float)
    spread = table.std(axis=0)
    return np.asarray((table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
