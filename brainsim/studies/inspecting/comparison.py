"""The result of a comparison: differences, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_LONGEST = 80


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes
    ----------
    where : str
        What differs.
    a, b : object
        What the first and the second have there: plain data, or a text that says it.
    round, area, neuron : int, str, int or None
        Of recordings: the first round in which they part, the first area of that round, and its first neuron.
    """

    where: str
    a: Any
    b: Any
    round: int | None = field(default=None, kw_only=True)
    area: str | None = field(default=None, kw_only=True)
    neuron: int | None = field(default=None, kw_only=True)

    def __str__(self) -> str:
        places = [self.where]
        places += [] if self.round is None else [f"round {self.round}"]
        places += [] if self.area is None else [f"area {self.area!r}"]
        places += [] if self.neuron is None else [f"neuron {self.neuron}"]
        return f"{', '.join(places)}: {_shown(self.a)} in a, {_shown(self.b)} in b"


@dataclass(frozen=True)
class Comparison:
    """Two files or folders and their differences.

    Attributes
    ----------
    a, b : str
        Where they are.
    kind : {"states", "recordings and assemblies", "runs"}
        What was compared.
    differences : tuple of Difference
        Empty if they are equal.
    notes : tuple of str
        What else differs but decides no result, such as the time that a run took.
    """

    a: str
    b: str
    kind: str
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether there is no difference."""
        return not self.differences


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_shown(each)}" for name, each in value.items()) or "nothing"
    if isinstance(value, float | np.floating):
        return f"{value:.10g}"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def of_mappings(what: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Return the differences of two mappings of plain data, one for each leaf, named by its path."""
    found: list[Difference] = []
    for name in dict.fromkeys([*a, *b]):
        ours, theirs = a.get(name), b.get(name)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            found += of_mappings(f"{what}.{name}" if what else str(name), ours, theirs)
        elif ours != theirs or (name in a) != (name in b):
            found.append(Difference(f"{what}.{name}" if what else str(name), ours, theirs))
    return found
