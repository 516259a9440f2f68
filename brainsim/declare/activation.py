"""Activations: how an area selects the neurons that fire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from brainsim._validation import integer, real
from brainsim.errors import DeclarationError
from brainsim.kernels import parts
from brainsim.kernels.law.weights import THRESHOLD_LIMIT, to_fixed, to_float
from brainsim.kernels.program import MAX_NEURONS


class Activation(ABC):
    """How an area selects the neurons that fire, at most ``k`` of them.

    A new kind of activation is a frozen dataclass derived from this class.  Its ``part()`` returns what backends run.
    Its ``threshold`` is that of all neurons at the beginning of a simulation, in the unit of weights.
    """

    threshold: float = 0.0

    @abstractmethod
    def part(self) -> parts.TopK | parts.Channels | parts.AmongTopK:
        """Return what backends run, in integers: of a type in their ``parts``, or derived from `AmongTopK`."""

    @property
    def winners(self) -> int | None:
        """Largest number of neurons that fire, if the activation defines it; ``None`` if the area does."""
        return None

    @property
    def channel(self) -> int:
        """Neurons of a channel, which win or lose together; 1 if neurons are selected individually."""
        return 1

    def check(self, where: str, n: int) -> None:
        """Refuse an area of ``n`` neurons that the activation does not fit; ``where`` begins the message."""
        del where, n


@dataclass(frozen=True)
class TopK(Activation):
    """The ``k`` neurons with the largest positive drive fire (k-winners-take-all); the default."""

    def part(self) -> parts.TopK:
        """Return what backends run."""
        return parts.TopK()


@dataclass(frozen=True)
class Threshold(Activation):
    """All neurons whose drive exceeds their threshold fire; ``k`` of the area is a bound.

    If more than ``k`` neurons exceed their thresholds, the ``k`` that exceed them most fire, and ties are broken as for
    `TopK`.  ``k = n`` means no bound.

    Parameters
    ----------
    level : float
        Threshold of every neuron at the beginning of a simulation, in the unit of weights.  `sim.set_thresholds`
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


@dataclass(frozen=True)
class Channels(Activation):
    """Channels compete: those with the largest summed drive win, and all their driven neurons fire.

    Neuron ``j`` of the area belongs to channel ``j // size``.  The drive of a channel is the sum of the positive drives
    of its neurons.  The ``c`` channels with the largest drive win; a channel whose drive is 0 never wins.  Ties between
    channels are broken as between neurons.

    Parameters
    ----------
    size : int
        Neurons of a channel; it divides ``n`` of the area.
    c : int
        Channels that win, at most.  ``k`` of the area is ``size * c`` and need not be given.

    Raises
    ------
    DeclarationError
        If a number is below 1 or, by `Area`, ``size`` does not divide ``n``, or there are fewer than ``c`` channels.

    Examples
    --------
    >>> Area("Thalamus", n=1000, activation=Channels(size=10, c=4))
    Area('Thalamus', n=1_000, k=40, activation=Channels(size=10, c=4))

    Notes
    -----
    The summed drive identifies channels more reliably than the drives of single neurons.  With 10 000 channels of 10
    neurons, of which a cue drives 4, the right channels win in all trials; if the 40 neurons of largest drive win
    instead, .58 of them are right (``experiments/routing.py``, 3 seeds).
    """

    size: int
    c: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", integer("Channels.size", self.size, 1, MAX_NEURONS))
        object.__setattr__(self, "c", integer("Channels.c", self.c, 1, MAX_NEURONS))

    @property
    def winners(self) -> int:
        """The neurons of the channels that win."""
        return self.size * self.c

    @property
    def channel(self) -> int:
        """The size of a channel."""
        return self.size

    def check(self, where: str, n: int) -> None:
        """Refuse an area with a fraction of a channel, or with too few channels."""
        channels, rest = divmod(n, self.size)
        if rest:
            allowed, cure = f"a divisor of n = {n}", "change n or the size of the channels"
            raise DeclarationError(where=f"{where}: Channels.size", value=self.size, allowed=allowed, cure=cure)
        if self.c > channels:
            allowed, cure = f"at most n / size = {channels}", "lower c or raise n"
            raise DeclarationError(where=f"{where}: Channels.c", value=self.c, allowed=allowed, cure=cure)

    def part(self) -> parts.Channels:
        """Return what backends run."""
        return parts.Channels(self.size)


TOP_K = TopK()
