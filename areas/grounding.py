"""Areas that represent what words mean: one pattern for each thing or action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from brainsim import Area
from brainsim.declare.patterns import grounded


class Grounding(Area):
    """Patterns that ground words in the senses or in movement.

    Parameters
    ----------
    words : iterable of str
        Words, each of which gets a pattern.
    k : int
        Neurons in each pattern.
    features : mapping of str to sequence of float, optional
        Ratings of each word; words with similar ratings share neurons.  Without ratings the patterns are disjoint.
    shared : float
        Largest fraction of a pattern that it can share with others; only used with ``features``.
    name : str, optional
        Name of the area, by default that of its class.

    Examples
    --------
    >>> from brainsim.areas import Grounding
    >>> area = Grounding(["cloud", "moon", "kick"], k=50, features={"cloud": [5, 0], "moon": [5, 1], "kick": [0, 5]})
    >>> area["cloud"].overlap(area["moon"]) > area["cloud"].overlap(area["kick"])
    True
    """

    def __init__(
        self,
        words: Iterable[str],
        k: int = 100,
        features: Mapping[str, Sequence[float]] | None = None,
        shared: float = 0.5,
        name: str | None = None,
    ) -> None:
        n, patterns = grounded(words, k, features, shared)
        super().__init__(type(self).__name__ if name is None else name, n=n, k=k, patterns=patterns)
