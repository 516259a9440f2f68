"""Rank replies by how likely their words are after a text, and by the distance of the emotions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from brainsim._validation import real
from brainsim.models.cascade.readout import distinct, log_probabilities
from brainsim.models.cascade.tokens import several, words_of

if TYPE_CHECKING:
    from brainsim.models.cascade.model import CascadeModel

Nodes = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reply:
    """A text and its score as a reply.

    Attributes
    ----------
    text : str
        The reply.
    score : float
        The score in nats; larger is better.
    """

    text: str
    score: float


@dataclass(frozen=True)
class Emotions:
    """The emotional vectors of words, scaled by their standard deviations.

    Attributes
    ----------
    scaled : float64 array, shape (n, channels)
        Of each word alone.
    likeness : float64 array, shape (n,)
        Weight of each word in a mean; see `CascadeCore.likeness`.
    """

    scaled: Doubles
    likeness: Doubles

    @classmethod
    def of(cls, emotions: Doubles, likeness: Doubles) -> Self:
        """Return emotions in units of their standard deviation; a channel that is the same for all words becomes 0."""
        spread = emotions.std(axis=0)
        return cls(emotions / np.where(spread > 0, spread, np.inf), likeness)

    def mean(self, nodes: Nodes) -> Doubles:
        """Return the emotional vector of words that are active together."""
        return np.average(self.scaled[nodes], axis=0, weights=self.likeness[nodes])

    def distance(self, nodes: Nodes, others: Nodes) -> float:
        """Return the Euclidean distance of the emotional vectors of two sets of words."""
        return float(np.linalg.norm(self.mean(nodes) - self.mean(others)))


def ranked(model: CascadeModel, text: str, replies: Iterable[str], emotion: float) -> list[Reply]:
    """Return replies to a text, the best first; see `CascadeModel.rank`."""
    where = "CascadeModel.rank"
    weight = real(f"{where}.emotion", emotion, 0.0, 1000.0)
    texts = several(f"{where}.replies", replies)
    logs = log_probabilities(model.core.vectors, model.context(text), model.cascade.tau)
    emotions, asked = Emotions.of(model.emotions(), model.core.likeness), model.active(text)
    found = []
    for each in texts:
        nodes = np.array([model.vocabulary.index[word] for word in words_of(each) if word in model.vocabulary], int)
        distance = weight * emotions.distance(asked, distinct(nodes)) if weight and len(nodes) else 0.0
        found.append(Reply(each, float(logs[nodes].mean()) - distance if len(nodes) else -np.inf))
    return sorted(found, key=lambda reply: (-reply.score, reply.text))
