"""Graphs with a structure: one to one, small worlds, and topographic projections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from brainsim._validation import integer, real, truth
from brainsim.declare.graph import Connectivity
from brainsim.declare.ring import undirected_ring, uniform
from brainsim.declare.sparse import check_stored
from brainsim.errors import DeclarationError
from brainsim.kernels.law.graph import Graph, hashed
from brainsim.kernels.law.taper import Tapered

if TYPE_CHECKING:
    from brainsim.declare.area import Area
    from brainsim.declare.plasticity import Plasticity

_NARROWEST, _WIDEST = 0.001, 10.0


@dataclass(frozen=True)
class OneToOne(Connectivity):
    """Neuron ``i`` of the source synapses on neuron ``i`` of the target alone.

    Both areas have equally many neurons, ``n``.  The ``n`` synapses are stored, in 24 bytes each.

    Examples
    --------
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=1000, k=50), Area("B", n=1000, k=50))
    >>> fiber = brain.connect(a, b, graph=OneToOne())
    >>> fiber
    <Fiber A->B OneToOne(): 1_000 synapses, 24 kB fixed>
    >>> fiber.row(7)
    array([7])
    """

    def checked(
        self, where: str, source: Area, target: Area, plasticity: Plasticity | None, weight: float = 1.0
    ) -> Connectivity:
        """Return the graph with its synapses, between areas of one size."""
        _check_sizes(where, self, source, target)
        check_stored(f"{where}.graph", source.n)
        return super().checked(where, source, target, plasticity, weight)

    def synapses(self, source: Area, target: Area) -> Any:
        """Return the synapses."""
        from scipy.sparse import coo_array

        every = np.arange(source.n)
        return coo_array((np.ones(source.n), (every, every)), shape=(source.n, target.n))


@dataclass(frozen=True)
class SmallWorld(Connectivity):
    """A small world (Watts & Strogatz): a ring of neighbours, some of whose synapses are rewired at random.

    The neurons of both areas have the same places on a ring.  Each neuron synapses on the
    ``k`` neurons next to its place, ``k / 2`` on either side, but not on its place itself.  Then each synapse is
    rewired with probability ``rewire``: it moves to a target drawn uniformly among all places but its own on which the
    neuron does not synapse yet.  The graph is directed, and each neuron keeps ``k`` synapses.

    If it is ``symmetric``, the ``n k / 2`` links of the ring are undirected, and the far end of each is rewired with
    probability ``rewire`` to a place that the near end is not linked to yet: the graph of the paper, in which neurons
    have ``k`` synapses on average.  Between vector areas an undirected link is one edge; see `Cosine`.

    All synapses are stored, in 24 bytes each; while the graph is drawn, it takes about five times as much.

    Parameters
    ----------
    k : int
        Synapses of each source neuron: an even number from 2 to below ``n``.
    rewire : float
        Probability that a synapse is rewired: 0 for the ring, 1 for a random graph.
    seed : int
        Draws the graph.  It is drawn with the declaration and does not depend on the seed of the simulator.
    symmetric : bool
        Whether links are undirected; for fibers from an area to itself.

    Raises
    ------
    DeclarationError
        If a value is out of range or, by `Brain.connect`, the areas differ in ``n``, the graph is symmetric between two
        areas, or there would be more than 2 * 10**8 synapses.

    Examples
    --------
    >>> brain = Brain()
    >>> area = brain.add(Area("A", n=100, k=10))
    >>> fiber = brain.connect(area, area, graph=SmallWorld(k=4, rewire=0.1, seed=1))
    >>> fiber
    <Fiber A->A SmallWorld(k=4, rewire=0.1, seed=1): 400 synapses, 9.6 kB fixed>
    >>> len(fiber.row(50))
    4

    References
    ----------
    Watts, Strogatz. Collective dynamics of small-world networks. Nature 393, 440-442, 1998.
    """

    k: int
    rewire: float
    seed: int = 0
    symmetric: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", integer("SmallWorld.k", self.k, 2, None, allowed="an even number of at least 2"))
        if self.k % 2:
            raise DeclarationError(where="SmallWorld.k", value=self.k, allowed="an even number of at least 2")
        object.__setattr__(self, "rewire", real("SmallWorld.rewire", self.rewire, 0.0, 1.0))
        object.__setattr__(self, "seed", integer("SmallWorld.seed", self.seed, 0, None))
        object.__setattr__(self, "symmetric", truth("SmallWorld.symmetric", self.symmetric))

    def __repr__(self) -> str:
        symmetric = ", symmetric=True" if self.symmetric else ""
        return f"SmallWorld(k={self.k}, rewire={self.rewire}, seed={self.seed}{symmetric})"

    def checked(
        self, where: str, source: Area, target: Area, plasticity: Plasticity | None, weight: float = 1.0
    ) -> Connectivity:
        """Return the graph with its synapses, between areas of one size."""
        self._check(where, source, target)
        return super().checked(where, source, target, plasticity, weight)

    def _check(self, where: str, source: Area, target: Area) -> None:
        """Refuse areas that the graph does not fit."""
        _check_sizes(where, self, source, target)
        if self.k >= source.n:
            raise DeclarationError(
                where=f"{where}.graph: SmallWorld.k", value=self.k, allowed=f"below n = {source.n}", cure="lower k"
            )
        if self.symmetric and source is not target:
            allowed = "from an area to itself, since its graph is symmetric"
            raise DeclarationError(where=f"{where}.graph", value=(source.name, target.name), allowed=allowed)
        if self.symmetric and self.rewire and 2 * self.k >= source.n:
            allowed = f"at most (n - 1) / 2 = {(source.n - 1) // 2}, since links that are rewired need room"
            raise DeclarationError(where=f"{where}.graph: SmallWorld.k", value=self.k, allowed=allowed, cure="lower k")
        check_stored(f"{where}.graph", source.n * self.k)

    def pairs(self, where: str, source: Area, target: Area) -> npt.NDArray[np.int64] | None:
        """Return the two ends of each edge, sorted; of a graph that is not symmetric, source and target."""
        self._check(where.removesuffix(".graph"), source, target)
        if self.symmetric:
            return undirected_ring(source.n, self.k, self.rewire, self.seed)
        return np.array([np.repeat(np.arange(source.n), self.k), np.sort(self._targets(source.n)).ravel()])

    def synapses(self, source: Area, target: Area) -> Any:
        """Return the synapses."""
        from scipy.sparse import coo_array

        if self.symmetric:
            first, second = undirected_ring(source.n, self.k, self.rewire, self.seed)
            ends = np.concatenate([first, second]), np.concatenate([second, first])
            return coo_array((np.ones(2 * len(first)), ends), shape=(source.n, target.n))
        posts = np.sort(self._targets(source.n))
        pres = np.repeat(np.arange(source.n), self.k)
        return coo_array((np.ones(posts.size), (pres, posts.ravel())), shape=(source.n, target.n))

    def _targets(self, n: int) -> npt.NDArray[np.int64]:
        """Return the targets of each source neuron, shape (n, k)."""
        steps = np.arange(1, self.k // 2 + 1)
        places = np.arange(n)[:, None]
        posts: npt.NDArray[np.int64] = (places + np.concatenate([-steps, steps])) % n
        every = np.arange(posts.size)
        moves = (self._uniform(0, every) < self.rewire).reshape(posts.shape)
        # Synapses that collide are drawn again.  Collisions do not depend on which free places the draws name, only on
        # whether they are equal, so each set of free places is drawn with equal probability.
        again, attempt = np.flatnonzero(moves), 0
        while len(again):
            attempt += 1
            shift = 1 + (self._uniform(attempt, again) * (n - 1)).astype(np.int64)  # never its own place
            posts.flat[again] = (again // self.k + shift) % n
            rows = np.unique(again // self.k)
            repeated = _repeated(posts[rows], moves[rows])
            again = (rows[:, None] * self.k + np.arange(self.k))[repeated]
        return posts

    def _uniform(self, attempt: int, synapses: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return a uniform number in [0, 1) for each synapse: a hash, the same with every version of NumPy."""
        return uniform(hashed(b"brainsim-world", str(self.seed), str(attempt)), synapses)


def _repeated(posts: npt.NDArray[np.int64], moves: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which targets occur earlier in their row, where those that do not move come first; same shape."""
    order = np.lexsort((moves, posts), axis=1)
    in_order = np.take_along_axis(posts, order, axis=1)
    repeated = np.zeros(posts.shape, np.bool_)
    np.put_along_axis(repeated, order[:, 1:], in_order[:, 1:] == in_order[:, :-1], axis=1)
    return repeated


@dataclass(frozen=True)
class Topographic(Connectivity):
    """Neurons are connected with a probability that falls with their distance, from ``p`` at distance 0.

    Neuron ``i`` of an area of ``n`` is at position ``i / n``.  Neurons at distance ``d`` are connected with probability
    ``p * exp(-d**2 / (2 * width**2))``, independently.  As in a random graph, synapses are computed when they are
    needed and take no memory; an area has no synapse from a neuron to itself.

    Parameters
    ----------
    p : float
        Connection probability at distance 0, 0 to 1.
    width : float
        Standard deviation of the distance, as a fraction of the area: 0.001 to 10.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> brain = Brain()
    >>> retina, tectum = brain.add(Area("Retina", n=1000, k=50), Area("Tectum", n=2000, k=50))
    >>> fiber = brain.connect(retina, tectum, graph=Topographic(p=0.5, width=0.02))
    >>> fiber
    <Fiber Retina->Tectum Topographic(p=0.5, width=0.02) fixed>
    >>> bool(abs(fiber.row(500) - 1000).max() < 200)
    True
    """

    p: float = field()  # without this line, the attribute of the base class would be the default of the field
    width: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", real("Topographic.p", self.p, 0.0, 1.0))
        object.__setattr__(self, "width", real("Topographic.width", self.width, _NARROWEST, _WIDEST))

    def checked(
        self, where: str, source: Area, target: Area, plasticity: Plasticity | None, weight: float = 1.0
    ) -> Topographic:
        """Return the graph."""
        del where, source, target, plasticity, weight
        return self

    def law(self, key: int, n_source: int, n_target: int, *, recurrent: bool) -> Graph:
        """Return the graph that backends run."""
        return Tapered(key, n_source, n_target, self.p, recurrent, self.width)


def _check_sizes(where: str, graph: OneToOne | SmallWorld, source: Area, target: Area) -> None:
    if source.n != target.n:
        raise DeclarationError(
            where=f"{where}.graph",
            value=(source.n, target.n),
            allowed=f"between areas of equal n, since it is a {type(graph).__name__}",
        )
