"""NEMO, the model of how a brain learns nouns and verbs from grounded sentences.

Mitropolsky & Papadimitriou: The architecture of a biologically plausible language organ (2023), and Simulated language
acquisition in a biologically realistic model of the brain (2025).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self

import numpy as np

from brainsim._arguments import check_record, checked
from brainsim._validation import count, integer
from brainsim.areas import Lex, Motor, Phon, Visual
from brainsim.declare.assembly import Assembly
from brainsim.declare.brain import Brain
from brainsim.declare.plasticity import Plasticity
from brainsim.errors import DeclarationError
from brainsim.models.nemo.lexicon import Lexicon
from brainsim.simulate.simulator import Simulator

READBACK_CRITERION = 0.75


@dataclass(frozen=True)
class Sentence:
    """Words in the order in which they are heard, and what is seen and done at the same time.

    In a true sentence, what is seen and done are the groundings of its words.
    """

    words: tuple[str, ...]
    seen: str
    done: str

    def __post_init__(self) -> None:
        check_record(self)


@checked()
def random_sentences(lexicon: Lexicon, count: int, seed: int, stream: int = 0) -> list[Sentence]:
    """Return ``count`` true sentences, a noun and then a verb, each drawn uniformly and independently.

    Different ``stream`` numbers give independent sentences for one seed.
    """
    where = "random_sentences"
    count = integer(f"{where}.count", count, 0, 10**9)
    rng = np.random.default_rng([integer(f"{where}.seed", seed, 0, None), integer(f"{where}.stream", stream, 0, None)])
    nouns = rng.integers(len(lexicon.nouns), size=count).tolist()
    verbs = rng.integers(len(lexicon.verbs), size=count).tolist()
    pairs = [(lexicon.nouns[i], lexicon.verbs[j]) for i, j in zip(nouns, verbs, strict=True)]
    return [Sentence(pair, *pair) for pair in pairs]


@dataclass(frozen=True)
class Heard:
    """The response of each lexical area to one word heard alone; it does not use the class of the word.

    Attributes
    ----------
    readback : mapping of str to float
        Fraction of the phonology of the word that the winners of the area re-activate.
    stability : mapping of str to float
        Fraction of the winners of the area that fire again through its recurrent fiber.
    """

    readback: Mapping[str, float]
    stability: Mapping[str, float]

    @checked()
    def areas_by(self, measure: str) -> tuple[str, ...]:
        """Return the areas in which ``"readback"`` or ``"stability"`` is largest: one, or all that tie."""
        if measure not in ("readback", "stability"):
            raise DeclarationError(where="Heard.areas_by.measure", value=measure, allowed="'readback' or 'stability'")
        values: Mapping[str, float] = getattr(self, measure)
        return tuple(area for area, value in values.items() if value == max(values.values()))


@dataclass(frozen=True)
class Scores:
    """Scores of the words: means over words, or the least over words.

    Attributes
    ----------
    classification : float
        Fraction of words whose phonology is re-activated most by the lexical area of their class.  A tie counts as half
        right, so chance is 1/2.
    stability : float
        The same by stability, a weak classifier.
    readback_right, readback_wrong : float
        Fraction of the phonology of a word that the area of its class re-activates, and that the other area does.
    property_p, property_p_least : float
        Fraction of the phonology of a word that its grounding alone re-activates: mean, and the worst word.
    """

    classification: float
    stability: float
    readback_right: float
    readback_wrong: float
    property_p: float
    property_p_least: float

    @property
    def criterion_met(self) -> bool:
        """Property P: grounding -> lexical area -> phonology gives at least 75 % of the right word, for every word."""
        return self.property_p_least >= READBACK_CRITERION


class WordLearner:
    """A brain that hears sentences while it sees and acts, and a simulator that runs it.

    Areas: Phon, Visual and Motor hold patterns; Lex1 and Lex2 have no assemblies at first.  Fibers: Phon with both
    lexical areas, Visual with Lex1 and Motor with Lex2, each in both directions, and each lexical area with itself; all
    plastic, all of probability ``p``.  Lex1 and Lex2 differ only in their fibers from Visual and Motor.

    Parameters
    ----------
    lexicon : Lexicon
        The words; their ratings, if any, shape the groundings.
    plasticity : Plasticity
        The rule of all fibers.
    n, k : int
        Neurons and winners of a lexical area.
    p : float
        Connection probability.
    pattern_k : int
        Neurons in a pattern of Phon, Visual or Motor.
    shared : float
        Largest fraction of a grounding that words with similar ratings can share.
    tau : int
        Rounds with recurrence and feedback after the first round of each word.
    refraction : float
        Refraction of the lexical areas: with that of ``beta``, thresholds rise as weights do; see `Area`.
    extend : callable, optional
        Called with the learner before its simulator is built, to add areas and fibers to `brain`.  Word learning does
        not open them.
    **simulator
        Passed on to `Simulator`: ``seed``, ``backend``, ``threads``, ``cache_mb``.
    """

    @checked()
    def __init__(
        self,
        lexicon: Lexicon,
        plasticity: Plasticity,
        *,
        n: int = 100_000,
        k: int = 50,
        p: float = 0.05,
        pattern_k: int = 100,
        shared: float = 0.5,
        tau: int = 2,
        refraction: float = 0.0,
        extend: Callable[[Self], None] | None = None,
        **simulator: Any,
    ) -> None:
        self.lexicon = lexicon
        self.tau = count("WordLearner.tau", tau, 1)
        self.brain = brain = Brain()
        ratings = lexicon.features or None
        self.phon, self.visual, self.motor = brain.add(
            Phon(lexicon.words, pattern_k),
            Visual(lexicon.nouns, pattern_k, ratings, shared),
            Motor(lexicon.verbs, pattern_k, ratings, shared),
        )
        self.lex1, self.lex2 = brain.add(Lex("Lex1", n, k, refraction), Lex("Lex2", n, k, refraction))
        for lex, grounding in ((self.lex1, self.visual), (self.lex2, self.motor)):
            for source, target in ((self.phon, lex), (grounding, lex), (lex, lex), (lex, self.phon), (lex, grounding)):
                brain.connect(source, target, p, plasticity)
        self._from_senses = (
            self.phon >> self.lex1 | self.phon >> self.lex2 | self.visual >> self.lex1 | self.motor >> self.lex2
        )
        self._fibers = brain.fibers
        if extend is not None:
            extend(self)
        self.sim = Simulator(brain, **simulator)

    @checked()
    def hear(self, sentence: Sentence) -> None:
        """Learn from one sentence: groundings fire throughout, and the phonology of each word in turn."""
        sim = self.sim
        sim.present(self.visual[sentence.seen], self.motor[sentence.done])
        for word in sentence.words:
            sim.present(self.phon[word])
            sim.run(self._from_senses)
            sim.run(self._fibers, rounds=self.tau)
        sim.silence(self.phon, self.visual, self.motor)

    @checked()
    def name(self, word: str) -> tuple[Assembly, float]:
        """Fire the grounding of a word; return its lexical assembly and the re-activated fraction of its phonology."""
        grounding, lex = self._home(word)
        with self.sim.frozen() as sim:
            sim.silence()
            sim.present(grounding[word])
            sim.run(grounding >> lex)
            assembly = sim.assembly(lex, word)
            sim.run(lex >> self.phon)
            return assembly, _recalled(self.phon[word], sim.assembly(self.phon))

    @checked()
    def listen(self, word: str) -> Heard:
        """Fire the phonology of a word alone, and return the response of each lexical area."""
        readback, stability = {}, {}
        for lex in (self.lex1, self.lex2):
            with self.sim.frozen() as sim:
                sim.silence()
                sim.present(self.phon[word])
                sim.run(self.phon >> lex)
                sim.release(self.phon)
                first = sim.assembly(lex)
                sim.run(lex >> self.phon | lex >> lex)
                readback[lex.name] = _recalled(self.phon[word], sim.assembly(self.phon))
                stability[lex.name] = _recalled(first, sim.assembly(lex))
        return Heard(readback, stability)

    @checked()
    def test(self, words: Sequence[str] | None = None) -> Scores:
        """Probe words (all by default) without changing the brain."""
        tested = self.lexicon.words if words is None else tuple(words)
        if not tested:
            raise DeclarationError(where="WordLearner.test.words", value=words, allowed="at least one word")
        right, wrong, hits = [], [], {"readback": 0.0, "stability": 0.0}
        for word in tested:
            heard, home = self.listen(word), self._home(word)[1].name
            right.append(heard.readback[home])
            wrong.append(fmean(value for area, value in heard.readback.items() if area != home))
            for measure in hits:
                best = heard.areas_by(measure)
                hits[measure] += (home in best) / len(best)
        named = [self.name(word)[1] for word in tested]
        return Scores(
            classification=hits["readback"] / len(tested),
            stability=hits["stability"] / len(tested),
            readback_right=fmean(right),
            readback_wrong=fmean(wrong),
            property_p=fmean(named),
            property_p_least=min(named),
        )

    def _home(self, word: str) -> tuple[Visual | Motor, Lex]:
        """Return the areas of the class of a word: for scores and for its grounding; no read-out uses them."""
        return (self.visual, self.lex1) if word in self.lexicon.nouns else (self.motor, self.lex2)


def _recalled(wanted: Assembly, fired: Assembly) -> float:
    """Return the fraction of ``wanted`` that fired."""
    return len(np.intersect1d(wanted.neurons, fired.neurons)) / len(wanted) if len(wanted) else 0.0
