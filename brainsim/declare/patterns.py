"""Stimulus patterns: the neurons of an area that represent each word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim._validation import count, real
from brainsim.errors import DeclarationError

Patterns = dict[str, npt.NDArray[np.int64]]


@checked()
def disjoint(words: Iterable[str], k: int) -> Patterns:
    """Return disjoint patterns: for each word the next ``k`` neurons.

    Examples
    --------
    >>> {word: neurons.tolist() for word, neurons in disjoint(["dog", "cat"], k=3).items()}
    {'dog': [0, 1, 2], 'cat': [3, 4, 5]}

    Raises
    ------
    DeclarationError
        If there is no word, or a word is listed twice.
    """
    k = count("patterns: k", k, 1)
    listed = _checked(words)
    return {word: np.arange(i * k, (i + 1) * k) for i, word in enumerate(listed)}


@checked("features")
def grounded(
    words: Iterable[str], k: int, features: Mapping[str, Sequence[float]] | None, shared: float
) -> tuple[int, Patterns]:
    """Return the size of an area and a pattern of ``k`` neurons for each word, such that similar words share neurons.

    The similarity of two words is ``s = max(0, 1 - d)``, where ``d`` is the root mean square difference of their
    standardised ratings (about 1.4 for unrelated words).  They share ``shared * k * s`` neurons, or fewer if one of
    them has so many similar words that it would share more than ``shared * k`` neurons in all.  The remaining neurons
    of a word belong to no other word, so that words with equal ratings stay distinct.  Without ``features``, the
    patterns are `disjoint`.

    Parameters
    ----------
    words : iterable of str
        Words, each once.
    k : int
        Neurons in each pattern.
    features : mapping of str to sequence of float, or None
        Ratings by word, the same number for each; every feature is standardised over the words.
    shared : float
        Largest fraction of a pattern that can be shared, 0 to 1.

    Returns
    -------
    n : int
        How many neurons the patterns need.
    patterns : dict of str to ndarray of int64
        Neurons by word.

    Raises
    ------
    DeclarationError
        If a word has no ratings, or the number of ratings differs between words.
    """
    listed = _checked(words)
    share = round(real("patterns: shared", shared, 0.0, 1.0) * count("patterns: k", k, 1))
    if not isinstance(features, Mapping | None):
        raise DeclarationError(where="patterns: features", value=features, allowed="a mapping of words to ratings")
    if features is None or share == 0:
        return k * len(listed), disjoint(listed, k)
    common = _shared_neurons(_standardised([_ratings(word, features) for word in listed]), share)
    members: list[list[int]] = [[] for _ in listed]
    n = 0
    for i, j in zip(*np.nonzero(common), strict=True):
        for word in (i, j):
            members[word] += range(n, n + int(common[i, j]))
        n += int(common[i, j])
    for pattern in members:
        own = k - len(pattern)
        pattern += range(n, n + own)
        n += own
    return n, {word: np.array(pattern, dtype=np.int64) for word, pattern in zip(listed, members, strict=True)}


def _shared_neurons(ratings: npt.NDArray[np.float64], share: int) -> npt.NDArray[np.int64]:
    """Return how many neurons each pair of words has in common, in the upper triangle."""
    apart = np.sqrt(((ratings[:, None] - ratings[None]) ** 2).mean(axis=2))
    similarity = np.maximum(0.0, 1.0 - apart)
    np.fill_diagonal(similarity, 0.0)
    crowd = np.maximum(1.0, similarity.sum(axis=1))
    # The tolerance keeps a product that is whole except for rounding, such as 0.4 * 50, from being rounded down.
    fitting = np.floor(share * similarity / np.maximum(crowd[:, None], crowd[None]) + 1e-9)
    return np.triu(fitting.astype(np.int64), 1)


def _checked(words: Iterable[str]) -> list[str]:
    if isinstance(words, str):
        raise DeclarationError(f"patterns: words must be a list of words (got the text {words!r}); write [{words!r}]")
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
