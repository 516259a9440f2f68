"""The lazy engine of published simulations, in a few lines, to show what it does to a result.

It keeps synapses only of neurons that have fired, and redraws the inputs of all others in each round (github.com/
dmitropolsky/assemblies, `brain.py`).  So a loser has a new chance to win in every round, which it does not have on a
fixed random graph.  Published code draws the best of the losers from a truncated normal distribution.  Here all of them
are drawn from a binomial distribution, so that the redrawing is the only difference from the law.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class LazyProjection:
    """One stimulus of ``k`` neurons into one recurrent area, by the lazy engine.

    Parameters
    ----------
    n, k, p, beta : numbers
        Neurons, winners, connection probability, plasticity (multiplicative, unbounded).
    seed : int
        Of everything drawn.

    Attributes
    ----------
    winners : int64 array
        Who fired last, in the order in which neurons first fired.
    support : int
        How many neurons have fired.
    """

    def __init__(self, n: int, k: int, p: float, beta: float, seed: int) -> None:
        self._n, self._k, self._p, self._gain = n, k, p, 1 + beta
        self._rng = np.random.default_rng(seed)
        self._stimulus: npt.NDArray[np.float64] = np.empty((k, 0))
        self._recurrent: npt.NDArray[np.float64] = np.empty((0, 0))
        self.winners: npt.NDArray[np.int64] = np.empty(0, np.int64)

    @property
    def support(self) -> int:
        """How many neurons have fired."""
        return len(self._recurrent)

    def step(self) -> None:
        """Run one round with the stimulus and the area's fiber to itself open."""
        firing, known = self.winners, self.support
        drive = self._stimulus.sum(axis=0) + self._recurrent[firing].sum(axis=0)
        inputs = self._k + len(firing)
        others = self._rng.binomial(inputs, self._p, self._n - known)
        best = np.argsort(-np.concatenate([drive, others]), kind="stable")[: self._k]
        fresh = best[best >= known]
        self._admit(others[fresh - known], firing)
        self.winners = np.concatenate([best[best < known], np.arange(known, known + len(fresh))])
        self._stimulus[:, self.winners] *= self._gain
        self._recurrent[np.ix_(firing, self.winners)] *= self._gain

    def _admit(self, counts: npt.NDArray[np.int64], firing: npt.NDArray[np.int64]) -> None:
        """Give new winners as many synapses from what fires as they were drawn to have, and any from the rest."""
        known, rng = self.support, self._rng
        chosen = np.zeros((self._k + len(firing), len(counts)))
        for column, count in enumerate(counts):
            chosen[rng.choice(len(chosen), count, replace=False), column] = 1
        incoming = (rng.random((known, len(counts))) < self._p).astype(float)
        incoming[firing] = chosen[self._k :]
        outgoing = (rng.random((len(counts), known + len(counts))) < self._p).astype(float)
        self._stimulus = np.concatenate([self._stimulus, chosen[: self._k]], axis=1)
        self._recurrent = np.concatenate([np.concatenate([self._recurrent, incoming], axis=1), outgoing])
