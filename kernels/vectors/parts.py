"""The parts of areas and fibers that hold and carry vectors, in plain numbers.

The law is in `brainsim.kernels.vectors.reference`; all backends agree with it to a stated tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

UNIT_TOLERANCE = 1e-4
"""Largest deviation of the length of a vector from 1."""
LARGEST_WEIGHT = 1e20
"""Upper bound of the size of a weight of a channel.

Mixed over 1024 channels of share 1e6 and summed over 2^31 edges, weights stay finite in single precision (3.4e38).
"""
SMALLEST_ROW = 1e-30
"""A node whose mixed weights have sizes that sum to less receives nothing by row: a quotient would lose its digits, or
overflow in single precision, once weights have decayed that far."""
LARGEST_INPUT = 1e6
"""Upper bound of the size of an input of a node."""

Goal = Literal["input", "cosine", "product"]
Indices = npt.NDArray[np.int32]


@dataclass(frozen=True)
class UnitVectors:
    """Part of an area: each node holds a vector of length 1 with ``dim`` components."""

    dim: int


@dataclass(frozen=True)
class EdgeTable:
    """The edges of a fiber that carries messages, listed by the node that they lead to.

    Entries ``starts[i]`` to ``starts[i + 1]`` belong to node ``i`` of the target, in ascending order of the nodes that
    they come from.  An undirected edge has an entry at either end and one number, so that its weights stand once.

    Attributes
    ----------
    starts : int64 array, shape (n_target + 1,)
        Where the entries of each node of the target begin.
    neighbours, ids : int32 array, shape (entries,)
        The node of the source that an entry comes from, and the number of its edge.
    count : int
        Edges.
    symmetric : bool
        Whether edges are undirected.
    digest : str
        Depends on all of the above.
    """

    starts: npt.NDArray[np.int64] = field(compare=False, repr=False)
    neighbours: Indices = field(compare=False, repr=False)
    ids: Indices = field(compare=False, repr=False)
    count: int
    symmetric: bool
    digest: str

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.starts.nbytes + self.neighbours.nbytes + self.ids.nbytes


@dataclass(frozen=True)
class Relaxing:
    """The rule of a fiber that carries messages: weights move towards a target; see `brainsim.declare.relax.Relax`.

    Attributes
    ----------
    rates : tuple of float
        For each channel, 0 for those that do not learn.
    goal : {"input", "cosine", "product"}
        Target of the weights.
    low, high : float
        Bounds of the weights.
    """

    rates: tuple[float, ...]
    goal: Goal
    low: float
    high: float


@dataclass(frozen=True)
class Message:
    """Part of a fiber: the message from source nodes to target nodes; derived classes define it.

    Attributes
    ----------
    edges : EdgeTable
        The graph.
    channels : tuple of str
        Names of the weights of an edge.
    mix : tuple of float
        Share of each channel.
    keep, anchor : float
        Shares of a node's own vector and of its first one.
    by_row : bool
        Whether weights are divided by the sum of their sizes at each node.
    active_only : bool
        Whether only the active nodes of the target step.
    relaxing : Relaxing or None
        How weights learn.
    """

    edges: EdgeTable
    channels: tuple[str, ...]
    mix: tuple[float, ...]
    keep: float
    anchor: float
    by_row: bool
    active_only: bool
    relaxing: Relaxing | None = None

    cosine: ClassVar[bool] = False
    onto_self: ClassVar[bool] = False
    label: ClassVar[str] = ""

    @property
    def learns(self) -> bool:
        """Whether a round can change a weight."""
        return self.relaxing is not None and any(self.relaxing.rates)

    @property
    def lowest(self) -> float:
        """Smallest weight."""
        return -LARGEST_WEIGHT if self.relaxing is None else self.relaxing.low

    @property
    def highest(self) -> float:
        """Largest weight."""
        return LARGEST_WEIGHT if self.relaxing is None else self.relaxing.high


@dataclass(frozen=True)
class SumMessage(Message):
    """Neighbours send their vectors."""

    label: ClassVar[str] = "sum"


@dataclass(frozen=True)
class CosineMessage(Message):
    """Neighbours send the projection of the receiver's vector on theirs."""

    cosine: ClassVar[bool] = True
    label: ClassVar[str] = "cosine"


@dataclass(frozen=True)
class SelfMessage(Message):
    """Neighbours send the projection of their vectors on the receiver's: the literal form, which moves no vector."""

    cosine: ClassVar[bool] = True
    onto_self: ClassVar[bool] = True
    label: ClassVar[str] = "cosine (onto itself)"


VECTOR_PARTS = frozenset({UnitVectors, SumMessage, CosineMessage, SelfMessage})
"""The parts that each backend of brainsim runs."""
