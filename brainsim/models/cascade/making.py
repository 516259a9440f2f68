"""Make a model from texts and norms in one call, and load the small example that comes with brainsim."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from brainsim._arguments import checked
from brainsim._validation import count
from brainsim.errors import DeclarationError, LexiconError
from brainsim.models.cascade.design import Cascade
from brainsim.models.cascade.embedding import vectors
from brainsim.models.cascade.model import CascadeModel
from brainsim.models.cascade.norms import Norms, read_norms
from brainsim.models.cascade.tokens import several
from brainsim.models.cascade.vocabulary import build_vocabulary

ROUNDS = 100
"""Rounds in which weights relax; less than 1 % of the distance to their targets remains."""
_FEWEST_WORDS = 5


@checked("texts", "replies", "size", "rounds")
def make_model(
    texts: Iterable[str],
    norms: Norms,
    cascade: Cascade | None = None,
    *,
    replies: Iterable[str] = (),
    size: int = 60_000,
    rounds: int = ROUNDS,
    seed: int = 0,
    **simulator: Any,
) -> CascadeModel:
    """Return a model made from texts and norms: vocabulary, vectors, graph, and weights learned from the norms.

    Parameters
    ----------
    texts : iterable of str
        Texts from which the words and their vectors are computed.
    norms : Norms
        The emotions of words.
    cascade : Cascade, optional
        `Cascade.natural` with ``order="nearest"`` by default.  With few words, vectors get fewer dimensions, and words
        fewer neighbours, than it declares.
    replies : iterable of str
        Texts among which the model chooses replies.
    size : int
        Largest number of words.
    rounds : int
        Rounds in which all edges learn; see `CascadeModel.relax`.
    seed : int
        Seed of the model.
    **simulator
        Passed to `Simulator`.

    Raises
    ------
    DeclarationError
        If there is too little text, or a value is out of range.
    LexiconError
        If the norms rate no word of the texts.
    """
    read = several("make_model.texts", texts)
    answers = several("make_model.replies", replies, least=0)
    vocabulary = build_vocabulary(read, count("make_model.size", size, 1))
    n = len(vocabulary)
    if n < _FEWEST_WORDS:
        allowed = f"texts with at least {_FEWEST_WORDS} different words"
        raise DeclarationError(where="make_model.texts", value=f"{n} words", allowed=allowed)
    given = norms.input(vocabulary)
    chosen = fitted(cascade or Cascade(order="nearest"), n)
    model = CascadeModel(
        chosen, vocabulary, vectors(read, vocabulary, chosen.dim), replies=answers, seed=seed, **simulator
    )
    model.set_input(given)
    model.relax(rounds)
    return model


def fitted(cascade: Cascade, n: int) -> Cascade:
    """Return a cascade for ``n`` words, with at most ``n / 4`` dimensions and ``n / 8`` neighbours."""
    neighbours = max(2, min(cascade.neighbours, n // 8 // 2 * 2))
    return replace(cascade, n=n, dim=max(1, min(cascade.dim, n // 4)), neighbours=neighbours)


@checked()
def read_texts(path: str | Path) -> tuple[str, ...]:
    r"""Return the lines of a text file in UTF-8 that are not blank.

    Raises
    ------
    LexiconError
        If the file cannot be read, is not UTF-8, or has no text.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "texts.txt"
    >>> _ = path.write_text("How are you?\n\nFine.\n")
    >>> read_texts(path)
    ('How are you?', 'Fine.')
    """
    try:
        found = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LexiconError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (OSError, ValueError) as error:  # raised for a path that contains NUL
        why = getattr(error, "strerror", None) or error
        raise LexiconError(f"{path}: cannot be read ({why}); give the path of a text file") from error
    lines = tuple(line.strip() for line in found.splitlines() if line.strip())
    if not lines:
        raise LexiconError(f"{path}: is empty; it needs a text on each line")
    return lines


def example_model(**simulator: Any) -> CascadeModel:
    """Return a small example model, from texts, ratings and replies that were written for brainsim.

    Its ratings are invented, not measured, and its texts are 164 simple sentences.  It shows how the model works, and
    says nothing about language.  ``**simulator`` is passed on to `Simulator`.

    Examples
    --------
    >>> from brainsim.models.cascade import example_model
    >>> model = example_model()
    >>> len(model.vocabulary) > 100, len(model.replies)
    (True, 18)
    """
    texts, norms, replies = _example()
    return make_model(texts, norms, replies=replies, **simulator)


@cache
def _example() -> tuple[tuple[str, ...], Norms, tuple[str, ...]]:
    folder = Path(str(files("brainsim.models.cascade") / "data"))
    return read_texts(folder / "example.txt"), read_norms(folder / "norms.csv"), read_texts(folder / "replies.txt")
