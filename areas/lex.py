"""The lexicon, which links the sound of a word to its meaning."""

from __future__ import annotations

from brainsim import Area


class Lex(Area):
    """A lexical area of ``n`` neurons of which ``k`` fire; its assemblies are learned, not declared.

    NEMO has two, ``Lex("Lex1")`` for nouns and ``Lex("Lex2")`` for verbs, which differ only in their fibers.
    ``refraction`` is that of `Area`.
    """

    def __init__(self, name: str = "Lex", n: int = 100_000, k: int = 50, refraction: float = 0.0) -> None:
        super().__init__(name, n, k, refraction=refraction)
