"""Word vectors from text: positive pointwise mutual information, and a truncated singular value decomposition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim._validation import count, real
from brainsim.errors import DeclarationError
from brainsim.models.cascade.tokens import several, words_of
from brainsim.models.cascade.vocabulary import Vocabulary

Vectors = npt.NDArray[np.float32]

_LONGEST_WINDOW = 1000
_SMALL = 500  # words; for fewer, all singular vectors are computed and the surplus ones dropped


@checked("texts", "dim", "window", "context_exponent", "value_exponent")
def vectors(
    texts: Iterable[str],
    vocabulary: Vocabulary,
    dim: int = 128,
    *,
    window: int = 5,
    context_exponent: float = 0.75,
    value_exponent: float = 0.5,
) -> Vectors:
    """Return a unit vector for each word of a vocabulary, computed from the words near it in texts.

    A pair of words at distance ``d`` within a text counts ``1 / d``.  The counts are converted to positive pointwise
    mutual information, in which the frequency of the context has an exponent that reduces the weight of rare contexts:
    ``max(0, log(C_ij * sum_j c_j^a / (r_i * c_j^a)))`` with ``r_i`` and ``c_j`` the sums of rows and columns.  The
    vectors are the largest left singular vectors times a power of their singular values, minus the mean vector, scaled
    to norm 1.  Without the subtraction all words share a direction, towards which cascades pull them.

    The same call returns the same bits on one machine.  9 million words of text and a vocabulary of 60,000 take about a
    minute and 1 GB of memory.  A word without any positive association gets a random direction, which its place
    determines.

    Parameters
    ----------
    texts : iterable of str
        Sentences, lines or documents; windows do not span two of them.
    vocabulary : Vocabulary
        The words.  Other words keep their places in the text but are not counted.
    dim : int
        Dimensions, from 1 to below the number of words.
    window : int
        Largest distance of a pair that is counted.
    context_exponent, value_exponent : float
        Exponents of the context's frequency and of the singular values, 0 to 1.

    Returns
    -------
    float32 array, shape (len(vocabulary), dim)
        Rows of norm 1.

    Raises
    ------
    DeclarationError
        If a value is out of range, a text is not a string, or words of the vocabulary do not occur in the texts.

    References
    ----------
    Levy, Goldberg, Dagan. Improving distributional similarity with lessons learned from word embeddings. TACL 3, 2015.

    Examples
    --------
    >>> from brainsim.models.cascade import Vocabulary, vectors
    >>> texts = ["the dog barks", "the cat purrs", "a dog runs", "a cat runs"] * 3
    >>> found = vectors(texts, Vocabulary(("dog", "cat", "runs", "the", "a")), dim=3)
    >>> found.shape, found.dtype.name
    ((5, 3), 'float32')
    """
    n = len(vocabulary)
    where = "vectors"
    dim = count(f"{where}.dim", dim, 1)
    if dim >= n:
        raise DeclarationError(where=f"{where}.dim", value=dim, allowed=f"below the {n} words of the vocabulary")
    reach = count(f"{where}.window", window, 1)
    if reach > _LONGEST_WINDOW:
        raise DeclarationError(where=f"{where}.window", value=reach, allowed=f"at most {_LONGEST_WINDOW}")
    context = real(f"{where}.context_exponent", context_exponent, 0.0, 1.0)
    power = real(f"{where}.value_exponent", value_exponent, 0.0, 1.0)
    stream = _stream(several(f"{where}.texts", texts), vocabulary, reach)
    _check_occurrence(stream, vocabulary)
    return _reduced(positive_information(cooccurrences(stream, n, reach), context), dim, power)


def _stream(texts: Sequence[str], vocabulary: Vocabulary, gap: int) -> npt.NDArray[np.int32]:
    """Return the nodes of all texts in one row, -1 for other words and between texts, so that no window spans two."""
    index, between = vocabulary.index, [-1] * gap
    pieces = [np.array([*(index.get(word, -1) for word in words_of(text)), *between], np.int32) for text in texts]
    return np.concatenate(pieces)


def _check_occurrence(stream: npt.NDArray[np.int32], vocabulary: Vocabulary) -> None:
    absent = np.flatnonzero(np.bincount(stream[stream >= 0], minlength=len(vocabulary)) == 0)
    if len(absent):
        named = ", ".join(repr(vocabulary.words[node]) for node in absent[:5])
        raise DeclarationError(
            f"vectors.vocabulary: {len(absent)} words do not occur in the texts ({named}{', …' * (len(absent) > 5)}); "
            "leave them out, or give texts in which they occur (texts are read in lower case)"
        )


def cooccurrences(stream: npt.NDArray[np.int32], n: int, window: int) -> Any:
    """Return how often words occur near each other, weighted by 1 / distance: a symmetric CSR array, shape (n, n)."""
    from scipy.sparse import coo_array, csr_array

    total = csr_array((n, n), dtype=np.float64)
    for distance in range(1, window + 1):
        left, right = stream[:-distance], stream[distance:]
        both = (left >= 0) & (right >= 0)
        weights = np.full(int(both.sum()), 1.0 / distance)
        total = total + coo_array((weights, (left[both], right[both])), shape=(n, n)).tocsr()
    return (total + total.T).tocsr()


def positive_information(counts: Any, exponent: float) -> Any:
    """Return the positive pointwise mutual information of counts: a CSR array of the same shape."""
    from scipy.sparse import csr_array

    rows = np.asarray(counts.sum(axis=1)).ravel()
    columns = np.asarray(counts.sum(axis=0)).ravel() ** exponent
    places = counts.tocoo()
    values = np.log(places.data * columns.sum() / (rows[places.row] * columns[places.col]))
    kept = values > 0
    return csr_array((values[kept], (places.row[kept], places.col[kept])), shape=counts.shape)


def _reduced(matrix: Any, dim: int, power: float) -> Vectors:
    """Return the leading left singular vectors, weighted, with the mean removed and unit rows."""
    left, values = _singular(matrix, dim)
    largest = np.argmax(np.abs(left), axis=0)
    signs = np.where(left[largest, np.arange(dim)] < 0, -1.0, 1.0)  # the sign of a singular vector is arbitrary
    found = left * (signs * np.maximum(values, 0.0) ** power)
    lonely = np.flatnonzero(np.diff(matrix.indptr) == 0)
    found[lonely] = 0.0
    found -= found.mean(axis=0)
    lengths = np.linalg.norm(found, axis=1)
    lonely = np.union1d(lonely, np.flatnonzero(lengths < 1e-9))
    for node in lonely.tolist():
        found[node] = np.random.default_rng(node).standard_normal(dim)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found, np.float32)


def _singular(matrix: Any, dim: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the ``dim`` largest singular values, descending, and their left singular vectors."""
    if matrix.shape[0] <= _SMALL:  # where ARPACK may find fewer values than requested, and start from random numbers
        left, values, _ = np.linalg.svd(matrix.toarray())
        return left[:, :dim], values[:dim]
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(0).standard_normal(matrix.shape[0])
    left, values, _ = svds(matrix, k=dim, v0=start, return_singular_vectors="u")
    order = np.argsort(-values, kind="stable")
    return left[:, order], values[order]
