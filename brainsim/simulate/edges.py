"""The edges of one fiber between vector areas in a running simulator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from brainsim._validation import integer, truth
from brainsim.declare.carrying import bounds_text
from brainsim.declare.edges import EdgeGraph
from brainsim.declare.fiber import Fiber
from brainsim.errors import DeclarationError
from brainsim.kernels.state import CHANNEL_WEIGHTS, INPUTS, Floats, Table
from brainsim.kernels.vectors.bounds import message_of
from brainsim.kernels.vectors.parts import LARGEST_INPUT, LARGEST_WEIGHT
from brainsim.simulate.engine import Engine
from brainsim.simulate.guard import Guard, changes, looks
from brainsim.simulate.vectors import chosen_nodes, numbers


class Edges:
    """Edges, weights and input of one fiber that carries messages, as `Simulator.edges` returns them.

    Attributes
    ----------
    channels : tuple of str
        The names of the weights of each edge.
    """

    def __init__(
        self,
        engine: Engine,
        guard: Guard,
        fiber: int,
        declared: Fiber,
        may_write: Callable[[], None],
        opened: Callable[[], None],
    ) -> None:
        assert isinstance(declared.connectivity, EdgeGraph), "only fibers with a message have edges"
        self._engine = engine
        self._guard = guard
        self._fiber = fiber
        self._where = f"Fiber {declared.name!r}"
        self._declared = declared
        self._graph = declared.connectivity
        self._may_write = may_write
        self._opened = opened
        self.channels = tuple(name for name, _ in declared.channels)

    @property
    def pairs(self) -> npt.NDArray[np.int32]:
        """The two ends of each edge, shape (edges, 2): the smaller and the larger node, or source and target.

        Edges are sorted by them.  The array is made at every call.
        """
        return self._graph.ends()

    @property
    @looks
    def weights(self) -> Floats:
        """The present weights, shape (edges, channels), read-only."""
        rows: Floats = self._engine.read(CHANNEL_WEIGHTS, self._fiber).rows
        return rows

    @looks
    def weight(self, i: int, j: int) -> Floats:
        """Return the weights of the edge from node ``i`` to node ``j``, shape (channels,); zeros if there is none."""
        i = integer(f"{self._where}: source node", i, 0, self._declared.source.n - 1)
        nodes, edges = self.row(j)
        at = np.searchsorted(nodes, i)
        if at < len(nodes) and nodes[at] == i:
            return np.array(self.weights[edges[at]])
        return np.zeros(len(self.channels), np.float32)

    @looks
    def row(self, node: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the source nodes that send to a target node, ascending, and the numbers of the edges from them."""
        node = integer(f"{self._where}: target node", node, 0, self._declared.target.n - 1)
        return self._graph.neighbours(node)

    @changes
    def replace(self, weights: npt.ArrayLike) -> None:
        """Replace the present weights.

        Parameters
        ----------
        weights : array_like, shape (edges, channels)
            Within the bounds of the fiber's rule.

        Raises
        ------
        SimulationError
            Inside `Simulator.frozen`.
        DeclarationError
            If they are not finite numbers of this shape, or out of bounds.
        """
        self._may_write()
        where = f"{self._where}: weights"
        given = numbers(where, weights, (self._graph.table.count, len(self.channels)), LARGEST_WEIGHT)
        rows = np.asarray(given, np.float32)  # weights at a bound have been rounded to it
        message = message_of(self._engine.program, self._fiber)
        outside = (rows < np.float32(message.lowest)) | (rows > np.float32(message.highest))
        if outside.any():
            wrong, allowed = float(rows[outside][0]), bounds_text(message.lowest, message.highest)
            raise DeclarationError(where=where, value=wrong, allowed=allowed, cure="widen the bounds of Relax")
        self._engine.write(CHANNEL_WEIGHTS, self._fiber, Table(rows))

    @property
    @looks
    def input(self) -> Floats:
        """The present input of the nodes, shape (n, channels), read-only; see `set_input`."""
        self._check_input()
        rows: Floats = self._engine.read(INPUTS, self._fiber).rows
        return rows

    @changes
    def set_input(self, values: npt.ArrayLike, nodes: npt.ArrayLike | None = None) -> None:
        """Set the input of nodes in each channel: the ``I`` of the rule `Relax`.  It stays until the next call.

        Parameters
        ----------
        values : array_like, shape (n, channels), or (nodes, channels)
            Numbers of size at most 1e6.
        nodes : array_like of int, optional
            The nodes whose input is set, in the order of ``values``; others keep theirs.  By default all.

        Raises
        ------
        DeclarationError
            If the rule of the fiber has no input, or a value or a node is out of range.
        """
        self._check_input()
        n, width, where = self._declared.target.n, len(self.channels), f"{self._where}: input"
        if nodes is None:
            rows = np.asarray(numbers(where, values, (n, width), LARGEST_INPUT), np.float32)
        else:
            chosen = chosen_nodes(f"{where}: nodes", nodes, n)
            rows = self._engine.read(INPUTS, self._fiber).rows.copy()
            rows[chosen] = numbers(where, values, (len(chosen), width), LARGEST_INPUT)
        self._engine.write(INPUTS, self._fiber, Table(rows))

    def _check_input(self) -> None:
        if self._fiber not in INPUTS.owners(self._engine.program):
            cure = 'declare it with plasticity=Relax(rates, target="input")'
            raise DeclarationError(f"{self._where}: has no input, since its rule does not use one; {cure}", cure=cure)

    @looks
    def sent(self, *, mean: bool = False) -> Floats:
        """Return the present signal of the active nodes in each channel, shape (n, channels).

        ``E_i^k = sum_j W_ij^k S_j`` for each node ``i`` of the target, where ``S_j`` is 1 for the active nodes ``j`` of
        the source and 0 for all others.  Nothing changes, but the fiber counts as opened, as one that a probe opens.

        Parameters
        ----------
        mean : bool
            Whether the sums are divided by the number of active nodes that send to node ``i``: the mean weight of the
            edges from them.  Nodes without such edges have 0.
        """
        mean = truth("Edges.sent.mean", mean)
        self._opened()
        sums, edges = self._engine.sent(self._fiber)
        return sums / np.maximum(edges, 1).astype(np.float32)[:, None] if mean else sums

    def __repr__(self) -> str:
        return f"<Edges of {self._declared.name}: {self._graph}, channels {', '.join(self.channels)}>"
