"""Local updates of weights: Hebb, Oja, BCM and their sum, gated by dopamine, and spike-timing traces.

A local rule changes a weight according to the activity of its two neurons, without a gradient.  The forms here are
stable.  The combination of BCM with Oja's decay that is often printed is not; ``literal=True`` gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Literal

import torch
from torch import Tensor

from brainsim._arguments import check_record, checked
from brainsim._validation import integer, real
from brainsim.errors import DeclarationError


@dataclass(frozen=True)
class LocalRule:
    """A Hebbian rule with decay: ``dw = rate · gain · (m · pre - alpha · post² · w)``, averaged over a batch.

    Parameters
    ----------
    rate : float
        Step, 0 to 1.
    factor : str
        ``"hebb"``: ``m = post`` (Oja 1982, if ``alpha > 0``).  ``"bcm"``: ``m = post (post - threshold)``, and the
        threshold follows ``post²`` (Bienenstock, Cooper & Munro 1982).
    alpha : float
        Weight of Oja's decay, 0 to 1000.  With 0 nothing bounds the weights of ``"hebb"``.
    tau : float
        Steps in which the threshold follows, 1 to 1e9.
    literal : bool
        The printed form ``dw = rate · gain · m · (post · pre - alpha · post² · w)``.  Where ``m < 0`` its decay is
        growth, and on graded activities it diverges.

    Raises
    ------
    DeclarationError
        If a value is out of range, or ``literal`` is set for another factor than ``"bcm"``.

    Notes
    -----
    The decay step is implicit, ``w ← (w + r · m · pre) / (1 + r · alpha · post²)`` with ``r = rate · gain``, which
    differs from the formula in the square of the rate.  With rectified activities ``m`` grows no faster than ``post²``,
    so that weights after large activities are at most ``pre / alpha``, where an explicit step would overshoot.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.plasticity.local_rules import LocalRule
    >>> rule = LocalRule(rate=0.1, factor="hebb", alpha=0.0)
    >>> weight, threshold = torch.zeros(1, 2), torch.zeros(1)
    >>> rule.step(weight, torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0]]), threshold)
    >>> weight
    tensor([[0.1000, 0.0000]])
    """

    rate: float = 1e-3
    factor: Literal["hebb", "bcm"] = "bcm"
    alpha: float = 1.0
    tau: float = 100.0
    literal: bool = False

    def __post_init__(self) -> None:
        check_record(self)
        real("LocalRule.rate", self.rate, 0.0, 1.0)
        real("LocalRule.alpha", self.alpha, 0.0, 1000.0)
        real("LocalRule.tau", self.tau, 1.0, 1e9)
        if self.literal and self.factor != "bcm":
            raise DeclarationError(where="LocalRule.literal", value=True, allowed="False with factor='hebb'")

    @torch.no_grad()
    def step(self, weight: Tensor, pre: Tensor, post: Tensor, threshold: Tensor, gain: float = 1.0) -> None:
        """Change ``weight`` and ``threshold`` in place.

        Parameters
        ----------
        weight : Tensor
            Shape ``(outputs, inputs)``.
        pre, post : Tensor
            Activities, shapes ``(batch, inputs)`` and ``(batch, outputs)``.
        threshold : Tensor
            The threshold of BCM, shape ``(outputs,)``; ``"hebb"`` does not change it.
        gain : float
            Factor on the step; see `brainsim.networks.plasticity.dopamine.gate`.
        """
        squares, step = post.square(), self.rate * gain
        m = post * (post - threshold) if self.factor == "bcm" else post
        if self.literal:
            weight += step * ((m * post).T @ pre / len(pre) - self.alpha * (m * squares).mean(0)[:, None] * weight)
        else:
            weight += step * (m.T @ pre) / len(pre)
            weight /= 1 + step * self.alpha * squares.mean(0)[:, None]
        if self.factor == "bcm":
            threshold += (squares.mean(0) - threshold) / self.tau


class SpikeTiming:
    """Spike-timing plasticity by traces: ``dw = A₊ x_pre(t⁻) post(t) - A₋ x_post(t⁻) pre(t)``.

    A spike adds 1 to the trace of its neuron, which decays by ``exp(-dt / tau)`` in a step.  A single pair of spikes
    changes the weight by ``± A exp(-|Δt| / tau)`` exactly (Song, Miller & Abbott 2000).

    Parameters
    ----------
    inputs, outputs : int
        Neurons on both sides.
    tau : float
        Milliseconds in which traces decay, 0.1 to 10 000.
    potentiation, depression : float
        A₊ and A₋, 0 to 1.
    dt : float
        Milliseconds of a step, 0.001 to 1000.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.plasticity.local_rules import SpikeTiming
    >>> rule, spike, rest = SpikeTiming(1, 1), torch.ones(1), torch.zeros(1)
    >>> changes = [rule.step(spike, rest)] + [rule.step(rest, rest) for _ in range(9)] + [rule.step(rest, spike)]
    >>> round(float(sum(changes)), 7)
    0.0030327
    """

    @checked()
    def __init__(
        self,
        inputs: int,
        outputs: int,
        tau: float = 20.0,
        potentiation: float = 0.005,
        depression: float = 0.005,
        dt: float = 1.0,
    ) -> None:
        self.potentiation = real("SpikeTiming.potentiation", potentiation, 0.0, 1.0)
        self.depression = real("SpikeTiming.depression", depression, 0.0, 1.0)
        step, constant = real("SpikeTiming.dt", dt, 1e-3, 1e3), real("SpikeTiming.tau", tau, 0.1, 1e4)
        self.decay = exp(-step / constant)
        self.pre = torch.zeros(integer("SpikeTiming.inputs", inputs, 1, 2**24), dtype=torch.float64)
        self.post = torch.zeros(integer("SpikeTiming.outputs", outputs, 1, 2**24), dtype=torch.float64)

    @torch.no_grad()
    def step(self, pre: Tensor, post: Tensor) -> Tensor:
        """Return the change of the weights, shape ``(outputs, inputs)``, for the spikes (0 or 1) of one step.

        The traces contain earlier spikes only: those of this step are added at its end.
        """
        self.pre *= self.decay
        self.post *= self.decay
        change = self.potentiation * torch.outer(post.double(), self.pre)
        change -= self.depression * torch.outer(self.post, pre.double())
        self.pre += pre
        self.post += post
        return change
