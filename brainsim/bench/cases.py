"""The cases that several engines run: `Sentences` (cases ``sentence``, ``sentence-cold``) and `Projection`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from brainsim.bench.work import Episode, Network, Neurons, Trial
from brainsim.declare.rules import Hebbian, SaturatingHebbian

Word = dict[str, Mapping[str, Neurons]]


@dataclass(frozen=True)
class Sentences:
    """Noun + verb sentences, learning: the sentence of the scalable-NEMO write-up.

    Five areas of ``n`` neurons; a word is ``k`` random neurons of Phon and of Visual (nouns) or Motor (verbs).  A
    sentence: Lex1 and Lex2 are silenced, Phon fires both words, Visual the noun and Motor the verb, all three held; two
    rounds with eight plastic fibers open.

    Attributes
    ----------
    cold : bool
        Every sentence has a new noun and a new verb, instead of two of 4 + 3 words.
    warm, units : int
        Sentences before the timed ones, and timed.
    """

    n: int
    p: float = 0.05
    cold: bool = False
    k: int = 50
    warm: int = 20
    units: int = 200
    unit: ClassVar[str] = "sentence"
    main: ClassVar[str] = "Lex1"
    rounds: ClassVar[int] = 2

    @property
    def name(self) -> str:
        """``sentence`` or ``sentence-cold``."""
        return "sentence-cold" if self.cold else "sentence"

    @property
    def recurs(self) -> bool:
        """Whether words are repeated."""
        return not self.cold

    def trial(self, seed: int, units: int | None = None) -> Trial:
        """Return the run with this seed, with fewer timed (and then fewer warm-up) sentences if requested."""
        timed = self.units if units is None else units
        warm = self.warm if timed >= self.units else min(self.warm, max(1, timed // 10))
        rng = np.random.default_rng(seed)
        nouns = [self._word(rng, "Visual", f"noun{i}") for i in range(warm + timed if self.cold else 4)]
        verbs = [self._word(rng, "Motor", f"verb{i}") for i in range(warm + timed if self.cold else 3)]
        said = [
            self._sentence(nouns[i], verbs[i])
            if self.cold
            else self._sentence(nouns[rng.integers(len(nouns))], verbs[rng.integers(len(verbs))])
            for i in range(warm + timed)
        ]
        return Trial(self._network(seed), tuple(said[:warm]), tuple(said[warm:]))

    def _network(self, seed: int) -> Network:
        fibers = (
            *(("Phon", "Lex1"), ("Visual", "Lex1"), ("Phon", "Lex2"), ("Motor", "Lex2")),
            *(("Lex1", "Lex1"), ("Lex2", "Lex2"), ("Lex1", "Visual"), ("Lex2", "Motor")),
        )
        areas = dict.fromkeys(("Phon", "Visual", "Motor", "Lex1", "Lex2"), (self.n, self.k))
        stimuli = ("Phon", "Visual", "Motor")
        return Network(areas, fibers, stimuli, self.p, SaturatingHebbian(beta=0.1, w_max=10.0), seed)

    def _word(self, rng: np.random.Generator, grounding: str, label: str) -> Word:
        return {area: {label: rng.choice(self.n, self.k, replace=False)} for area in ("Phon", grounding)}

    def _sentence(self, noun: Word, verb: Word) -> Episode:
        shown = {**noun, **verb, "Phon": {**noun["Phon"], **verb["Phon"]}}
        return Episode(self.rounds, shown, silenced=("Lex1", "Lex2"))


@dataclass(frozen=True)
class Projection:
    """One stimulus into one recurrent area, Hebbian .05: cases ``project`` and ``scale``.

    The stimulus area has ``k`` neurons, which all fire in every round.

    Attributes
    ----------
    name : str
        The case that this is a size of.
    units : int
        Rounds.
    """

    name: str
    n: int
    k: int
    p: float
    units: int
    unit: ClassVar[str] = "round"
    main: ClassVar[str] = "A"
    recurs: ClassVar[bool] = True
    rounds: ClassVar[int] = 1

    def trial(self, seed: int, units: int | None = None) -> Trial:
        """Return the run with this seed; there is no warm-up within it, since every round is another."""
        areas = {"S": (self.k, self.k), "A": (self.n, self.k)}
        network = Network(areas, (("S", "A"), ("A", "A")), ("S",), self.p, Hebbian(beta=0.05), seed)
        shown = {"S": {"stimulus": np.arange(self.k)}}
        return Trial(network, (), (Episode(self.units if units is None else units, shown),))


Case = Sentences | Projection


def one_unit(case: Case) -> tuple[Network, Episode]:
    """Return the network of a case and one unit of its work, from which engines estimate the cost."""
    trial = case.trial(0, units=2)
    return trial.network, Episode(case.rounds, trial.timed[0].shown)
