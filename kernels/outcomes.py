"""The results of a round on the host: the winners, and the events from which fibers learn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.weights import raised
from brainsim.kernels.state import NO_FIRING, Neurons, Thresholds, without_zeros

_NONE = NO_FIRING.neurons


class Won(NamedTuple):
    """The neurons of an area that have won a round.

    Attributes
    ----------
    winners : int64 array
        Ascending.
    neurons, drives : int64 array
        The same neurons in any order, and their drives less the thresholds; further items have no meaning.  They are
        sorted when they are read.
    """

    winners: Neurons
    neurons: Neurons
    drives: npt.NDArray[np.int64]

    def ascending(self) -> npt.NDArray[np.int64]:
        """Return the drives of the winners, in their order."""
        return self.drives[np.argsort(self.neurons[: len(self.winners)])]


class Event(NamedTuple):
    """An event from which a fiber learns: the neurons that fired at it, those that have won, and those that have lost.

    The lost ones fired in the round before and have just not won.

    The steps of its rule are multiplied by ``rate``.  ``lost`` is empty where nothing depends on it.  Stored synapses
    weaken only if the event ``depresses``; to reinforce a trace does not.
    """

    fiber: int
    rate: int
    fired: Neurons
    won: Neurons
    lost: Neurons = _NONE
    depresses: bool = False


def raised_thresholds(thresholds: Thresholds, won: Won, rate: int) -> Thresholds:
    """Return the thresholds of an area after these neurons have won."""
    neurons = np.union1d(thresholds.neurons, won.winners)
    amount = np.zeros(len(neurons), np.int64)
    amount[np.searchsorted(neurons, thresholds.neurons)] = thresholds.amount
    at = np.searchsorted(neurons, won.winners)
    amount[at] = raised(amount[at], won.ascending() + amount[at], rate)
    return without_zeros(Thresholds(neurons, amount))
