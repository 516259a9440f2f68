"""Where two states, two files of recordings and assemblies, or two run folders part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsim.errors import ComparisonError


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes
    ----------
    where : str
        What differs.
    a, b : object
        What the first and the second have there; ``None`` if they have nothing.
    round, area, neuron : int, str, int or None
        Of recordings: the first round in which they part, the first area of that round, and its first neuron.
    """

    where: str
    a: Any
    b: Any
    round: int | None = None
    area: str | None = None
    neuron: int | None = None

    def __str__(self) -> str:
        places = [self.where]
        places += [] if self.round is None else [f"round {self.round}"]
        places += [] if self.area is None else [f"area {self.area!r}"]
        places += [] if self.neuron is None else [f"neuron {self.neuron}"]
        return f"{', '.join(places)}: a {_said(self.a)}, b {_said(self.b)}"


def _said(value: Any) -> str:
    if value is None:
        return "has none"
    return value if isinstance(value, str) and value in VERBS else f"has {_shown(value)}"


VERBS = ("fires", "is silent", "ends", "goes on", "holds it", "lacks it")
