"""A graph of words with emotional weights, and the emotional vectors that words get from input to some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim import Assembly, Brain, Cosine, Explicit, Relax, Simulator, VectorArea
from brainsim.models.cascade import CHANNELS, EmotionalInput
from emotional.material import Material

LAMBDAS = dict(zip(CHANNELS, (0.4, 0.3, 0.3), strict=True))
RATES = dict(zip(CHANNELS, (0.06, 0.08, 0.07), strict=True))


class Network:
    """Words joined by one graph.

    Parameters
    ----------
    words : Material
        The words and their vectors.
    graph : Explicit
        A symmetric one, such as `word_graph` returns.
    rounds : int
        Rounds in which weights learn.
    seed : int
        Of the brain.
    options
        For `Simulator`.
    """

    def __init__(self, words: Material, graph: Explicit, rounds: int, seed: int, **options: Any) -> None:
        n, dim = words.vectors.shape
        brain = Brain()
        self.rounds = rounds
        self.area = brain.add(VectorArea("Words", n=n, dim=dim, k=min(64, n)))
        self.links = brain.connect(
            self.area,
            self.area,
            graph=graph,
            message=Cosine(),
            channels=LAMBDAS,
            weight=0.5,
            plasticity=Relax(RATES, target="input"),
        )
        self.sim = Simulator(brain, seed, **options)
        self.sim.set_vectors(self.area, words.vectors)

    def emotions(self, given: EmotionalInput, active: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the emotional vector of every word: the mean weight of its edges to words with input.

        Weights start from their first values and learn among the words with input and the ``active`` ones.
        """
        edges, known = self.sim.edges(self.links), np.flatnonzero(given.known)
        self.sim.forget(self.links)
        edges.set_input(given.values)
        self.sim.present(Assembly(self.area.name, np.union1d(known, np.asarray(active, np.int64))))
        self.sim.run((), learn=self.links, rounds=self.rounds)
        self.sim.present(Assembly(self.area.name, known))
        return np.asarray(edges.sent(mean=True), np.float64)

    def layers(self, depths: Sequence[int]) -> dict[int, npt.NDArray[np.float32]]:
        """Return the vectors of all words after some numbers of layers, with the weights as they are."""
        found, before = {}, 0
        with self.sim.frozen():
            for depth in sorted(depths):
                self.sim.run(self.links, rounds=depth - before)
                found[depth], before = np.array(self.sim.vectors(self.area)), depth
        return found

    def pairs(self) -> npt.NDArray[np.int64]:
        """Return the edges as pairs of nodes, each once."""
        return np.asarray(self.sim.edges(self.links).pairs, np.int64)

    def close(self) -> None:
        """Free what the simulator holds."""
        self.sim.close()
