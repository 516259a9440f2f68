"""The hippocampus: it stores an episode in one presentation and recalls it from a part."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np
import numpy.typing as npt

from brainsim import Area, Cycle, Fiber, Hebbian, Phase, Plasticity, Region
from brainsim.areas._declaring import BYTES_A_NEURON, BYTES_A_SYNAPSE, check_memory, named, share, whole
from brainsim.areas._expected import Ends, Expected, Path

ONE_SHOT = Hebbian(beta=8.0, w_max=9.0)
MOST_EPISODES = 10**9


class Hippocampus(Region):
    """An episodic memory: entorhinal cortex → dentate gyrus → CA3 → CA1 → entorhinal cortex.

    An episode is an assembly of area ``"EC"``.  `encoding` stores it in three rounds.  Fixed fibers choose the neurons
    that fire: EC drives DG and CA1, and DG drives CA3 through the mossy fiber.  In the last round the plastic fibers
    learn without transmitting: EC → CA3, CA3 → CA3, CA3 → CA1 and CA1 → ``"ECout"``, the deep layers of the entorhinal
    cortex, in which the episode is presented, too.  `retrieval` goes from EC over CA3, whose recurrent fiber completes
    the pattern, to ECout, and learns nothing.  `brainsim.operations.store` and `brainsim.operations.recall` run them.

    Parameters
    ----------
    name : str
        Name of the region.
    n_ec, n_dg, n_ca3, n_ca1 : int
        Neurons of the areas; ECout has as many as EC.
    k_ec, k_dg, k_ca3, k_ca1 : int
        Winners of the areas.
    p : float
        Connection probability of the four plastic fibers.
    p_dg, p_mossy, p_ca1 : float
        Connection probabilities of the fixed fibers EC → DG, DG → CA3 and EC → CA1.
    mossy_weight : float
        Weight of the mossy fiber.  Above 1 it is a detonator, which decides which neurons of CA3 fire even if other
        fibers transmit in the same round; `encoding` does not need it.
    plasticity : Plasticity, optional
        Rule of the plastic fibers, by default ``Hebbian(8, w_max=9)``: one co-firing takes a synapse to its bound, so
        that it is binary, as in the memories of Willshaw and Marr.
    recurrent : Plasticity, optional
        Another rule for CA3 → CA3.
    rounds : int
        Rounds in which CA3 completes a pattern.
    replay_rounds : int
        Rounds in which CA3 settles from random neurons.
    patterns : mapping of str to array_like of int or bool, optional
        Named episodes, as for `Area`.
    episodes : int
        Number of episodes for which the machine must have enough memory.

    Raises
    ------
    DeclarationError
        If a size, a probability or a rule is out of range.
    BackendMemoryError
        If the neurons, and the synapses that the episodes change, need more memory than this machine has.

    Examples
    --------
    >>> from brainsim.areas import Hippocampus
    >>> from brainsim.operations import cue_of, recall, store
    >>> small = {"n_ec": 500, "n_dg": 2000, "n_ca3": 1000, "n_ca1": 1000}
    >>> brain = Brain()
    >>> memory = brain.add(Hippocampus(**small, patterns={"kitchen": range(50), "garden": range(25, 75)}))
    >>> with Simulator(brain, seed=1) as sim:
    ...     for episode in ("kitchen", "garden"):
    ...         _ = store(sim, memory, memory["EC"][episode])
    ...     answer = recall(sim, memory, cue_of(memory["EC"]["garden"], 0.5)).answer
    >>> answer.overlap(memory["ECout"]["garden"])
    1.0

    References
    ----------
    Marr. Simple memory: a theory for archicortex. Phil. Trans. R. Soc. B 1971.
    Treves, Rolls. Computational analysis of the role of the hippocampus in memory. Hippocampus 1994.
    Hasselmo, Bodelón, Wyble. A proposed function for hippocampal theta rhythm. Neural Computation 2002.
    """

    def __init__(
        self,
        name: str = "Hippocampus",
        n_ec: int = 1000,
        n_dg: int = 20_000,
        n_ca3: int = 10_000,
        n_ca1: int = 10_000,
        *,
        k_ec: int = 50,
        k_dg: int = 50,
        k_ca3: int = 100,
        k_ca1: int = 100,
        p: float = 0.2,
        p_dg: float = 0.1,
        p_mossy: float = 0.05,
        p_ca1: float = 0.1,
        mossy_weight: float = 1.0,
        plasticity: Plasticity | None = None,
        recurrent: Plasticity | None = None,
        rounds: int = 5,
        replay_rounds: int = 12,
        patterns: Mapping[str, npt.ArrayLike] | None = None,
        episodes: int = 0,
    ) -> None:
        super().__init__(name)
        rule = ONE_SHOT if plasticity is None else plasticity
        with named(f"{type(self).__name__} {name!r}"):
            self.entry = self.add(Area("EC", n_ec, k_ec, patterns))
            dg, self.attractor, ca1 = self.add(
                Area("DG", n_dg, k_dg), Area("CA3", n_ca3, k_ca3), Area("CA1", n_ca1, k_ca1)
            )
            self.exit = self.add(Area("ECout", n_ec, k_ec, patterns))
            ec, ca3 = self.entry, self.attractor
            separates, chooses = self.connect(ec, dg, p_dg), self.connect(ec, ca1, p_ca1)
            mossy = self.connect(dg, ca3, p_mossy, weight=mossy_weight)
            perforant = self.connect(ec, ca3, p, rule)
            inner = self.connect(ca3, ca3, p, rule if recurrent is None else recurrent)
            forward, back = self.connect(ca3, ca1, p, rule), self.connect(ca1, self.exit, p, rule)
            self._fixed = (separates, mossy, chooses)
            self._plastic = (perforant, inner, forward, back)
            self._check_memory(episodes)
            self._rounds = rounds
            self.encoding = Cycle(
                separate=Phase(1, separates | chooses, learn=()),
                choose=Phase(1, mossy, learn=()),
                imprint=Phase(1, mossy, learn=self._plastic),
            )
            reading = {"read": Phase(1, forward, learn=()), "answer": Phase(1, back, learn=())}
            self.retrieval = Cycle(
                cue=Phase(1, perforant, learn=()), complete=Phase(rounds, perforant | inner, learn=()), **reading
            )
            self.replaying = Cycle(settle=Phase(replay_rounds, inner, learn=()), **reading)

    def capacity(self) -> int:
        """Return the capacity of a full Willshaw memory, ``ln 2 · n · n' / (k · k')``, of the fullest plastic fiber.

        A random graph stores less; see `expected_recall`.

        >>> from brainsim.areas import Hippocampus
        >>> Hippocampus().capacity()
        1386
        """
        return min(int(log(2) * fiber.source.n * fiber.target.n / _pairs(fiber)) for fiber in self._plastic)

    def expected_recall(self, episodes: int, cue: float = 0.5, *, seed: int = 0) -> Expected:
        """Return the expected recall when some random episodes are stored, without a simulation.

        It draws how often each neuron fires, and its drive.  Neurons with more afferents fire in more episodes, and
        disturb recall.  Learning is assumed to be binary: a synapse has learned once, or not.

        Parameters
        ----------
        episodes : int
            How many are stored.
        cue : float
            The share of an episode that is presented, 0 to 1.
        seed : int
            Of the samples.

        >>> from brainsim.areas import Hippocampus
        >>> for episodes in (400, 800, 1200):
        ...     expected = Hippocampus().expected_recall(episodes)
        ...     print(f"{episodes}: {expected.completed:.2f} of CA3, {expected.answer:.2f} of ECout")
        400: 1.00 of CA3, 0.92 of ECout
        800: 0.99 of CA3, 0.70 of ECout
        1200: 0.93 of CA3, 0.44 of ECout
        """
        where = f"{type(self).__name__}.expected_recall"
        episodes, cue = whole(f"{where}.episodes", episodes, 0, MOST_EPISODES), share(f"{where}.cue", cue)
        seed = whole(f"{where}.seed", seed, 0)
        path = Path(*map(_ends, (*self._fixed, *self._plastic)))
        return path.expected(episodes, cue, self._rounds, np.random.default_rng(seed))

    def synapses(self, episodes: int) -> int:
        """Return about how many synapses some episodes change, if their assemblies are random.

        >>> from brainsim.areas import Hippocampus
        >>> Hippocampus().synapses(1), Hippocampus().synapses(400)
        (6000, 2293740)
        """
        episodes = whole(f"{type(self).__name__}.episodes", episodes, 0, MOST_EPISODES)
        changed = 0.0
        for fiber in self._plastic:
            every = fiber.source.n * fiber.target.n
            changed += fiber.p * every * (1.0 - (1.0 - _pairs(fiber) / every) ** episodes)
        return round(changed)

    def _check_memory(self, episodes: int) -> None:
        neurons, synapses = sum(area.n for area in self.areas.values()), self.synapses(episodes)
        needed = neurons * BYTES_A_NEURON + synapses * BYTES_A_SYNAPSE
        check_memory(f"{type(self).__name__} {self.name!r}", needed, "lower n_ec, n_dg, n_ca3, n_ca1 or episodes")


def _ends(fiber: Fiber) -> Ends:
    source, target, rule = fiber.source, fiber.target, fiber.plasticity
    learned = fiber.weight
    if isinstance(rule, Plasticity):
        learned = min(learned + rule.step(learned), rule.w_max)
    return Ends(source.n, source.k, target.n, target.k, fiber.p, fiber.weight, learned)


def _pairs(fiber: Fiber) -> int:
    """Return the pairs of neurons that fire at both ends of a fiber."""
    return fiber.source.k * fiber.target.k
