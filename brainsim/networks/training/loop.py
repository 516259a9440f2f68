"""The training loop of all networks: AdamW, with a rate that warms up and then falls along a cosine.

A run depends only on the model, the recipe and the text.  The trainer has its own generator for the batches, so that a
run that continues from a checkpoint (`brainsim.networks.training.checkpoints`) ends with the same bits as one that was
never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from brainsim.errors import BrainsimError, DeclarationError
from brainsim.networks.recipe import Recipe
from brainsim.networks.transformer.blocks import generator_of

Batch = tuple[Tensor, Tensor]
"""Tokens ``(B, T)`` and the tokens that follow them."""


class TrainingError(BrainsimError, RuntimeError):
    """The training cannot continue."""


class Corpus:
    """A text as one sequence of tokens, from which training sequences are drawn.

    Parameters
    ----------
    tokens : Tensor or sequence of int
        The tokens, in one dimension.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.training import Corpus
    >>> inputs, targets = Corpus(range(100)).draw(torch.Generator().manual_seed(0), batch=2, length=3)
    >>> bool((targets == inputs + 1).all())
    True
    """

    def __init__(self, tokens: Tensor | Sequence[int]) -> None:
        self.tokens = torch.as_tensor(tokens, dtype=torch.long)
        if self.tokens.ndim != 1 or len(self.tokens) < 2:
            shape = tuple(self.tokens.shape)
            raise DeclarationError(where="Corpus.tokens", value=shape, allowed="one dimension, with 2 tokens at least")

    def draw(self, generator: torch.Generator, batch: int, length: int) -> Batch:
        """Return ``batch`` sequences of ``length`` tokens from random places, and what follows each token.

        Raises
        ------
        DeclarationError
            If the corpus is not longer than a sequence.
        """
        places = len(self.tokens) - length
        if places < 1:
            allowed = f"below the {len(self.tokens)} tokens of the corpus"
            raise DeclarationError(where="Corpus.draw.length", value=length, allowed=allowed)
        begins = torch.randint(places, (batch,), generator=generator)
        found = self.tokens[begins[:, None] + torch.arange(length + 1)]
        return found[:, :-1], found[:, 1:]


def next_token_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Return the mean cross-entropy of the next token, in nats."""
    tokens, following = batch
    return functional.cross_entropy(model(tokens).flatten(0, 1).float(), following.flatten())


def decaying(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the parameters in two groups for the optimizer: matrices, whose weights decay, and the rest."""
    named = [each for each in model.parameters() if each.requires_grad]
    matrices, rest = [each for each in named if each.ndim > 1], [each for each in named if each.ndim < 2]
    groups = [{"params": matrices, "weight_decay": recipe.decay}, {"params": rest, "weight_decay": 0.0}]
    return [each for each in groups if each["params"]]


class Trainer:
    """Trains a model step by step.

    Parameters
    ----------
    model : torch.nn.Module
        The model to train, on its device.
    recipe : Recipe
        How.
    draw : callable
        ``draw(generator, batch, length)`` returns a batch, as `Corpus.draw` does.
    loss : callable
        ``loss(model, batch)`` returns a scalar.
    groups : callable
        ``groups(model, recipe)`` returns groups of parameters for AdamW; a group may have ``scale``, a factor on the
        learning rate.
    backward : callable, optional
        ``backward(trainer, batch)`` computes the gradients and returns the loss; by default those of ``loss``.
    changes : sequence of callable
        Each is called as ``change(trainer, loss)`` after the gradients are computed, before they are clipped and used.

    Attributes
    ----------
    done : int
        Steps that are done.
    losses : list of float
        The loss of each finished step.
    generator : torch.Generator
        The generator that draws the batches.

    Examples
    --------
    >>> from brainsim.networks.training import Corpus, Recipe, Trainer
    >>> from brainsim.networks.transformer import Transformer, TransformerConfig
    >>> model = Transformer(TransformerConfig(vocabulary=4, dim=8, layers=1, heads=1, kv_heads=1, hidden=16))
    >>> trainer = Trainer(model, Recipe(steps=30, length=8, rate=0.03), Corpus([0, 1, 2, 3] * 20).draw)
    >>> trainer.run()
    >>> trainer.losses[-1] < 0.5 * trainer.losses[0]
    True
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        draw: Callable[[torch.Generator, int, int], Batch],
        loss: Callable[[nn.Module, Batch], Tensor] = next_token_loss,
        *,
        groups: Callable[[nn.Module, Recipe], list[dict[str, Any]]] = decaying,
        backward: Callable[[Trainer, Batch], float] | None = None,
        changes: Sequence[Callable[[Trainer, float], None]] = (),
    ) -> None:
        self.model, self.recipe, self.draw, self.loss = model, recipe, draw, loss
        self.backward, self.changes = backward or plain_backward, tuple(changes)
        self.optimizer = torch.optim.AdamW(groups(model, recipe), lr=recipe.rate, betas=recipe.betas, fused=True)
        self.generator = generator_of(recipe.seed, "batches")
        self.device = next(model.parameters()).device
        self.done, self.losses, self.seconds = 0, list[float](), 0.0

    def step(self) -> float:
        """Run one step, and return its loss before the update.

        Raises
        ------
        TrainingError
            If the loss is no longer finite.
        """
        began = time.perf_counter()
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate_at(self.done) * group.get("scale", 1.0)
        inputs, targets = self.draw(self.generator, self.recipe.batch, self.recipe.length)
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.backward(self, (inputs.to(self.device), targets.to(self.device)))
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} at step {self.done}; lower the rate ({self.recipe.rate:g})")
        for change in self.changes:
            change(self, loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.done += 1
        self.losses.append(loss)
        self.seconds += time.perf_counter() - began
        return loss

    def run(self, until: int | None = None, stop: Callable[[], bool] = lambda: False) -> None:
        """Run the remaining steps.

        Parameters
        ----------
        until : int, optional
            Total number of steps at the end; all by default.
        stop : callable
            Called after each step; the run ends after the step at which it returns True.
        """
        for _ in self.steps(until):
            if stop():
                return

    def steps(self, until: int | None = None) -> Iterator[float]:
        """Yield the loss of each remaining step, up to ``until``."""
        last = self.recipe.steps if until is None else min(until, self.recipe.steps)
        while self.done < last:
            yield self.step()

    def precision(self) -> AbstractContextManager[Any]:
        """Return a context in which the forward pass has the recipe's precision."""
        wanted = self.recipe.precision
        if wanted == "auto":
            cuda = self.device.type == "cuda" and torch.cuda.is_bf16_supported()
            wanted = "bfloat16" if cuda else "float32"
        return torch.autocast(self.device.type, torch.bfloat16) if wanted == "bfloat16" else nullcontext()


def plain_backward(trainer: Trainer, batch: Batch) -> float:
    """Compute the gradients of the loss of a batch, and return the loss."""
    with trainer.precision():
        loss = trainer.loss(trainer.model, batch)
    loss.backward()
    return float(loss.detach())


@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor | Sequence[int], length: int, most: int = 2**20) -> float:
    """Return the mean loss of a text in nats per token; each sequence starts without context.

    Parameters
    ----------
    model : torch.nn.Module
        Returns logits ``(B, T, vocabulary)`` for tokens ``(B, T)``.
    tokens : Tensor or sequence of int
        The text.
    length : int
        Tokens in a sequence; the last, shorter one is included.
    most : int
        Largest number of tokens that are read.
    """
    losses, read = sequence_losses(model, tokens, length, most)
    mean: float = losses.sum().item() / read
    return mean


@torch.no_grad()
def sequence_losses(
    model: nn.Module, tokens: Tensor | Sequence[int], length: int, most: int = 2**20
) -> tuple[Tensor, int]:
    """Return the loss of each sequence of a text in nats, summed over its tokens, and how many tokens were asked for.

    Takes the arguments of `evaluate`.

    Returns
    -------
    Tensor of float32, shape (sequences,), and int
    """
    device = next(model.parameters()).device
    text = torch.as_tensor(tokens, dtype=torch.long)[: most + 1]
    if len(text) < 2:
        raise DeclarationError(where="evaluate.tokens", value=len(text), allowed="2 tokens at least")
    model.eval()
    whole = (len(text) - 1) // length
    pieces = list(text[: whole * length + 1].unfold(0, length + 1, length).split(16)) if whole else []
    if (len(text) - 1) % length:
        pieces.append(text[None, whole * length :])
    return torch.cat([_summed(model, each.to(device)).cpu() for each in pieces]), len(text) - 1


def _summed(model: nn.Module, pieces: Tensor) -> Tensor:
    """Return the loss of each sequence, summed over its tokens."""
    logits = model(pieces[:, :-1]).flatten(0, 1).float()
    each = functional.cross_entropy(logits, pieces[:, 1:].flatten(), reduction="none")
    return each.view(len(pieces), -1).sum(dim=1)
