"""Seven techniques of training, each a part of `brainsim.networks.training.Trainer` that can be switched on alone.

=====================  ========  ==============================================================================
technique              replaces  what it does
=====================  ========  ==============================================================================
`BioGradient`          backward  dopamine, a function of the losses, weights micro-batches
`HebbianWarmup`        change    a local rule changes some matrices, at a rate that rises and falls
`MicroBatches`         backward  the batch in parts; the gradient is that of the whole batch
`ImportanceSampling`   change    a random part of each gradient, by ``(|w| |g|)^½``, without bias
`ThetaUpdates`         change    the learning rate follows a theta rhythm
`GradientPruning`      change    the largest part of each gradient; the rest is carried to the next step
`Prefetch`             draw      a thread draws the next batches
=====================  ========  ==============================================================================

`trainer` combines them.  A checkpoint contains the state of changes: residuals, thresholds and generators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from brainsim._arguments import checked
from brainsim.errors import DeclarationError
from brainsim.networks.plasticity.rhythms import Rhythm
from brainsim.networks.recipe import Recipe
from brainsim.networks.techniques.bio_gradient import BioGradient, MicroBatches
from brainsim.networks.techniques.hebbian_warmup import HebbianWarmup
from brainsim.networks.techniques.prefetch import Prefetch
from brainsim.networks.techniques.sparse_gradients import GradientPruning, ImportanceSampling
from brainsim.networks.training import Batch, Trainer

__all__ = [
    "BioGradient",
    "GradientPruning",
    "HebbianWarmup",
    "ImportanceSampling",
    "MicroBatches",
    "Prefetch",
    "ThetaUpdates",
    "trainer",
]

Change = Callable[[Trainer, float], None]
Technique = BioGradient | MicroBatches | Prefetch | Change


@checked()
def trainer(
    model: nn.Module,
    recipe: Recipe,
    draw: Callable[[torch.Generator, int, int], Batch],
    techniques: Sequence[Technique] = (),
) -> Trainer:
    """Return a trainer with some techniques; without any it is the plain loop.

    Parameters
    ----------
    model : torch.nn.Module
        The model to train.
    recipe : Recipe
        How.
    draw : callable
        Draws batches; `Prefetch` is put around it.
    techniques : sequence
        Those of this module, or functions of your own, ``change(trainer, loss)``; changes act in this order.

    Raises
    ------
    DeclarationError
        If an item is not a technique, or two of them replace the same part of the loop.

    Examples
    --------
    >>> from brainsim.networks.techniques import GradientPruning, trainer
    >>> from brainsim.networks.training import Corpus, Recipe
    >>> from brainsim.networks.transformer import Transformer, TransformerConfig
    >>> model = Transformer(TransformerConfig(vocabulary=4, dim=8, layers=1, heads=1, kv_heads=1, hidden=16))
    >>> pruned = trainer(model, Recipe(steps=3, length=8), Corpus([0, 1, 2, 3] * 20).draw, [GradientPruning(0.4)])
    >>> pruned.run()
    >>> pruned.done
    3
    """
    backward: list[BioGradient | MicroBatches] = []
    fetching: list[Prefetch] = []
    changes: list[Change] = []
    for each in techniques:
        if isinstance(each, BioGradient | MicroBatches):
            backward.append(each)
        elif isinstance(each, Prefetch):
            fetching.append(each)
        else:
            changes.append(each)
    for part in (backward, fetching):
        if len(part) > 1:
            allowed = "at most one that replaces the same part of the loop"
            raise DeclarationError(where="trainer.techniques", value=part, allowed=allowed)
    drawn = fetching[0].around(draw) if fetching else draw
    return Trainer(model, recipe, drawn, backward=backward[0] if backward else None, changes=changes)


class ThetaUpdates:
    """Scale the learning rate by a rhythm: the full rate near its peak, a small part of it elsewhere.

    Parameters
    ----------
    rhythm : Rhythm
        Which steps are major, and the factor of the others; a step of training is a step of the rhythm.
    constant : bool
        Control: the mean factor in every step.

    Raises
    ------
    DeclarationError
        If ``rhythm`` is not a rhythm.
    """

    @checked()
    def __init__(self, rhythm: Rhythm = Rhythm(), constant: bool = False) -> None:  # noqa: B008 - it is frozen
        self.rhythm, self.constant = rhythm, constant

    def __call__(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002 - the signature of a change
        """Scale the rates of this step, which the trainer sets again in each."""
        factor = self.rhythm.mean_factor if self.constant else self.rhythm.factor(trainer.done)
        for group in trainer.optimizer.param_groups:
            group["lr"] *= factor
