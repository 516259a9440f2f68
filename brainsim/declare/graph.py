"""Graphs: which synapses a fiber has at the beginning of a simulation, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim._validation import real
from brainsim.errors import DeclarationError
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE

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

    To write a graph, derive a frozen dataclass with the parameters of the graph and one method, ``synapses``.  All
    backends run it.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from scipy.sparse import coo_array
    >>> @dataclass(frozen=True)
    ... class Reversed(Connectivity):
    ...     def synapses(self, source, target):
    ...         every = np.arange(source.n)
    ...         return coo_array((np.ones(source.n), (every, every[::-1])), shape=(source.n, target.n))
    >>> brain = Brain()
    >>> area = brain.add(Area("A", n=50, k=5))
    >>> brain.connect(area, area, graph=Reversed())
    <Fiber A->A 50 synapses fixed>
    """

    p: float = 0.0

    def synapses(self, source: Area, target: Area) -> Any:
        """Return a SciPy sparse array of weights, of shape ``(source.n, target.n)``; ``None`` if the graph is random.

        See `Explicit` for what is allowed.
        """
        del source, target

    def checked(self, where: str, source: Area, target: Area, plasticity: Plasticity | None) -> Connectivity:
        """Return the graph as a fiber between two areas has it, or raise an error that begins with ``where``."""
        if self.stored() is not None:
            return self
        weights = self.synapses(source, target)
        _check_sparse(f"{where}.graph: what {type(self).__name__}.synapses returns", weights)
        return Explicit(weights).checked(where, source, target, plasticity)

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


@dataclass(frozen=True, eq=False)
class Explicit(Connectivity):
    """Given synapses with given weights.

    Parameters
    ----------
    weights : SciPy sparse array, shape (source.n, target.n)
        One synapse for each stored item, whose value is the weight in units of the base weight: from 0 to the ``w_max``
        of the fiber's rule, or 32 767 without one.  An item that is stored as 0 is a synapse of weight 0.  Weights are
        rounded to 16 fractional bits.

    Raises
    ------
    DeclarationError
        If the array is not sparse, or, by `Brain.connect`, if its shape does not fit the areas, an item comes twice, or
        a weight is not a number, negative or too large.

    Examples
    --------
    >>> from scipy.sparse import coo_array
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=3, k=1), Area("B", n=4, k=2))
    >>> brain.connect(a, b, graph=Explicit(coo_array(([1.0, 2.5], ([0, 2], [3, 1])), shape=(3, 4))))
    <Fiber A->B 2 synapses fixed>
    """

    weights: Any
    _stored: Stored | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        _check_sparse("Explicit.weights", self.weights)

    def checked(self, where: str, source: Area, target: Area, plasticity: Plasticity | None) -> Explicit:
        """Return the graph with its synapses sorted and in fixed point."""
        where = f"{where}.graph"
        if self.weights.shape != (source.n, target.n):
            allowed = f"of shape (source.n, target.n) = {(source.n, target.n)}"
            raise DeclarationError(where=where, value=self.weights.shape, allowed=allowed)
        given = self.weights.tocoo()
        pre, post = given.row.astype(np.int64), given.col.astype(np.int64)
        order = np.lexsort((post, pre))
        stored = Stored(pre[order], post[order], _fixed(where, np.asarray(given.data)[order], plasticity))
        twice = np.flatnonzero((np.diff(stored.pre) == 0) & (np.diff(stored.post) == 0))
        if len(twice):
            i, j = int(stored.pre[twice[0]]), int(stored.post[twice[0]])
            raise DeclarationError(
                f"{where}: the synapse {i} -> {j} is given twice; array.sum_duplicates() adds both weights up",
                where=where,
                value=(i, j),
            )
        for column in stored:
            column.flags.writeable = False
        fitted = Explicit(self.weights)
        object.__setattr__(fitted, "_stored", stored)
        return fitted

    def stored(self) -> Stored | None:
        """Return all synapses at the beginning of a simulation; in a fiber, never ``None``."""
        return self._stored

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Explicit) or self._stored is None or other._stored is None:
            return self is other
        return all(map(np.array_equal, self._stored, other._stored))

    def __hash__(self) -> int:
        return hash(self.weights.shape)

    def __str__(self) -> str:
        return f"{self.weights.nnz:_} synapses"


def _check_sparse(where: str, weights: Any) -> None:
    if not hasattr(weights, "tocoo"):
        cure = "scipy.sparse.coo_array(dense) makes one"
        raise DeclarationError(where=where, value=type(weights), allowed="a SciPy sparse array", cure=cure)


def _fixed(where: str, weights: npt.NDArray[Any], plasticity: Plasticity | None) -> npt.NDArray[np.int64]:
    """Return weights in fixed point, which must lie between 0 and the largest weight of the rule."""
    w_max = MAX_WEIGHT if plasticity is None else plasticity.w_max
    if weights.dtype.kind not in "iufb":
        raise DeclarationError(where=f"{where}: weights", value=weights.dtype, allowed="real numbers")
    values = weights.astype(np.float64)
    fitting = (values >= 0) & (values <= w_max)
    if not fitting.all():
        wrong = float(values[np.argmin(fitting)])
        raise DeclarationError(where=f"{where}: weights", value=wrong, allowed=f"between 0 and w_max = {w_max:g}")
    return np.rint(values * ONE).astype(np.int64)
