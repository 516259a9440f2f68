"""The work of engines: a network, and episodes in which words are shown and rounds run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from brainsim.declare.rules import Hebbian, SaturatingHebbian

Neurons = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Network:
    """Areas and plastic fibers, in plain terms that any engine can build.

    Attributes
    ----------
    areas : mapping of str to (int, int)
        ``n`` and ``k`` by name.
    fibers : tuple of (str, str)
        Source and target; all are open in every round.
    stimuli : tuple of str
        Areas that are only ever shown words: held, so that they never choose winners.
    p : float
        Connection probability of every fiber.
    rule : Hebbian or SaturatingHebbian
        Learning rule of every fiber.
    seed : int
        Seed of the random graph.
    """

    areas: Mapping[str, tuple[int, int]]
    fibers: tuple[tuple[str, str], ...]
    stimuli: tuple[str, ...]
    p: float
    rule: Hebbian | SaturatingHebbian
    seed: int = 0


@dataclass(frozen=True)
class Episode:
    """Some areas are silenced, then words are shown (and held until others are shown) while rounds run.

    Attributes
    ----------
    rounds : int
        Rounds to run with all fibers open.
    shown : mapping of str to mapping of str to Neurons
        For each stimulus area the words that fire there together: label to neurons.
    silenced : tuple of str
        Areas to silence before.
    """

    rounds: int
    shown: Mapping[str, Mapping[str, Neurons]] = field(default_factory=dict)
    silenced: tuple[str, ...] = ()

    def single_rounds(self) -> list[Episode]:
        """Return the same as episodes of one round each."""
        return [replace(self, rounds=1), *[Episode(1)] * (self.rounds - 1)]


@dataclass(frozen=True)
class Trial:
    """One run from a fresh brain: episodes to warm up, then those that are timed."""

    network: Network
    warm: tuple[Episode, ...]
    timed: tuple[Episode, ...]


def union(words: Mapping[str, Neurons]) -> Neurons:
    """Return the neurons of all these words, ascending."""
    return np.unique(np.concatenate(list(words.values())))


def pairs_per_round(network: Network, episode: Episode) -> int:
    """Return the most (firing, target) pairs that a round of this episode has.

    Fibers into stimulus areas are not counted: their targets are held, so that no engine sums their drive.
    """
    firing = {area: k for area, (_, k) in network.areas.items()}
    firing |= {area: len(union(words)) for area, words in episode.shown.items()}
    return sum(
        firing[source] * network.areas[target][0] for source, target in network.fibers if target not in network.stimuli
    )
