"""The answer of a model to a text, in one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import count as checked_count
from brainsim.models.cascade.model import CascadeModel
from brainsim.models.cascade.norms import CHANNELS
from brainsim.models.cascade.replying import Reply
from brainsim.models.cascade.tokens import words_of


@dataclass(frozen=True)
class Felt:
    """The answer of a model to a text.

    Attributes
    ----------
    text : str
        The text.
    unknown : tuple of str
        Words of the text that are not in the vocabulary.
    emotion : mapping of str to float
        Its emotional vector; see `CascadeModel.emotion`.
    above : mapping of str to float
        For each emotion, the fraction of all words, each alone, that have less of it.
    alike : tuple of (str, float)
        The words with the nearest emotional vectors, and the distances.
    next_words : tuple of (str, float)
        The most likely next words, and their probabilities.
    replies : tuple of Reply
        The most likely replies.
    """

    text: str
    unknown: tuple[str, ...]
    emotion: Mapping[str, float]
    above: Mapping[str, float]
    alike: tuple[tuple[str, float], ...]
    next_words: tuple[tuple[str, float], ...]
    replies: tuple[Reply, ...]


@checked("count")
def feel(model: CascadeModel, text: str, count: int = 5) -> Felt:
    """Return the emotion of a text, similar words, next words and replies.

    Parameters
    ----------
    model : CascadeModel
        The model.
    text : str
        The text.
    count : int
        Number of words and replies to return.

    Raises
    ------
    UnknownNameError
        If no word of the text is known.

    Examples
    --------
    >>> from brainsim.models.cascade import example_model, feel
    >>> felt = feel(example_model(), "How are you?", count=2)
    >>> sorted(felt.emotion), len(felt.replies)
    (['curiosity', 'joy', 'safety'], 2)
    """
    count = checked_count("feel.count", count, 1)
    emotion, words = model.emotion(text), model.emotions()
    distances = np.linalg.norm(words - emotion, axis=1)
    nearest = np.argsort(distances, kind="stable")[:count]
    return Felt(
        text=text,
        unknown=tuple(dict.fromkeys(word for word in words_of(text) if word not in model.vocabulary)),
        emotion=dict(zip(CHANNELS, emotion.tolist(), strict=True)),
        above=dict(zip(CHANNELS, (words < emotion).mean(axis=0).tolist(), strict=True)),
        alike=tuple((model.vocabulary.words[node], float(distances[node])) for node in nearest),
        next_words=tuple(model.next_words(text, count)),
        replies=tuple(model.rank(text)[:count]) if model.replies else (),
    )
