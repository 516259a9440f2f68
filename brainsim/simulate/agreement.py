"""What values of different kinds of state must agree in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np

from brainsim.kernels.state import DRIVES, TRACED_SOURCES, TRACED_TARGETS, WINNERS, same_column

Values = Mapping[str, Mapping[str, Any]]
"""For each kind of state by name, the value of each owner by name."""


def disagreement(values: Values) -> str | None:
    """Return which values do not fit each other, ``None`` if all do.

    Drives belong to the winners of their area: a neuron that does not fire has none.  A trace remembers of each round
    that something happened who fired and who won, or neither.
    """
    return next(chain(_drives(values), _traces(values)), None)


def _drives(values: Values) -> Iterator[str]:
    for area, drives in values[DRIVES.name].items():
        if len(drives.neurons) and not same_column(drives.neurons, values[WINNERS.name][area].neurons):
            yield f"{DRIVES.name} of area {area!r}: its neurons must be those that fire"


def _traces(values: Values) -> Iterator[str]:
    both = f"{TRACED_SOURCES.name} and {TRACED_TARGETS.name}"
    for fiber, sources in values[TRACED_SOURCES.name].items():
        targets = values[TRACED_TARGETS.name][fiber]
        if not same_column(np.unique(sources.age), np.unique(targets.age)):
            yield f"{both} of fiber {fiber!r}: an age must have neurons in both"
