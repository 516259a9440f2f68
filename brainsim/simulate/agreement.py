"""Consistency between values of different kinds of state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np

from brainsim.kernels.state import DRIVES, TRACED_SOURCES, TRACED_TARGETS, WINNERS, same_column

Values = Mapping[str, Mapping[str, Any]]
"""The values of each kind of state by name: one for each owner, by name."""


def disagreement(values: Values) -> str | None:
    """Return the values that contradict each other, ``None`` if all agree.

    Drives belong to the winners of their area: a neuron that does not fire has none.  For each remembered round, a
    trace holds the neurons that fired and those that won, or neither.
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
