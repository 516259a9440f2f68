"""Weights modulated by a point in a space of coordinates.

    W(theta) = W + sum_i [ cos(s theta.c_i) U_i V_i^T + sin(s theta.c_i) P_i Q_i^T ],   i = 1 … pairs

``theta`` and the directions ``c_i`` are vectors of ``coordinates`` numbers, and ``U_i V_i^T`` has a given rank.
``W(theta)`` is never formed: ``y = x W^T + ((x V) * m) U^T`` with ``m = [cos …, sin …]`` needs two thin products.  As
``U`` and ``P`` start at zero, a new model is its base.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from brainsim.networks.transformer.blocks import Added, Linear, draw_normal

Deltas = dict[str, Tensor]
"""For each matrix, what is added to its weight at one point."""


class Pairs(nn.Module):
    """The pairs of one matrix: ``V`` reads the input, ``U`` writes the output.

    Parameters
    ----------
    inputs, outputs : int
        Sizes of the matrix.
    terms : int
        Cosine and sine terms together.
    rank : int
        Of each term.
    """

    def __init__(self, inputs: int, outputs: int, terms: int, rank: int) -> None:
        super().__init__()
        self.rank = rank
        self.reads = nn.Parameter(torch.empty(terms * rank, inputs))
        self.writes = nn.Parameter(torch.empty(terms * rank, outputs))

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:
        """Draw ``V`` from N(0, 1 / inputs), and set ``U`` to zero."""
        draw_normal(self.reads, self.reads.shape[1] ** -0.5, generator)
        self.writes.zero_()

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return what is added to the output.

        Parameters
        ----------
        x : Tensor
            ``(B, T, inputs)``.
        weights : Tensor
            The weight of each term, broadcast to ``(B, T, terms)``.
        """
        read = functional.linear(x, self.reads) * weights.repeat_interleave(self.rank, dim=-1)
        return read @ self.writes

    def delta(self, weights: Tensor) -> Tensor:
        """Return ``sum_i w_i U_i V_i^T``, ``(outputs, inputs)``, for weights ``(terms,)``."""
        return (self.writes * weights.repeat_interleave(self.rank)[:, None]).T @ self.reads


class Bank(nn.Module):
    """Directions, and the pairs of some matrices, shared by all layers.

    Parameters
    ----------
    dim : int
        Inputs of every matrix.
    outputs : mapping of str to int
        Outputs of each matrix that is modulated.
    layers : int
        Layers that share the bank; if there are several, each has a gain for every matrix and term.
    coordinates, pairs, rank : int
        Size of ``theta``, pairs of a cosine and a sine, rank of each term.
    scale : float
        Factor ``s`` on the phases.
    gated : bool
        Whether each term is also multiplied by ``sigmoid(w.x + b)`` of the input of the matrix at the same position;
        gates start at one half.

    Notes
    -----
    Directions are drawn from N(0, 1 / coordinates); with ``|theta| = sqrt(coordinates)`` phases are about N(0, s²).
    """

    def __init__(
        self,
        dim: int,
        outputs: Mapping[str, int],
        layers: int,
        *,
        coordinates: int,
        pairs: int,
        rank: int,
        scale: float = 1.0,
        gated: bool = False,
    ) -> None:
        super().__init__()
        self.layers, self.scale = layers, scale
        self.directions = nn.Parameter(torch.empty(pairs, coordinates))
        self.pairs = nn.ModuleDict({name: Pairs(dim, size, 2 * pairs, rank) for name, size in outputs.items()})
        several = layers > 1
        self.gains = nn.Parameter(torch.empty(layers, len(outputs), 2 * pairs)) if several else None
        gates = {name: Linear(dim, pairs, gain=0.0, bias=True) for name in outputs} if gated else None
        self.gates = nn.ModuleDict(gates) if gates else None

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:
        """Draw the directions, and set the gains to 1."""
        draw_normal(self.directions, self.directions.shape[1] ** -0.5, generator)
        if self.gains is not None:
            self.gains.fill_(1.0)

    def phases(self, theta: Tensor) -> Tensor:
        """Return ``s theta.c_i`` for each direction: ``(..., coordinates)`` becomes ``(..., pairs)``."""
        return self.scale * functional.linear(theta, self.directions)

    def terms(self, theta: Tensor) -> Tensor:
        """Return the cosines of the phases, then their sines: ``(..., 2 pairs)``."""
        phases = self.phases(theta)
        return torch.cat((phases.cos(), phases.sin()), dim=-1)

    def added(self, theta: Tensor) -> list[Added]:
        """Return, for each layer, what is added to its matrices at ``theta``, broadcast to ``(B, T, coordinates)``."""
        terms = self.terms(theta)
        return [
            {name: self._function(name, self._weights(terms, layer, name)) for name in self.pairs}
            for layer in range(self.layers)
        ]

    def deltas(self, theta: Tensor) -> list[Deltas]:
        """Return, for each layer, what is added to the weights of its matrices at one ``theta``, ``(coordinates,)``."""
        terms = self.terms(theta)
        return [
            {name: self.pairs[name].delta(self._weights(terms, layer, name)) for name in self.pairs}
            for layer in range(self.layers)
        ]

    def _weights(self, terms: Tensor, layer: int, name: str) -> Tensor:
        return terms if self.gains is None else terms * self.gains[layer, list(self.pairs).index(name)]

    def _function(self, name: str, weights: Tensor) -> Callable[[Tensor], Tensor]:
        return (
            partial(_gated, self.gates[name], self.pairs[name], weights)
            if self.gates is not None
            else partial(_plain, self.pairs[name], weights)
        )


def _plain(pairs: Pairs, weights: Tensor, x: Tensor) -> Tensor:
    added: Tensor = pairs(x, weights)
    return added


def _gated(gate: nn.Linear, pairs: Pairs, weights: Tensor, x: Tensor) -> Tensor:
    added: Tensor = pairs(x, weights * torch.sigmoid(gate(x)).repeat(1, 1, 2))
    return added


class Predictor(nn.Module):
    """Predicts coordinates from what was read so far: ``theta = sqrt(C) l2norm(W_o h)``, ``h = gelu(W_in context)``.

    Parameters
    ----------
    dim, hidden, coordinates : int
        Sizes.
    depth : int
        Residual blocks ``h + gelu(W norm(h))`` in between; they share one norm.
    """

    def __init__(self, dim: int, hidden: int, coordinates: int, depth: int = 0) -> None:
        super().__init__()
        self.inner, self.outer = Linear(dim, hidden, bias=True), Linear(hidden, coordinates, bias=True)
        self.middle = nn.ModuleList(Linear(hidden, hidden, bias=True) for _ in range(depth))
        self.norm = nn.LayerNorm(hidden) if depth else None

    def forward(self, context: Tensor) -> Tensor:
        """Return coordinates ``(..., coordinates)`` of norm ``sqrt(coordinates)`` for contexts ``(..., dim)``."""
        state = functional.gelu(self.inner(context))
        for each in self.middle:
            assert self.norm is not None
            state = state + functional.gelu(each(self.norm(state)))
        out: Tensor = self.outer(state)
        return out.shape[-1] ** 0.5 * functional.normalize(out, dim=-1)


class Constant(nn.Module):
    """One learned coordinate for every text, in place of a `Predictor`: what the bank does without any coordinate.

    Parameters
    ----------
    coordinates : int
        Size.
    """

    def __init__(self, coordinates: int) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.empty(coordinates))

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:
        """Draw the coordinate from N(0, 1)."""
        draw_normal(self.theta, 1.0, generator)

    def forward(self, context: Tensor) -> Tensor:
        """Return the coordinate for each context ``(..., dim)``."""
        return self.theta.expand(*context.shape[:-1], -1)
