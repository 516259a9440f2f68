"""A language model with thalamic routing in place of self-attention, a hippocampal completion and a limbic part.

The sizes follow a published description of a model of 1.8 billion parameters; `NokaiConfig.massive` has exactly
1,810,083,106.  The episodic memory is separate: `brainsim.networks.memory` connects a brain's hippocampus to the hidden
states that `Nokai.hidden` returns.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from brainsim.errors import DeclarationError
from brainsim.networks.nokai.config import NokaiConfig
from brainsim.networks.nokai.limbic import Appraisal, Limbic
from brainsim.networks.nokai.routed_cache import RoutedCache
from brainsim.networks.nokai.thalamus import RoutedAttention, Thalamus
from brainsim.networks.transformer.blocks import Embedding, Linear, Rotation, SwiGLU, initialise, rope

__all__ = ["CortexLayer", "HippocampalCompletion", "LayerNorm", "Nokai", "NokaiConfig"]


class LayerNorm(nn.LayerNorm):
    """Layer normalisation with a scale and a shift (Ba, Kiros & Hinton 2016).

    Parameters
    ----------
    dim : int
        Size of the last axis.
    """

    @torch.no_grad()
    def fill(self, generator: torch.Generator) -> None:  # noqa: ARG002 - nothing is random here
        """Start with a scale of 1 and a shift of 0."""
        self.weight.fill_(1.0)
        self.bias.zero_()


class CortexLayer(nn.Module):
    """``x + routed_attention(norm(x))``, then ``x + feed_forward(norm(x))``.

    Parameters
    ----------
    config : NokaiConfig
        Sizes.
    """

    def __init__(self, config: NokaiConfig) -> None:
        super().__init__()
        dim, gain = config.embedding_dim, (2 * config.num_layers) ** -0.5  # the residual stream sums 2 outputs a layer
        self.attention_norm, self.feed_forward_norm = LayerNorm(dim), LayerNorm(dim)
        self.attention = RoutedAttention(
            dim,
            config.num_attention_heads,
            config.routing_k,
            config.routing,
            config.recency,
            config.learn_recency,
            gain,
        )
        self.feed_forward = SwiGLU(dim, config.feedforward_dim, gain)

    def forward(
        self,
        x: Tensor,
        thalamus: Thalamus,
        rotation: Rotation,
        cache: tuple[RoutedCache, int] | None = None,
        reads: int | None = None,
    ) -> Tensor:
        """Return the residual stream ``(B, T, dim)`` after this layer; see `RoutedAttention.forward`."""
        normed = self.attention_norm(x)
        x = x + self.attention(normed, thalamus.log_gate(normed), rotation, cache, reads)
        mixed: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return mixed


class HippocampalCompletion(nn.Module):
    """The trained part of the hippocampus: a key, completion by low-rank CA3 and CA1, and a value that is added.

    ``x + value(ca1(ca3(key(x))))``, where ``ca(y) = y + up(silu(down(y)))``.  The value starts at 0, so that an
    untrained completion changes nothing.

    Parameters
    ----------
    dim : int
        Size of the residual stream.
    rank : int
        Of CA3 and CA1.
    """

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.key, self.value = Linear(dim, dim), Linear(dim, dim, gain=0.0)
        self.ca3, self.ca1 = (
            nn.Sequential(Linear(dim, rank), nn.SiLU(), Linear(rank, dim, gain=0.5)) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(..., dim)`` for ``x`` of that shape."""
        cue = self.key(x)
        cue = cue + self.ca3(cue)
        added: Tensor = x + self.value(cue + self.ca1(cue))
        return added


class Nokai(nn.Module):
    """The model: token embedding, thalamus, cortex, hippocampal completion, limbic part; the embedding is the head.

    Parameters
    ----------
    config : NokaiConfig
        Sizes.
    seed : int
        Seed of the weights.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.nokai import Nokai, NokaiConfig
    >>> model = Nokai(NokaiConfig.tiny())
    >>> tuple(model(torch.zeros(1, 5, dtype=torch.long)).shape)
    (1, 5, 512)
    """

    def __init__(self, config: NokaiConfig, seed: int = 0) -> None:
        super().__init__()
        self.config, self.checkpointing = config, False
        dim = config.embedding_dim
        self.embedding = Embedding(config.vocab_size, dim)
        self.cortex = nn.ModuleList(CortexLayer(config) for _ in range(config.num_layers))
        self.hippocampus = HippocampalCompletion(dim, config.ca3_rank)
        self.thalamus = Thalamus(dim, config.gate_dim)
        self.limbic = Limbic(dim, config.limbic_dim, config.actions)
        initialise(self, seed)

    def forward(self, tokens: Tensor, cache: RoutedCache | None = None) -> Tensor:
        """Return the logits of the next token, ``(B, T, vocab_size)``; see `hidden`."""
        return self.logits(self.hidden(tokens, cache))

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits of hidden states: ``(..., embedding_dim)`` becomes ``(..., vocab_size)``."""
        return self.embedding.logits(hidden)

    def hidden(self, tokens: Tensor, cache: RoutedCache | None = None, reads: Sequence[int] | None = None) -> Tensor:
        """Return the last hidden states, ``(B, T, embedding_dim)``, which `logits` reads.

        Parameters
        ----------
        tokens : Tensor
            ``(B, T)`` of int64.
        cache : RoutedCache, optional
            Earlier positions, which ``tokens`` continue; it is extended.
        reads : sequence of int, optional
            For each layer, how many positions a query reads; see `chosen_reads`.

        Raises
        ------
        DeclarationError
            If ``reads`` does not have one number for each layer.
        """
        if reads is not None and len(reads) != len(self.cortex):
            allowed = f"one number for each of {len(self.cortex)} layers"
            raise DeclarationError(where="Nokai.hidden.reads", value=reads, allowed=allowed)
        begins = cache.length if cache is not None else 0
        positions = torch.arange(begins, begins + tokens.shape[1], device=tokens.device)
        rotation = rope(positions, self.config.head_dim, self.config.rope_base)
        x = self.thalamus(self.embedding(tokens))
        for at, layer in enumerate(self.cortex):
            place, width = (cache, at) if cache is not None else None, reads[at] if reads is not None else None
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(layer, x, self.thalamus, rotation, place, width, use_reentrant=False)
            else:
                x = layer(x, self.thalamus, rotation, place, width)
        if cache is not None:
            cache.length = begins + tokens.shape[1]
        last: Tensor = functional.layer_norm(self.hippocampus(x), x.shape[-1:])
        return last

    def cache(self) -> RoutedCache:
        """Return an empty cache."""
        return RoutedCache(len(self.cortex))

    def appraise(self, hidden: Tensor) -> Appraisal:
        """Return the output of the limbic part for hidden states, which get no gradient from it."""
        seen: Appraisal = self.limbic(hidden)
        return seen

    def chosen_reads(self, hidden: Tensor, dopamine: float = 0.5) -> list[int]:
        """Return for each layer how many positions a query reads: half, once or twice the declared number.

        The striatum's preferences are averaged over all positions of ``hidden``; ties go to the number declared.
        """
        preference = self.appraise(hidden).preference(dopamine).flatten(0, -2).mean(0).unflatten(0, (-1, 3))
        factors = (1.0, 0.5, 2.0)
        k = self.config.routing_k
        return [max(1, int(k * factors[at])) for at in preference.argmax(-1).tolist()]
