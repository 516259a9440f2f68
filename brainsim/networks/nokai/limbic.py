"""The limbic part of a network: a critic, and a striatum with Go and NoGo pathways that compare actions.

It gets no gradient from the loss of the language model; it learns from rewards, by `Limbic.loss`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from brainsim.networks.nokai.thalamus import two_layers
from brainsim.networks.plasticity.dopamine import BASELINE


@dataclass(frozen=True)
class Appraisal:
    """The output of the limbic part for hidden states ``(..., dim)``.

    Attributes
    ----------
    value : Tensor
        Expected reward, ``(...)``.
    go, no_go : Tensor
        Logarithms of the pathways D1 and D2, ``(..., actions)``.
    """

    value: Tensor
    go: Tensor
    no_go: Tensor

    def preference(self, dopamine: float = BASELINE, balance: float = 1.0) -> Tensor:
        """Return ``G (1 + b (DA - .5)) - N (1 - b (DA - .5))``, ``(..., actions)``."""
        shift = balance * (dopamine - BASELINE)
        return self.go.exp() * (1 + shift) - self.no_go.exp() * (1 - shift)


class Limbic(nn.Module):
    """A critic and a striatum.

    Parameters
    ----------
    dim : int
        Size of the hidden states.
    hidden : int
        Hidden size of each of the three networks.
    actions : int
        Number of actions of the striatum.
    """

    def __init__(self, dim: int, hidden: int, actions: int) -> None:
        super().__init__()
        self.critic = two_layers(dim, hidden, 1)
        self.d1, self.d2 = (two_layers(dim, hidden, actions) for _ in range(2))
        self.requires_grad_(False)  # an optimizer of the language model leaves it alone

    def forward(self, hidden: Tensor) -> Appraisal:
        """Return the output for hidden states, which get no gradient."""
        states = hidden.detach()
        return Appraisal(self.critic(states).squeeze(-1), self.d1(states), self.d2(states))

    def loss(
        self, seen: Appraisal, action: Tensor, reward: Tensor, next_value: Tensor, discount: float = 0.99
    ) -> Tensor:
        """Return a loss whose gradient step is TD(0) for the critic and OpAL for the striatum.

        With ``δ = r + discount · V' - V`` it is ``½ δ² - δ (log G_a - log N_a)``, where δ counts as a number in the
        second term.  A step on log G_a by ``rate · δ`` changes G_a by ``rate · G_a · δ``, which is OpAL's rule.

        Parameters
        ----------
        seen : Appraisal
            The output for the states before the actions.
        action : Tensor
            The actions that were chosen, int64.
        reward, next_value : Tensor
            The reward, and the value of the states after the actions.
        discount : float
            Weight of the next value, 0 to 1.
        """
        error = reward + discount * next_value.detach() - seen.value
        chosen = (seen.go - seen.no_go).gather(-1, action.unsqueeze(-1)).squeeze(-1)
        return (0.5 * error.square() - error.detach() * chosen).mean()
