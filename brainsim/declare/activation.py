"""Activations: how an area selects the neurons that fire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from brainsim._validation import real
from brainsim.kernels import parts
from brainsim.kernels.law.weights import THRESHOLD_LIMIT, to_fixed, to_float


class Activation(ABC):
    """How an area selects the neurons that fire, of which there are at most ``k``.

    A new kind of activation is a frozen dataclass derived from this class.  Its ``part()`` returns what backends run.
    Its ``threshold`` is that of all neurons at the beginning of a simulation, in units of the base weight.
    """

    threshold: float = 0.0

    @abstractmethod
    def part(self) -> parts.TopK | parts.AmongTopK:
        """Return what backends run, with integers only: of a type in their ``parts``, or derived from `AmongTopK`."""


@dataclass(frozen=True)
class TopK(Activation):
    """The ``k`` neurons with the largest positive drive fire (k-winners-take-all); the default."""

    def part(self) -> parts.TopK:
        """Return what backends run."""
        return parts.TopK()


@dataclass(frozen=True)
class Threshold(Activation):
    """All neurons whose drive exceeds their threshold fire; ``k`` of the area is a bound.

    If more than ``k`` neurons exceed their thresholds, the ``k`` that exceed them most fire, and ties are broken as
    everywhere.  ``k = n`` means no bound.

    Parameters
    ----------
    level : float
        Threshold of every neuron at the beginning of a simulation, in units of the base weight.  `sim.set_thresholds`
        replaces it, ``refraction`` adds to it.

    Examples
    --------
    >>> brain = Brain()
    >>> stimulus = brain.add(Area("S", n=100, k=20, patterns={"dog": range(20)}))
    >>> area = brain.add(Area("A", n=1000, k=1000, activation=Threshold(4)))
    >>> fiber = brain.connect(stimulus, area, p=0.1)
    >>> with Simulator(brain, seed=1) as sim:
    ...     sim.present(stimulus["dog"])
    ...     _ = sim.run(fiber)
    ...     fired, drives = sim.assembly(area), fiber.to_scipy(seed=1)[list(stimulus["dog"])].sum(axis=0)
    >>> set(fired) == set((drives > 4).nonzero()[0].tolist())
    True
    """

    level: float = 0.0

    def __post_init__(self) -> None:
        limit = to_float(THRESHOLD_LIMIT) / 2
        object.__setattr__(self, "level", real("Threshold.level", self.level, -limit, limit))

    @property
    def threshold(self) -> float:  # type: ignore[override]
        """The level."""
        return self.level

    def part(self) -> parts.Threshold:
        """Return what backends run."""
        return parts.Threshold(to_fixed(self.level))


TOP_K = TopK()
