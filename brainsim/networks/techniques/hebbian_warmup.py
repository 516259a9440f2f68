"""A local rule beside the gradient, at a rate that rises in two ramps and then falls."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from brainsim._arguments import checked
from brainsim._validation import count, integer
from brainsim.errors import DeclarationError
from brainsim.networks.plasticity.local_rules import LocalRule
from brainsim.networks.training import Trainer


@checked()
def hebbian_rate(step: int, phase: int = 1000) -> float:
    """Return the rate of the local rule: 1e-5 to 1e-4 in phase 1, to 1e-3 in phase 2, then ``1e-3 · .9999^(steps)``.

    Parameters
    ----------
    step : int
        From 0.
    phase : int
        Steps of a phase, at least 1: 1000 as described, less in a short run.

    Raises
    ------
    DeclarationError
        If a number is out of range.

    Examples
    --------
    >>> from brainsim.networks.techniques.hebbian_warmup import hebbian_rate
    >>> [round(hebbian_rate(step), 6) for step in (0, 1000, 2000, 12_000)]
    [1e-05, 0.0001, 0.001, 0.000368]
    """
    at, length = count("hebbian_rate.step", step, 0), count("hebbian_rate.phase", phase, 1)
    if at < length:
        return 1e-5 + (1e-4 - 1e-5) * at / length
    if at < 2 * length:
        return 1e-4 + (1e-3 - 1e-4) * (at - length) / length
    return float(1e-3 * 0.9999 ** (at - 2 * length))


class HebbianWarmup:
    """Change some matrices by a local rule in each step, after the gradients are computed.

    Parameters
    ----------
    model : torch.nn.Module
        The model that is trained.
    ending : str
        Ending of the names of the matrices that learn; ``"feed_forward.up"`` by default.
    rule : LocalRule
        Its rate is multiplied by `hebbian_rate`.
    phase : int
        Steps of a phase; see `hebbian_rate`.

    Raises
    ------
    DeclarationError
        If the model has no such matrix.

    Notes
    -----
    The activities are those of the last forward pass of a step; a hook keeps them, and `remove` removes the hook.
    """

    @checked()
    def __init__(
        self,
        model: nn.Module,
        ending: str = "feed_forward.up",
        rule: LocalRule = LocalRule(rate=1.0),  # noqa: B008 - it is frozen
        phase: int = 1000,
    ) -> None:
        named = [each for name, each in model.named_modules() if name.endswith(ending) and isinstance(each, nn.Linear)]
        if not named:
            raise DeclarationError(where="HebbianWarmup.ending", value=ending, allowed="how the name of a matrix ends")
        self.rule, self.phase = rule, integer("HebbianWarmup.phase", phase, 1, 2**31)
        self.matrices = named
        self.thresholds = [torch.zeros_like(each.weight[:, 0]).detach() for each in named]
        self._seen: dict[int, tuple[Tensor, Tensor]] = {}
        self._hooks = [each.register_forward_hook(self._keep) for each in named]

    def _keep(self, matrix: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        if matrix.training:
            self._seen[id(matrix)] = inputs[0].detach(), output.detach()

    def __call__(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002 - the signature of a change
        """Let all matrices learn."""
        gain = hebbian_rate(trainer.done, self.phase)
        for matrix, threshold in zip(self.matrices, self.thresholds, strict=True):
            pre, post = (each.flatten(0, -2).to(matrix.weight.dtype) for each in self._seen[id(matrix)])
            self.rule.step(matrix.weight.data, pre, post, threshold, gain)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the thresholds, for a checkpoint."""
        return {str(at): each for at, each in enumerate(self.thresholds)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore the thresholds that `state_dict` returned."""
        self.thresholds = [state[str(at)].clone() for at in range(len(self.thresholds))]

    def remove(self) -> None:
        """Remove the hooks."""
        for each in self._hooks:
            each.remove()
