"""The parts of areas and fibers of which there are several kinds: activations, stored graphs, gates and traces.

Random graphs and plasticity steps, which are also parts, are in `brainsim.kernels.law`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.taper import Tapered
from brainsim.kernels.vectors.parts import VECTOR_PARTS

Neurons = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TopK:
    """Activation: the ``k`` neurons with the largest positive drive fire (k-winners-take-all)."""

    def event(self, n: int, k: int) -> str:
        """Return what happens when an area with this activation selects, for a printed schedule."""
        return f"the {k} most driven of {n:_} win"


TOP_K = TopK()


@dataclass(frozen=True)
class Threshold(TopK):
    """Activation: all neurons driven above their thresholds fire, up to a bound; thresholds begin at ``level``.

    Selection is that of `TopK`, in which a neuron that is not driven above its threshold never fires.
    """

    level: int

    def event(self, n: int, k: int) -> str:
        """Return what happens when an area with this activation selects, for a printed schedule."""
        return f"those of {n:_} above their thresholds fire, at most {k}"


@dataclass(frozen=True)
class Channels:
    """Activation: the channels with the largest summed positive drive win, and in them the driven neurons fire.

    The ``k`` of the area is ``size`` times the number of channels that win at most; its ``n`` is a multiple of
    ``size``.
    See `brainsim.kernels.law.selection.winners_in_channels`.

    Attributes
    ----------
    size : int
        Neurons of a channel: neuron ``j`` belongs to channel ``j // size``.
    """

    size: int

    def event(self, n: int, k: int) -> str:
        """Return what happens when an area with this activation selects, for a printed schedule."""
        return f"the {k // self.size} most driven of {n // self.size:_} channels win"


@dataclass(frozen=True)
class AmongTopK(ABC):
    """Activation: some of the ``k`` neurons that would fire with `TopK` fire, depending on their drives.

    Derive a frozen dataclass whose fields are integers.  The `gpu` backend does not run it.
    """

    @abstractmethod
    def fires(self, drives: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which of the most driven neurons fire.

        Parameters
        ----------
        drives : int64 array, not empty
            Their drives, summed weights less thresholds, in fixed point: from 1 to below ``2**63``.  Decide by integer
            arithmetic, so that all machines agree.
        """

    def event(self, n: int, k: int) -> str:
        """Return what happens when an area with this activation selects, for a printed schedule."""
        return f"of the {k} most driven of {n:_} those fire that {self} names"


@dataclass(frozen=True)
class Explicit(Graph):
    """Graph of a fiber whose synapses are all stored: a random one without synapses, and a name for those stored.

    ``digest`` depends on the stored synapses and weights at the beginning of a simulation.
    """

    digest: str = ""


@dataclass(frozen=True)
class ChannelGate:
    """Pass the neurons of a source whose channel is open: in the round before, the gating area fired in that channel.

    Attributes
    ----------
    area : int
        Index of the gating area.
    size, width : int
        Neurons of a channel in the gating area and in the source; both areas have equally many channels.
    """

    area: int
    size: int
    width: int

    def passing(self, firing: Neurons, gating: Neurons) -> Neurons:
        """Return those of the firing neurons of the source that pass; ``gating`` fire in the gating area."""
        # Both are in ascending order, so the neurons of a channel are adjacent, and the work is proportional to those
        # that pass.
        channels = gating // self.size
        channels = channels[np.diff(channels, prepend=-1) > 0]
        first = np.searchsorted(firing, channels * self.width)
        passing = np.searchsorted(firing, (channels + 1) * self.width) - first
        before = np.cumsum(passing) - passing
        passed: Neurons = firing[np.repeat(first - before, passing) + np.arange(passing.sum())]
        return passed


@dataclass(frozen=True)
class AssemblyGate:
    """Pass all neurons of a source while at least half of an assembly fires in the gating area, otherwise none.

    Attributes
    ----------
    area : int
        Index of the gating area.
    neurons : tuple of int
        The assembly, ascending, not empty.
    """

    area: int
    neurons: tuple[int, ...]

    def passing(self, firing: Neurons, gating: Neurons) -> Neurons:
        """Return those of the firing neurons of the source that pass; ``gating`` fire in the gating area."""
        fire = np.isin(self.neurons, gating, assume_unique=True).sum()
        return firing if 2 * int(fire) >= len(self.neurons) else firing[:0]


@dataclass(frozen=True)
class Traced:
    """A fiber remembers which neurons fired and won in its last rounds; `Backend.reinforce` applies its step to them.

    Attributes
    ----------
    rates : tuple of int
        For each round that is remembered, the last one first, how much its events count, with 16 fractional bits.
    """

    rates: tuple[int, ...]


BUILT_IN_PARTS = frozenset(
    {
        *(TopK, Threshold, Channels),
        *(Graph, Tapered, Explicit),
        *(Update, Depression),
        *(ChannelGate, AssemblyGate),
        Traced,
        *VECTOR_PARTS,
    }
)
"""The parts that each backend of brainsim runs."""
