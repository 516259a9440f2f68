"""The Numba kernels of a step: the proposals of messages, and their normalization to unit vectors.

Each works on a range of nodes and writes to their rows only, so that the bits do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.compiling import compiled
from brainsim.kernels.cpu.vectors.sums import LANES, scalar_product
from brainsim.kernels.state import Floats, Neurons
from brainsim.kernels.vectors.parts import SMALLEST_ROW, Message


class MessageArrays(NamedTuple):
    """A `Message` in the form that kernels take."""

    starts: Neurons
    neighbours: npt.NDArray[np.int32]
    ids: npt.NDArray[np.int32]
    mix: Floats
    keep: np.float32
    anchor: np.float32
    by_row: bool
    cosine: bool
    onto_self: bool


def message_arrays(message: Message) -> MessageArrays:
    """Return the arrays that the kernels need to carry a message."""
    table = message.edges
    return MessageArrays(
        table.starts,
        table.neighbours,
        table.ids,
        np.array(message.mix, np.float32),
        np.float32(message.keep),
        np.float32(message.anchor),
        message.by_row,
        message.cosine,
        message.onto_self,
    )


@compiled
def propose(
    first: int,
    end: int,
    nodes: Neurons,
    places: Neurons,
    add: bool,
    message: Any,
    weights: Floats,
    sources: Floats,
    targets: Floats,
    anchors: Floats,
    out: Floats,
) -> None:
    """Write the proposals of a message to nodes ``first`` to ``end`` of a list into rows of ``out``, or add them.

    Parameters
    ----------
    first, end : int
        A range of the list.
    nodes, places : int64 array
        Nodes of the target, and their rows in ``out``.
    add : bool
        Whether there are proposals in these rows already.
    message : MessageArrays
        What is sent.
    weights : float32 array, shape (edges, channels)
        The weights of the edges.
    sources, targets, anchors : float32 array, shape (n, dim)
        The vectors of the source and of the target, and the first ones of the target.
    out : float32 array, shape (rows, dim)
        The proposals.
    """
    one, zero = np.float32(1), np.float32(0)
    dim, channels = targets.shape[1], len(message.mix)
    sent, lanes = np.empty(dim, np.float32), np.empty(LANES, np.float32)
    for at in range(first, end):
        node, place = nodes[at], places[at]
        own, total, onto_own = targets[node], 0.0, zero
        for component in range(dim):
            sent[component] = zero
        for entry in range(message.starts[node], message.starts[node + 1]):
            edge, other = message.ids[entry], sources[message.neighbours[entry]]
            mixed = zero
            for channel in range(channels):
                part = message.mix[channel] * weights[edge, channel]
                mixed += part
                total += abs(part)
            if message.cosine:
                mixed *= scalar_product(own, other, lanes)
            if message.onto_self:
                onto_own += mixed
            else:
                for component in range(dim):
                    sent[component] += mixed * other[component]
        share = np.float64(one - message.keep)
        if message.by_row:
            share = share / total if total > SMALLEST_ROW else np.float64(0)
        pull, scale = one - message.anchor, np.float32(share)
        for component in range(dim):
            step = message.keep * own[component] + scale * (sent[component] + onto_own * own[component])
            proposal = pull * step + message.anchor * anchors[node, component]
            out[place, component] = out[place, component] + proposal if add else proposal


@compiled
def normalize(first: int, end: int, nodes: Neurons, targets: Floats, out: Floats) -> None:
    """Make unit vectors of rows ``first`` to ``end``; a node whose row is 0 keeps its vector."""
    dim = out.shape[1]
    for place in range(first, end):
        square = 0.0
        for component in range(dim):
            square += np.float64(out[place, component]) ** 2
        length = np.sqrt(square)
        for component in range(dim):
            if length > 0:
                out[place, component] = np.float32(out[place, component] / length)
            else:
                out[place, component] = targets[nodes[place], component]
