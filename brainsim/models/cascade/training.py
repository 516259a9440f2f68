"""Training: gradient steps for attention and feed-forward layers, the local rule for the emotional weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from brainsim._validation import real, truth
from brainsim.errors import DeclarationError
from brainsim.models.cascade.network import CascadeNetwork
from brainsim.models.cascade.tokens import several, words_of
from brainsim.networks.recipe import Recipe
from brainsim.networks.training import Batch, Trainer, evaluate, next_token_loss
from brainsim.networks.training.loop import sequence_losses

if TYPE_CHECKING:
    from brainsim.models.cascade.model import CascadeModel

MOST_HELD_OUT = 10_000
"""Largest number of words of held-out text for a loss."""
BYTES_PER_TRAINED = 16
"""Bytes of a trained parameter: its value, its gradient, and two moments, in float32."""


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes
    ----------
    steps, tokens : int
        Number of finished steps, and of the words in them.
    loss_before, loss_after : float
        Mean cross-entropy of the next word on held-out text, in nats, before the first step and now.
    seconds : float
        Time of all steps, without the computation of held-out losses.
    memory_mb : float
        Memory of the simulator and of the trained layers, with gradients and moments, in 10**6 bytes.
    """

    steps: int
    tokens: int
    loss_before: float
    loss_after: float
    seconds: float
    memory_mb: float


class CascadeTraining:
    """Trains a model step by step; `begin_training` makes one.

    A step reads ``recipe.batch`` windows of ``recipe.length`` words.  Windows follow each other through the text, and
    then start again at its beginning.  In each window, the edges among its words learn by the local rule.  Then a step
    of AdamW on the attention and feed-forward layers lowers the cross-entropy of the next word.  Words that the
    vocabulary does not have are skipped.

    Parameters
    ----------
    model : CascadeModel
        The model to train.  Layers that were trained before continue.
    texts : iterable of str
        The text.
    recipe : Recipe
        Number of steps, batch size, length and learning rate.
    held_out : float
        Fraction of the words, at the end of the text, on which the loss is reported; 0 to 0.5.
    local : bool
        Whether the emotional weights learn.

    Attributes
    ----------
    trainer : Trainer
        The gradient steps: their number ``trainer.done`` and their losses ``trainer.losses``.
    loss_before : float
        Loss on held-out text before the first step.
    digest : str
        Digest of the words of the text.

    Raises
    ------
    DeclarationError
        If the text is shorter than two windows, or all nodes change in a layer (``everywhere``).
    """

    def __init__(
        self, model: CascadeModel, texts: Iterable[str], recipe: Recipe, *, held_out: float = 0.05, local: bool = True
    ) -> None:
        where = "begin_training"
        if model.cascade.everywhere:
            cure = "replace(cascade, everywhere=False)"
            raise DeclarationError(where=f"{where}: everywhere", value=True, allowed="False, to train", cure=cure)
        if recipe.length > model.cascade.window:
            allowed = f"at most window = {model.cascade.window}"
            raise DeclarationError(where=f"{where}: recipe.length", value=recipe.length, allowed=allowed)
        share = real(f"{where}.held_out", held_out, 0.0, 0.5)
        self.model, self.recipe, self.local = model, recipe, truth(f"{where}.local", local)
        words = _stream(several(f"{where}.texts", texts), model)
        kept = len(words) - max(recipe.length + 1, round(share * len(words)))
        if kept < recipe.length + 1:
            allowed = f"texts with at least {2 * recipe.length + 2} words of the vocabulary"
            raise DeclarationError(where=f"{where}.texts", value=f"{len(words)} words", allowed=allowed)
        self._read, self._held_out = words[:kept], words[kept:][:MOST_HELD_OUT]
        self.held_out = share
        self.digest = hashlib.sha256(words.tobytes()).hexdigest()
        self.network = model.core.network = model.core.network or CascadeNetwork(
            model.cascade, model.core.vectors, model.core.maps, model.core.seed
        )
        self.trainer = Trainer(self.network, recipe, self._draw, self._loss)
        self.loss_before = self.loss()

    def run(self, until: int | None = None) -> None:
        """Run the remaining steps up to step ``until``, by default all."""
        self.trainer.run(until)

    def loss(self) -> float:
        """Return the mean cross-entropy of the next word on held-out text, in nats."""
        found: float = evaluate(self.network, torch.from_numpy(self._held_out), self.recipe.length)
        return found

    def window_losses(self) -> npt.NDArray[np.float64]:
        """Return the mean loss of each window of held-out text, in nats a word, shape (windows,)."""
        losses, words = sequence_losses(self.network, torch.from_numpy(self._held_out), self.recipe.length)
        sizes = np.full(len(losses), self.recipe.length)
        sizes[-1] = words - self.recipe.length * (len(losses) - 1)
        each: npt.NDArray[np.float64] = losses.double().numpy() / sizes
        return each

    def report(self) -> Trained:
        """Return the result so far."""
        done, parameters = self.trainer.done, sum(each.numel() for each in self.network.parameters())
        held = _bytes(self.model.sim.memory()) + BYTES_PER_TRAINED * parameters
        return Trained(
            steps=done,
            tokens=done * self.recipe.batch * self.recipe.length,
            loss_before=self.loss_before,
            loss_after=self.loss(),
            seconds=self.trainer.seconds,
            memory_mb=held / 1e6,
        )

    def save(self, path: str | Path) -> None:
        """Write the model and the state of its training to a file, completely or not at all.

        Raises
        ------
        DumpError
            If the path is not the path of a file, or the file cannot be written.
        """
        from brainsim.models.cascade.saving import write_model

        write_model(path, self.model, self)

    def _draw(self, generator: torch.Generator, batch: int, length: int) -> Batch:
        """Return the windows of the next step; their places depend only on the number of steps."""
        del generator
        begins = (self.trainer.done * batch + np.arange(batch)) * length
        places = (begins[:, None] + np.arange(length + 1)) % len(self._read)
        found = torch.from_numpy(self._read[places])
        return found[:, :-1], found[:, 1:]

    def _loss(self, network: nn.Module, batch: Batch) -> Tensor:
        if self.local:
            for window in batch[0].cpu().numpy():
                self.model.core.learn(window)
        return next_token_loss(network, batch)


def _bytes(memory: Any) -> int:
    """Return the sum of nested tables of bytes."""
    return sum(map(_bytes, memory.values())) if isinstance(memory, Mapping) else int(memory)


def _stream(texts: Iterable[str], model: CascadeModel) -> npt.NDArray[np.int64]:
    index = model.vocabulary.index
    return np.array([index[word] for text in texts for word in words_of(text) if word in index], np.int64)
