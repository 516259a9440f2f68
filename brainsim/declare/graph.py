"""Graphs: the synapses of a fiber at the beginning of a simulation, and their weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from brainsim._validation import real, truth
from brainsim.declare.sparse import (
    BYTES_PER_SYNAPSE,
    Stored,
    check_sparse,
    check_stored,
    check_symmetric,
    sorted_synapses,
    stored_csr,
)
from brainsim.errors import DeclarationError
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.weights import MAX_WEIGHT, ONE

if TYPE_CHECKING:
    from brainsim.declare.area import Area
    from brainsim.declare.plasticity import Plasticity


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
    <Fiber A->A Reversed(): 50 synapses, 1.2 kB fixed>
    """

    p: float = 0.0
    symmetric: bool = False
    """Whether each synapse has a reverse one; a fiber that carries messages stores both as one edge."""
    named = True
    """Whether the text of a fiber shows the name of the graph."""

    def pairs(self, where: str, source: Area, target: Area) -> npt.NDArray[np.int64] | None:
        """Return the ends of the edges, shape (2, edges), sorted, if the graph draws them without their weights.

        This method is optional, and only saves memory: `synapses` returns the same edges.
        """
        del where, source, target
        return None

    def synapses(self, source: Area, target: Area) -> Any:
        """Return a SciPy sparse array of weights, of shape ``(source.n, target.n)``; ``None`` if the graph is random.

        See `Explicit` for what is allowed.
        """
        del source, target

    def law(self, key: int, n_source: int, n_target: int, *, recurrent: bool) -> Graph:
        """Return the graph that backends run, without the synapses that are stored."""
        return Graph(key, n_source, n_target, self.p, recurrent)

    def checked(
        self, where: str, source: Area, target: Area, plasticity: Plasticity | None, weight: float = 1.0
    ) -> Connectivity:
        """Return the graph fitted to two areas, or raise an error that begins with ``where``."""
        stored = self.stored()
        if stored is not None and weight == 1.0:
            return self
        if stored is not None:
            given = stored_csr(stored, (source.n, target.n))
            return Explicit(given).checked(where, source, target, plasticity, weight)
        weights = self.synapses(source, target)
        check_sparse(f"{where}.graph: what {type(self).__name__}.synapses returns", weights)
        return Explicit(weights)._fitted(where, source, target, plasticity, weight, repr(self))

    def stored(self) -> Stored | None:
        """Return all synapses at the beginning of a simulation, ``None`` if the graph is random."""
        return None


@dataclass(frozen=True)
class Random(Connectivity):
    """Each pair of neurons is connected with probability ``p``, independently.

    ``brain.connect(source, target, p=0.1)`` means ``graph=Random(0.1)``.  The synapses are computed when they are
    needed, and take no memory.

    Parameters
    ----------
    p : float
        Connection probability, 0 to 1.
    """

    p: float

    def checked(
        self, where: str, source: Area, target: Area, plasticity: Plasticity | None, weight: float = 1.0
    ) -> Random:
        """Return the graph with ``p`` as a float in [0, 1]."""
        del source, target, plasticity, weight
        return Random(real(f"{where}.p", self.p, 0.0, 1.0))

    def __str__(self) -> str:
        return f"p={self.p:g}"


@dataclass(frozen=True, eq=False)
class Explicit(Connectivity):
    """Given synapses with given weights.

    Each is stored in 24 bytes.

    Parameters
    ----------
    weights : SciPy sparse array, shape (source.n, target.n)
        One synapse for each stored item, at most 2 * 10**8.  Its value times the ``weight`` of the fiber is the weight
        of the synapse: within the bounds of the fiber's rule, or from -32 767 to 32 767 without one.  An item that is
        stored as 0 is a synapse of weight 0.  Weights are rounded to 16 fractional bits.
    symmetric : bool
        Whether the array equals its transpose, without synapses from a neuron to itself.  A fiber that carries messages
        then stores both directions as one edge with common weights; between spiking areas each direction learns alone.

    Raises
    ------
    DeclarationError
        If the array is not sparse or, by `Brain.connect`, if its shape does not fit the areas, an item is given twice,
        it is not symmetric as declared, or a weight is not a number or out of bounds.

    Examples
    --------
    >>> from scipy.sparse import coo_array
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=3, k=1), Area("B", n=4, k=2))
    >>> brain.connect(a, b, graph=Explicit(coo_array(([1.0, 2.5], ([0, 2], [3, 1])), shape=(3, 4))))
    <Fiber A->B 2 synapses fixed>
    """

    weights: Any
    symmetric: bool = field(default=False, kw_only=True)
    _stored: Stored | None = field(default=None, init=False, repr=False)
    _made_by: str = field(default="", init=False, repr=False)

    named = False

    def __post_init__(self) -> None:
        check_sparse("Explicit.weights", self.weights)
        object.__setattr__(self, "symmetric", truth("Explicit.symmetric", self.symmetric))

    def synapses(self, source: Area, target: Area) -> Any:
        """Return the array."""
        del source, target
        return self.weights

    def checked(
        self, where: str, source: Area, target: Area, plasticity: Plasticity | None, weight: float = 1.0
    ) -> Explicit:
        """Return the graph with its synapses sorted and in fixed point."""
        return self._fitted(where, source, target, plasticity, weight, "")

    def _fitted(
        self, where: str, source: Area, target: Area, plasticity: Plasticity | None, weight: float, made_by: str
    ) -> Explicit:
        where = f"{where}.graph"
        if self.weights.shape != (source.n, target.n):
            allowed = f"of shape (source.n, target.n) = {(source.n, target.n)}"
            raise DeclarationError(where=where, value=self.weights.shape, allowed=allowed)
        check_stored(where, self.weights.nnz)
        fitted = Explicit(self.weights, symmetric=self.symmetric)
        if made_by:
            object.__setattr__(fitted, "weights", None)  # the copy of the graph that made it, which nothing else uses
        stored = sorted_synapses(where, self.weights, lambda given: _fixed(where, given, plasticity, weight))
        if self.symmetric:
            check_symmetric(where, np.array([stored.pre, stored.post]), stored.weight)
        object.__setattr__(fitted, "_stored", stored)
        object.__setattr__(fitted, "_made_by", made_by)
        return fitted

    def stored(self) -> Stored | None:
        """Return all synapses at the beginning of a simulation; in a fiber, never ``None``."""
        return self._stored

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Explicit) or self._stored is None or other._stored is None:
            return self is other
        return all(map(np.array_equal, self._stored, other._stored))

    def __hash__(self) -> int:
        return hash(self._size)

    @property
    def _size(self) -> int:
        return self.weights.nnz if self._stored is None else len(self._stored.pre)

    def __str__(self) -> str:
        synapses = f"{self._size:_} synapses"
        size = memory_text(self._size * BYTES_PER_SYNAPSE)
        return f"{self._made_by}: {synapses}, {size}" if self._made_by else synapses


_UNITS = {"GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}


def memory_text(size: int) -> str:
    """Return a number of bytes as text."""
    unit = next((unit for unit in ("GB", "MB", "kB") if size >= _UNITS[unit]), "B")
    return f"{size / _UNITS[unit]:.3g} {unit}"


def _fixed(
    where: str, weights: npt.NDArray[Any], plasticity: Plasticity | None, weight: float
) -> npt.NDArray[np.int64]:
    """Return given weights times that of the fiber in fixed point, which must lie within the bounds of the rule."""
    low, high = (-MAX_WEIGHT, MAX_WEIGHT) if plasticity is None else plasticity.fitted(weight).bounds()
    if weights.dtype.kind not in "iufb":
        raise DeclarationError(where=f"{where}: weights", value=weights.dtype, allowed="real numbers")
    values = weights.astype(np.float64) * weight
    fitting = (values >= low) & (values <= high)
    if not fitting.all():
        wrong = float(values[np.argmin(fitting)])
        raise DeclarationError(where=f"{where}: weights", value=wrong, allowed=f"between {low:g} and w_max = {high:g}")
    return np.rint(values * ONE).astype(np.int64)
