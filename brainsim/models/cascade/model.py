"""The model: a brain with one area of words, and the trained layers between its rounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim._validation import count as checked_count
from brainsim.declare.brain import Brain
from brainsim.errors import DeclarationError
from brainsim.models.cascade import readout
from brainsim.models.cascade.checking import feeling, integers, unit
from brainsim.models.cascade.core import CascadeCore
from brainsim.models.cascade.design import Cascade
from brainsim.models.cascade.graphs import WordGraph, word_graph
from brainsim.models.cascade.norms import CHANNELS, EmotionalInput
from brainsim.models.cascade.replying import Reply, ranked
from brainsim.models.cascade.tokens import several
from brainsim.models.cascade.vocabulary import Vocabulary
from brainsim.simulate.simulator import Simulator

Nodes = npt.NDArray[np.int64]


class CascadeModel:
    """An emotional cascade over a vocabulary.

    The brain has one area, whose nodes hold the vectors of the words, with a fiber to itself that carries the cascade.
    A text makes its words active.  Each following round is a cascade layer; after it, the trained layers, if there are
    any, act on the active words.  A model without training needs no PyTorch.

    Parameters
    ----------
    cascade : Cascade
        Sizes and constants; ``n`` and ``dim`` are replaced by those of the vectors.
    vocabulary : Vocabulary
        The words.
    vectors : array_like, shape (len(vocabulary), dim)
        Their vectors, as `vectors` makes them.
    edges : array_like, shape (edges, 2), optional
        Pairs of neighbours; by default those of the cascade's ``order``.
    replies : iterable of str
        Texts among which `rank` chooses.
    seed : int
        Seed of the random edges and of the initial parameters of the trained layers.
    **simulator
        Passed on to `Simulator`: ``backend``, ``threads``, ``cache_mb``.

    Attributes
    ----------
    cascade : Cascade
        The sizes and constants, with those of the vectors.
    vocabulary : Vocabulary
        The words.
    core : CascadeCore
        The brain, its area ``core.words`` and fiber ``core.links``, the simulator and the trained layers.

    Raises
    ------
    DeclarationError
        If the vectors do not fit the vocabulary or are not finite, or if a size does not fit.

    Examples
    --------
    >>> from brainsim.models.cascade import Cascade, CascadeModel, Norms, build_vocabulary, vectors
    >>> texts = ["how are you today", "I am fine and you", "are you glad today", "I am glad you are fine"]
    >>> vocabulary = build_vocabulary(texts)
    >>> cascade = Cascade(neighbours=4, layers=2, attention_every=0)
    >>> model = CascadeModel(cascade, vocabulary, vectors(texts, vocabulary, dim=4), backend="reference")
    >>> model.set_input(Norms(("valence", "arousal", "dominance"), {"glad": (8, 6, 6)}).input(vocabulary))
    >>> model.relax(rounds=100)
    >>> model.emotion("Are you glad?").shape
    (3,)
    """

    @checked("vectors", "edges", "replies")
    def __init__(
        self,
        cascade: Cascade,
        vocabulary: Vocabulary,
        vectors: npt.ArrayLike,
        *,
        edges: npt.ArrayLike | None = None,
        replies: Iterable[str] = (),
        seed: int = 0,
        **simulator: Any,
    ) -> None:
        where = "CascadeModel"
        first = unit(f"{where}.vectors", vectors)
        if len(first) != len(vocabulary):
            allowed = f"{len(vocabulary)} rows, one a word"
            raise DeclarationError(where=f"{where}.vectors", value=first.shape, allowed=allowed)
        self.vocabulary, self.seed = vocabulary, seed
        self.cascade = cascade = replace(cascade, n=len(first), dim=first.shape[1])
        self.replies = replies
        if edges is None:
            graph = word_graph(cascade.order, first, cascade.neighbours, cascade.rewire, seed)
        else:
            graph = WordGraph(integers(f"{where}.edges", edges, 0, len(first)), len(first))
        self.core = CascadeCore(cascade, graph, first, seed, **simulator)

    @property
    def brain(self) -> Brain:
        """The declaration: one area of words with a fiber to itself."""
        return self.core.brain

    @property
    def sim(self) -> Simulator:
        """The simulator that runs it."""
        return self.core.sim

    @property
    def edges(self) -> Any:
        """The edges, their weights and the input of words, as ``sim.edges`` returns them."""
        return self.core.edges

    @property
    def replies(self) -> tuple[str, ...]:
        """Texts among which `rank` chooses."""
        return self._replies

    @replies.setter
    def replies(self, texts: Iterable[str]) -> None:
        self._replies = tuple(several("CascadeModel.replies", texts, least=0))

    # Learning

    @checked()
    def set_input(self, input: EmotionalInput) -> None:
        """Set the emotions of each word, which the weights of its edges learn.

        Raises
        ------
        DeclarationError
            If the input is of another vocabulary or of other channels, or the rule of the cascade takes no input.
        """
        self.core.check_takes_input()
        if input.channels != CHANNELS:
            where = "CascadeModel.set_input.input.channels"
            raise DeclarationError(where=where, value=input.channels, allowed=repr(CHANNELS))
        self.edges.set_input(input.values)

    @checked("emotion")
    def learn(self, text: str, emotion: Sequence[float] | None = None) -> None:
        """Let the edges among the words of a text learn for one round.

        Parameters
        ----------
        text : str
            The last ``window`` of its known words are active.
        emotion : sequence of float, optional
            Safety, curiosity and joy of the text, 0 to 1, instead of those of its words.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        nodes = self.active(text)
        if emotion is None:
            self.core.learn(nodes)
            return
        self.core.learn_feeling(nodes, feeling("CascadeModel.learn.emotion", emotion, CHANNELS))

    @checked("rounds")
    def relax(self, rounds: int = 1) -> None:
        """Let all edges learn for some rounds, as if all words were active in each."""
        rounds = checked_count("CascadeModel.relax.rounds", rounds, 1)
        self.core.learn(np.arange(self.cascade.n), rounds)

    # Reading

    @checked()
    def active(self, text: str) -> Nodes:
        """Return the nodes of the last ``window`` known words, each once, in the order of their last occurrence.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        return readout.distinct(self.vocabulary.known(text)[-self.cascade.window :])

    @checked()
    def emotion(self, text: str) -> npt.NDArray[np.float64]:
        """Return the emotional vector of a text: safety, curiosity, joy.

        It is ``sum_i E_i`` with ``E_i^k = sum_j W_ij^k S_j``, divided by the sum of ``|cos(V_i, V_j)|`` over the same
        edges.  Weights relax to the emotion of both words times that cosine, so this is the mean emotion of the active
        words and their neighbours, weighted by similarity of meaning: 0 to 1, as in the input of words.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        return self.core.emotion(self.active(text))

    def emotions(self) -> npt.NDArray[np.float64]:
        """Return the emotional vector of each word alone, shape (n, channels)."""
        return self.core.emotions()

    @checked()
    def context(self, text: str) -> npt.NDArray[np.float32]:
        """Return the mean of the vectors of the active words after all layers, scaled to norm 1: shape (dim,).

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        return readout.direction(self.core.states(self.active(text)))

    @checked("count")
    def next_words(self, text: str, count: int = 10) -> list[tuple[str, float]]:
        """Return the most likely next words of a text with their probabilities, ``softmax(cos(context, word) / tau)``.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        logs = readout.log_probabilities(self.core.vectors, self.context(text), self.cascade.tau)
        return self._best(np.exp(logs), count)

    @checked("count", "vector")
    def nearest(self, vector: npt.ArrayLike, count: int = 10) -> list[tuple[str, float]]:
        """Return the words whose vectors have the largest cosine with a vector, shape (dim,), and these cosines.

        Raises
        ------
        DeclarationError
            If ``vector`` does not have this shape or is not finite.
        """
        (wanted,) = unit("CascadeModel.nearest.vector", [vector], self.cascade.dim)
        return self._best(self.core.vectors @ wanted, count)

    @checked("replies", "emotion")
    def rank(self, text: str, replies: Iterable[str] | None = None, *, emotion: float = 1.0) -> list[Reply]:
        """Rank replies to a text, the most likely first.

        The score of a reply is the mean log probability of its known words as next words of the text, less ``emotion``
        times the distance of the emotional vectors of both.  The distance is in units of the standard deviation among
        words.  A reply without a known word comes last.

        Parameters
        ----------
        text : str
            The text to reply to.
        replies : iterable of str, optional
            The texts; those of the model by default.
        emotion : float
            Weight of the distance between the emotions, 0 to 1000.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        DeclarationError
            If there are no replies.
        """
        return ranked(self, text, self.replies if replies is None else replies, emotion)

    # Files

    @checked()
    def save(self, path: str | Path) -> None:
        """Write the model to one file with a checksum, whole or not at all; `DumpError` if it cannot be written."""
        from brainsim.models.cascade.saving import write_model

        write_model(path, self)

    @classmethod
    def load(cls, path: str | Path, **simulator: Any) -> CascadeModel:
        """Return the model in a file that `save` wrote; other arguments are passed to `Simulator`.

        Raises
        ------
        DumpError
            If the file cannot be read, is damaged, or holds no model.
        TorchMissingError
            If the model has trained layers and PyTorch is not installed.
        """
        from brainsim.models.cascade.saving import read_model

        return read_model(path, **simulator)

    def _best(self, scores: npt.NDArray[Any], wanted: int) -> list[tuple[str, float]]:
        most = min(checked_count("count", wanted, 1), len(scores))
        order = np.argsort(-scores, kind="stable")[:most]
        return [(self.vocabulary.words[node], float(scores[node])) for node in order]
