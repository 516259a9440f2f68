"""The interface between a backend and its engine of vectors: a round of messages and learning, state, a read-out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan
from brainsim.kernels.state import Floats, Neurons, Table
from brainsim.kernels.state_kind import StateKind


class VectorEngine(ABC):
    """Holds the vectors of areas and the weights, inputs and anchors of messages, and carries out rounds of them.

    A backend has one if its program holds vectors, and none otherwise.  It gives each round the neurons that fired in
    the round before: the active nodes.
    """

    def __init__(self, program: Program) -> None:
        self.program = program

    @abstractmethod
    def run(self, plan: RoundPlan, active: Sequence[Neurons]) -> None:
        """Step the vectors of areas, and let weights learn; all read the state before the round."""

    @abstractmethod
    def sent(self, fiber: int, active: Neurons) -> tuple[Floats, Neurons]:
        """Return the signal of the active source nodes in each channel, and the number of edges from them.

        Returns
        -------
        float32 array, shape (n, channels)
            For each node of the target, the sum of the weights of the edges from active nodes.
        int64 array, shape (n,)
            The number of these edges.
        """

    @abstractmethod
    def read(self, kind: StateKind, owner: int) -> Table:
        """Return a value of the state, not to be written to: the same object while it does not change."""

    @abstractmethod
    def write(self, kind: StateKind, owner: int, value: Table) -> None:
        """Replace a value of the state, which nothing writes to any more."""

    @abstractmethod
    def area_bytes(self, area: int) -> dict[str, int]:
        """Return the bytes of what an area has, by kind of state."""

    @abstractmethod
    def fiber_bytes(self, fiber: int) -> dict[str, int]:
        """Return the bytes of what a fiber has, by kind of state, and of its edges."""

    @abstractmethod
    def close(self) -> None:
        """Free all arrays."""
