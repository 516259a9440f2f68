"""Networks that learn tasks one after the other, without replay: what they forget depends on which weights are shared.

All are small: fixed features of the input, one hidden layer, one output.  They differ in how the task is given to the
network, and in which weights are trained.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from brainsim._validation import integer, real
from brainsim.errors import DeclarationError
from brainsim.networks.geometric.modulation import Pairs
from brainsim.networks.transformer.blocks import generator_of

Kind = Literal["plain", "ewc", "superposition", "modulated", "private"]
KINDS: tuple[Kind, ...] = ("plain", "ewc", "superposition", "modulated", "private")
RANK, TERMS, CODE = 4, 16, 32


class Continual(nn.Module):
    """A network that learns ``tasks`` tasks and stores at most ``numbers`` numbers.

    ``"plain"`` gets a fixed random code of the task in addition to the features.  ``"ewc"`` is the same and also keeps
    the last value and the importance of each weight, so that it has a third as many weights (Kirkpatrick et al. 2017).
    ``"superposition"`` multiplies features and hidden units by fixed random signs of the task (Cheung et al. 2019).
    ``"modulated"`` adds to its hidden matrix low-rank pairs, weighted by the cosines and sines of fixed random phases
    of the task; all weights are trained.  ``"private"`` has a separate pair and read-out for each task, and a base that
    is trained on the first task only.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    features : int
        Length of the input.
    tasks : int
        Number of tasks.
    numbers : int, optional
        Trained numbers, plus those that training keeps; the hidden layer is as wide as they allow.  By
        default those of ``"private"`` with 64 hidden units.
    seed : int
        Seed of the weights and codes.

    Raises
    ------
    DeclarationError
        If the kind is unknown, or the numbers do not suffice for one hidden unit.

    Examples
    --------
    >>> import torch
    >>> from brainsim.networks.continual import Continual
    >>> network = Continual("private", features=8, tasks=3)
    >>> network.learn(0, torch.eye(8), torch.arange(8.0), steps=20)
    >>> tuple(network(torch.eye(8), 2).shape)
    (8,)
    """

    def __init__(self, kind: Kind, features: int, tasks: int, numbers: int | None = None, seed: int = 0) -> None:
        super().__init__()
        if kind not in KINDS:
            raise DeclarationError(where="Continual.kind", value=kind, allowed=" or ".join(KINDS))
        self.kind: Kind = kind
        self.features = integer("Continual.features", features, 1, 100_000)
        self.tasks = integer("Continual.tasks", tasks, 1, 100_000)
        allowed = self.numbers_of("private", 64) if numbers is None else integer("Continual.numbers", numbers, 1, 10**9)
        width = 0
        while self.numbers_of(kind, width + 1) <= allowed:
            width += 1
        if not width:
            least = self.numbers_of(kind, 1)
            raise DeclarationError(where="Continual.numbers", value=allowed, allowed=f"{least} or more")
        self.width, self.held = width, self.numbers_of(kind, width)
        self._draw(generator_of(seed, f"continual/{kind}"))
        self._anchor: list[tuple[Tensor, Tensor]] = []

    def numbers_of(self, kind: Kind, width: int) -> int:
        """Return how many numbers a network of a kind stores, given its hidden units."""
        read_out = width + 1
        return {
            "plain": (self.features + CODE) * width + read_out,
            "ewc": 3 * ((self.features + CODE) * width + read_out),
            "superposition": self.features * width + read_out,
            "modulated": self.features * width + TERMS * RANK * (self.features + width) + read_out,
            "private": self.features * width + self.tasks * (RANK * (self.features + width) + read_out),
        }[kind]

    def _draw(self, generator: torch.Generator) -> None:
        own = self.tasks if self.kind == "private" else 1
        inputs = self.features + (CODE if self.kind in ("plain", "ewc") else 0)
        self.hidden = nn.Parameter(torch.randn(self.width, inputs, generator=generator) / math.sqrt(inputs))
        self.read_out = nn.Parameter(torch.zeros(own, self.width + 1))
        self.register_buffer("codes", torch.randn(self.tasks, CODE, generator=generator))
        phases = torch.randn(self.tasks, TERMS // 2, generator=generator)
        self.register_buffer("terms", torch.cat((phases.cos(), phases.sin()), dim=1))
        signs = torch.randint(2, (self.tasks, self.features + self.width), generator=generator)
        self.register_buffer("signs", 2.0 * signs - 1.0)
        pairs = {"modulated": TERMS, "private": self.tasks}.get(self.kind)
        self.pairs = Pairs(self.features, self.width, pairs, RANK) if pairs else None
        if self.pairs is not None:
            self.pairs.fill(generator)

    def forward(self, inputs: Tensor, task: int) -> Tensor:
        """Return the outputs ``(points,)`` for features ``(points, features)`` of a task."""
        own = task if self.kind == "private" else 0
        if self.kind in ("plain", "ewc"):
            inputs = torch.cat((inputs, self.codes[task].expand(len(inputs), -1)), dim=1)
        if self.kind == "superposition":
            inputs = inputs * self.signs[task, : self.features]
        hidden = functional.linear(inputs, self.hidden)
        if self.kind == "modulated":
            assert self.pairs is not None
            hidden = hidden + self.pairs(inputs, self.terms[task])
        elif self.kind == "private":
            hidden = hidden + self._private(inputs, task)
        hidden = functional.gelu(hidden)
        if self.kind == "superposition":
            hidden = hidden * self.signs[task, self.features :]
        return hidden @ self.read_out[own, :-1] + self.read_out[own, -1]

    def _private(self, inputs: Tensor, task: int) -> Tensor:
        assert self.pairs is not None
        rows = slice(task * RANK, (task + 1) * RANK)
        return functional.linear(inputs, self.pairs.reads[rows]) @ self.pairs.writes[rows]

    def learn(
        self,
        task: int,
        inputs: Tensor,
        targets: Tensor,
        *,
        steps: int,
        rate: float = 1e-2,
        importance: float = 100.0,
        seed: int = 0,
    ) -> None:
        """Train on one task: ``steps`` steps of Adam on 64 random points each.

        Parameters
        ----------
        task : int
            Which, from 0.
        inputs, targets : Tensor
            ``(points, features)`` and ``(points,)``.
        steps : int
            At least 1.
        rate : float
            Of Adam; falls to 0 along half a cosine.
        importance : float
            Weight of what was learned before, for ``"ewc"``.
        seed : int
            Seed of the points that are drawn.
        """
        task = integer("Continual.learn.task", task, 0, self.tasks - 1)
        last = integer("Continual.learn.steps", steps, 1, 10_000_000)
        rate = real("Continual.learn.rate", rate, 0.0, 10.0)
        kept = self._kept(task)
        optimizer = torch.optim.Adam(self.parameters(), lr=rate)
        generator = generator_of(seed, f"points/{task}")
        for step in range(last):
            optimizer.param_groups[0]["lr"] = 0.5 * rate * (1.0 + math.cos(math.pi * step / last))
            points = torch.randint(len(inputs), (min(64, len(inputs)),), generator=generator)
            optimizer.zero_grad()
            loss = functional.mse_loss(self(inputs[points], task), targets[points])
            if self._anchor:
                loss = loss + 0.5 * importance * self._drift()
            loss.backward()
            optimizer.step()
            self._restore(kept)
        if self.kind == "ewc":
            self._remember(task, inputs, targets)

    def _kept(self, task: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return the parts of the parameters that this task must not change, and their values."""
        if self.kind != "private":
            return []
        assert self.pairs is not None
        frozen: list[tuple[Tensor, Tensor, Tensor]] = []
        for parameter, size in ((self.read_out, 1), (self.pairs.reads, RANK), (self.pairs.writes, RANK)):
            own = torch.zeros(len(parameter), dtype=torch.bool)
            own[task * size : (task + 1) * size] = True
            frozen.append((parameter, ~own, parameter.detach()[~own].clone()))
        if task > 0:
            frozen.append((self.hidden, torch.ones(self.width, dtype=torch.bool), self.hidden.detach().clone()))
        return frozen

    @torch.no_grad()
    def _restore(self, kept: Iterable[tuple[Tensor, Tensor, Tensor]]) -> None:
        for parameter, where, values in kept:
            parameter[where] = values

    def _drift(self) -> Tensor:
        pairs = zip(self.parameters(), self._anchor, strict=True)
        return torch.stack([(weight * (now - before) ** 2).sum() for now, (before, weight) in pairs]).sum()

    def _remember(self, task: int, inputs: Tensor, targets: Tensor) -> None:
        """Keep the weights, and add their importance: the mean over the points of the squared gradient of the error."""
        squares = [torch.zeros_like(each) for each in self.parameters()]
        for point in range(0, len(inputs), max(1, len(inputs) // 32)):
            self.zero_grad()
            functional.mse_loss(self(inputs[point : point + 1], task), targets[point : point + 1]).backward()
            for total, each in zip(squares, self.parameters(), strict=True):
                if each.grad is not None:
                    total += each.grad**2 / 32
        before = [weight for _, weight in self._anchor] or [torch.zeros_like(each) for each in squares]
        values = [each.detach().clone() for each in self.parameters()]
        self._anchor = [(value, old + new) for value, old, new in zip(values, before, squares, strict=True)]
