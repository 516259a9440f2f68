"""Example arguments for word order and speaking in `brainsim.models.language`; see `nonsense`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from brainsim.models.language import Scene, Speaker, Understood, WordOrder
from brainsim.models.nemo import Lexicon, Sentence

Example = Callable[[Any], Any]
LEXICON = Lexicon(("dog", "cat"), ("run",))
WORDS = ("dog", "run")
ONE, TWO = Scene("dog", "run"), Scene("dog", "run", "cat")
SMALL: dict[str, Any] = {"n": 60, "k": 6, "p": 0.5, "backend": "reference"}


@cache
def _order() -> WordOrder:
    return WordOrder(LEXICON.nouns, LEXICON.verbs, rounds=2, **SMALL)


@cache
def _speaker() -> Speaker:
    return Speaker(LEXICON, role_p=0.5, pattern_k=6, **SMALL)


BY_ANNOTATION: dict[str, Example] = {"Scene": lambda w: ONE}
BY_NAME: dict[str, Example] = {
    "language.WordOrder.nouns": lambda w: LEXICON.nouns,
    "language.WordOrder.verbs": lambda w: LEXICON.verbs,
    "language.WordOrder.n": lambda w: 60,
    "language.WordOrder.k": lambda w: 6,
    "language.Speaker.lexicon": lambda w: LEXICON,
    "language.Speaker.n": lambda w: 60,
    "language.Speaker.k": lambda w: 6,
    "language.Speaker.learn_words.sentence": lambda w: Sentence(("dog", "run"), "dog", "run"),
    "language.Speaker.recall.root": lambda w: _speaker().store(TWO),
    "language.Speaker.record.areas": lambda w: _speaker().learner.phon,
    "language.Speaker.store.scene": lambda w: TWO,
    **{
        f"language.{kind}.{method}.words": lambda w: WORDS
        for kind in ("Speaker", "WordOrder")
        for method in ("hear", "understand")
    },
}
ALWAYS = ("language.WordOrder.n", "language.WordOrder.k", "language.Speaker.n", "language.Speaker.k")
SELVES: dict[type | str, Example] = {
    Speaker: lambda w: _speaker(),
    Understood: lambda w: Understood(ONE.fillers, "one"),
    WordOrder: lambda w: _order(),
}
