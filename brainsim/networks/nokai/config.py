"""Sizes of the model with thalamic routing."""

from __future__ import annotations

from dataclasses import dataclass, fields

from brainsim._arguments import check_record
from brainsim._validation import count, real
from brainsim.errors import DeclarationError, unknown
from brainsim.networks.nokai.routing import ARMS, BY_DISTANCE, Arm


@dataclass(frozen=True)
class NokaiConfig:
    """Sizes of a `brainsim.networks.nokai.Nokai`.  The defaults are those of `massive`.

    Parameters
    ----------
    vocab_size, embedding_dim, max_sequence_length : int
        Tokens, size of the residual stream, and longest sequence.
    num_columns : int
        Neurons of a cortical area in the graph of areas (`brainsim.networks.nokai.brain`); the network has none.
    num_attention_heads, num_layers, feedforward_dim : int
        Of the cortex.
    routing : str
        How positions are ranked: one of `brainsim.networks.nokai.routing.ARMS`.
    routing_k : int
        Positions that a query reads.  512 of 4096 leave out 87.5 %, within the described 85 to 90 %.
    recency : float
        λ, per position, above 0, at most 10.
    learn_recency : bool
        Whether each layer learns its λ, which adds one parameter to each layer of an arm that has one.
    gate_dim : int
        Hidden size of the thalamic gate.
    ca3_rank : int
        Rank of CA3 and CA1.
    limbic_dim : int
        Hidden size of the critic and of both pathways of the striatum.
    rope_base : float
        Of the rotary positions.

    Raises
    ------
    DeclarationError
        If a size is not an integer of at least 1, or sizes do not fit each other.

    Examples
    --------
    >>> from brainsim.networks.nokai.config import NokaiConfig
    >>> sum(NokaiConfig.massive().parameters().values())
    1810083106
    """

    vocab_size: int = 50_000
    embedding_dim: int = 2048
    max_sequence_length: int = 4096
    num_columns: int = 8192
    num_attention_heads: int = 32
    num_layers: int = 48
    feedforward_dim: int = 2964
    routing: Arm = "recency"
    routing_k: int = 512
    recency: float = 0.1
    learn_recency: bool = False
    gate_dim: int = 1024
    ca3_rank: int = 1408
    limbic_dim: int = 256
    rope_base: float = 500_000.0

    def __post_init__(self) -> None:
        if self.routing not in ARMS:
            where = "NokaiConfig.routing"
            raise DeclarationError(unknown("arm of routing", self.routing, ARMS), where=where, value=self.routing)
        check_record(self)
        for each in fields(self):
            if each.type == "int":
                object.__setattr__(self, each.name, count(f"NokaiConfig.{each.name}", getattr(self, each.name), 1))
        real("NokaiConfig.recency", self.recency, 1e-9, 10.0)
        real("NokaiConfig.rope_base", self.rope_base, 1.0, 1e12)
        if self.embedding_dim % (2 * self.num_attention_heads):
            allowed = f"a multiple of {2 * self.num_attention_heads}, so that each of the heads has an even size"
            raise DeclarationError(where="NokaiConfig.embedding_dim", value=self.embedding_dim, allowed=allowed)

    @classmethod
    def tiny(cls) -> NokaiConfig:
        """Return sizes for tests: 161,104 parameters."""
        return cls(512, 64, 256, 256, 4, 2, 172, "recency", 16, 0.1, True, 32, 44, 16)

    @classmethod
    def small(cls) -> NokaiConfig:
        """Return sizes for a laptop: 9,453,484 parameters."""
        return cls(8192, 320, 1024, 1280, 16, 6, 640, "recency", 64, 0.1, True, 160, 220, 40)

    @classmethod
    def massive(cls) -> NokaiConfig:
        """Return the described sizes: 1,810,083,106 parameters."""
        return cls()

    @property
    def head_dim(self) -> int:
        """Size of a head."""
        return self.embedding_dim // self.num_attention_heads

    @property
    def actions(self) -> int:
        """Actions of the striatum: three for each layer, 144 in `massive`."""
        return 3 * self.num_layers

    @property
    def layers(self) -> int:
        """Layers of the cortex, under the name that all networks use."""
        return self.num_layers

    @property
    def vocabulary(self) -> int:
        """Tokens, under the name that all networks use."""
        return self.vocab_size

    @property
    def context(self) -> int:
        """Longest sequence, under the name that all networks use."""
        return self.max_sequence_length

    def parameters(self) -> dict[str, int]:
        """Return the number of parameters of each part, computed from the sizes; tests compare it with the model.

        In `massive`: 50,000 · 2048 of the embedding; 48 layers of 4d² + 3·d·2964 + 4d (two norms with scale and shift);
        a hippocampus of 2d² + 4·d·1408; a thalamus with a gate 2048-1024-1 and a relay d²; and a limbic part of
        1,647,905: a critic 2048-256-1 and two pathways 2048-256-144.
        """
        d, h, a = self.embedding_dim, self.limbic_dim, self.actions
        layer = 4 * d * d + 3 * d * self.feedforward_dim + 4 * d + (self.learn_recency and self.routing in BY_DISTANCE)
        return {
            "embedding": self.vocab_size * d,
            "cortex": self.num_layers * layer,
            "hippocampus": 2 * d * d + 4 * d * self.ca3_rank,
            "thalamus": (d + 1) * self.gate_dim + self.gate_dim + 1 + d * d,
            "limbic": (d + 1) * h + h + 1 + 2 * ((d + 1) * h + (h + 1) * a),
        }
