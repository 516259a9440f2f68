"""Messages: what the nodes of vector areas send to each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

from brainsim._validation import real, truth
from brainsim.errors import DeclarationError
from brainsim.kernels.vectors import parts


def one_of(where: str, value: object, names: tuple[str, ...]) -> None:
    """Refuse anything but one of some names."""
    if not isinstance(value, str) or value not in names:
        raise DeclarationError(where=where, value=value, allowed=" or ".join(f'"{name}"' for name in names))


@dataclass(frozen=True)
class Message(ABC):
    """The message that a fiber carries between vector areas; see `Cosine` and `Sum`."""

    keep: float = 0.8
    norm: Literal["row", "sum"] = field(default="row", kw_only=True)
    anchor: float = field(default=0.0, kw_only=True)
    active: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "keep", real(f"{name}.keep", self.keep, 0.0, 1.0))
        object.__setattr__(self, "anchor", real(f"{name}.anchor", self.anchor, 0.0, 1.0))
        object.__setattr__(self, "active", truth(f"{name}.active", self.active))
        one_of(f"{name}.norm", self.norm, ("row", "sum"))

    @property
    @abstractmethod
    def kind(self) -> type[parts.Message]:
        """What backends run."""


@dataclass(frozen=True)
class Cosine(Message):
    """Each node moves towards its neighbours, most towards those with similar vectors.

    ``V_i <- normalize((1 - anchor) (keep V_i + (1 - keep) m_i) + anchor V_i(0))``, where
    ``m_i = sum_k lambda_k sum_j What_ij^k <V_i, V_j> V_j`` runs over the channels ``k`` of the fiber and the neighbours
    ``j`` of ``i``: one head of cosine attention on a fixed graph.  If several fibers carry messages to an area in a
    round, their proposals are added before the vectors are normalized.  A node whose sum is 0 keeps its vector.

    Parameters
    ----------
    keep : float
        Share of a node's own vector, 0 to 1.
    norm : {"row", "sum"}
        ``"row"`` divides the weights into a node by ``sum_k lambda_k sum_j |W_ij^k|``, so that ``keep`` has the same
        effect for nodes with many and with few neighbours; ``"sum"`` does not scale them.
    anchor : float
        Pull towards the first vector of the node, 0 to 1: the one from the last call of `Simulator.set_vectors` for all
        nodes.
    active : bool
        Whether only the active nodes of the target step, while all others keep their vectors.
    onto : {"neighbour", "self"}
        ``"neighbour"`` sends the projection of ``V_i`` on ``V_j``, as above.  ``"self"`` sends ``<V_i, V_j> V_i``, the
        projection of ``V_j`` on ``V_i``, which is parallel to ``V_i``: with weights that are not negative, no vector
        ever moves.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> Cosine(keep=0.9, anchor=0.1)
    Cosine(keep=0.9, norm='row', anchor=0.1, active=False, onto='neighbour')

    References
    ----------
    The pull is that of Gasteiger, Bojchevski, Günnemann. Predict then propagate: graph neural networks meet
    personalized PageRank. ICLR 2019.
    """

    onto: Literal["neighbour", "self"] = field(default="neighbour", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("Cosine.onto", self.onto, ("neighbour", "self"))

    @property
    def kind(self) -> type[parts.Message]:
        """What backends run."""
        return parts.CosineMessage if self.onto == "neighbour" else parts.SelfMessage


@dataclass(frozen=True)
class Sum(Message):
    """Each node moves towards the weighted sum of its neighbours' vectors.

    As `Cosine` with ``m_i = sum_k lambda_k sum_j What_ij^k V_j``.

    Parameters
    ----------
    keep, norm, anchor, active
        As for `Cosine`.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> Sum(keep=0.5)
    Sum(keep=0.5, norm='row', anchor=0.0, active=False)
    """

    @property
    def kind(self) -> type[parts.Message]:
        """What backends run."""
        return parts.SumMessage
