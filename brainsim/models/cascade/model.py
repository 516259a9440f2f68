"""The model: a brain of one area of words, run by the scheduler, and the layers that PyTorch trains around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim._validation import count as checked_count
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError
from brainsim.models.cascade import readout
from brainsim.models.cascade.declaring import WORDS, declare
from brainsim.models.cascade.design import Cascade
from brainsim.models.cascade.checking import feeling, integers, numbers, unit
from brainsim.models.cascade.graphs import WordGraph, word_graph
from brainsim.models.cascade.norms import CHANNELS, EmotionalInput
from brainsim.models.cascade.maps import cascade_maps
from brainsim.models.cascade.replying import Reply, ranked
from brainsim.models.cascade.tokens import several
from brainsim.models.cascade.vocabulary import Vocabulary
from brainsim.networks.needs import require_torch
from brainsim.simulate.simulator import Simulator

if TYPE_CHECKING:
    from brainsim.models.cascade.network import CascadeNetwork
    from brainsim.models.cascade.training import CascadeTraining

Nodes = npt.NDArray[np.int64]


class CascadeModel:
    """An emotional cascade over a vocabulary.

    The brain has one area, whose nodes hold the vectors of the words, with a fiber to itself that carries the cascade.
    A text makes its words active.  Then come the cascade layers, one a round; after each, the trained layers act on the
    active words, if there are any.  The model without training needs no PyTorch.

    Parameters
    ----------
    cascade : Cascade
        Sizes and constants; ``n`` and ``dim`` become those of the vectors.
    vocabulary : Vocabulary
        The words.
    vectors : array_like, shape (len(vocabulary), dim)
        Their vectors, as `vectors` makes them.
    edges : array_like, shape (edges, 2), optional
        Pairs of neighbours; by default those of the cascade's ``order``.
    replies : iterable of str
        Texts among which `rank` chooses.
    seed : int
        Draws random edges and the first parameters of the trained layers.
    **simulator
        Passed on to `Simulator`: ``backend``, ``threads``, ``cache_mb``.

    Attributes
    ----------
    brain, words, links, sim
        The brain, its area, its fiber, and the simulator.
    first_vectors : float32 array, shape (n, dim)
        The vectors of the words before any layer.
    degrees : int64 array, shape (n,)
        How many neighbours each word has.
    network : CascadeNetwork or None
        The trained layers, ``None`` before the first training: new ones change nothing.

    Raises
    ------
    DeclarationError
        If the vectors do not fit the vocabulary, are not finite, or a size does not fit.

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
        self.brain, self.words, self.links = declare(cascade, graph)
        self.sim = Simulator(self.brain, seed, **simulator)
        self.sim.set_vectors(self.words, first)
        self.first_vectors = self.sim.vectors(self.words).copy()
        self.degrees = np.bincount(graph.edges.ravel(), minlength=len(first))
        self.network: CascadeNetwork | None = None

    @property
    def edges(self) -> Any:
        """The edges, their weights and the input of words, as ``sim.edges`` returns them."""
        return self.sim.edges(self.links)

    @property
    def replies(self) -> tuple[str, ...]:
        """Texts among which `rank` chooses."""
        return self._replies

    @replies.setter
    def replies(self, texts: Iterable[str]) -> None:
        where = "CascadeModel.replies"
        if not isinstance(texts, Iterable):
            raise DeclarationError(where=where, value=texts, allowed="several texts")
        self._replies = tuple(several(where, texts)) if texts else ()

    # Learning

    @checked()
    def set_input(self, input: EmotionalInput) -> None:
        """Give each word its emotions, which the weights of its edges learn.

        Raises
        ------
        DeclarationError
            If it is that of another vocabulary or of other channels.
        """
        if input.channels != CHANNELS:
            where = "CascadeModel.set_input.input.channels"
            raise DeclarationError(where=where, value=input.channels, allowed=repr(CHANNELS))
        self.edges.set_input(input.values)

    @checked("emotion")
    def learn(self, text: str, emotion: Sequence[float] | None = None) -> None:
        """Let the edges among the words of a text learn, once.

        Parameters
        ----------
        text : str
            Its known words, of them the last ``window``, are active.
        emotion : sequence of float, optional
            Safety, curiosity and joy of this text, 0 to 1, in place of those of its words.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        nodes = self.active(text)
        if emotion is None:
            self.learn_among(nodes)
            return
        felt, before = feeling("CascadeModel.learn.emotion", emotion, CHANNELS), self.edges.input[nodes].copy()
        self.edges.set_input(np.tile(felt, (len(nodes), 1)), nodes=nodes)
        self.learn_among(nodes)
        self.edges.set_input(before, nodes=nodes)

    @checked("rounds")
    def relax(self, rounds: int = 1) -> None:
        """Let all edges learn, as if all words were active in each of some rounds.

        Each weight moves towards the mean emotion of its two words times the cosine of their vectors.
        """
        rounds = checked_count("CascadeModel.relax.rounds", rounds, 1)
        self.learn_among(np.arange(self.cascade.n), rounds)

    def learn_among(self, nodes: npt.ArrayLike, rounds: int = 1) -> None:
        """Let the edges among some nodes learn.

        Raises
        ------
        DeclarationError
            If they are no nodes.
        """
        self.sim.present(Assembly(WORDS, np.unique(integers("CascadeModel.learn_among.nodes", nodes, 0, self.cascade.n))))
        self.sim.run((), rounds=rounds, learn=self.links)
        self.sim.silence(self.words)

    @checked("recipe", "texts", "held_out", "local")
    def training(
        self, texts: Iterable[str], recipe: Any = None, *, held_out: float = 0.05, local: bool = True
    ) -> CascadeTraining:
        """Return a training of this model on texts; ``training.run()`` does it.  Needs PyTorch.

        Parameters
        ----------
        texts : iterable of str
            The text.
        recipe : brainsim.networks.training.Recipe, optional
            By default 1000 steps of 20 windows of 50 words, as many as 1000 words a step.
        held_out : float
            Fraction of the words, at the end of the text, on which the loss is reported.
        local : bool
            Whether the emotional weights learn, too.

        Raises
        ------
        TorchMissingError
            If PyTorch is not installed.
        DeclarationError
            If the text is too short, or a value is out of range.
        """
        require_torch()
        from brainsim.models.cascade.training import CascadeTraining
        from brainsim.networks.training import Recipe

        chosen = Recipe(steps=1000, batch=20, length=50, rate=1e-3) if recipe is None else recipe
        if not isinstance(chosen, Recipe):
            raise DeclarationError(where="CascadeModel.training.recipe", value=recipe, allowed="a Recipe")
        return CascadeTraining(self, texts, chosen, held_out=held_out, local=local)

    # Reading

    @checked()
    def active(self, text: str) -> Nodes:
        """Return the nodes that a text makes active, each once, in the order of their last occurrence.

        Of the known words, the last ``window`` count.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        return readout.distinct(self.vocabulary.known(text)[-self.cascade.window :])

    @checked()
    def emotion(self, text: str) -> npt.NDArray[np.float64]:
        """Return the emotional vector of a text: safety, curiosity, joy.

        It is the mean weight of all edges of the active words, that is ``sum_i E_i`` with ``E_i^k = sum_j W_ij^k S_j``,
        divided by the number of these edges.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        nodes = self.active(text)
        with self.sim.frozen() as sim:
            sim.present(Assembly(WORDS, np.sort(nodes)))
            sent = self.edges.sent()
        mean: npt.NDArray[np.float64] = sent.sum(axis=0, dtype=np.float64) / self.degrees[nodes].sum()
        return mean

    def emotions(self) -> npt.NDArray[np.float64]:
        """Return the emotional vector of each word alone, shape (n, channels): the mean weight of its edges."""
        return readout.sums_at_ends(self.edges.pairs, self.edges.weights, self.cascade.n) / self.degrees[:, None]

    @checked()
    def states(self, text: str) -> npt.NDArray[np.float32]:
        """Return the vectors of the active words after all layers, shape (active words, dim); nothing changes.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        nodes = self.active(text)
        with self.sim.frozen() as sim:
            sim.present(Assembly(WORDS, np.sort(nodes)))
            for layer in range(1, self.cascade.layers + 1):
                sim.run(self.links, learn=())
                if self.network is not None:
                    rows = self.network.act(layer, sim.vectors(self.words, nodes=nodes))
                    sim.set_vectors(self.words, rows, nodes=nodes)
            found: npt.NDArray[np.float32] = sim.vectors(self.words, nodes=nodes)
        return found

    @checked()
    def context(self, text: str) -> npt.NDArray[np.float32]:
        """Return the mean of the vectors of the active words after all layers, scaled to norm 1: shape (dim,).

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        return readout.direction(self.states(text))

    def maps(self, nodes: Nodes) -> npt.NDArray[np.float32] | None:
        """Return the matrices by which a layer acts on nodes whose neighbours keep their vectors, (nodes, dim, dim).

        ``None`` if a layer changes nothing: where ``keep`` is 1, or ``literal`` is set.
        """
        if self.cascade.keep == 1 or self.cascade.literal:
            return None
        found = integers("CascadeModel.maps.nodes", nodes, 0, self.cascade.n)
        return cascade_maps(self.cascade, self.edges, self.first_vectors, found)

    @checked("count")
    def next_words(self, text: str, count: int = 10) -> list[tuple[str, float]]:
        """Return the most likely next words of a text with their probabilities, ``softmax(cos(context, word) / tau)``.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        """
        logs = readout.log_probabilities(self.first_vectors, self.context(text), self.cascade.tau)
        return self._best(np.exp(logs), count)

    @checked("count", "vector")
    def nearest(self, vector: npt.ArrayLike, count: int = 10) -> list[tuple[str, float]]:
        """Return the words whose vectors have the largest cosine with a vector, shape (dim,), and these cosines.

        Raises
        ------
        DeclarationError
            If it is no such vector.
        """
        where, given = "CascadeModel.nearest.vector", numbers("CascadeModel.nearest.vector", vector)
        if given.shape != (self.cascade.dim,):
            raise DeclarationError(where=where, value=given.shape, allowed=f"of shape ({self.cascade.dim},)")
        return self._best(self.first_vectors @ unit(where, given[None])[0], count)

    @checked("replies", "emotion")
    def rank(self, text: str, replies: Iterable[str] | None = None, *, emotion: float = 1.0) -> list[Reply]:
        """Rank replies to a text, the most likely first.

        The score of a reply is the mean log probability of its known words as next words of the text, less ``emotion``
        times the distance of the emotional vectors of both.  That distance is in units of the standard deviation of
        words.  A reply without a known word comes last.

        Parameters
        ----------
        text : str
            What is replied to.
        replies : iterable of str, optional
            The texts; those of the model by default.
        emotion : float
            How much the emotions count, 0 to 1000.

        Raises
        ------
        UnknownNameError
            If no word of the text is known.
        DeclarationError
            If there is no reply.
        """
        return ranked(self, text, self.replies if replies is None else replies, emotion)

    # Files

    @checked()
    def save(self, path: str | Path) -> None:
        """Write the model to one sealed file, whole or not at all.

        Raises
        ------
        DumpError
            If the path is not that of a file, or the file cannot be written.
        """
        from brainsim.models.cascade.saving import write_model

        write_model(path, self)

    @classmethod
    def load(cls, path: str | Path, **simulator: Any) -> CascadeModel:
        """Return the model in a file.

        Parameters
        ----------
        path : str or Path
            What `save` wrote.
        **simulator
            Passed on to `Simulator`.

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

