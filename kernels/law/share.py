"""A share of a random graph: its synapses onto a range of targets, as a graph of its own.

A block of a row is drawn without those before it, so a share that begins with a block is drawn at the cost of its own
synapses.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import Graph


@dataclass(frozen=True)
class Share(Graph):
    """The synapses of a random graph onto ``n_target`` targets from ``first`` on, which are counted from there.

    Attributes
    ----------
    first : int
        A multiple of the size of a block.
    whole : Graph
        The graph of which this is a share.
    """

    first: int = 0
    whole: Graph = field(default_factory=lambda: Graph(0, 0, 0, 0.0, False))

    def row(self, pre: int) -> npt.NDArray[np.int64]:
        """Return the targets of ``pre`` in this share, ascending and counted from the first."""
        end = self.first + self.n_target
        blocks = range(self.first >> self.bits, -(-end >> self.bits))
        found = [post for index in blocks for post in self.block(pre, index)]
        inside = [post for post in found if self.first <= post < end and self.whole.holds(pre, post)]
        return np.array(inside, np.int64) - self.first


def share_of(graph: Graph, first: int, size: int) -> Graph:
    """Return the share of a random graph with ``size`` targets from ``first`` on, which begins a block."""
    assert first % (1 << graph.bits) == 0, "a share begins with a block"
    return Share(graph.key, graph.n_source, size, graph.p, graph.recurrent, first=first, whole=graph)


def first_of(graph: Graph) -> int:
    """Return from which neuron a graph counts its targets."""
    return graph.first if isinstance(graph, Share) else 0


def whole_of(graph: Graph) -> Graph:
    """Return the graph of which one is a share, or itself."""
    return graph.whole if isinstance(graph, Share) else graph
