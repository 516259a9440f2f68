"""Attention routed by a thalamus: each query reads the k positions that rank highest so far, and costs O(n·k) in all.

A *gate* gives each position s a value g_s, 0 to 1.  The query at position t attends to the ``k`` best positions s ≤ t:

    y_t = Σ_s softmax_s(q_t·k_s / √d + log g_s + λ (s - t)) v_s,   s among the k positions ≤ t of the highest rank

where only two of the arms have the term with λ.

The rank of a position does not depend on the query, so the k best so far follow from the k best before a chunk and from
the chunk itself.  `routed_attention` computes scores for these only: n·(k + chunk) instead of n·n.  It is the same
function as attention over all positions with the mask that follows from the ranks.

The *arms*:

========  ====================  ========  =============================================================
arm       rank of position s    λ(s - t)  meaning
========  ====================  ========  =============================================================
recency   log g_s + λ s         yes       content and recency; in the scores λ can learn
literal   log g_s               no        content only: what was chosen stays chosen
random    a hash of s           no        control of literal: a uniform sample of the past, of equal size
window    s                     yes       control of recency: the last k, with the same scores
local     s                     no        control of both: the last k positions
dense     -                     no        ordinary causal attention: all positions, no gate
========  ====================  ========  =============================================================

Among positions of equal rank, the later one is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from brainsim._validation import count
from brainsim.errors import DeclarationError, unknown

Arm = Literal["recency", "literal", "random", "window", "local", "dense"]
ARMS: tuple[Arm, ...] = ("recency", "literal", "random", "window", "local", "dense")
BY_DISTANCE = ("recency", "window")
"""The arms with λ (s - t) in their scores."""


@dataclass(frozen=True)
class Chosen:
    """The positions that each chunk of queries may read, and which query reads which.

    Attributes
    ----------
    carried : Tensor
        Positions of the k best before each chunk, shape ``(batch, chunks, k)``; 0 where there are fewer.
    allowed : Tensor
        Whether a query reads a candidate, shape ``(batch, chunks, chunk, k + chunk)``.  The candidates of a chunk are
        those carried and its own positions, in this order.
    """

    carried: Tensor
    allowed: Tensor


def scores_computed(n: int, k: int, chunk: int) -> int:
    """Return how many scores `routed_attention` computes for one head: n·(k + chunk), n rounded up to whole chunks.

    Parameters
    ----------
    n : int
        Positions, at least 1.
    k : int
        Positions that a query reads, at least 1.
    chunk : int
        Queries that are computed together, at least 1.

    Returns
    -------
    int
        The number of products of a query with a key.

    Raises
    ------
    DeclarationError
        If one of them is not an integer of at least 1.

    Examples
    --------
    >>> from brainsim.networks.nokai.routing import scores_computed
    >>> scores_computed(16_384, 64, 64), 16_384**2
    (2097152, 268435456)
    """
    n, k, chunk = (count(f"scores_computed.{name}", value, 1) for name, value in (("n", n), ("k", k), ("chunk", chunk)))
    return ceil(n / chunk) * chunk * (k + chunk)


def rank(arm: Arm, log_gate: Tensor, recency: float | Tensor = 0.0, position: Tensor | None = None) -> Tensor:
    """Return the rank of each position, float64, in the shape of ``log_gate``.

    Parameters
    ----------
    arm : str
        One of `ARMS` other than ``dense``.
    log_gate : Tensor
        log g_s, shape ``(batch, n)``.
    recency : float or Tensor
        λ, for the arm ``recency``.
    position : Tensor, optional
        Positions, integers in the shape of ``log_gate``; by default 0, 1, 2, …

    Raises
    ------
    DeclarationError
        If the arm has no ranks.

    Notes
    -----
    Ranks are float64: λ·s grows with the length of the text, and in float32 differences of log g would be rounded away.
    """
    if arm not in _RANKS:
        raise DeclarationError(unknown("arm of routing", arm, _RANKS), where="rank.arm", value=arm)
    at = torch.arange(log_gate.shape[-1], device=log_gate.device) if position is None else position
    lam = recency.detach().double() if isinstance(recency, Tensor) else recency
    return _RANKS[arm](log_gate.detach().double(), at, lam)


def _hash(at: Tensor) -> Tensor:
    """Return a number per position, uniform on [0, 1): splitmix64, in 64-bit integers that wrap around."""
    mixed = (at + 1) * -7046029254386353131
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685)):
        mixed = (mixed ^ (mixed >> shift)) * factor
    return ((mixed >> 11) & (2**52 - 1)).double() / 2**52


_RANKS: dict[str, Callable[[Tensor, Tensor, float | Tensor], Tensor]] = {
    "recency": lambda log_gate, at, lam: log_gate + lam * at,
    "literal": lambda log_gate, _at, _lam: log_gate,
    "random": lambda log_gate, at, _lam: _hash(at).expand_as(log_gate),
    "window": lambda log_gate, at, _lam: at.double().expand_as(log_gate),
    "local": lambda log_gate, at, _lam: at.double().expand_as(log_gate),
}


@torch.no_grad()
def running_top_k(ranks: Tensor, k: int, chunk: int) -> Chosen:
    """Return which of the positions up to each query are its ``k`` best.

    Parameters
    ----------
    ranks : Tensor
        Shape ``(batch, n)``; ``n`` is a multiple of ``chunk``.
    k : int
        Positions that a query reads; fewer if fewer precede it.
    chunk : int
        Queries that are processed together.

    Returns
    -------
    Chosen

    Notes
    -----
    The invariant: a position that is not among the k best up to t is not among the k best up to any later position.
    Therefore the k best before a chunk, together with the chunk, contain all that a query of the chunk can read.

    Ranks are replaced by places in their order, which are distinct.  Later positions cannot change the order of two
    earlier ones, so the choice is causal.
    """
    batch, n = ranks.shape
    position = ranks.argsort(dim=-1, stable=True)  # ascending and stable: among equals the later one is higher
    place = torch.empty_like(position).scatter_(-1, position, torch.arange(n, device=ranks.device).expand(batch, n))
    own = place.unflatten(-1, (n // chunk, chunk))
    carried = _best_before(own, k)
    seen = torch.ones(chunk, chunk, dtype=torch.bool, device=ranks.device).tril()
    visible = torch.cat(
        [(carried >= 0).unsqueeze(-2).expand(-1, -1, chunk, -1), seen.expand(batch, n // chunk, -1, -1)], -1
    )
    places = torch.cat([carried, own], -1).unsqueeze(-2).where(visible, -1)
    least = places.topk(k, dim=-1).values[..., -1:]  # -1 where fewer than k are visible
    return Chosen(position.gather(-1, carried.clamp(min=0).flatten(1)).view_as(carried), visible & (places >= least))


def _best_before(own: Tensor, k: int) -> Tensor:
    """Return the k highest places before each chunk, shape ``(batch, chunks, k)``; -1 where there are fewer."""
    best, found = own.new_full((len(own), k), -1), []
    for chunk in own.unbind(1):
        found.append(best)
        best = torch.cat([best, chunk], -1).topk(k, dim=-1).values
    return torch.stack(found, 1)


def routed_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    log_gate: Tensor,
    *,
    k: int,
    arm: Arm = "recency",
    recency: float | Tensor = 0.1,
    chunk: int | None = None,
) -> Tensor:
    """Return causal attention in which each query reads the ``k`` best positions so far.

    Parameters
    ----------
    query, key, value : Tensor
        Shape ``(batch, heads, n, d)``, of one floating-point dtype.
    log_gate : Tensor
        log g_s, shape ``(batch, n)``; `torch.nn.functional.logsigmoid` of a gate network keeps it finite.
    k : int
        Positions that a query reads, at least 1.  All positions if ``k >= n``.
    arm : str
        What ranks the positions: one of `ARMS`.
    recency : float or Tensor
        λ of the arms ``recency`` and ``window``, per position, 0 or more; a tensor gets a gradient.
    chunk : int, optional
        Queries computed together, at least 1; by default ``k``.  It changes the cost, not the function.

    Returns
    -------
    Tensor
        Shape ``(batch, heads, n, d)``.

    Raises
    ------
    DeclarationError
        If the arm is unknown, ``k`` or ``chunk`` is not a positive integer, or the shapes do not fit.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.nokai.routing import routed_attention
    >>> q, key, v = torch.randn(3, 1, 2, 100, 8)  # one text of 100 positions, 2 heads of width 8
    >>> routed_attention(q, key, v, torch.zeros(1, 100), k=16).shape
    torch.Size([1, 2, 100, 8])
    """
    k, chunk = _checked(query, key, value, log_gate, k, arm, chunk)
    if arm == "dense":
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    n, missing = query.shape[2], -query.shape[2] % chunk
    if missing:  # positions at the end, which no query before them reads
        query, key, value = (functional.pad(each, (0, 0, 0, missing)) for each in (query, key, value))
        log_gate = functional.pad(log_gate, (0, missing))
    chosen = running_top_k(rank(arm, log_gate, recency), k, chunk)
    scores = _chunked(query, chunk) @ _candidates(key, chosen, chunk).transpose(-1, -2) * query.shape[-1] ** -0.5
    bias = _candidates(log_gate[:, None, :, None], chosen, chunk).transpose(-1, -2)
    if arm in BY_DISTANCE:
        bias = bias + recency * _lag(chosen, chunk).to(bias.dtype)
    scores = (scores + bias).masked_fill(~chosen.allowed.unsqueeze(1), float("-inf"))
    return (scores.softmax(-1) @ _candidates(value, chosen, chunk)).flatten(2, 3)[:, :, :n]


def _chunked(each: Tensor, chunk: int) -> Tensor:
    return each.unflatten(2, (-1, chunk))


def _candidates(each: Tensor, chosen: Chosen, chunk: int) -> Tensor:
    """Return what the queries of each chunk may read, shape ``(batch, heads, chunks, k + chunk, width)``."""
    index = chosen.carried.flatten(1)[:, None, :, None].expand(-1, each.shape[1], -1, each.shape[-1])
    return torch.cat([each.gather(2, index).unflatten(2, chosen.carried.shape[1:]), _chunked(each, chunk)], -2)


def _lag(chosen: Chosen, chunk: int) -> Tensor:
    """Return s - t of each candidate and query, shape ``(batch, 1, chunks, chunk, k + chunk)``."""
    own = torch.arange(chosen.carried.shape[1] * chunk, device=chosen.carried.device).view(1, -1, chunk)
    candidates = torch.cat([chosen.carried, own.expand(len(chosen.carried), -1, -1)], -1)
    return (candidates.unsqueeze(-2) - own.unsqueeze(-1)).unsqueeze(1)


def _checked(
    query: Tensor, key: Tensor, value: Tensor, log_gate: Tensor, k: int, arm: str, chunk: int | None
) -> tuple[int, int]:
    """Return k and the size of a chunk, neither above n; refuse what does not fit."""
    if arm not in ARMS:
        raise DeclarationError(unknown("arm of routing", arm, ARMS), where="routed_attention.arm", value=arm)
    for name, each in (("query", query), ("key", key), ("value", value)):
        if not isinstance(each, Tensor) or each.dim() != 4 or each.shape[:3] != query.shape[:3]:
            found = tuple(each.shape) if isinstance(each, Tensor) else each
            raise DeclarationError(
                where=f"routed_attention.{name}", value=found, allowed="a tensor (batch, heads, n, d), as the query"
            )
    n = query.shape[2]
    if not isinstance(log_gate, Tensor) or log_gate.shape != (query.shape[0], n):
        found = tuple(log_gate.shape) if isinstance(log_gate, Tensor) else log_gate
        raise DeclarationError(
            where="routed_attention.log_gate", value=found, allowed=f"a tensor of shape ({query.shape[0]}, {n})"
        )
    k = min(count("routed_attention.k", k, 1), n)
    return k, min(k if chunk is None else count("routed_attention.chunk", chunk, 1), n)
