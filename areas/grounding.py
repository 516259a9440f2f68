"""Areas that hold what words mean: a pattern of firing for each thing or action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from brainsim import Area
from brainsim.declare.patterns import grounded


class Grounding(Area):
    """Patterns that ground words in the senses or in movement.

    Parameters
    ----------
    words : iterable of str
        What is grounded here.
    k : int
        Neurons in each pattern.
    features : mapping of str to sequence of float, optional
        Ratings of each word; words rated alike share neurons.  Without them the patterns are disjoint.
    shared : float
        Largest fraction of a pattern that it can share with others.  Only used with ``features``.
    name : str, optional
        Name of the area; that of its class by default.
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
        super().__init__(name or type(self).__name__, n=n, k=k, patterns=patterns)
