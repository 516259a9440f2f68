"""What runs the share of a brain that one rank owns: the interface between `brainsim.kernels.ranks` and the backends.

Areas and fibers are those of the whole brain.  Neurons that fire have their numbers in the whole area; neurons of a
target, their thresholds and synapses are those in the range of the rank, counted from its first neuron.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.backend import Memory
from brainsim.kernels.outcomes import Event, Won
from brainsim.kernels.program import Options, Program
from brainsim.kernels.round_plan import Selection
from brainsim.kernels.state import Neurons, Synapses, Thresholds
from brainsim.kernels.vectors.engine import VectorEngine


class Heard(NamedTuple):
    """What the ranks know when a round begins.

    Attributes
    ----------
    winners : sequence of int64 array
        The neurons of each area that fire.
    passing : mapping of int to int64 array
        By fiber with a gate that the round uses, those that pass it.
    thresholds : mapping of int to Thresholds
        Those of the areas that select; the same object while they do not change.
    """

    winners: Sequence[Neurons]
    passing: Mapping[int, Neurons]
    thresholds: Mapping[int, Thresholds]


class Offers(NamedTuple):
    """The candidates of some areas, and what is known of their drives, in the form of the backend."""

    won: dict[int, Won]
    drives: dict[int, Any]


class ShareRunner(ABC):
    """Projects, selects candidates and learns for the targets in the range of a rank.

    Attributes
    ----------
    name, parts, forks
        Those of the backend; see `Backend`.
    """

    name: str
    parts: frozenset[type]
    forks: bool

    @property
    @abstractmethod
    def seconds(self) -> dict[str, float]:
        """How long it has projected and selected."""

    @property
    @abstractmethod
    def broken(self) -> bool:
        """Whether a failure has left the share inconsistent."""

    @abstractmethod
    def begin_again(self) -> None:
        """Let a broken share be empty: all of the state is about to be written."""

    @abstractmethod
    def fire(self, selections: Sequence[Selection], heard: Heard) -> Offers:
        """Return the candidates of areas of which the rank owns a part: those that win if its neurons are all."""

    @abstractmethod
    def learn(self, events: Sequence[Event], drives: Mapping[int, Any]) -> None:
        """Apply the steps of the rules of some fibers, with what is known of the drives; a fiber has one event."""

    @abstractmethod
    def transmissions(self, fiber: int) -> npt.NDArray[np.int64]:
        """Return how often each neuron has transmitted; zeros if the rank owns no target."""

    @abstractmethod
    def existing(self, fiber: int, pre: Neurons, post: Neurons) -> npt.NDArray[np.bool_]:
        """Return which of some synapses, sorted by ``(pre, post)``, are in the fiber's random graph."""

    @abstractmethod
    def read_weights(self, fiber: int) -> Synapses:
        """Return the stored synapses of a fiber."""

    @abstractmethod
    def write_weights(self, fiber: int, synapses: Synapses) -> None:
        """Replace the stored synapses of a fiber."""

    @abstractmethod
    def vector_engine(self, program: Program, options: Options) -> VectorEngine:
        """Return an engine for the vectors of the whole brain."""

    @abstractmethod
    def memory(self) -> Memory:
        """Return the bytes of the share, as `Backend.memory` does."""

    @abstractmethod
    def close(self) -> None:
        """Free what the runner holds."""
