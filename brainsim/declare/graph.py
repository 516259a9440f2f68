"""Graphs: which synapses a fiber has at the beginning of a simulation, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim._validation import real

if TYPE_CHECKING:
    from brainsim.declare.area import Area
    from brainsim.declare.plasticity import Plasticity


class Stored(NamedTuple):
    """Synapses that are stored: sources, targets and weights in fixed point, sorted by source and target."""

    pre: npt.NDArray[np.int64]
    post: npt.NDArray[np.int64]
    weight: npt.NDArray[np.int64]


class Connectivity:
    """The graph of a fiber: random with connection probability ``p`` and never stored, or else all stored.

    A new kind of graph is a subclass with either ``p`` or `stored`.  No backend needs to know it.
    """

    p: float = 0.0

    def checked(self, where: str, source: Area, target: Area, plasticity: Plasticity | None) -> Connectivity:
        """Return the graph as a fiber between two areas can have it, or raise an error that begins with ``where``."""
        del where, source, target, plasticity
        return self

    def stored(self) -> Stored | None:
        """Return all synapses at the beginning of a simulation, ``None`` if the graph is random."""
        return None


@dataclass(frozen=True)
class Random(Connectivity):
    """Each pair of neurons is connected with probability ``p``, independently, with weight 1.

    ``brain.connect(source, target, p=0.1)`` means ``graph=Random(0.1)``.

    Parameters
    ----------
    p : float
        Connection probability, 0 to 1.
    """

    p: float

    def checked(self, where: str, source: Area, target: Area, plasticity: Plasticity | None) -> Random:
        """Return the graph with ``p`` as a float in [0, 1]."""
        del source, target, plasticity
        return Random(real(f"{where}.p", self.p, 0.0, 1.0))

    def __str__(self) -> str:
        return f"p={self.p:g}"
