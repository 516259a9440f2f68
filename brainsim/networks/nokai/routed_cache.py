"""The cache of a decoder with routed attention: the k best positions so far, and no others."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from brainsim.networks.nokai.routing import BY_DISTANCE, Arm, rank


@dataclass(frozen=True)
class Held:
    """Some positions of a layer, in their order.

    Attributes
    ----------
    key, value : Tensor
        ``(batch, heads, m, d)``.
    log_gate, position : Tensor
        ``(batch, m)``.
    """

    key: Tensor
    value: Tensor
    log_gate: Tensor
    position: Tensor

    def best(self, k: int, arm: Arm, recency: float | Tensor) -> Held:
        """Return the k best; among equals the later one, which a stable sort puts last."""
        if arm == "dense" or self.position.shape[-1] <= k:
            return self
        order = rank(arm, self.log_gate, recency, self.position).argsort(dim=-1, stable=True)
        return self.at(order[:, -k:].sort(-1).values)

    def at(self, places: Tensor) -> Held:
        """Return the positions at some places, ``(batch, m)``."""
        wide = places[:, None, :, None].expand(-1, self.key.shape[1], -1, self.key.shape[-1])
        flat = (each.gather(1, places) for each in (self.log_gate, self.position))
        return Held(self.key.gather(2, wide), self.value.gather(2, wide), *flat)

    def then(self, later: Held) -> Held:
        """Return these positions and later ones."""
        heads = (torch.cat(pair, 2) for pair in ((self.key, later.key), (self.value, later.value)))
        flat = (torch.cat(pair, 1) for pair in ((self.log_gate, later.log_gate), (self.position, later.position)))
        return Held(*heads, *flat)

    def read(self, query: Tensor, arm: Arm, recency: float | Tensor) -> Tensor:
        """Return what one query ``(batch, heads, 1, d)`` reads; see `brainsim.networks.nokai.routing`.

        λ counts from the last position that is held, not from the query; the softmax is the same.
        """
        scores = query @ self.key.transpose(-1, -2) * query.shape[-1] ** -0.5
        if arm != "dense":
            scores = scores + self.log_gate[:, None, None, :]
        if arm in BY_DISTANCE:
            lag = (self.position - self.position[:, -1:]).to(scores.dtype)
            scores = scores + (recency * lag)[:, None, None, :]
        return scores.softmax(-1) @ self.value


class RoutedCache:
    """Keys and values of the positions that can still be read: the k best so far, or all for the arm ``dense``.

    Parameters
    ----------
    layers : int
        Number of layers that write to it.

    Attributes
    ----------
    length : int
        Positions that all layers have seen; most of them are not held.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.nokai import Nokai, NokaiConfig
    >>> model = Nokai(NokaiConfig.tiny())
    >>> cache = model.cache()
    >>> _ = model(torch.zeros(1, 100, dtype=torch.long), cache)
    >>> cache.length, cache.held(0).position.shape[1]
    (100, 16)
    """

    def __init__(self, layers: int) -> None:
        self.length = 0
        self._held: list[Held | None] = [None] * layers

    def held(self, layer: int) -> Held | None:
        """Return what a layer keeps."""
        return self._held[layer]

    def keep(self, layer: int, held: Held) -> None:
        """Replace what a layer keeps."""
        self._held[layer] = held
