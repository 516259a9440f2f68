"""A plain decoder of text: pre-norm blocks of grouped-query attention and SwiGLU, with a tied head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from brainsim._arguments import check_record
from brainsim._validation import count, real
from brainsim.errors import DeclarationError
from brainsim.networks.transformer.blocks import (
    Added,
    Attention,
    Embedding,
    KVCache,
    Linear,
    RMSNorm,
    Rotation,
    SwiGLU,
    initialise,
    rope,
)


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of a decoder.

    Parameters
    ----------
    vocabulary : int
        Tokens.
    dim : int
        Size of the residual stream.
    layers : int
        Blocks.
    heads, kv_heads : int
        Query heads, and key and value heads.
    hidden : int
        Hidden size of the feed-forward part.
    head_dim : int, optional
        Size of a head; ``dim // heads`` if not given.
    rope_base : float
        Of the rotary positions.
    context : int
        Longest sequence, in tokens.
    tied : bool
        Whether the token embedding is also the head.

    Raises
    ------
    DeclarationError
        If sizes do not fit each other.

    Examples
    --------
    >>> from brainsim.networks.transformer import TransformerConfig
    >>> TransformerConfig(vocabulary=65, dim=64, layers=2, heads=4, kv_heads=2, hidden=172).width
    16
    """

    vocabulary: int
    dim: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int
    head_dim: int | None = None
    rope_base: float = 500_000.0
    context: int = 512
    tied: bool = True

    def __post_init__(self) -> None:
        check_record(self)
        for name in ("vocabulary", "dim", "layers", "heads", "kv_heads", "hidden", "context"):
            object.__setattr__(self, name, count(f"TransformerConfig.{name}", getattr(self, name), 1))
        real("TransformerConfig.rope_base", self.rope_base, 1.0, 1e12)
        if self.heads % self.kv_heads:
            allowed = f"a multiple of kv_heads = {self.kv_heads}"
            raise DeclarationError(where="TransformerConfig.heads", value=self.heads, allowed=allowed)
        if self.head_dim is None and self.dim % self.heads:
            allowed = f"a multiple of heads = {self.heads}"
            cure = "or give head_dim"
            raise DeclarationError(where="TransformerConfig.dim", value=self.dim, allowed=allowed, cure=cure)
        if self.width < 1 or self.width % 2:
            allowed = "even, since rotary positions turn pairs"
            raise DeclarationError(where="TransformerConfig.head_dim", value=self.width, allowed=allowed)

    @property
    def width(self) -> int:
        """Size of a head."""
        return self.dim // self.heads if self.head_dim is None else self.head_dim

    @property
    def outputs(self) -> dict[str, int]:
        """Outputs of the matrices that a modulation can change: queries, keys, values and gate."""
        pairs = self.kv_heads * self.width
        return {"q": self.heads * self.width, "k": pairs, "v": pairs, "gate": self.hidden}


class Block(nn.Module):
    """``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``.

    Parameters
    ----------
    config : TransformerConfig
        Sizes.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        gain = (2 * config.layers) ** -0.5  # the residual stream sums 2 outputs a layer
        self.attention_norm, self.feed_forward_norm = RMSNorm(config.dim), RMSNorm(config.dim)
        self.attention = Attention(config.dim, config.heads, config.kv_heads, config.width, gain)
        self.feed_forward = SwiGLU(config.dim, config.hidden, gain)

    def forward(
        self, x: Tensor, rotation: Rotation, added: Added | None = None, cache: tuple[KVCache, int] | None = None
    ) -> Tensor:
        """Return the residual stream ``(B, T, dim)`` after this block; see `Attention.forward`."""
        x = x + self.attention(self.attention_norm(x), rotation, added, cache)
        mixed: Tensor = x + self.feed_forward(self.feed_forward_norm(x), added)
        return mixed


class Transformer(nn.Module):
    """A decoder: token embedding, blocks, a last norm, and the embedding as the head.

    Parameters
    ----------
    config : TransformerConfig
        Sizes.
    seed : int
        Seed of the weights.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.transformer import Transformer, TransformerConfig
    >>> model = Transformer(TransformerConfig(vocabulary=65, dim=64, layers=2, heads=4, kv_heads=2, hidden=172))
    >>> tuple(model(torch.zeros(1, 5, dtype=torch.long)).shape)
    (1, 5, 65)
    """

    def __init__(self, config: TransformerConfig, seed: int = 0) -> None:
        super().__init__()
        self.config, self.checkpointing = config, False
        self.embedding = Embedding(config.vocabulary, config.dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.dim)
        self.head = None if config.tied else Linear(config.dim, config.vocabulary)
        initialise(self, seed)

    def forward(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        """Return the logits of the next token, ``(B, T, vocabulary)``; see `hidden`."""
        return self.logits(self.hidden(tokens, cache))

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits of hidden states: ``(..., dim)`` becomes ``(..., vocabulary)``."""
        found: Tensor = self.embedding.logits(hidden) if self.head is None else self.head(hidden)
        return found

    def hidden(self, tokens: Tensor, cache: KVCache | None = None, added: Sequence[Added] | None = None) -> Tensor:
        """Return the normalised last hidden states, ``(B, T, dim)``.

        Parameters
        ----------
        tokens : Tensor
            ``(B, T)`` of int64.
        cache : KVCache, optional
            Earlier positions, which ``tokens`` continue; it is extended.
        added : sequence of mapping, optional
            For each layer, what is added to its matrices.
        """
        begins = cache.length if cache is not None else 0
        positions = torch.arange(begins, begins + tokens.shape[1], device=tokens.device)
        rotation = rope(positions, self.config.width, self.config.rope_base)
        x = self.embedding(tokens)
        for layer, block in enumerate(self.blocks):
            own = added[layer] if added is not None else None
            place = (cache, layer) if cache is not None else None
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, rotation, own, place, use_reentrant=False)
            else:
                x = block(x, rotation, own, place)
        last: Tensor = self.norm(x)
        return last

    def cache(self) -> KVCache:
        """Return an empty cache."""
        return KVCache(self.config.layers)
