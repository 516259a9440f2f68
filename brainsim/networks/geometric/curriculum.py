"""Training in three phases, each with its own losses on the coordinates in addition to the loss of the next token.

1. *differentiation*, to 20 % of the steps: what differs in the same respect differs in the same direction
   (`contrastive`, over minimal pairs), and coordinates are sparse (`sparsity`).
2. *composition*, to 60 %: the coordinate of two texts together lies between their coordinates, while the behaviour
   there is not the mean of their behaviours (`interference`), and coordinates of a batch do not scatter.
3. *dynamics*, to the end: coordinates move little from token to token (`movement`) and from turn to turn.

The original document maximises the distance within each pair; on a sphere this leads to opposite points for any two
sentences.  Its interference term contradicts its aim.  This module has forms that do what the document describes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from brainsim._validation import real
from brainsim.errors import DeclarationError
from brainsim.networks.geometric.minimal_pairs import Pair
from brainsim.networks.geometric.model import Geometric
from brainsim.networks.text import Tokenizer
from brainsim.networks.training import Batch, Trainer

PHASES = {"differentiation": 0.2, "composition": 0.6, "dynamics": 1.0}
"""The end of each phase, as a share of the steps."""


def phase_at(share: float) -> str:
    """Return the phase at a share of the steps.

    Examples
    --------
    >>> from brainsim.networks.geometric.curriculum import phase_at
    >>> phase_at(0.0), phase_at(0.2), phase_at(0.99)
    ('differentiation', 'composition', 'dynamics')
    """
    real("phase_at.share", share, 0.0, 1.0)
    return next((name for name, end in PHASES.items() if share < end), "dynamics")


def contrastive(vectors: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    """Return the supervised contrastive loss: vectors of one label point the same way (Khosla et al. 2020).

    Parameters
    ----------
    vectors : Tensor
        ``(N, size)``; only their directions count.
    labels : Tensor
        ``(N,)``; a vector whose label is unique is left out.
    temperature : float
        Divides the cosines.
    """
    directions = functional.normalize(vectors, dim=-1)
    scores = directions @ directions.T / temperature
    itself = torch.eye(len(labels), dtype=torch.bool, device=scores.device)
    same = (labels[:, None] == labels[None, :]) & ~itself
    logs = scores - torch.logsumexp(scores.masked_fill(itself, -torch.inf), dim=-1, keepdim=True)
    counts = same.sum(-1)
    each = torch.where(same, logs, 0.0).sum(-1) / counts.clamp(min=1)
    return -each[counts > 0].mean() if bool((counts > 0).any()) else scores.sum() * 0.0


def sparsity(theta: Tensor) -> Tensor:
    """Return the mean of ``|theta|_1 / (|theta|_2 sqrt(C))``: 1 if all are equal, ``1/sqrt(C)`` for one."""
    return (theta.abs().sum(-1) / (theta.norm(dim=-1) * theta.shape[-1] ** 0.5)).mean()


def interference(model: Geometric, first: Tensor, second: Tensor, mu: float = 0.5) -> Tensor:
    """Return ``|t(xy) - (t(x) + t(y))/2|² / C - mu |f(t(xy)) - (f(t(x)) + f(t(y)))/2|²``.

    ``t`` is the coordinate at the end of a text, and ``f(t)`` the probabilities of the token after ``xy`` at ``t``.

    Parameters
    ----------
    model : Geometric
        The model.
    first, second : Tensor
        ``(B, T)`` tokens of ``x`` and of ``y``.
    mu : float
        Weight of the second term, which is bounded by 2.
    """
    both = torch.cat((first, second), dim=1)
    points = [model.coordinates(text)[:, -1] for text in (both, first, second)]
    likely = [torch.softmax(model(both, theta=point)[:, -1].float(), -1) for point in points]
    apart, differing = (each[0] - (each[1] + each[2]) / 2 for each in (points, likely))
    return apart.pow(2).mean() - mu * differing.pow(2).sum(-1).mean()


def movement(theta: Tensor) -> Tensor:
    """Return the mean of ``|theta_t - theta_{t-1}|² / C`` for coordinates ``(B, T, C)``."""
    return theta.diff(dim=1).pow(2).mean()


def scatter(theta: Tensor) -> Tensor:
    """Return the variance of coordinates ``(..., N, C)`` over ``N``, in the mean over the rest."""
    return theta.var(dim=-2, correction=0).mean()


@dataclass
class Curriculum:
    """The backward pass of a trainer with the three phases: ``Trainer(..., backward=Curriculum(...))``.

    Parameters
    ----------
    tokenizer : Tokenizer
        Tokenizer of the pairs.
    pairs : sequence of Pair
        Minimal pairs of several kinds.
    sampled : int
        Pairs drawn for a step of the first phase.
    turns : int
        Parts into which a sequence is divided in the third phase.
    """

    tokenizer: Tokenizer
    pairs: Sequence[Pair]
    sampled: int = 32
    turns: int = 4
    _tokens: list[tuple[Tensor, Tensor]] = field(init=False, repr=False)
    _kinds: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        kinds = sorted({pair.kind for pair in self.pairs})
        if len(kinds) < 2:
            allowed = "pairs of two kinds at least"
            raise DeclarationError(where="Curriculum.pairs", value=f"kinds {kinds}", allowed=allowed)
        encode = self.tokenizer.encode
        self._tokens = [(torch.tensor(encode(pair.first)), torch.tensor(encode(pair.second))) for pair in self.pairs]
        self._kinds = torch.tensor([kinds.index(pair.kind) for pair in self.pairs])

    def __call__(self, trainer: Trainer, batch: Batch) -> float:
        """Compute the gradients of a step, and return the loss of the next token."""
        with trainer.precision():
            loss = trainer.loss(trainer.model, batch)
            whole = loss + self.extra(trainer, batch[0])
        whole.backward()
        return float(loss.detach())

    def extra(self, trainer: Trainer, tokens: Tensor) -> Tensor:
        """Return the losses of the present phase, with the weights of the document."""
        model, phase = trainer.model, phase_at(trainer.done / trainer.recipe.steps)
        if phase == "differentiation":
            chosen = torch.randint(len(self.pairs), (self.sampled,), generator=trainer.generator)
            moved, theta = self.moves(model, chosen.tolist())
            return contrastive(moved, self._kinds[chosen].to(moved.device)) + 0.1 * sparsity(theta)
        if phase == "composition":
            half, few = tokens.shape[1] // 2, max(1, len(tokens) // 4)
            first, second = tokens[:few, :half], tokens[:few, half:]
            return 0.1 * interference(model, first, second) + 0.05 * scatter(model.coordinates(tokens)[:, -1])
        turns = tokens[:, : tokens.shape[1] // self.turns * self.turns].unflatten(1, (self.turns, -1))
        ends = model.coordinates(turns.flatten(0, 1))[:, -1].unflatten(0, (-1, self.turns))
        return 0.05 * movement(model.coordinates(tokens)) + 0.1 * scatter(ends)

    def moves(self, model: Geometric, chosen: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return the differences of the coordinates of some pairs, ``(N, C)``, and the coordinates, ``(2 N, C)``."""
        device = next(model.parameters()).device
        ends = [[model.coordinates(each[None].to(device))[0, -1] for each in self._tokens[number]] for number in chosen]
        first, second = (torch.stack([each[side] for each in ends]) for side in (0, 1))
        return second - first, torch.cat((first, second))
