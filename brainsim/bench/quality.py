"""Measures that reveal a fast but wrong engine: support, convergence, overlaps; from a separate, untimed run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainsim.bench.engine import Engine
from brainsim.bench.work import Episode, Network, Neurons, Trial, union


@dataclass(frozen=True)
class Watched:
    """A run examined round by round.

    Attributes
    ----------
    first_seconds : float
        The first two rounds; in a fresh process that includes compiling, or loading what is compiled.
    caps : list of Neurons
        Winners of the main area after each timed round.
    nouns : list of str
        What Visual was shown in each timed round, if there is a Visual.
    events : float
        Synapses that are expected to transmit in the timed part.
    """

    first_seconds: float
    caps: list[Neurons]
    nouns: list[str]
    events: float


def watch(engine: Engine, trial: Trial, main: str) -> Watched:
    """Run a trial one round at a time and examine all areas."""
    caps, nouns, events, seconds = [], [], 0.0, []
    shown: Episode = trial.timed[0]
    for number, episode in enumerate((*trial.warm, *trial.timed)):
        shown = episode if episode.shown else shown
        for step in episode.single_rounds():
            if number >= len(trial.warm):
                events += _events(engine, trial.network, shown, step)
                nouns.append(next(iter(shown.shown.get("Visual", {})), ""))
            start = time.perf_counter()
            engine.run(step)
            seconds.append(time.perf_counter() - start)
            if number >= len(trial.warm):
                caps.append(engine.winners(main))
    return Watched(sum(seconds[:2]), caps, nouns, events)


def _events(engine: Engine, network: Network, shown: Episode, step: Episode) -> float:
    """Return firing x p x targets, over the fibers into areas that are not held.

    Fibers into held areas learn, but what they transmit has no effect, so it is not counted.
    """
    total = 0.0
    for source, target in network.fibers:
        if target in network.stimuli:
            continue
        if source in network.stimuli:
            firing = len(union(shown.shown[source]))
        else:
            firing = 0 if source in step.silenced else len(engine.winners(source))
        total += firing * network.p * network.areas[target][0]
    return total


def support_over_k(caps: Sequence[Neurons], k: int) -> float:
    """Return how many neurons were ever in these caps, in units of ``k``."""
    return len(np.unique(np.concatenate(caps))) / k


def converged_at(caps: Sequence[Neurons]) -> int | None:
    """Return the first round (from 1) after which the cap never changed, ``None`` if it changed in the last one."""
    last = max((at for at in range(1, len(caps)) if not np.array_equal(caps[at], caps[at - 1])), default=0) + 1
    return last if last < len(caps) else None


def overlap(one: Neurons, other: Neurons) -> float:
    """Return the shared fraction of the smaller cap."""
    smaller = min(len(one), len(other))
    return len(np.intersect1d(one, other)) / smaller if smaller else 0.0


def first_overlap(caps: Sequence[Neurons]) -> float | None:
    """Return the overlap of the first two caps."""
    return overlap(caps[0], caps[1]) if len(caps) > 1 else None


def word_overlap(watched: Watched, rounds: int) -> float | None:
    """Return the overlap of the last caps of the first two sentences with one noun, ``None`` if none comes twice."""
    said: dict[str, Neurons] = {}
    for noun, cap in zip(watched.nouns[rounds - 1 :: rounds], watched.caps[rounds - 1 :: rounds], strict=True):
        if noun and noun in said:
            return overlap(said[noun], cap)
        said[noun] = cap
    return None
