"""Gradients of which a part is used: a random part without bias, or the largest entries, with the rest carried over."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from brainsim._arguments import checked
from brainsim._validation import integer, real
from brainsim.networks.training import Trainer
from brainsim.networks.transformer.blocks import generator_of


class ImportanceSampling:
    """Use a random part of each gradient, drawn by the importance ``(|w| |g|)^½`` of a synapse, without bias.

    Each entry is used with probability π, at most once, and divided by π, so that its mean over draws is the gradient.

    Parameters
    ----------
    fraction : float
        Mean share of entries that are used, above 0, at most 1.
    uniform : bool
        Control: the same probability for all entries.
    seed : int
        Seed of the draws.

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
        for each in with_gradients(trainer):
            each.grad = self.sampled(each.detach(), each.grad)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state of the generator, for a checkpoint."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore the state that `state_dict` returned."""
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
        for _ in range(8):  # what exceeds 1 is distributed to the others, some of which then exceed 1
            rest = importance.masked_fill(certain, 0.0)
            chance = (rest * ((wanted - certain.sum()) / rest.sum().clamp(min=1e-30))).masked_fill(certain, 1.0)
            certain = chance >= 1
        return chance.clamp(max=1.0)


class GradientPruning:
    """Use the largest part of each gradient; the rest is added to the gradient of the next step.

    Parameters
    ----------
    keep : float
        Share of entries that are used, above 0, at most 1.
    feedback : bool
        Whether the rest is carried over (Seide et al. 2014; Stich, Cordonnier & Jaggi 2018) or dropped.

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
            self.residuals = dict(zip(with_gradients(trainer), self._restored, strict=True))
            self._restored = []
        for each in with_gradients(trainer):
            whole = each.grad + self.residuals[each] if each in self.residuals else each.grad
            each.grad = self.sent(whole)
            if self.feedback:
                self.residuals[each] = whole - each.grad

    def state_dict(self) -> dict[str, Tensor]:
        """Return what is carried over, for a checkpoint, in the order in which it was first carried."""
        return {str(at): each for at, each in enumerate(self.residuals.values())}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Carry over what `state_dict` returned, from the next step on."""
        self._restored = [state[str(at)] for at in range(len(state))]

    def sent(self, gradient: Tensor) -> Tensor:
        """Return a gradient with all but its largest entries set to 0."""
        kept = max(1, round(self.keep * gradient.numel()))
        places = gradient.abs().flatten().topk(kept).indices
        sent = torch.zeros_like(gradient).flatten()
        sent[places] = gradient.flatten()[places]
        return sent.view_as(gradient)


def with_gradients(trainer: Trainer) -> list[nn.Parameter]:
    """Return the parameters that have a gradient, in the order of the model."""
    return [each for each in trainer.model.parameters() if each.grad is not None]
