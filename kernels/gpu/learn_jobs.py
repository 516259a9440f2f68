"""The table of fibers that learn in a round."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.layout import LEARN_JOB
from brainsim.kernels.program import FiberSpec, Program
from brainsim.kernels.round_plan import Learning


class LearnJobs:
    """Makes the tables of a brain's fibers that learn.

    ``depressions`` names the rule of each fiber's depression, as in `FiberTable`.
    """

    def __init__(self, program: Program, depressions: Sequence[int]) -> None:
        self._fibers = program.fibers
        self._depressions = depressions

    def fresh(self, learning: Iterable[Learning]) -> dict[int, int]:
        """Return the weight that a step gives a new synapse of each fiber; there is none if it is the base weight."""
        return {f: self._fresh(self._fibers[f], rate) for f, rate in learning}

    def _fresh(self, fiber: FiberSpec, rate: int) -> int:
        assert fiber.update is not None, "only fibers with a rule learn"
        return fiber.update.apply(fiber.base, rate)

    def grows(self, fiber: int, fresh: int) -> bool:
        """Return whether a fiber gets new synapses."""
        return fresh != self._fibers[fiber].base

    def table(
        self,
        learning: Sequence[Learning],
        moved: Collection[int],
        firing: Sequence[int] | Mapping[int, int],
        most: Sequence[int],
        after: Sequence[int],
    ) -> npt.NDArray[Any]:
        """Return a job for each fiber that may change a weight.

        At each fiber, ``firing`` neurons fire at most.  Of each area, ``most`` neurons fire at most when the round
        begins, and ``after`` when it ends; those in ``moved`` select winners.
        """
        fibers = [f for f, _ in learning if firing[f] and self._may_change(f, most, after)]
        fresh = self.fresh(learning)
        jobs = np.zeros(len(fibers), LEARN_JOB)
        jobs["fiber"], jobs["moved"] = fibers, [self._fibers[f].target in moved for f in fibers]
        jobs["depression"] = [self._depressions[f] for f in fibers]
        jobs["items"] = [firing[f] for f in fibers]
        posts = [after[self._fibers[f].target] * self.grows(f, fresh[f]) for f in fibers]
        jobs["words"] = [-(-count // 32) for count in posts]
        jobs["starts"] = [self._most_starts(f, count) for f, count in zip(fibers, posts, strict=True)]
        items, starts = jobs["items"], jobs["starts"]
        sizes = {"first_item": items, "first_pair": items * starts, "first_start": starts + 1}
        sizes["hits"] = items * jobs["words"]
        for field, size in sizes.items():
            jobs[field] = np.cumsum(size) - size
        return self.rated(jobs, learning, fresh)

    def _may_change(self, f: int, most: Sequence[int], after: Sequence[int]) -> bool:
        fiber = self._fibers[f]
        loses = fiber.depression is not None and (most[fiber.target] or fiber.depression.losers)
        return bool(after[fiber.target] or loses)

    def _most_starts(self, fiber: int, posts: int) -> int:
        """Return in how many blocks of the graph so many winners may lie."""
        graph = self._fibers[fiber].graph
        return min(posts, -(-graph.n_target >> graph.bits))

    def rated(self, jobs: npt.NDArray[Any], learning: Sequence[Learning], fresh: Mapping[int, int]) -> npt.NDArray[Any]:
        """Return a copy of a table with other rates, at which the same fibers get new synapses."""
        rates, fibers, rated = dict(learning), jobs["fiber"].tolist(), jobs.copy()
        rated["rate"], rated["fresh"] = [rates[f] for f in fibers], [fresh[f] for f in fibers]
        return rated
