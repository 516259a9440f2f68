"""Markov chains learned from sequences: the present state drives those that followed it, and noise chooses one.

After Dabagia, Mitropolsky, Papadimitriou & Vempala, Coin-flipping in the brain: statistical learning with neuronal
assemblies (arXiv 2406.07715, 2024); see `brainsim.operations.choosing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations._checks import fibers, generator, rounds_of
from brainsim.operations.choosing import Random, imprint, settle
from brainsim.operations.reading import read_out
from brainsim.operations.trace import Trace, traced
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator


class MarkovChain:
    """A Markov chain that is learned from sequences and then runs by itself: two areas, both with all states.

    The fiber from ``now`` to ``following`` records how often each state followed each; declare it with
    `StatisticalHebbian`.  The fiber from ``following`` to itself makes each state an assembly that noise can choose.
    The fiber from ``following`` back to ``now`` makes the chosen state the present one.

    Parameters
    ----------
    sim : Simulator
        Of a brain with these fibers.
    now, following : Area or str
        With patterns of the same labels.

    Raises
    ------
    DeclarationError
        If a fiber is missing, or the labels are not the same or fewer than two.
    """

    @checked()
    def __init__(self, sim: Simulator, now: AreaLike, following: AreaLike) -> None:
        self._sim = sim
        self._now, self._following = sim.brain.area(now), sim.brain.area(following)
        labels = set(self._now.patterns)
        if labels != set(self._following.patterns) or len(labels) < 2:
            raise DeclarationError(
                f"MarkovChain: areas {self._now.name!r} and {self._following.name!r} must have patterns of the same "
                f"states, two or more (got {sorted(self._now.patterns)} and {sorted(self._following.patterns)})"
            )
        self._forward = fibers("MarkovChain", sim, self._now, self._following)
        self._inner = fibers("MarkovChain", sim, self._following, self._following)
        self._back = fibers("MarkovChain", sim, self._following, self._now)

    @checked()
    def imprint(self, rounds: int = 10) -> None:
        """Make every state an assembly that completes itself, and link it back to its pattern in ``now``."""
        for label, chosen in self._following.patterns.items():
            imprint(self._sim, chosen, chosen, rounds)
            imprint(self._sim, chosen, self._now[label], rounds)

    @checked()
    def observe(self, states: Sequence[str]) -> None:
        """Learn from a sequence of states: each two successive states fire in one round.

        Raises
        ------
        UnknownNameError
            If a state is not a pattern.
        DeclarationError
            If there are fewer than two.
        """
        pairs = [(self._now[a], self._following[b]) for a, b in pairwise(states)]
        if not pairs:
            raise DeclarationError(f"MarkovChain.observe.states: must be at least two (got {len(states)})")
        for present, chosen in pairs:
            imprint(self._sim, present, chosen)

    @checked("trace")
    def sample(
        self, start: str, length: int, noise: float, rounds: int = 5, *, rng: Random, trace: Trace | None = None
    ) -> tuple[str, ...]:
        """Run the chain, and return the states that follow the first one.  A probe: nothing is learned.

        The neurons that a state drives back fire next, whether right or wrong; the read-out does not change them.

        Parameters
        ----------
        start : str
            The first state.
        length : int
            How many are to follow.
        noise, rounds, rng
            As for `choose`.
        trace : Trace, optional
            Filled with the winners of the area ``following`` in every round.

        Raises
        ------
        SimulationError
            If the areas settle on none of the states: noise is too strong, or nothing was imprinted.
        """
        sim, random, seen = self._sim, generator("MarkovChain.sample", rng), []
        context = self._now[start]
        with sim.frozen(), traced(trace, sim, self._following):
            for _ in range(rounds_of("MarkovChain.sample", length, "length")):
                settle("MarkovChain.sample", sim, context, self._following, noise, rounds, random)
                sim.run(self._back)
                context = sim.assembly(self._now)
                label = read_out(context, self._now.patterns).label
                if label is None:
                    raise SimulationError(
                        f"MarkovChain.sample: area {self._now.name!r} fires none of the states; lower noise, or "
                        "imprint the states more often"
                    )
                seen.append(label)
        return tuple(seen)


@checked()
def frequencies(states: Sequence[str], labels: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return how often each state followed each, shape ``(labels, labels)``; rows sum to 1, or 0 for a last state."""
    at = {label: number for number, label in enumerate(labels)}
    strange = next((state for state in states if state not in at), None)
    if strange is not None:
        raise DeclarationError(f"frequencies.labels: must hold every state (got {strange!r}, and {list(labels)!r})")
    counts = np.zeros((len(labels), len(labels)))
    for before, after in pairwise(states):
        counts[at[before], at[after]] += 1
    totals = counts.sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float64] = counts / np.maximum(totals, 1.0)
    return shares
