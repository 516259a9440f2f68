"""The part of a cascade that is trained by gradient: attention and feed-forward layers between cascade layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from brainsim.models.cascade.design import Cascade
from brainsim.networks.transformer.blocks import Attention, Linear, Rotation, initialise, rope

Maps = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float32] | None]
"""Returns the matrices, ``(nodes, dim, dim)``, by which a cascade layer multiplies the vectors of nodes."""

_ROPE_BASE = 10_000.0


class FeedForward(nn.Module):
    """``W_2 gelu(W_1 x)``, without biases; ``W_2`` starts at 0.

    Parameters
    ----------
    dim, hidden : int
        Sizes.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.enter, self.leave = Linear(dim, hidden), Linear(hidden, dim, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(..., dim)`` for ``x`` of that shape."""
        found: Tensor = self.leave(functional.gelu(self.enter(x)))
        return found


class CascadeNetwork(nn.Module):
    """Predicts the next word from the vectors of the words so far, after the cascade and the trained layers.

    Each word of a sequence has its own vector, which starts as that of its node.  A cascade layer multiplies it by the
    matrix of the node, whose neighbours keep their first vectors; therefore no word depends on the words after it.  A
    feed-forward layer and, after some layers, causal attention follow.  Each adds to the vector, which is scaled to
    norm 1.  Output matrices start at 0, so that an untrained network changes nothing.

    Parameters
    ----------
    cascade : Cascade
        The sizes.
    vectors : float32 array, shape (n, dim)
        First vectors of the nodes, unit rows.
    maps : callable
        A function that returns the matrices of nodes, or ``None`` if the layers change nothing.
    seed : int
        Seed of the initial parameters.
    """

    def __init__(self, cascade: Cascade, vectors: npt.NDArray[np.float32], maps: Maps, seed: int = 0) -> None:
        super().__init__()
        self.cascade, self._maps = cascade, maps
        heads, dim = cascade.heads, cascade.dim
        self.attention = nn.ModuleDict(
            {str(layer): Attention(dim, heads, heads, cascade.head_dim, gain=0.0) for layer in cascade.attention_layers}
        )
        self.feed_forward = nn.ModuleList(FeedForward(dim, cascade.hidden) for _ in range(cascade.layers))
        self.register_buffer("vectors", torch.from_numpy(np.array(vectors, np.float32)), persistent=False)
        initialise(self, seed)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits ``(B, T, n)`` of the word that follows each place of ``tokens``, ``(B, T)``."""
        sums = self.states(tokens).cumsum(dim=1)  # of the words so far; their mean has the same direction
        context = functional.normalize(sums, dim=-1)
        return context @ self.vectors.T / self.cascade.tau

    def states(self, tokens: Tensor) -> Tensor:
        """Return the vectors ``(B, T, dim)`` of the words after all layers."""
        first = self.vectors[tokens]
        nodes, inverse = torch.unique(tokens, return_inverse=True)
        found = self._maps(nodes.cpu().numpy())
        maps = None if found is None else torch.from_numpy(found).to(first.device)[inverse]
        rotation, state = self.rotation(tokens.shape[1]), first
        for layer in range(1, self.cascade.layers + 1):
            if maps is not None:
                state = self._cascaded(state, maps, first)
            state = self.after(layer, state, rotation)
        return state

    def rotation(self, length: int) -> Rotation:
        """Return the rotary positions of a sequence."""
        return rope(torch.arange(length, device=self.vectors.device), self.cascade.head_dim, _ROPE_BASE)

    def after(self, layer: int, state: Tensor, rotation: Rotation) -> Tensor:
        """Return vectors ``(B, T, dim)`` after the trained layers that follow a cascade layer (numbered from 1)."""
        # Initial matrices assume inputs whose components have mean square 1, so unit vectors are scaled up for them.
        wide = self.cascade.dim**0.5
        state = functional.normalize(state + self.feed_forward[layer - 1](state * wide), dim=-1)
        if str(layer) in self.attention:
            state = functional.normalize(state + self.attention[str(layer)](state * wide, rotation), dim=-1)
        return state

    def _cascaded(self, state: Tensor, maps: Tensor, first: Tensor) -> Tensor:
        keep, anchor = self.cascade.keep, self.cascade.anchor
        heard = (maps @ state[..., None])[..., 0]
        moved = keep * state + (1 - keep) * heard
        return functional.normalize((1 - anchor) * moved + anchor * first, dim=-1)

    @torch.no_grad()
    def act(self, layer: int, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the vectors of one text, shape (T, dim), after the trained layers that follow a cascade layer."""
        state = torch.from_numpy(np.array(rows))[None].to(self.vectors.device)
        found: npt.NDArray[np.float32] = self.after(layer, state, self.rotation(len(rows)))[0].cpu().numpy()
        return found
