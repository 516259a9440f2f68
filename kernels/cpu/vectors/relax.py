"""The Numba kernel of learning among active nodes; see `brainsim.kernels.vectors.reference.relaxed` for the law."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.vectors.propose import MessageArrays
from brainsim.kernels.state import Floats, Neurons
from brainsim.kernels.vectors.parts import Relaxing


class RelaxingArrays(NamedTuple):
    """A `Relaxing` in the form that the kernel takes."""

    steps: npt.NDArray[np.float64]
    product: bool
    low: float
    high: float


def relaxing_arrays(rule: Relaxing, rate: float) -> RelaxingArrays:
    """Return the numbers that the kernel needs to apply a rule at a rate."""
    return RelaxingArrays(np.array(rule.rates) * rate, rule.goal == "product", rule.low, rule.high)


@compiled
def relax(
    first: int,
    end: int,
    nodes: Neurons,
    active: npt.NDArray[np.bool_],
    symmetric: bool,
    message: MessageArrays,
    rule: RelaxingArrays,
    sources: Floats,
    targets: Floats,
    inputs: Floats,
    weights: Floats,
) -> None:
    """Move the weights of the edges from active nodes into nodes ``first`` to ``end`` of a list.

    An undirected edge has an entry at each end.  Only the entry at the larger node is used, so that one range alone
    writes to the weights of an edge.

    Parameters
    ----------
    first, end : int
        A range of the list.
    nodes : int64 array
        Active nodes of the target.
    active : bool array, shape (n_source,)
        Which nodes of the source are active.
    symmetric : bool
        Whether edges are undirected.
    message : MessageArrays
        The edges.
    rule : RelaxingArrays
        The rule, its rates multiplied by that of the round.
    sources, targets : float32 array, shape (n, dim)
        The vectors of both ends.
    inputs : float32 array, shape (n, channels) or (0, channels)
        The inputs of the nodes; no rows if the rule needs none.
    weights : float32 array, shape (edges, channels)
        The weights that change.
    """
    for at in range(first, end):
        node = nodes[at]
        own = targets[node]
        for entry in range(message.starts[node], message.starts[node + 1]):
            neighbour = message.neighbours[entry]
            if not active[neighbour] or (symmetric and neighbour > node):
                continue
            cosine, square = 0.0, 0.0
            for component in range(len(own)):
                mine, theirs = np.float64(own[component]), np.float64(sources[neighbour, component])
                cosine += mine * theirs
                square += (mine - theirs) * (mine - theirs)
            gate = np.tanh(abs(cosine) if rule.product else np.sqrt(square))
            edge = message.ids[entry]
            for channel in range(len(rule.steps)):
                if rule.steps[channel] == 0.0:
                    continue
                weight, target = np.float64(weights[edge, channel]), cosine
                if len(inputs):
                    target *= (np.float64(inputs[node, channel]) + np.float64(inputs[neighbour, channel])) / 2
                move = cosine * weight if rule.product else target - weight
                moved = weight + rule.steps[channel] * gate * move
                weights[edge, channel] = np.float32(max(rule.low, min(moved, rule.high)))
