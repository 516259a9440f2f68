"""The vocabulary: the words that are nodes, the most frequent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from brainsim._arguments import check_record, checked
from brainsim._validation import count
from brainsim.errors import DeclarationError, UnknownNameError, unknown
from brainsim.models.cascade.tokens import several, words_of

_MOST_NAMED = 5


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """Words; the place of a word is the number of its node.

    Parameters
    ----------
    words : tuple of str
        The words, as `words_of` returns them, each once; from texts, the most frequent first.

    Raises
    ------
    DeclarationError
        If there is no word, or a word occurs twice.

    Examples
    --------
    >>> from brainsim.models.cascade import Vocabulary
    >>> vocabulary = Vocabulary(("you", "how", "are", "fine"))
    >>> vocabulary.known("How are you today?")
    array([1, 2, 0])
    >>> "today" in vocabulary, len(vocabulary)
    (False, 4)
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        check_record(self)
        if not self.words:
            raise DeclarationError(where="Vocabulary.words", value=self.words, allowed="at least one word")
        if len(set(self.words)) < len(self.words):
            twice = next(word for word, times in Counter(self.words).items() if times > 1)
            raise DeclarationError(
                where="Vocabulary.words", value=twice, allowed="different words", cure="leave one of them out"
            )

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The node of each word."""
        return {word: node for node, word in enumerate(self.words)}

    @checked()
    def nodes(self, words: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the nodes of words, in their order.

        Raises
        ------
        UnknownNameError
            If one of them is not in the vocabulary.
        """
        asked = list(words)
        missing = [word for word in asked if word not in self.index]
        if missing:
            raise UnknownNameError(f"Vocabulary: {unknown('word', missing[0], self.words)}")
        return np.array([self.index[word] for word in asked], np.int64)

    @checked()
    def known(self, text: str) -> npt.NDArray[np.int64]:
        """Return the nodes of those words of a text that are in the vocabulary, in the order of the text.

        Raises
        ------
        UnknownNameError
            If no word is in the vocabulary.
        """
        words = words_of(text)
        found = [self.index[word] for word in words if word in self.index]
        if not found:
            shown = ", ".join(map(repr, words[:_MOST_NAMED])) or f"{text[:40]!r} has no word"
            raise UnknownNameError(f"Vocabulary: knows no word of the text ({shown}); use words that its texts have")
        return np.array(found, np.int64)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self):_} words: {', '.join(self.words[:_MOST_NAMED])}{', …' * (len(self) > 5)}>"


@checked("texts", "size", "least")
def build_vocabulary(texts: Iterable[str], size: int = 60_000, least: int = 1) -> Vocabulary:
    """Return the most frequent words of texts.

    Words of the same frequency are in alphabetical order, so that the order of the texts does not matter.

    Parameters
    ----------
    texts : iterable of str
        Sentences, lines or documents.
    size : int
        Largest number of words.
    least : int
        Smallest number of occurrences of a word.

    Raises
    ------
    DeclarationError
        If a text is not a string, a count is below 1, or no word occurs that often.

    Examples
    --------
    >>> from brainsim.models.cascade import build_vocabulary
    >>> build_vocabulary(["how are you", "I am fine, you"], size=3).words
    ('you', 'am', 'are')
    """
    size, least = count("build_vocabulary.size", size, 1), count("build_vocabulary.least", least, 1)
    counts: Counter[str] = Counter()
    for text in several("build_vocabulary.texts", texts):
        counts.update(words_of(text))
    frequent = sorted((-times, word) for word, times in counts.items() if times >= least)
    if not frequent:
        raise DeclarationError(
            where="build_vocabulary.texts",
            value=f"{len(counts)} words",
            allowed=f"texts in which a word occurs {least} times",
            cure="give more text or lower least",
        )
    return Vocabulary(tuple(word for _, word in frequent[:size]))
