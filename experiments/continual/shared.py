"""The operations of a run, and the sizes that its parts share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brainsim.networks.operations import Operation, operations

Neurons = npt.NDArray[np.int64]
LEVELS, RESULTS, K = 8, 16, 50
TEACHES = 20_000.0  # above any drive from a learning area


def ordered(count: int, seed: int) -> list[Operation]:
    """Return operations, spread evenly over the table, in a random order."""
    every = operations()
    some = [every[at] for at in np.linspace(0, len(every) - 1, count).astype(int)]
    return [some[at] for at in np.random.default_rng([seed, 1]).permutation(count)]
