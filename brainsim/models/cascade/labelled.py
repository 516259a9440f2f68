"""The emotional input of words, from sentences with labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import real
from brainsim.errors import DeclarationError, LexiconError, UnknownNameError, unknown
from brainsim.models.cascade.norms import EmotionalInput, filled
from brainsim.models.cascade.tokens import words_of
from brainsim.models.cascade.vocabulary import Vocabulary

LABELS: Mapping[str, Sequence[str]] = {"safety": ("safety",), "curiosity": ("curiosity",), "joy": ("joy",)}
"""The labels of sentences that stand for each emotion by default."""


@checked("prior")
def labelled_input(
    sentences: Iterable[tuple[str, str]],
    vocabulary: Vocabulary,
    labels: Mapping[str, Sequence[str]] = LABELS,
    *,
    prior: float = 5.0,
) -> EmotionalInput:
    """Return the emotional input of a vocabulary from labelled sentences.

    A word's value is the fraction of its sentences that have a label of the emotion.  The value of a rare word is
    shifted towards the fraction among all sentences, as if the word had occurred in ``prior`` more sentences with the
    labels of all sentences.  Words that occur in no sentence have the mean of the others.

    Parameters
    ----------
    sentences : iterable of (text, label)
        Sentences with one label each; a label that no emotion lists means that the sentence has none of the emotions.
    vocabulary : Vocabulary
        The words.
    labels : mapping of str to sequence of str
        The labels of each emotion.
    prior : float
        0 to 10**6.

    Raises
    ------
    DeclarationError
        If a sentence is not a pair of texts, an emotion has no label, or ``prior`` is out of range.
    UnknownNameError
        If no sentence carries one of the labels.
    LexiconError
        If the sentences have no word of the vocabulary.

    Examples
    --------
    >>> from brainsim.models.cascade import Vocabulary, labelled_input
    >>> sentences = [("what is it", "curiosity"), ("so glad", "joy"), ("take care", "safety"), ("what", "curiosity")]
    >>> labelled_input(sentences, Vocabulary(("what", "glad")), prior=1).values.astype(float).round(2).tolist()
    [[0.08, 0.83, 0.08], [0.12, 0.25, 0.62]]
    """
    prior = real("labelled_input.prior", prior, 0.0, 1e6)
    pairs = [_pair(each) for each in sentences]
    _check_labels(labels, {label for _, label in pairs})
    n, emotions = len(vocabulary), tuple(labels)
    times, carried = np.zeros(n), np.zeros((n, len(emotions)))
    rate = np.array([np.mean([label in labels[emotion] for _, label in pairs]) for emotion in emotions])
    for text, label in pairs:
        nodes = sorted({vocabulary.index[word] for word in words_of(text) if word in vocabulary})
        times[nodes] += 1
        carried[nodes] += [label in labels[emotion] for emotion in emotions]
    seen = np.flatnonzero(times)
    if not len(seen):
        raise LexiconError(
            f"labelled_input.sentences: have none of the {n} words of the vocabulary; give sentences in its language"
        )
    values = (carried[seen] + prior * rate) / (times[seen, None] + prior)
    return filled(emotions, dict(zip(seen.tolist(), values.tolist(), strict=True)), n)


def _pair(given: object) -> tuple[str, str]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise DeclarationError(where="labelled_input.sentences", value=given, allowed="pairs (text, label)")
    text, label = given
    if not isinstance(text, str) or not isinstance(label, str):
        raise DeclarationError(where="labelled_input.sentences", value=given, allowed="pairs (text, label)")
    return text, label


def _check_labels(labels: Mapping[str, Sequence[str]], found: set[str]) -> None:
    if not labels:
        raise DeclarationError(where="labelled_input.labels", value=labels, allowed="at least one emotion")
    for emotion, names in labels.items():
        if not names or isinstance(names, str):
            raise DeclarationError(where=f"labelled_input.labels[{emotion!r}]", value=names, allowed="names of labels")
        for name in names:
            if name not in found:
                raise UnknownNameError(f"labelled_input.labels[{emotion!r}]: {unknown('label', name, sorted(found))}")
