"""Phonology: one pattern for the sound of each word."""

from __future__ import annotations

from collections.abc import Iterable

from brainsim import Area
from brainsim.declare.patterns import disjoint


class Phon(Area):
    """The sounds of words: a disjoint pattern of ``k`` neurons for each, ``n = k * len(words)``.

    Words added at the end do not change the synapses of earlier words.

    Examples
    --------
    >>> Phon(["dog", "cat"], k=4)["cat"]
    <Assembly 'cat' of Phon: 4 neurons [4, 5, 6, 7]>
    """

    def __init__(self, words: Iterable[str], k: int = 100, name: str = "Phon") -> None:
        patterns = disjoint(words, k)
        super().__init__(name, n=k * len(patterns), k=k, patterns=patterns)
