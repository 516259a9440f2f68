"""The Numba kernels of the read-out: the weights through which active nodes act on others, by channel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.vectors.propose import MessageArrays
from brainsim.kernels.state import Floats, Neurons

Doubles = npt.NDArray[np.float64]


@compiled
def scatter(active: Neurons, message: MessageArrays, weights: Floats, sums: Doubles, edges: Neurons) -> None:
    """Add the weights of the undirected edges of active nodes, ascending, to their neighbours."""
    for node in active:
        for entry in range(message.starts[node], message.starts[node + 1]):
            neighbour, edge = message.neighbours[entry], message.ids[entry]
            edges[neighbour] += 1
            for channel in range(weights.shape[1]):
                sums[neighbour, channel] += weights[edge, channel]


@compiled
def gather(
    first: int,
    end: int,
    active: npt.NDArray[np.bool_],
    message: MessageArrays,
    weights: Floats,
    sums: Doubles,
    edges: Neurons,
) -> None:
    """Add the weights of directed edges from active nodes into nodes ``first`` to ``end``."""
    for node in range(first, end):
        for entry in range(message.starts[node], message.starts[node + 1]):
            if active[message.neighbours[entry]]:
                edge = message.ids[entry]
                edges[node] += 1
                for channel in range(weights.shape[1]):
                    sums[node, channel] += weights[edge, channel]
