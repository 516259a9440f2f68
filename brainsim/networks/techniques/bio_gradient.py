"""A batch in parts: with the gradient of the whole batch, or with parts that dopamine weights."""

from __future__ import annotations

from math import tanh
from typing import Literal

from torch import Tensor

from brainsim._arguments import checked
from brainsim._validation import integer, real
from brainsim.networks.training import Batch, Trainer


class MicroBatches:
    """Compute the gradient of a batch in parts, one after the other; it equals that of the whole batch.

    Parameters
    ----------
    parts : int
        At most as many as there are sequences, 1 to 65 536.

    Raises
    ------
    DeclarationError
        If ``parts`` is out of range.
    """

    @checked()
    def __init__(self, parts: int = 4) -> None:
        self.parts = integer("MicroBatches.parts", parts, 1, 65_536)

    def __call__(self, trainer: Trainer, batch: Batch) -> float:
        """Compute the gradients, and return the loss of the batch."""
        total = 0.0
        for part in split(batch, self.parts):
            share = len(part[0]) / len(batch[0])
            loss = part_loss(trainer, part)
            (loss * share).backward()
            total += share * float(loss.detach())
        return total


class BioGradient:
    """Weigh micro-batches by dopamine: ``Σ w g / Σ w``, with ``w = .5 + .5 tanh(sensitivity (L_before - L))``.

    ``L_before`` is the loss of the preceding micro-batch, so that a micro-batch with a lower loss gets a larger weight.

    Parameters
    ----------
    parts : int
        Micro-batches in a batch, 1 to 65 536.
    sensitivity : float
        Per nat, 0 to 1e6.
    weights : str
        ``"dopamine"``; controls: ``"reversed"`` (1 - w) and ``"equal"``.

    Raises
    ------
    DeclarationError
        If a value is out of range.
    """

    @checked()
    def __init__(
        self,
        parts: int = 4,
        sensitivity: float = 10.0,
        weights: Literal["dopamine", "reversed", "equal"] = "dopamine",
    ) -> None:
        self.parts = integer("BioGradient.parts", parts, 1, 65_536)
        self.sensitivity = real("BioGradient.sensitivity", sensitivity, 0.0, 1e6)
        self.weights = weights
        self.before: float | None = None

    def __call__(self, trainer: Trainer, batch: Batch) -> float:
        """Compute the gradients, and return the plain mean of the losses."""
        total, weight_sum = 0.0, 0.0
        for part in split(batch, self.parts):
            share, loss = len(part[0]) / len(batch[0]), part_loss(trainer, part)
            now = float(loss.detach())
            weight = share * self.weight(now)
            (loss * weight).backward()
            total, weight_sum, self.before = total + share * now, weight_sum + weight, now
        for each in trainer.model.parameters():
            if each.grad is not None:
                each.grad /= max(weight_sum, 1e-12)
        return total

    def weight(self, loss: float) -> float:
        """Return the weight of a micro-batch of some loss; .5 for the first."""
        if self.before is None or self.weights == "equal":
            return 0.5
        released = 0.5 + 0.5 * tanh(self.sensitivity * (self.before - loss))
        return released if self.weights == "dopamine" else 1 - released


def split(batch: Batch, parts: int) -> list[Batch]:
    """Return a batch in parts of nearly equal size."""
    parts = min(parts, len(batch[0]))
    return list(zip(*(each.tensor_split(parts) for each in batch), strict=True))


def part_loss(trainer: Trainer, part: Batch) -> Tensor:
    """Return the mean loss of a part, in the precision of the trainer."""
    with trainer.precision():
        return trainer.loss(trainer.model, part)
