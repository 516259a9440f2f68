"""Seven techniques of training, each a part of `brainsim.networks.training.Trainer` that can be switched on alone.

=====================  ========  ==============================================================================
technique              replaces  what it does
=====================  ========  ==============================================================================
`BioGradient`          backward  micro-batches count by the dopamine that their losses release
`HebbianWarmup`        change    a local rule changes some matrices, at a rate that rises and falls
`MicroBatches`         backward  the batch in parts; the gradient is that of the whole batch
`ImportanceSampling`   change    a random part of each gradient, by ``(|w| |g|)^½``, without bias
`ThetaUpdates`         change    the learning rate follows a theta rhythm
`GradientPruning`      change    the largest part of each gradient; the rest is carried to the next step
`Prefetch`             draw      a thread draws the next batches
=====================  ========  ==============================================================================

`trainer` puts them together.  A checkpoint holds what changes remember: residuals, thresholds and generators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import torch
from torch import Tensor, nn

from brainsim._arguments import checked
from brainsim._validation import integer, real
from brainsim.errors import DeclarationError
from brainsim.networks.bio_gradient import BioGradient, MicroBatches
from brainsim.networks.blocks import generator_of
from brainsim.networks.hebbian_warmup import HebbianWarmup
from brainsim.networks.prefetch import Prefetch
from brainsim.networks.rhythms import Rhythm
from brainsim.networks.training import Batch, Recipe, Trainer

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

Technique = BioGradient | MicroBatches | HebbianWarmup | Prefetch | Callable[[Trainer, float], None]


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
        What is trained.
    recipe : Recipe
        How.
    draw : callable
        Draws batches; `Prefetch` is put around it.
    techniques : sequence
        Changes act in this order.

    Raises
    ------
    DeclarationError
        If something is no technique, or two of them replace the same part of the loop.

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
    backward = [each for each in techniques if isinstance(each, BioGradient | MicroBatches)]
    fetching = [each for each in techniques if isinstance(each, Prefetch)]
    changes = [each for each in techniques if each not in backward and each not in fetching]
    for each in changes:
        if not isinstance(each, HebbianWarmup | ImportanceSampling | ThetaUpdates | GradientPruning):
            raise DeclarationError(where="trainer.techniques", value=each, allowed="techniques of this module")
    for part in (backward, fetching):
        if len(part) > 1:
            allowed = "at most one that replaces the same part of the loop"
            raise DeclarationError(where="trainer.techniques", value=part, allowed=allowed)
    drawn = fetching[0].around(draw) if fetching else draw
    return Trainer(model, recipe, drawn, backward=backward[0] if backward else None, changes=changes)


class ImportanceSampling:
    """Use a random part of each gradient, drawn by the importance ``(|w| |g|)^½`` of a synapse, without bias.

    Each entry is used with probability π, at most once, and divided by π, so that its mean over draws is the gradient.

    Parameters
    ----------
    fraction : float
        Mean share of entries that are used, above 0, at most 1.
    uniform : bool
        Control: all entries alike.
    seed : int
        Of the draws.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Notes
    -----
    Importances have a floor of a tenth of their mean: without it a synapse of weight 0 would never be used.
    """

    @checked()
    def __init__(self, fraction: float = 0.5, uniform: bool = False, seed: int = 0) -> None:
        self.fraction = real("ImportanceSampling.fraction", fraction, 1e-6, 1.0)
        self.uniform = uniform
        self.generator = generator_of(integer("ImportanceSampling.seed", seed, 0, 2**63), "importance sampling")

    def __call__(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002 - the signature of a change
        """Sample all gradients of a trainer."""
        for each in _with_gradients(trainer):
            each.grad = self.sampled(each.detach(), each.grad)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state of the generator, for a checkpoint."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on drawing where `state_dict` was taken."""
        self.generator.set_state(state["generator"])

    @torch.no_grad()
    def sampled(self, weight: Tensor, gradient: Tensor) -> Tensor:
        """Return one draw."""
        chance = self.probabilities(weight, gradient)
        drawn = torch.rand(chance.shape, generator=self.generator).to(chance.device) < chance
        return torch.where(drawn, gradient / chance, 0.0)

    def probabilities(self, weight: Tensor, gradient: Tensor) -> Tensor:
        """Return π of each entry: proportional to its importance, at most 1, `fraction` in the mean."""
        if self.uniform or self.fraction == 1:
            return torch.full_like(gradient, self.fraction)
        importance = (weight * gradient).abs().sqrt()
        importance = importance + 0.1 * importance.mean() + torch.finfo(gradient.dtype).tiny
        chance, wanted = torch.zeros_like(importance), self.fraction * importance.numel()
        certain = torch.zeros_like(importance, dtype=torch.bool)
        for _ in range(8):  # what is cut at 1 goes to the others, of which more are then cut
            rest = importance.masked_fill(certain, 0.0)
            chance = (rest * ((wanted - certain.sum()) / rest.sum().clamp(min=1e-30))).masked_fill(certain, 1.0)
            certain = chance >= 1
        return chance.clamp(max=1.0)


class ThetaUpdates:
    """Scale the learning rate by a rhythm: whole near its peak, a small part elsewhere.

    Parameters
    ----------
    rhythm : Rhythm
        Which steps are major, and the factor of the others; a step of training is a step of the rhythm.
    constant : bool
        Control: the mean factor in every step.

    Raises
    ------
    DeclarationError
        If ``rhythm`` is no rhythm.
    """

    @checked()
    def __init__(self, rhythm: Rhythm = Rhythm(), constant: bool = False) -> None:  # noqa: B008 - it is frozen
        self.rhythm, self.constant = rhythm, constant

    def __call__(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002 - the signature of a change
        """Scale the rates of this step, which the trainer sets again in each."""
        factor = self.rhythm.mean_factor if self.constant else self.rhythm.factor(trainer.done)
        for group in trainer.optimizer.param_groups:
            group["lr"] *= factor


class GradientPruning:
    """Use the largest part of each gradient; what is left out is added to the gradient of the next step.

    Parameters
    ----------
    keep : float
        Share of entries that are used, above 0, at most 1.
    feedback : bool
        Whether what is left out is carried on (Seide et al. 2014; Stich, Cordonnier & Jaggi 2018), or lost.

    Raises
    ------
    DeclarationError
        If ``keep`` is out of range.
    """

    @checked()
    def __init__(self, keep: float = 0.4, feedback: bool = True) -> None:
        self.keep, self.feedback = real("GradientPruning.keep", keep, 1e-6, 1.0), feedback
        self.residuals: dict[nn.Parameter, Tensor] = {}
        self._restored: list[Tensor] = []

    @torch.no_grad()
    def __call__(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002 - the signature of a change
        """Prune all gradients of a trainer."""
        if self._restored:
            self.residuals = dict(zip(_with_gradients(trainer), self._restored, strict=True))
            self._restored = []
        for each in _with_gradients(trainer):
            whole = each.grad + self.residuals[each] if each in self.residuals else each.grad
            each.grad = self.sent(whole)
            if self.feedback:
                self.residuals[each] = whole - each.grad

    def state_dict(self) -> dict[str, Tensor]:
        """Return what is carried, for a checkpoint, in the order in which it was first carried."""
        return {str(at): each for at, each in enumerate(self.residuals.values())}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Carry what `state_dict` returned, from the next step on."""
        self._restored = [state[str(at)] for at in range(len(state))]

    def sent(self, gradient: Tensor) -> Tensor:
        """Return a gradient with all but its largest entries set to 0."""
        kept = max(1, round(self.keep * gradient.numel()))
        places = gradient.abs().flatten().topk(kept).indices
        sent = torch.zeros_like(gradient).flatten()
        sent[places] = gradient.flatten()[places]
        return sent.view_as(gradient)


def _with_gradients(trainer: Trainer) -> list[nn.Parameter]:
    return [each for each in trainer.model.parameters() if each.grad is not None]
