"""Parts of decoders: RMSNorm, rotary positions, grouped-query attention with a cache, SwiGLU, a tied head.

A part whose weights are drawn has a method ``fill(generator)``; `initialise` calls it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

Added = Mapping[str, Callable[[Tensor], Tensor]]
"""The values added to the outputs of the matrices ``q``, ``k``, ``v`` and ``gate`` of a block, given their input."""

Rotation = tuple[Tensor, Tensor]


def initialise(module: nn.Module, seed: int) -> None:
    """Draw the weights of a module, each from its own generator.

    The generator of a part depends only on the seed and the name of the part, so that adding a part changes no other.
    Weights have the same bits on every device; see `draw_normal`.

    Parameters
    ----------
    module : torch.nn.Module
        Its parts that have a method ``fill(generator)`` draw their weights; the others do not change.
    seed : int
        Seed of the weights.
    """
    for name, part in module.named_modules():
        if hasattr(part, "fill"):
            part.fill(generator_of(seed, name))


def generator_of(seed: int, name: str) -> torch.Generator:
    """Return a generator on the CPU whose state follows from a seed and a name."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return torch.Generator(device="cpu").manual_seed(int.from_bytes(digest, "little") >> 1)


def draw_normal(weight: Tensor, deviation: float, generator: torch.Generator) -> None:
    """Draw a weight from N(0, deviation²) with a generator on the CPU: the same bits on every device.

    A weight on another device is drawn on the CPU and copied, one weight at a time, so that no second model is held.
    """
    if weight.device.type in ("cpu", "meta"):
        weight.normal_(0.0, deviation, generator=generator)
    else:
        drawn = torch.empty(weight.shape, dtype=weight.dtype, device="cpu")
        weight.copy_(drawn.normal_(0.0, deviation, generator=generator))


class Linear(nn.Linear):
    """A matrix, ``y = x Wᵀ``, or ``x Wᵀ + b``.

    Parameters
    ----------
    inputs, outputs : int
        Sizes; the weight has the shape ``(outputs, inputs)``.
    gain : float
        Weights are drawn from N(0, gain² / inputs).
    bias : bool
        Whether there is a bias, which starts at zero.
    """

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0, *, bias: bool = False) -> None:
        self.gain = gain
        super().__init__(inputs, outputs, bias=bias)

    def reset_parameters(self) -> None:
        """Do nothing: `initialise` draws the weights, and PyTorch's own generator does not change."""

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:
        """Draw the weights."""
        draw_normal(self.weight, self.gain * self.in_features**-0.5, generator)
        if self.bias is not None:
            self.bias.zero_()


class Embedding(nn.Embedding):
    """Vectors of tokens, drawn from N(0, 0.02²); `logits` reads them as the tied head.

    Parameters
    ----------
    vocabulary, dim : int
        Sizes; the weight has the shape ``(vocabulary, dim)``.
    """

    def __init__(self, vocabulary: int, dim: int) -> None:
        super().__init__(vocabulary, dim)

    def reset_parameters(self) -> None:
        """Leave the weights alone: `initialise` draws them."""

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:
        """Draw the vectors."""
        draw_normal(self.weight, 0.02, generator)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return ``hidden @ weightᵀ``: ``(..., dim)`` becomes ``(..., vocabulary)``."""
        return functional.linear(hidden, self.weight)


class RMSNorm(nn.Module):
    """Divide by the root of the mean square and scale: ``x / rms(x) * weight`` (Zhang & Sennrich 2019).

    Parameters
    ----------
    dim : int
        Size of the last axis.
    eps : float
        Added to the mean square.
    """

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.empty(dim)), eps

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:  # noqa: ARG002 - nothing is random here
        """Start with a scale of 1."""
        self.weight.fill_(1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` of any shape ``(..., dim)`` normalised; the mean square is taken in float32 at least."""
        wide = x if x.dtype == torch.float64 else x.float()
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (wide * scale).to(x.dtype) * self.weight


def rope(positions: Tensor, head_dim: int, base: float) -> Rotation:
    """Return cosines and sines of rotary positions (Su et al. 2021), each ``(T, head_dim)``, in float32.

    Parameters
    ----------
    positions : Tensor
        ``(T,)`` absolute positions; with a cache they continue where the cache ends.
    head_dim : int
        Size of a head; even.
    base : float
        Pair ``i`` turns by ``base ** (-2 i / head_dim)`` from one position to the next.
    """
    pairs = torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32)
    angles = positions.float()[:, None] * base ** (-pairs / head_dim)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """Turn queries or keys ``(..., T, head_dim)`` by their positions; halves of a head make the pairs."""
    cosines, sines = (each.to(x.dtype) for each in rotation)
    first, second = x.chunk(2, dim=-1)
    return x * cosines + torch.cat((-second, first), dim=-1) * sines


class KVCache:
    """Keys and values of the positions that a decoder has seen, one pair of tensors for each layer.

    Parameters
    ----------
    layers : int
        Number of layers that write to it.

    Attributes
    ----------
    length : int
        Positions that are held by all layers.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.transformer.blocks import KVCache
    >>> cache = KVCache(layers=1)
    >>> keys, values = cache.extend(0, torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4))
    >>> cache.length, tuple(keys.shape)
    (3, (1, 2, 3, 4))
    """

    def __init__(self, layers: int) -> None:
        self._held: list[Rotation | None] = [None] * layers

    @property
    def length(self) -> int:
        """Positions held by the last layer, which is the last to be extended."""
        last = self._held[-1]
        return 0 if last is None else int(last[0].shape[2])

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> Rotation:
        """Append keys and values ``(B, kv_heads, T, head_dim)`` of a layer, and return all that it holds."""
        before = self._held[layer]
        if before is not None:
            keys, values = torch.cat((before[0], keys), dim=2), torch.cat((before[1], values), dim=2)
        self._held[layer] = (keys, values)
        return keys, values


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return causal softmax attention; the last query sees all keys, the one before all but the last, and so on.

    Parameters
    ----------
    queries : Tensor
        ``(B, heads, T, head_dim)``.
    keys, values : Tensor
        ``(B, kv_heads, S, head_dim)``, ``S >= T``; ``heads`` is a multiple of ``kv_heads`` (Ainslie et al. 2023).
    """
    groups, wanted, held = queries.shape[1] // keys.shape[1], queries.shape[2], keys.shape[2]
    if groups > 1:
        keys, values = keys.repeat_interleave(groups, dim=1), values.repeat_interleave(groups, dim=1)
    if wanted == held:
        return functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    mask = None
    if wanted > 1:
        mask = torch.ones(wanted, held, dtype=torch.bool, device=keys.device).tril(held - wanted)
    return functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)


class Attention(nn.Module):
    """Causal self-attention with grouped queries and rotary positions (GQA, RoPE).

    Parameters
    ----------
    dim : int
        Size of the residual stream.
    heads, kv_heads : int
        Query heads, and key and value heads; ``heads`` is a multiple of ``kv_heads``.
    head_dim : int
        Size of a head; ``dim // heads`` is usual.
    gain : float
        Of the output matrix; see `Linear`.
    """

    def __init__(self, dim: int, heads: int, kv_heads: int, head_dim: int, gain: float = 1.0) -> None:
        super().__init__()
        self.heads, self.kv_heads = heads, kv_heads
        self.q, self.o = Linear(dim, heads * head_dim), Linear(heads * head_dim, dim, gain)
        self.k, self.v = Linear(dim, kv_heads * head_dim), Linear(dim, kv_heads * head_dim)

    def forward(
        self, x: Tensor, rotation: Rotation, added: Added | None = None, cache: tuple[KVCache, int] | None = None
    ) -> Tensor:
        """Return ``(B, T, dim)`` for ``x`` of that shape.

        Parameters
        ----------
        x : Tensor
            Normalised residual stream.
        rotation : tuple of Tensor
            `rope` of the positions of ``x``.
        added : mapping of str to callable, optional
            Added to the queries, keys and values: ``{"q": f, ...}`` gives ``q(x) + f(x)``.
        cache : tuple of KVCache and int, optional
            The cache with keys and values of earlier positions, and the layer.
        """
        queries, keys, values = (self._heads(plus(getattr(self, name), name, x, added)) for name in "qkv")
        queries, keys = rotate(queries, rotation), rotate(keys, rotation)
        if cache is not None:
            keys, values = cache[0].extend(cache[1], keys, values)
        mixed: Tensor = self.o(attend(queries, keys, values).transpose(1, 2).flatten(2))
        return mixed

    def _heads(self, x: Tensor) -> Tensor:
        head_dim = self.q.out_features // self.heads
        return x.unflatten(-1, (-1, head_dim)).transpose(1, 2)


class SwiGLU(nn.Module):
    """``down(silu(gate(x)) * up(x))`` (Shazeer 2020).

    Parameters
    ----------
    dim, hidden : int
        Sizes of the residual stream and of the hidden layer.
    gain : float
        Of the output matrix; see `Linear`.
    """

    def __init__(self, dim: int, hidden: int, gain: float = 1.0) -> None:
        super().__init__()
        self.gate, self.up, self.down = Linear(dim, hidden), Linear(dim, hidden), Linear(hidden, dim, gain)

    def forward(self, x: Tensor, added: Added | None = None) -> Tensor:
        """Return ``(..., dim)``; ``added["gate"]`` is added to the gate before the non-linearity."""
        mixed: Tensor = self.down(functional.silu(plus(self.gate, "gate", x, added)) * self.up(x))
        return mixed


def plus(matrix: nn.Module, name: str, x: Tensor, added: Added | None) -> Tensor:
    """Return ``matrix(x)``, plus what is added to the matrix of that name, if anything is."""
    out: Tensor = matrix(x)
    return out + added[name](x) if added and name in added else out
