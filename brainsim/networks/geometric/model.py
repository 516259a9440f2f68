"""A decoder of text whose weights are modulated by a point in a space of coordinates.

The point ``theta`` is predicted from the text so far, or given.  At a fixed ``theta`` the model is a plain transformer,
which `Geometric.merge` returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from brainsim._arguments import check_record
from brainsim._validation import count, real
from brainsim.errors import DeclarationError
from brainsim.networks.geometric.context import Running, moving_average, prefix_mean
from brainsim.networks.geometric.modulation import Bank, Constant, Deltas, Predictor
from brainsim.networks.recipe import Recipe
from brainsim.networks.transformer import Transformer, TransformerConfig
from brainsim.networks.transformer.blocks import Added, KVCache, initialise

MODULATED = ("q", "k", "v", "gate")


@dataclass(frozen=True)
class GeometricConfig:
    """Sizes of a modulated decoder.

    Parameters
    ----------
    base : TransformerConfig
        The transformer whose weights are modulated.
    coordinates : int
        Size of ``theta``.
    pairs, rank : int
        Cosine and sine pairs of each matrix, and their rank.
    predictor : int
        Hidden size of the predictor.
    depth : int
        Residual blocks of the predictor.
    banks : str
        ``"shared"``: one bank for all layers, with gains.  ``"own"``: separate directions and pairs for every matrix.
    gate_pairs : int, optional
        Pairs of the feed-forward gate, if not ``pairs``; only with ``banks="own"``.
    gated : bool
        Whether terms have input gates; see `Bank`.
    scale : float
        Of the phases.
    reads : str
        What the predictor reads: ``"mean"`` of the embeddings of all tokens so far, or their moving average, ``"ema"``;
        with ``"nothing"``, one learned coordinate replaces the prediction (a control).
    keep : float
        Of the moving averages.
    drive : str
        What modulates: ``"token"``, the prediction at each position, or ``"context"``, its moving average.

    Raises
    ------
    DeclarationError
        If a value is out of its range.
    """

    base: TransformerConfig
    coordinates: int
    pairs: int
    rank: int
    predictor: int
    depth: int = 0
    banks: Literal["shared", "own"] = "shared"
    gate_pairs: int | None = None
    gated: bool = False
    scale: float = 1.0
    reads: Literal["mean", "ema", "nothing"] = "mean"
    keep: float = 0.95
    drive: Literal["token", "context"] = "token"

    def __post_init__(self) -> None:
        check_record(self)
        for name in ("coordinates", "pairs", "rank", "predictor"):
            object.__setattr__(self, name, count(f"GeometricConfig.{name}", getattr(self, name), 1))
        count("GeometricConfig.depth", self.depth, 0)
        real("GeometricConfig.keep", self.keep, 0.0, 1.0)
        real("GeometricConfig.scale", self.scale, 0.0, 1e6)
        if self.gate_pairs is not None and self.banks == "shared":
            allowed = "None with banks='shared', whose matrices share their directions"
            raise DeclarationError(where="GeometricConfig.gate_pairs", value=self.gate_pairs, allowed=allowed)

    @property
    def vocabulary(self) -> int:
        """Tokens."""
        return self.base.vocabulary

    @property
    def layers(self) -> int:
        """Blocks."""
        return self.base.layers

    @property
    def context(self) -> int:
        """Longest sequence, in tokens."""
        return self.base.context


@dataclass
class GeometricCache:
    """The state of decoding: what it keeps of earlier positions.

    Attributes
    ----------
    keys : KVCache
        Keys and values.
    context, drift : Running
        What the predictor has read, and the moving average of its predictions.
    """

    keys: KVCache
    context: Running = field(default_factory=Running)
    drift: Running = field(default_factory=Running)

    @property
    def length(self) -> int:
        """Positions that are held."""
        return self.keys.length


class Geometric(nn.Module):
    """A transformer, banks of pairs, and a predictor of coordinates.

    Parameters
    ----------
    config : GeometricConfig
        Sizes.
    seed : int
        Seed of the weights.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.geometric import Geometric
    >>> from brainsim.networks.geometric_presets import GEOMETRIC_TINY
    >>> model, tokens = Geometric(GEOMETRIC_TINY, seed=1), torch.arange(12)[None]
    >>> tuple(model.coordinates(tokens).shape)
    (1, 12, 64)
    >>> bool(torch.equal(model(tokens), model.base(tokens)))  # a new model is its base
    True
    """

    def __init__(self, config: GeometricConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.base = Transformer(config.base, seed)
        placed = list(_banks(config))
        self._firsts, self.banks = [first for first, _ in placed], nn.ModuleList(bank for _, bank in placed)
        constant, sizes = config.reads == "nothing", (config.predictor, config.coordinates, config.depth)
        self.predictor = Constant(config.coordinates) if constant else Predictor(config.base.dim, *sizes)
        initialise(self, seed)

    def forward(self, tokens: Tensor, cache: GeometricCache | None = None, theta: Tensor | None = None) -> Tensor:
        """Return the logits of the next token, ``(B, T, vocabulary)``.

        Parameters
        ----------
        tokens : Tensor
            ``(B, T)`` of int64.
        cache : GeometricCache, optional
            Earlier positions, which ``tokens`` continue; it is extended.
        theta : Tensor, optional
            Coordinates ``(C,)`` for all, ``(B, C)`` for each sequence or ``(B, T, C)`` for each position; by default
            those that `coordinates` predicts.
        """
        return self.base.logits(self.hidden(tokens, cache, theta))

    def hidden(self, tokens: Tensor, cache: GeometricCache | None = None, theta: Tensor | None = None) -> Tensor:
        """Return the normalised last hidden states, ``(B, T, dim)``; see `forward`."""
        if theta is None:
            theta = self.coordinates(tokens, cache)
        elif theta.ndim == 2:
            theta = theta[:, None]
        return self.base.hidden(tokens, cache.keys if cache else None, self.added(theta))

    def coordinates(self, tokens: Tensor, cache: GeometricCache | None = None) -> Tensor:
        """Return the coordinates that modulate at each position, ``(B, T, C)``; they depend on no later token."""
        theta = self.predicted(tokens, cache)
        if self.config.drive == "context":
            theta = moving_average(theta, self.config.keep, cache.drift if cache else None)
        return theta

    def predicted(self, tokens: Tensor, cache: GeometricCache | None = None) -> Tensor:
        """Return the coordinates that are predicted at each position, ``(B, T, C)``, of norm ``sqrt(C)``."""
        x, running = self.base.embedding(tokens), cache.context if cache else None
        mean = self.config.reads == "mean"
        found: Tensor = self.predictor(
            prefix_mean(x, running) if mean else moving_average(x, self.config.keep, running)
        )
        return found

    def added(self, theta: Tensor) -> list[Added]:
        """Return, for each layer, what is added to its matrices at ``theta``."""
        found: list[Added] = []
        for first, bank in self._placed():
            found += [{}] * (first + bank.layers - len(found))
            for layer, own in enumerate(bank.added(theta), first):
                found[layer] = {**found[layer], **own}
        return found

    def merge(self, theta: Tensor) -> Transformer:
        """Return the plain transformer that this model is at one ``theta``, ``(C,)``.

        Raises
        ------
        DeclarationError
            If terms have input gates, which fixed weights cannot replace, or ``theta`` is not one point.
        """
        if self.config.gated:
            allowed = "False: gates depend on the input, so that no fixed weights replace them"
            raise DeclarationError(where="Geometric.merge: config.gated", value=True, allowed=allowed)
        if tuple(theta.shape) != (self.config.coordinates,):
            allowed = f"of shape ({self.config.coordinates},)"
            raise DeclarationError(where="Geometric.merge.theta", value=tuple(theta.shape), allowed=allowed)
        plain = Transformer(self.base.config)
        plain.to(theta)
        plain.load_state_dict(self.base.state_dict())
        with torch.no_grad():
            for first, bank in self._placed():
                for layer, deltas in enumerate(bank.deltas(theta), first):
                    _add(plain, layer, deltas)
        return plain

    def cache(self) -> GeometricCache:
        """Return an empty cache."""
        return GeometricCache(self.base.cache())

    def _placed(self) -> Iterator[tuple[int, Bank]]:
        return zip(self._firsts, self.banks, strict=True)


def coordinate_groups(model: nn.Module, recipe: Recipe, scale: float = 1.0) -> list[dict[str, Any]]:
    """Return the parameters in groups for the optimizer: banks and vectors do not decay.

    Parameters
    ----------
    model : torch.nn.Module
        A `Geometric`, or any other network.
    recipe : Recipe
        Has the weight decay of matrices.
    scale : float
        Factor on the learning rate of banks and predictor.
    """
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, each in model.named_parameters():
        of_bank = "banks." in name
        groups.setdefault((of_bank or "predictor." in name, each.ndim > 1 and not of_bank), []).append(each)
    return [
        {"params": params, "weight_decay": recipe.decay * decays, "scale": scale if coordinate else 1.0}
        for (coordinate, decays), params in groups.items()
    ]


def _banks(config: GeometricConfig) -> Iterator[tuple[int, Bank]]:
    """Yield each bank, and the first layer that it modulates."""
    base, outputs = config.base, config.base.outputs
    sizes = {"coordinates": config.coordinates, "rank": config.rank, "scale": config.scale, "gated": config.gated}
    if config.banks == "shared":
        yield 0, Bank(base.dim, outputs, base.layers, pairs=config.pairs, **sizes)  # type: ignore[arg-type]
        return
    for layer in range(base.layers):
        for name in MODULATED:
            pairs = config.gate_pairs if name == "gate" and config.gate_pairs else config.pairs
            yield layer, Bank(base.dim, {name: outputs[name]}, 1, pairs=pairs, **sizes)  # type: ignore[arg-type]


def _add(model: Transformer, layer: int, deltas: Deltas) -> None:
    block = model.blocks[layer]
    for name, delta in deltas.items():
        matrix = getattr(block.feed_forward if name == "gate" else block.attention, name)
        matrix.weight.add_(delta)
