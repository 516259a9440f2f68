"""Selection: which neurons of an area fire, and how ties are broken.

The ``k`` neurons with the largest drive win (k-winners-take-all).  Drives are small integers at base weight, so many
neurons tie at the bar.  Giving ties to the lowest index would favour the same neurons in every round: caps of unrelated
stimuli would overlap more than by chance.  Instead, tied neurons are ordered by a hash of the area, the neuron and a
*tag*, smallest first.  The tag is a min-hash of what fires at the area (Broder, 1997): two inputs that share a fraction
``s`` of their neurons (Jaccard index) have equal tags with probability ``s``.  So the same input breaks ties alike,
similar inputs mostly alike, and unrelated inputs independently.

For one area and one tag the hash is a bijection of the neuron index, so no two neurons tie again: the order is total.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import GOLDEN, MIX1, MIX2, hashed, mix64

TIES_VERSION = 1
TAG_STREAM = 0x8CB92BA72F3D8DD7  # so that hashes of firing neurons differ from those that draw their synapses
NO_TAG = (1 << 64) - 1

Neurons = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def area_key(seed: int, name: str) -> int:
    """Return the 64-bit key of an area: a hash of the brain's seed and the area's name."""
    return hashed(b"brainsim-ties%d" % TIES_VERSION, str(seed), name)


def input_tag(inputs: Iterable[tuple[int, Neurons]]) -> int:
    """Return the tag of an area's input: the smallest hash of any neuron that fires at it, `NO_TAG` if none does.

    Parameters
    ----------
    inputs : iterable of (int, int64 array)
        For each transmitting fiber, its key and the neurons of its source that fire.
    """
    return min((int(hashes(key ^ TAG_STREAM, firing).min()) for key, firing in inputs if len(firing)), default=NO_TAG)


def tie_order(key: int, tag: int, neurons: Neurons) -> Hashes:
    """Return the order of equally driven neurons of an area: the smaller number wins.

    Parameters
    ----------
    key, tag : int
        From `area_key` and `input_tag`.
    neurons : int64 array
        Neuron indices.
    """
    return hashes(mix64(key ^ tag), neurons)


def hashes(key: int | Hashes, neurons: Neurons) -> Hashes:
    """Return ``mix64(key + (neuron + 1) * GOLDEN)`` of each neuron, modulo ``2**64``; one key, or one for each."""
    x = np.uint64(key) + (neurons.astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX2)
    return np.asarray(x ^ (x >> np.uint64(31)))


def winners(drive: npt.NDArray[np.int64], k: int, key: int, tag: int, first: int = 0) -> Neurons:
    """Return the ``k`` neurons of largest drive, ascending; ties by `tie_order`; none whose drive is not above 0.

    Parameters
    ----------
    drive : int64 array, shape (n,)
        Summed input less threshold of each neuron, in fixed point.
    k, key, tag : int
        Largest number of winners, and what breaks ties.
    first : int
        Number of the first neuron, if these are a part of an area.
    """
    driven = np.flatnonzero(drive > 0)
    best_first = np.lexsort((tie_order(key, tag, driven + first), -drive[driven]))
    return np.sort(driven[best_first[:k]])


def winning_channels(
    drive: npt.NDArray[np.int64], size: int, open_: int, key: int, tag: int, first: int = 0
) -> Neurons:
    """Return the channels that win, ascending: those of largest summed positive drive; none whose sum is not above 0.

    Parameters
    ----------
    drive : int64 array, shape (n,)
        Summed input less threshold of each neuron, in fixed point.
    size : int
        Neurons of a channel, a divisor of ``n``: neuron ``j`` belongs to channel ``j // size``.
    open_, key, tag : int
        Largest number of channels that win, and what breaks ties: `tie_order` of the numbers of channels.
    first : int
        Number of the first channel, if these are a part of an area.
    """
    sums = np.maximum(drive, 0).reshape(-1, size).sum(axis=1)
    return winners(sums, open_, key, tag, first)


def winners_in_channels(drive: npt.NDArray[np.int64], size: int, k: int, key: int, tag: int, first: int = 0) -> Neurons:
    """Return the neurons of positive drive in the ``k // size`` channels that win, ascending."""
    channels = winning_channels(drive, size, k // size, key, tag, first)
    neurons = (channels[:, None] * size + np.arange(size)).ravel()
    firing: Neurons = neurons[drive[neurons] > 0]
    return firing
