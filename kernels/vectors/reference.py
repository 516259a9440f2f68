"""The law of areas that hold vectors, in NumPy and double precision: slow, short, and obviously right.

State is rounded to single precision after each round.  Other backends compute in single precision.  After a step the
components of their vectors agree with these to 1e-5, and after a round of learning their weights to 1e-5; sums of
weights agree to a relative 1e-5.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from brainsim.kernels.state import Floats, Neurons
from brainsim.kernels.vectors.bounds import message_of
from brainsim.kernels.vectors.host import HostVectors
from brainsim.kernels.vectors.parts import SMALLEST_ROW, Message, Relaxing

Doubles = npt.NDArray[np.float64]


class ReferenceVectors(HostVectors):
    """One node after the other, one edge after the other."""

    def _propose(self, fiber: int, nodes: Neurons, places: Neurons, out: Floats, *, add: bool) -> None:
        spec, message = self.program.fibers[fiber], message_of(self.program, fiber)
        sources, targets = self.vectors(spec.source), self.vectors(spec.target)
        anchors, weights, table = self.anchors(spec.target), self.weights(fiber), message.edges
        for node, place in zip(nodes.tolist(), places.tolist(), strict=True):
            entries = slice(table.starts[node], table.starts[node + 1])
            edges = weights[table.ids[entries]].astype(np.float64)
            own = targets[node].astype(np.float64)
            sent = received(message, own, sources[table.neighbours[entries]].astype(np.float64), edges)
            step = message.keep * own + (1 - message.keep) * sent
            proposal = (1 - message.anchor) * step + message.anchor * anchors[node]
            out[place] = out[place] + proposal if add else proposal

    def _normalize(self, area: int, nodes: Neurons, out: Floats) -> None:
        lengths = np.linalg.norm(out.astype(np.float64), axis=1)
        still = lengths == 0
        out /= np.where(still, 1, lengths)[:, None]
        out[still] = self.vectors(area)[nodes[still]]

    def _relax(self, fiber: int, rate: float, sources: Neurons, targets: Neurons, weights: Floats) -> None:
        spec, message = self.program.fibers[fiber], message_of(self.program, fiber)
        assert message.relaxing is not None, "only fibers with a rule learn"
        inputs = self.inputs(fiber)
        for node, neighbour, edge in _among(message, sources, targets):
            own, other = (
                table[at].astype(np.float64)
                for table, at in ((self.vectors(spec.target), node), (self.vectors(spec.source), neighbour))
            )
            expected = None if inputs is None else (inputs[node].astype(np.float64) + inputs[neighbour]) / 2
            weights[edge] = relaxed(message.relaxing, rate, weights[edge].astype(np.float64), own, other, expected)

    def sent(self, fiber: int, active: Neurons) -> tuple[Floats, Neurons]:
        message = message_of(self.program, fiber)
        table, weights = message.edges, self.weights(fiber)
        n = len(table.starts) - 1
        sums, edges = np.zeros((n, len(message.channels))), np.zeros(n, np.int64)
        for node in range(n):
            entries = slice(table.starts[node], table.starts[node + 1])
            from_active = table.ids[entries][np.isin(table.neighbours[entries], active)]
            sums[node], edges[node] = weights[from_active].astype(np.float64).sum(axis=0), len(from_active)
        return sums.astype(np.float32), edges


def received(message: Message, own: Doubles, neighbours: Doubles, weights: Doubles) -> Doubles:
    """Return what a node receives: ``sum_k lambda_k sum_j What_j^k f(own, V_j)``.

    Parameters
    ----------
    message : Message
        Which says what ``f`` is: ``V_j`` itself, ``<own, V_j> V_j``, or ``<own, V_j> own``.
    own : float64 array, shape (dim,)
        The vector of the node.
    neighbours : float64 array, shape (edges, dim)
        The vectors ``V_j`` of its neighbours.
    weights : float64 array, shape (edges, channels)
        The weights ``W_j^k`` of its edges.  By row, ``What`` is ``W`` divided by ``sum_k lambda_k sum_j |W_j^k|``.
    """
    mix = np.array(message.mix)
    mixed = weights @ mix
    if message.by_row:
        total = float((np.abs(weights) @ mix).sum())
        mixed = mixed / total if total > SMALLEST_ROW else np.zeros_like(mixed)
    if message.cosine:
        mixed = mixed * (neighbours @ own)
    return np.asarray(mixed.sum() * own if message.onto_self else mixed @ neighbours)


def relaxed(
    rule: Relaxing, rate: float, weights: Doubles, own: Doubles, other: Doubles, expected: Doubles | None
) -> Doubles:
    """Return the weights of one edge, shape (channels,), after its two nodes were active together.

    ``own`` and ``other`` are the vectors of the nodes, ``expected`` the mean of their inputs, one for each channel.
    """
    cosine = float(own @ other)
    step = rate * np.array(rule.rates)
    if rule.goal == "product":
        moved = weights + step * cosine * weights * np.tanh(abs(cosine))
    else:
        target = cosine if expected is None else expected * cosine
        moved = weights + step * (target - weights) * np.tanh(np.linalg.norm(own - other))
    learns = np.array(rule.rates) != 0
    return np.where(learns, np.clip(moved, rule.low, rule.high), weights)


def _among(message: Message, sources: Neurons, targets: Neurons) -> Iterator[tuple[int, int, int]]:
    """Yield the edges among active nodes, each once: the node that it leads to, the one it comes from, its number."""
    table = message.edges
    for node in targets.tolist():
        for at in range(table.starts[node], table.starts[node + 1]):
            neighbour = int(table.neighbours[at])
            # An undirected edge has an entry at either end, of which that at the larger one counts.
            if neighbour in sources and not (table.symmetric and neighbour > node):
                yield node, neighbour, int(table.ids[at])
