"""What a model has read so far, as one vector at each position: a prefix mean, or a moving average.

Both are causal, and both continue from a `Running` at the end of an earlier call.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Running:
    """The state from which a prefix mean or an exponential moving average continues.

    Attributes
    ----------
    seen : int
        Positions so far.
    state : Tensor or None
        The sum, or the average: ``(B, size)``.
    """

    seen: int = 0
    state: Tensor | None = None


def prefix_mean(x: Tensor, running: Running | None = None) -> Tensor:
    """Return, at each position, the mean of ``x`` ``(B, T, size)`` up to it, and note the sum in ``running``."""
    running = running or Running()
    before = 0 if running.state is None else running.state[:, None]
    sums = before + x.cumsum(dim=1)
    counts = torch.arange(1, x.shape[1] + 1, device=x.device) + running.seen
    running.seen, running.state = running.seen + x.shape[1], sums[:, -1]
    return sums / counts[:, None].to(x.dtype)


def moving_average(x: Tensor, keep: float, running: Running | None = None) -> Tensor:
    """Return ``a_t = keep a_{t-1} + (1 - keep) x_t``, which starts at ``x_0``, at each position of ``(B, T, size)``."""
    running = running or Running()
    length = x.shape[1]
    at = torch.arange(length, device=x.device)
    distance = (at[:, None] - at[None, :]).clamp(min=0)
    weights = (keep ** distance.to(x.dtype)).tril() * (1 - keep)
    if running.state is None:
        weights[:, 0] = keep ** at.to(x.dtype)
        out = weights @ x
    else:
        out = weights @ x + keep ** (at + 1).to(x.dtype)[:, None] * running.state[:, None]
    running.seen, running.state = running.seen + length, out[:, -1]
    return out
