"""A language model with a hippocampus: it stores facts in one presentation and answers if they are familiar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import integer, real
from brainsim.declare.brain import Brain
from brainsim.declare.plasticity import Plasticity
from brainsim.errors import DeclarationError
from brainsim.networks.memory.addressing import Key, check_key
from brainsim.networks.memory.answered import Answered
from brainsim.networks.memory.facts import Facts, Recalled
from brainsim.networks.memory.language import LanguageModel, Read, Tokens, mixed_in, read, several, token_array
from brainsim.networks.memory.saved import read_memory, write_memory
from brainsim.networks.memory.surface import SurfaceKey
from brainsim.simulate.simulator import Simulator


class Hippocampal:
    """A language model with a hippocampus.

    A region ``"Facts"`` is added to the brain.  A key, such as `SurfaceKey`, makes an assembly of its area ``"Code"``
    fire for the tokens so far.  A plastic fiber from there to area ``"Token"`` stores which token comes next, in one
    presentation.  In recall the code drives the tokens, and the one with the largest drive fires.  *Familiarity* is the
    share of the code's synapses onto it that have been potentiated, 0 to 1: measured on the first drive, before any
    completion.  Where it reaches the threshold, the memory answers: the probability of the next token becomes
    ``weight`` for the recalled token and ``(1 - weight)`` times that of the model for all.  Elsewhere the logits are
    those of the model, bit for bit.

    Parameters
    ----------
    lm : callable
        Returns logits and hidden states of tokens; see `LanguageModel`.
    brain : Brain
        The brain to which the region is added; frozen from then on.
    vocabulary, width : int
        Tokens of the model, and length of its hidden states.
    key : SurfaceKey or ContentKey, optional
        How facts are addressed; `SurfaceKey()` by default.
    n, k : int
        Neurons and winners of the code area.
    plasticity : Plasticity, optional
        Of the fiber to the tokens; by default ``STDP(ltp=8, ltd=4, w_max=9)``: one presentation saturates a synapse,
        and a wrong token that was recalled is weakened when the right one is taught.
    threshold : float
        Smallest familiarity at which the memory answers, 0 to 1; see `calibrate`.
    weight : float
        Weight of the memory's answer, 0 to below 1.
    seed : int
        Seed of the synapses and the codes.
    backend, threads, cache_mb
        As for `Simulator`.

    Raises
    ------
    DeclarationError
        If an argument is out of range, the brain has a region of this name, or the model returns other shapes.
    FrozenBrainError
        If a simulator of the brain exists already.

    Examples
    --------
    A model whose hidden state is the last token, and for which all next tokens are equally probable:

    >>> from brainsim.networks.memory import Hippocampal
    >>> model = lambda tokens: (np.zeros((len(tokens), 10)), np.eye(10)[tokens])
    >>> with Hippocampal(model, Brain(), vocabulary=10, width=10, n=2000) as memory:
    ...     memory.store([1, 2, 3, 7], start=3)
    ...     memory.recall([1, 2, 3])
    Recalled(token=7, familiarity=1.0)

    References
    ----------
    McClelland, McNaughton, O'Reilly. Why there are complementary learning systems in the hippocampus and neocortex.
    Psychological Review 1995.
    Khandelwal et al. Generalization through memorization: nearest neighbor language models. ICLR 2020: mixing a memory
    into the probabilities.
    """

    @checked("lm", "key")
    def __init__(
        self,
        lm: LanguageModel,
        brain: Brain,
        *,
        vocabulary: int,
        width: int,
        key: Key | None = None,
        n: int = 100_000,
        k: int = 50,
        plasticity: Plasticity | None = None,
        threshold: float = 0.95,
        weight: float = 0.95,
        seed: int = 0,
        backend: str = "auto",
        threads: int | None = None,
        cache_mb: float | None = None,
    ) -> None:
        if not callable(lm):
            raise DeclarationError(where="Hippocampal.lm", value=lm, allowed="a function of tokens")
        check_key("Hippocampal.key", key)
        self._lm = lm
        self.vocabulary = integer("Hippocampal.vocabulary", vocabulary, 2, 1_000_000)
        self.width = integer("Hippocampal.width", width, 1, 100_000)
        self.threshold = real("Hippocampal.threshold", threshold, 0.0, 1.0)
        self.weight = real("Hippocampal.weight", weight, 0.0, 1.0 - 1e-9)
        self._seed = integer("Hippocampal.seed", seed, 0, 2**64 - 1)
        self._facts = Facts("Facts", self.vocabulary, n, k, plasticity)
        self._addressing = (key or SurfaceKey()).declare(self._facts, self._facts.code, self.width, self._seed)
        brain.add(self._facts)
        self.sim = Simulator(brain, self._seed, backend=backend, threads=threads, cache_mb=cache_mb)

    def _read(self, where: str, tokens: Tokens) -> Read:
        return read(self._lm, token_array(f"Hippocampal.{where}", tokens, self.vocabulary), self.vocabulary, self.width)

    def _recalled(self, found: Read, at: int) -> Recalled:
        return self._facts.recall(self.sim) if self._addressing.fire(self.sim, found, at) else Recalled(None, 0.0)

    @checked("background")
    def fit(self, background: Sequence[Tokens]) -> None:
        """Learn the statistics of background text that the key needs; the weights of the brain do not change.

        Call it before storing facts, because it changes the codes of stored facts.

        Parameters
        ----------
        background : sequence of sequences of int
            Pieces of text as tokens, each at most as long as the model's context.

        Raises
        ------
        DeclarationError
            If there is no text, or a token is out of range.
        """
        where = "Hippocampal.fit.background"
        pieces = [token_array(where, piece, self.vocabulary) for piece in several(where, background)]
        self._addressing.fit(pieces, lambda piece: read(self._lm, piece, self.vocabulary, self.width))

    @checked("tokens")
    def store(self, tokens: Tokens, *, start: int = 3) -> None:
        """Store in one presentation which token follows, at each position from ``start`` on.

        Parameters
        ----------
        tokens : sequence of int
            A sentence.
        start : int
            First token that is stored, at least 1.  The tokens before it only address: the beginning of a sentence is
            not part of the fact.

        Raises
        ------
        DeclarationError
            If the sentence has no token at ``start``, or a token is out of range.
        """
        for found, at in self._positions("store", tokens, start):
            if self._addressing.fire(self.sim, found, at):
                self._facts.store(self.sim, int(found.tokens[at + 1]))

    @checked("tokens")
    def correct(self, tokens: Tokens, *, start: int = 3) -> None:
        """Store a sentence whose end replaces a stored one, and weaken wrong tokens that are recalled.

        At each position the memory recalls a token; then the right one is presented.  If they differ, synapses onto the
        recalled token are depressed, if the rule of the fiber depresses.  Takes the arguments of `store` and raises the
        same errors.
        """
        for found, at in self._positions("correct", tokens, start):
            if self._addressing.fire(self.sim, found, at):
                self._facts.correct(self.sim, int(found.tokens[at + 1]))

    def _positions(self, where: str, tokens: Tokens, start: int) -> Iterator[tuple[Read, int]]:
        found = self._read(f"{where}.tokens", tokens)
        first = integer(f"Hippocampal.{where}.start", start, 1, len(found.tokens) - 1, cure="give a longer sentence")
        return ((found, at) for at in range(first - 1, len(found.tokens) - 1))

    @checked("tokens")
    def recall(self, tokens: Tokens) -> Recalled:
        """Return the token that the memory recalls after some tokens, and their familiarity, whatever the threshold.

        Learns nothing.

        Raises
        ------
        DeclarationError
            If a token is out of range.
        """
        found = self._read("recall.tokens", tokens)
        with self.sim.frozen():
            return self._recalled(found, len(found.tokens) - 1)

    @checked("unknown", "text")
    def calibrate(
        self, unknown: Sequence[Tokens], text: Sequence[Tokens] = (), *, at_most: float = 0.0, margin: float = 0.5
    ) -> float:
        """Set the threshold from prompts about facts that are not stored, such as withheld names; return it.

        The familiarity that a share ``at_most`` of the prompts, or of the positions of a text, exceeds is moved by
        ``margin`` towards 1, which is the familiarity of a stored prompt.

        Parameters
        ----------
        unknown : sequence of sequences of int
            Prompts, as tokens.
        text : sequence of sequences of int
            Pieces of text on which the memory should not answer; each position counts as a prompt.
        at_most : float
            Share of the prompts, and of the positions, that may exceed the threshold, 0 to 1.
        margin : float
            0 to 1.

        Raises
        ------
        DeclarationError
            If there are no prompts, or a value is out of range.
        """
        share = real("Hippocampal.calibrate.at_most", at_most, 0.0, 1.0)
        towards = real("Hippocampal.calibrate.margin", margin, 0.0, 1.0)
        prompts = [self.recall(each).familiarity for each in several("Hippocampal.calibrate.unknown", unknown)]
        positions = [familiarity for piece in text for familiarity in self(piece).familiarity]
        level = max(float(np.quantile(seen, 1.0 - share, method="higher")) for seen in (prompts, positions) if seen)
        self.threshold = level + towards * (1.0 - level)
        return self.threshold

    @checked("tokens")
    def __call__(self, tokens: Tokens) -> Answered:
        """Return the logits of the model after each token, with the memory's answers mixed in where it has one.

        Learns nothing.
        """
        found = self._read("tokens", tokens)
        familiarity, answered = np.zeros(len(found.tokens)), np.zeros(len(found.tokens), np.bool_)
        mixed = found.logits.copy()
        with self.sim.frozen():
            for at in range(len(found.tokens)):
                recalled = self._recalled(found, at)
                familiarity[at] = recalled.familiarity
                if recalled.token is not None and recalled.familiarity >= self.threshold:
                    mixed[at], answered[at] = mixed_in(mixed[at], recalled.token, self.weight), True
        return Answered(mixed, familiarity, answered)

    @checked("tokens")
    def generate(self, tokens: Tokens, new: int) -> list[int]:
        """Return the next ``new`` tokens, each the most probable one.

        Raises
        ------
        DeclarationError
            If a token or ``new`` is out of range.
        """
        so_far = [int(token) for token in token_array("Hippocampal.generate.tokens", tokens, self.vocabulary)]
        for _ in range(integer("Hippocampal.generate.new", new, 1, 100_000)):
            found = self._read("generate.tokens", so_far)
            with self.sim.frozen():
                recalled = self._recalled(found, len(so_far) - 1)
            logits = found.logits[-1]
            if recalled.token is not None and recalled.familiarity >= self.threshold:
                logits = mixed_in(logits, recalled.token, self.weight)
            so_far.append(int(np.argmax(logits)))
        return so_far[-new:]

    @checked()
    def save(self, path: str | Path) -> None:
        """Write the state of the brain, the statistics of the key and the threshold to one sealed HDF5 file.

        The language model is not in it.

        Raises
        ------
        DumpError
            If the file cannot be written.
        """
        write_memory(path, self.sim, self._addressing, self.threshold, self.weight)

    @checked()
    def load(self, path: str | Path) -> None:
        """Continue from a file that `save` wrote, in this process or a later one.

        Raises
        ------
        DumpError
            If the file contains no such memory, or one of another brain or seed.
        """
        self.threshold, self.weight = read_memory(path, self.sim, self._addressing)

    def close(self) -> None:
        """Free the memory of the simulation."""
        self.sim.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self.sim.__exit__(*raised)
