"""Uses of a coordinate: refine it on a prompt, interpolate between two, and analyse its path.

Refinement is off by default everywhere: on held-out text, it has no effect or increases the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from brainsim._validation import count, real
from brainsim.errors import DeclarationError
from brainsim.networks.geometric.context import moving_average
from brainsim.networks.geometric.model import Geometric


def refine(
    model: Geometric, tokens: Tensor, *, steps: int = 2, rate: float = 0.01, pull: float = 0.1
) -> tuple[Tensor, list[float]]:
    """Return a coordinate that gives a prompt a higher probability, and the loss of the prompt before each step.

    Parameters
    ----------
    model : Geometric
        The model; its weights do not change.
    tokens : Tensor
        ``(T,)`` of the prompt, at least two; each token after the first is predicted from those before it.
    steps : int
        Steps of gradient descent.
    rate : float
        Learning rate.
    pull : float
        Weight of the squared distance to the predicted coordinate.

    Returns
    -------
    theta : Tensor
        ``(C,)``.
    losses : list of float
        In nats per token; one more than ``steps``.
    """
    count("refine.steps", steps, 0)
    real("refine.rate", rate, 0.0, 1e6)
    real("refine.pull", pull, 0.0, 1e6)
    if tokens.ndim != 1 or len(tokens) < 2:
        raise DeclarationError(where="refine.tokens", value=tuple(tokens.shape), allowed="(T,), with 2 tokens at least")
    predicted = point(model, tokens)
    theta, losses = predicted.clone(), []
    for at in range(steps + 1):
        theta = theta.detach().requires_grad_(at < steps)
        logits = model(tokens[None, :-1], theta=theta)[0]
        likely = functional.cross_entropy(logits.float(), tokens[1:])
        losses.append(float(likely.detach()))
        if at < steps:
            whole = likely + pull * (theta - predicted).pow(2).sum()
            theta = theta - rate * torch.autograd.grad(whole, theta)[0]
    return theta.detach(), losses


@torch.no_grad()
def point(model: Geometric, tokens: Tensor) -> Tensor:
    """Return the coordinate ``(C,)`` at the end of a text ``(T,)``."""
    return model.coordinates(tokens[None])[0, -1]


def between(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Return the point at a share of the way from one coordinate to another, along the sphere.

    Parameters
    ----------
    first, second : Tensor
        ``(C,)``; not opposite to each other.
    share : float
        0 at the first, 1 at the second.
    """
    real("between.share", share, 0.0, 1.0)
    cosine = float(functional.cosine_similarity(first, second, dim=0).clamp(-1.0, 1.0))
    angle = torch.acos(torch.tensor(cosine, dtype=torch.float64))
    if float(angle) < 1e-4:
        return (1 - share) * first + share * second
    if float(torch.sin(angle)) < 1e-4:
        raise DeclarationError(where="between.second", value="its opposite", allowed="not opposite to the first")
    weights = torch.sin(torch.tensor([1 - share, share]) * angle) / torch.sin(angle)
    return float(weights[0]) * first + float(weights[1]) * second


@dataclass(frozen=True)
class Behaviour:
    """The behaviour of a model at points between two coordinates.

    Attributes
    ----------
    shares : tuple of float
        Where the points lie.
    losses : tuple of tuple of float
        Of each text at each point, in nats per token.
    from_first, from_second : tuple of float
        Mean divergence (Jensen-Shannon, nats) of the next token between a point and either end.
    steps : tuple of float
        The same between neighbouring points.
    """

    shares: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    from_first: tuple[float, ...]
    from_second: tuple[float, ...]
    steps: tuple[float, ...]

    @property
    def smooth(self) -> bool:
        """Whether the distance from the first end grows, and that from the second falls, at every point."""
        first, second = torch.tensor(self.from_first), torch.tensor(self.from_second)
        return bool((first.diff() >= 0).all()) and bool((second.diff() <= 0).all())


@torch.no_grad()
def along(model: Geometric, first: Tensor, second: Tensor, texts: Sequence[Tensor], points: int = 5) -> Behaviour:
    """Return the behaviour of a model between two coordinates, on some texts.

    Parameters
    ----------
    model : Geometric
        The model.
    first, second : Tensor
        ``(C,)``.
    texts : sequence of Tensor
        ``(T,)`` each, of tokens.
    points : int
        Number of points, both ends included.
    """
    shares = [at / (count("along.points", points, 2) - 1) for at in range(points)]
    logs = [[_logs(model, text, between(first, second, share)) for text in texts] for share in shares]
    losses = [
        tuple(float(functional.nll_loss(log, text[1:])) for log, text in zip(each, texts, strict=True)) for each in logs
    ]
    joined = [torch.cat(each) for each in logs]
    return Behaviour(
        tuple(shares),
        tuple(losses),
        tuple(divergence(joined[0], each) for each in joined),
        tuple(divergence(joined[-1], each) for each in joined),
        tuple(divergence(one, other) for one, other in pairwise(joined)),
    )


def _logs(model: Geometric, text: Tensor, theta: Tensor) -> Tensor:
    return torch.log_softmax(model(text[None, :-1], theta=theta)[0].float(), -1)


def divergence(first: Tensor, second: Tensor) -> float:
    """Return the mean Jensen-Shannon divergence, in nats, of two tables of log probabilities ``(T, vocabulary)``."""
    middle = torch.logaddexp(first, second) - torch.log(torch.tensor(2.0))
    halves = [(each.exp() * (each - middle)).sum(-1).mean() for each in (first, second)]
    return max(0.0, float(halves[0] + halves[1]) / 2)


@torch.no_grad()
def analysis(model: Geometric, tokens: Tensor) -> dict[str, float | list[float] | list[int]]:
    """Return statistics of the coordinates of a text ``(T,)``.

    Notes
    -----
    A coordinate acts only through its phases: the part outside the span of the directions has no effect.
    ``share_that_acts`` is the part of the squared norm within that span.
    """
    theta = model.coordinates(tokens[None])[0]
    moved = theta - moving_average(theta[None], model.config.keep)[0]
    directions = torch.cat([bank.directions for bank in model.banks])
    basis = torch.linalg.svd(directions, full_matrices=False).Vh
    last = theta[-1]
    return {
        "norm": float(last.norm()),
        "moves": [float(each) for each in theta.diff(dim=0).norm(dim=-1)],
        "uncertainty": [float(each) for each in moved.var(dim=-1, correction=0)],
        "strongest": last.abs().topk(min(10, len(last))).indices.tolist(),
        "phases": model.banks[0].phases(last).tolist(),
        "share_that_acts": float((basis @ last).pow(2).sum() / last.pow(2).sum()),
    }
