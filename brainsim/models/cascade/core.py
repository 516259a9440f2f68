"""The cascade of nodes, without words: a brain, its simulator, and the trained layers between rounds."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from brainsim._validation import count
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError
from brainsim.models.cascade.checking import Vectors, integers
from brainsim.models.cascade.declaring import WORDS, declare
from brainsim.models.cascade.design import Cascade
from brainsim.models.cascade.graphs import WordGraph
from brainsim.models.cascade.maps import cascade_maps
from brainsim.models.cascade.readout import absolute_cosines, sums_at_ends
from brainsim.simulate.simulator import Simulator

if TYPE_CHECKING:
    from brainsim.models.cascade.network import CascadeNetwork

Nodes = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


class CascadeCore:
    """A brain of one area with a cascade, run by a simulator.

    Parameters
    ----------
    cascade : Cascade
        Sizes and constants.
    graph : WordGraph
        Which nodes are neighbours.
    vectors : float32 array, shape (n, dim)
        First vectors of the nodes, unit rows.
    seed : int
        Seed of the simulator and of the initial parameters of the trained layers.
    **simulator
        Passed to `Simulator`.

    Attributes
    ----------
    brain, words, links, sim
        The brain, its area, its fiber, and the simulator.
    vectors : float32 array, shape (n, dim)
        The vectors of the nodes before any layer.
    network : CascadeNetwork or None
        The trained layers; ``None`` before the first training, because untrained layers change nothing.
    """

    def __init__(self, cascade: Cascade, graph: WordGraph, vectors: Vectors, seed: int, **simulator: Any) -> None:
        self.cascade, self.seed = cascade, seed
        self.brain, self.words, self.links = declare(cascade, graph)
        self.sim = Simulator(self.brain, seed, **simulator)
        self.sim.set_vectors(self.words, vectors)
        self.vectors = self.sim.vectors(self.words).copy()
        self.network: CascadeNetwork | None = None

    @property
    def edges(self) -> Any:
        """The edges, their weights and the input of the nodes, as ``sim.edges`` returns them."""
        return self.sim.edges(self.links)

    def learn(self, nodes: npt.ArrayLike, rounds: int = 1) -> None:
        """Let the edges among some nodes learn.

        Raises
        ------
        DeclarationError
            If a number is not a node.
        """
        active = integers("CascadeCore.learn.nodes", nodes, 0, self.cascade.n)
        rounds = count("CascadeCore.learn.rounds", rounds, 1)
        self._activate(np.unique(active))
        self.sim.run((), rounds=rounds, learn=self.links)
        self.sim.silence(self.words)

    def learn_feeling(self, nodes: Nodes, felt: Doubles) -> None:
        """Let the edges among some nodes learn for one round, as if ``felt`` were the input of all these nodes."""
        self.check_takes_input()
        before = self.edges.input[nodes].copy()
        self.edges.set_input(np.tile(felt, (len(nodes), 1)), nodes=nodes)
        self.learn(nodes)
        self.edges.set_input(before, nodes=nodes)

    def check_takes_input(self) -> None:
        """Refuse input that would have no effect.

        Raises
        ------
        DeclarationError
            If the rule of the cascade takes no input.
        """
        if not self.cascade.takes_input:
            cure = 'replace(cascade, target="input", literal=False)'
            raise DeclarationError(
                f"CascadeModel: {self.cascade} has a rule without input, so emotions would have no effect; {cure}"
            )

    def states(self, nodes: Nodes) -> Vectors:
        """Return the vectors of active nodes, in this order, after all layers; nothing changes."""
        with self.sim.frozen() as sim:
            self._activate(np.sort(nodes))
            for layer in range(1, self.cascade.layers + 1):
                sim.run(self.links, learn=())
                if self.network is not None:
                    rows = self.network.act(layer, sim.vectors(self.words, nodes=nodes))
                    sim.set_vectors(self.words, rows, nodes=nodes)
            return sim.vectors(self.words, nodes=nodes)

    @cached_property
    def likeness(self) -> Doubles:
        """The sum of ``|cos(V_i, V_j)|`` over the neighbours ``j`` of each node ``i``, shape (n,)."""
        pairs = np.asarray(self.edges.pairs)
        found = sums_at_ends(pairs, absolute_cosines(pairs, self.vectors)[:, None], self.cascade.n)[:, 0]
        return np.maximum(found, np.finfo(np.float64).tiny)  # of a node without neighbours, 0

    def emotion(self, nodes: Nodes) -> Doubles:
        """Return ``sum W / sum |cos|`` over all edges of active nodes, for each channel; nothing changes."""
        with self.sim.frozen():
            self._activate(np.sort(nodes))
            sums = self.edges.sent().sum(axis=0, dtype=np.float64)
        return np.asarray(sums / self.likeness[nodes].sum())

    def emotions(self) -> Doubles:
        """Return ``sum W / sum |cos|`` over the edges of each node, shape (n, channels)."""
        sums = sums_at_ends(self.edges.pairs, self.edges.weights, self.cascade.n)
        return np.asarray(sums / self.likeness[:, None])

    def maps(self, nodes: Nodes) -> Vectors | None:
        """Return the matrices by which a layer changes nodes whose neighbours keep their vectors: (nodes, dim, dim).

        ``None`` if a layer changes nothing: where ``keep`` is 1, or ``literal`` is set.
        """
        if self.cascade.keep == 1 or self.cascade.literal:
            return None
        return cascade_maps(self.cascade, self.edges, self.vectors, nodes)

    def _activate(self, nodes: Nodes) -> None:
        self.sim.present(Assembly(WORDS, nodes))
