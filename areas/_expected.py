"""The expected recall of a hippocampus, from samples of drives, without a simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ends:
    """Neurons and winners at both ends of a fiber, its density, and the weights of its synapses before and after."""

    n: int
    k: int
    n_target: int
    k_target: int
    p: float
    fresh: float
    learned: float


@dataclass(frozen=True)
class Expected:
    """Shares of the right neurons that are expected to fire, 0 to 1.

    Attributes
    ----------
    first : float
        In CA3, before completion.
    completed : float
        In CA3, after the last round.
    answer : float
        In ECout.
    """

    first: float
    completed: float
    answer: float


@dataclass(frozen=True)
class Population:
    """The neurons of an area, the right ones first.

    Attributes
    ----------
    k : int
        How many are right.
    others : ndarray of int64, shape (n,)
        In how many other episodes each neuron is.
    usage : float
        Probability that a right neuron is in another given episode.
    """

    k: int
    others: npt.NDArray[np.int64]
    usage: float


def chosen(chances: Floats, fiber: Ends, rng: np.random.Generator) -> Floats:
    """Return the probability that each target neuron of a fixed fiber fires in an episode.

    ``chances`` are those of the source neurons.  Neurons differ in their number of afferents, and in how often these
    fire.  The drive of a neuron is treated as binomial.
    """
    from scipy.stats import binom

    mean, spread = fiber.p * chances.sum(), fiber.p * (1.0 - fiber.p) * (chances**2).sum()
    densities = np.clip(rng.normal(mean, np.sqrt(spread), fiber.n_target) / fiber.k, 0.0, 1.0)
    level = 0
    while np.sum(binom.sf(level, fiber.k, densities)) > fiber.k_target:
        level += 1
    above, tied = np.asarray(binom.sf(level, fiber.k, densities)), np.asarray(binom.pmf(level, fiber.k, densities))
    wins: Floats = above + tied * (fiber.k_target - above.sum()) / tied.sum()
    return wins


def population(chances: Floats, k: int, episodes: int, rng: np.random.Generator) -> Population:
    """Return neurons that fire in an episode with given probabilities; ``k`` of them are in the recalled episode."""
    right = rng.choice(len(chances), k, replace=False, p=chances / chances.sum())
    ordered = np.concatenate([chances[right], np.delete(chances, right)])
    others = rng.binomial(max(episodes - 1, 0), np.minimum(ordered, 1.0))
    return Population(k, others, float(ordered[:k].mean()))


def drives_of(
    fiber: Ends, source: float, target: Population, firing: int, share: float, rng: np.random.Generator
) -> Floats:
    """Return the drive of each target neuron if a given share of the firing source neurons is right.

    A right target neuron has learned every synapse from right neurons.  Any other synapse is learned if its two neurons
    fired together in another episode.  ``source`` is the probability that a firing neuron is in a given episode.
    """
    known: Floats = np.asarray(1.0 - (1.0 - source) ** target.others, dtype=np.float64)
    right = round(share * firing)
    for_right = known.copy()
    for_right[: target.k] = 1.0
    return _summed(fiber, firing - right, known, rng) + _summed(fiber, right, for_right, rng)


def _summed(fiber: Ends, firing: int, known: Floats, rng: np.random.Generator) -> Floats:
    synapses = rng.binomial(firing, fiber.p, len(known))
    learned = rng.binomial(synapses, known)
    return fiber.fresh * synapses + (fiber.learned - fiber.fresh) * learned


def right_share(drives: Floats, k: int) -> float:
    """Return the share of right neurons, which come first, among the ``k`` most driven; ties count by chance."""
    last = np.partition(drives, len(drives) - k)[len(drives) - k]
    above, tied = drives > last, drives == last
    places = k - int(above.sum())
    return float((above[:k].sum() + places * tied[:k].sum() / tied.sum()) / k)


@dataclass(frozen=True)
class Path:
    """The fibers of a hippocampus: three fixed ones that choose neurons, and four that learn."""

    separates: Ends
    mossy: Ends
    chooses: Ends
    perforant: Ends
    inner: Ends
    forward: Ends
    back: Ends

    def expected(self, episodes: int, cue: float, rounds: int, rng: np.random.Generator) -> Expected:
        """Return the expected recall from a part of an episode, after some rounds of completion."""
        ec = np.full(self.separates.n, self.separates.k / self.separates.n)
        ca3 = population(chosen(chosen(ec, self.separates, rng), self.mossy, rng), self.inner.k, episodes, rng)
        ca1 = population(chosen(ec, self.chooses, rng), self.back.k, episodes, rng)
        out = population(ec, self.back.k_target, episodes, rng)
        # A neuron keeps its drive from the cue, and how many episodes it is in, for all rounds.
        from_cue = drives_of(self.perforant, ec[0], ca3, max(1, round(cue * out.k)), 1.0, rng)
        completed = first = right_share(from_cue, ca3.k)
        for _ in range(rounds):
            inner = drives_of(self.inner, ca3.usage, ca3, ca3.k, completed, rng)
            completed = right_share(from_cue + inner, ca3.k)
        read = right_share(drives_of(self.forward, ca3.usage, ca1, ca3.k, completed, rng), ca1.k)
        answer = right_share(drives_of(self.back, ca1.usage, out, ca1.k, read, rng), out.k)
        return Expected(first, completed, answer)
