"""How a network is trained, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass

from brainsim._arguments import check_record
from brainsim._validation import count, real
from brainsim.errors import DeclarationError


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Parameters
    ----------
    steps : int
        Updates of the weights.
    batch, length : int
        Sequences in a batch, and tokens in a sequence.
    rate : float
        Highest learning rate.
    warmup : float
        Share of the steps in which the rate rises from 0.
    final : float
        The rate at the end, as a share of the highest.
    betas : tuple of float
        Of AdamW (Loshchilov & Hutter 2019).
    decay : float
        Weight decay of matrices; vectors, such as the scales of norms, do not decay.
    clip : float
        Largest norm of the gradient.
    seed : int
        Seed of the batches.
    precision : str
        ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 where a CUDA device computes in it, else float32.

    Raises
    ------
    DeclarationError
        If a value is out of its range.

    Examples
    --------
    >>> from brainsim.networks.recipe import Recipe
    >>> recipe = Recipe(steps=100, rate=1e-3)
    >>> [round(recipe.rate_at(step), 6) for step in (0, 4, 50, 99)]
    [0.0002, 0.001, 0.000572, 0.0001]
    """

    steps: int
    batch: int = 8
    length: int = 128
    rate: float = 3e-3
    warmup: float = 0.05
    final: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    decay: float = 0.1
    clip: float = 1.0
    seed: int = 0
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_record(self)
        for name, low in (("steps", 1), ("batch", 1), ("length", 1), ("seed", 0)):
            object.__setattr__(self, name, count(f"Recipe.{name}", getattr(self, name), low))
        for name, low, high in (("rate", 0, 1e3), ("warmup", 0, 1), ("final", 0, 1), ("decay", 0, 1e3)):
            real(f"Recipe.{name}", getattr(self, name), low, high)
        real("Recipe.clip", self.clip, 1e-12, 1e12)
        for beta in self.betas:
            real("Recipe.betas", beta, 0.0, 0.999999)
        if self.precision not in ("auto", "float32", "bfloat16"):
            allowed = "'auto', 'float32' or 'bfloat16'"
            raise DeclarationError(where="Recipe.precision", value=self.precision, allowed=allowed)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, from 0: a linear rise, then half a cosine."""
        rise = max(1, round(self.warmup * self.steps))
        if step < rise:
            return self.rate * (step + 1) / rise
        done = (step + 1 - rise) / max(1, self.steps - rise)
        return self.rate * (self.final + (1 - self.final) * (1 + math.cos(math.pi * min(1.0, done))) / 2)
