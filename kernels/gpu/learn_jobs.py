"""The table of fibers that learn in a round."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.gates import most_firing_at
from brainsim.kernels.gpu.layout import LEARN_JOB
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import Learning


class LearnJobs:
    """Makes the tables of a brain's fibers that learn.

    ``depressions`` names the rule of each fiber's depression, as in `FiberTable`.
    """

    def __init__(self, program: Program, depressions: Sequence[int]) -> None:
        self._fibers = program.fibers
        self._depressions = depressions

    def grows(self, learning: Learning) -> bool:
        """Return whether a fiber gets new synapses: if a step changes the base weight."""
        return self._fresh(learning) != self._fibers[learning.fiber].base

    def _fresh(self, learning: Learning) -> int:
        fiber = self._fibers[learning.fiber]
        assert fiber.update is not None, "only fibers with a rule learn"
        return fiber.update.apply(fiber.base, learning.rate)

    def table(
        self, learning: Iterable[Learning], moved: Collection[int], most: Sequence[int], after: Sequence[int]
    ) -> npt.NDArray[Any]:
        """Return a job for each fiber that may change a weight.

        Of each area, ``most`` neurons fire at most when the round begins, and ``after`` when it ends; those in
        ``moved`` select winners.
        """
        able = [each for each in learning if self._may_change(each.fiber, most, after)]
        fibers = [each.fiber for each in able]
        jobs = np.zeros(len(able), LEARN_JOB)
        jobs["fiber"], jobs["moved"] = fibers, [self._fibers[f].target in moved for f in fibers]
        jobs["depression"] = [self._depressions[f] for f in fibers]
        jobs["items"] = [most_firing_at(self._fibers[f], most) for f in fibers]
        posts = [after[self._fibers[each.fiber].target] * self.grows(each) for each in able]
        jobs["words"] = [-(-count // 32) for count in posts]
        jobs["starts"] = [self._most_starts(f, count) for f, count in zip(fibers, posts, strict=True)]
        items, starts = jobs["items"], jobs["starts"]
        sizes = {"first_item": items, "first_pair": items * starts, "first_start": starts + 1}
        sizes["hits"] = items * jobs["words"]
        for field, size in sizes.items():
            jobs[field] = np.cumsum(size) - size
        return self.rated(jobs, able)

    def _may_change(self, f: int, most: Sequence[int], after: Sequence[int]) -> bool:
        fiber = self._fibers[f]
        loses = fiber.depression is not None and (most[fiber.target] or fiber.depression.losers)
        return bool(most_firing_at(fiber, most) and (after[fiber.target] or loses))

    def _most_starts(self, fiber: int, posts: int) -> int:
        """Return in how many blocks of the graph so many winners may lie."""
        graph = self._fibers[fiber].graph
        return min(posts, -(-graph.n_target >> graph.bits))

    def rated(self, jobs: npt.NDArray[Any], learning: Iterable[Learning]) -> npt.NDArray[Any]:
        """Return a copy of a table with other rates, at which the same fibers get new synapses."""
        by_fiber = {each.fiber: each for each in learning}
        rated = jobs.copy()
        rated["rate"] = [by_fiber[f].rate for f in jobs["fiber"].tolist()]
        rated["fresh"] = [self._fresh(by_fiber[f]) for f in jobs["fiber"].tolist()]
        return rated
