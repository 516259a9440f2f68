"""A thalamus that relays tokens and chooses which positions the cortex reads, and attention that reads only these."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from brainsim.networks.nokai.routed_cache import Held, RoutedCache
from brainsim.networks.nokai.routing import BY_DISTANCE, Arm, routed_attention
from brainsim.networks.transformer.blocks import Linear, Rotation, draw_normal, rotate


class Affine(nn.Linear):
    """A matrix with a bias, ``y = x Wᵀ + b``.

    Parameters
    ----------
    inputs, outputs : int
        Sizes; the weight has the shape ``(outputs, inputs)``.
    """

    def reset_parameters(self) -> None:
        """Do nothing: `brainsim.networks.transformer.blocks.initialise` draws the weights."""

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:
        """Draw the weights from N(0, 1 / inputs); the bias starts at 0."""
        draw_normal(self.weight, self.in_features**-0.5, generator)
        self.bias.zero_()


def two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Return a network with one hidden layer (GELU) and biases."""
    return nn.Sequential(Affine(inputs, hidden), nn.GELU(), Affine(hidden, outputs))


class Thalamus(nn.Module):
    """A relay of its input, and the gate of every layer of the cortex.

    Parameters
    ----------
    dim : int
        Size of the residual stream.
    hidden : int
        Hidden size of the gate.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate, self.relay = two_layers(dim, hidden, 1), Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return the input ``(B, T, dim)`` plus the relay's output, multiplied by the gate."""
        passed: Tensor = x + self.log_gate(x).exp().unsqueeze(-1) * self.relay(x)
        return passed

    def log_gate(self, x: Tensor) -> Tensor:
        """Return log g of each position, ``(B, T)``; always finite."""
        return functional.logsigmoid(self.gate(x).squeeze(-1))


class RoutedAttention(nn.Module):
    """Self-attention over the positions that a thalamus has chosen, with rotary positions.

    Parameters
    ----------
    dim, heads : int
        Size of the residual stream, and heads of ``dim // heads``.
    reads : int
        Positions that a query reads.
    arm : str
        What ranks positions; one of `brainsim.networks.nokai.routing.ARMS`.
    recency : float
        Initial λ, above 0.
    learn_recency : bool
        Whether λ, for arms that have one, is a parameter (its logarithm is learned) or constant.
    gain : float
        Of the output matrix; see `brainsim.networks.transformer.blocks.Linear`.
    """

    def __init__(
        self, dim: int, heads: int, reads: int, arm: Arm, recency: float, learn_recency: bool, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.heads, self.reads, self.arm, self.start = heads, reads, arm, recency
        self.q, self.k, self.v = (Linear(dim, dim) for _ in range(3))
        self.o = Linear(dim, dim, gain)
        learns = learn_recency and arm in BY_DISTANCE  # λ of another arm would get no gradient
        self.log_recency = nn.Parameter(torch.empty(1)) if learns else None

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:  # noqa: ARG002 - nothing is random here
        """Set λ to its declared initial value."""
        if self.log_recency is not None:
            self.log_recency.fill_(self.start).log_()

    @property
    def recency(self) -> float | Tensor:
        """λ."""
        return self.start if self.log_recency is None else self.log_recency.exp()

    def forward(
        self,
        x: Tensor,
        log_gate: Tensor,
        rotation: Rotation,
        cache: tuple[RoutedCache, int] | None = None,
        reads: int | None = None,
    ) -> Tensor:
        """Return ``(B, T, dim)`` for ``x`` of that shape.

        Parameters
        ----------
        x : Tensor
            Normalised residual stream.
        log_gate : Tensor
            log g of each position, ``(B, T)``.
        rotation : tuple of Tensor
            `brainsim.networks.transformer.blocks.rope` of the positions.
        cache : tuple of RoutedCache and int, optional
            The cache with earlier positions, and the layer.
        reads : int, optional
            Positions that a query reads, instead of the declared number.
        """
        queries, keys, values = (self._heads(matrix(x)) for matrix in (self.q, self.k, self.v))
        queries, keys = rotate(queries, rotation), rotate(keys, rotation)
        how = _How(self.reads if reads is None else reads, self.arm, self.recency)
        if cache is None:
            mixed = how.attended(queries, keys, values, log_gate)
        else:
            mixed = how.continued(queries, keys, values, log_gate, *cache)
        out: Tensor = self.o(mixed.transpose(1, 2).flatten(2))
        return out

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class _How:
    """How many positions a query reads, and what ranks them."""

    def __init__(self, reads: int, arm: Arm, recency: float | Tensor) -> None:
        self.reads, self.arm, self.recency = reads, arm, recency

    def attended(self, query: Tensor, key: Tensor, value: Tensor, log_gate: Tensor) -> Tensor:
        return routed_attention(query, key, value, log_gate, k=self.reads, arm=self.arm, recency=self.recency)

    def continued(
        self, query: Tensor, key: Tensor, value: Tensor, log_gate: Tensor, cache: RoutedCache, layer: int
    ) -> Tensor:
        """Attend to the positions in the cache, too, and keep those that later queries can read."""
        position = torch.arange(cache.length, cache.length + key.shape[2], device=key.device).expand_as(log_gate)
        new, held = Held(key, value, log_gate, position), cache.held(layer)
        if held is None:
            cache.keep(layer, new.best(self.reads, self.arm, self.recency))
            return self.attended(query, key, value, log_gate)
        found = []
        for at in range(query.shape[2]):
            one = new.at(position.new_full((len(position), 1), at))
            held = held.then(one).best(self.reads, self.arm, self.recency)
            found.append(held.read(query[:, :, at : at + 1], self.arm, self.recency))
        cache.keep(layer, held)
        return torch.cat(found, 2)
