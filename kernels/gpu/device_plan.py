"""A round plan as the kernels need it: tables on the device, and how large the launches are.

A device plan depends on the round plan, on how many neurons of each area *may* fire, and on how far thresholds below 0
may lift the drives.  Only the device knows how many neurons fire, and what drives them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.device import Array, Device
from brainsim.kernels.gpu.layout import DIGIT_BITS, DIGITS, GATHER_JOB, LEARN_JOB, SELECT_JOB
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan

# Passes over the digits of a hash.  With 33 bits, two tied neurons are told apart but once in 10^10; what is left then,
# `count_winners` tells apart by itself, slowly.
TIE_PASSES = 3


@dataclass(frozen=True, eq=False)
class DevicePlan:
    """Tables on the device and the sizes that go with them.

    Attributes
    ----------
    round_plan : RoundPlan
        What the round does.
    fields : dict
        Fields of `Round` in `kernels/cuda/types.cuh`, all but its scratch memory.
    needs : dict of str to int
        Items of scratch memory.
    tiles, gather_items, learn_count, learn_items, learn_pairs, passes : int
        Sizes of the launches: tiles of areas that select; neurons that may fire at fibers with learned synapses; fibers
        that learn, neurons that may have fired at them, and those times the blocks of the graph with winners; digits
        that tell the drives apart and break ties.
    nbytes : int
        Bytes allocated.
    """

    round_plan: RoundPlan
    fields: dict[str, Array | int]
    needs: dict[str, int]
    tiles: int
    gather_items: int
    learn_count: int
    learn_items: int
    learn_pairs: int
    passes: int
    nbytes: int


class DevicePlanner:
    """Makes the device plans of a brain."""

    def __init__(self, program: Program, device: Device, tile_bits: int) -> None:
        self._program = program
        self._device = device
        self._tile_bits = tile_bits

    def plan(self, plan: RoundPlan, most: Sequence[int], most_lift: Sequence[int]) -> DevicePlan:
        """Return what the kernels need for a round.

        Of each area, ``most`` says how many neurons may fire when it begins, and ``most_lift`` by how much more than
        the sum of its inputs one may be driven.
        """
        fibers, inputs = self._program.fibers, dict(plan.selections)
        after = [min(area.n, area.k) if a in inputs else most[a] for a, area in enumerate(self._program.areas)]
        learning = [f for (f,) in plan.learning if most[fibers[f].source] and after[fibers[f].target]]
        gathering = [f for f in plan.transmitting if fibers[f].stores and most[fibers[f].source]]
        sources = list(dict.fromkeys(fibers[f].source for f in learning))
        select_jobs, tiles = self._select_jobs(inputs)
        gather_jobs, gather_items = self._gather_jobs(gathering, most)
        learn_jobs = self._learn_jobs(learning, inputs, most, after)
        passes = self._passes(inputs, most, most_lift)
        items, starts, words = learn_jobs["items"], learn_jobs["starts"], learn_jobs["words"]
        tables = {
            "select_jobs": select_jobs,
            "transmitting": np.array(plan.transmitting, np.int64),
            "gather_jobs": gather_jobs,
            "learn_jobs": learn_jobs,
            "sources": np.array(sources, np.int64),
        }
        there = self._device.upload_all(list(tables.values()), "plans")
        sizes = {
            "select_count": len(inputs),
            "gather_count": len(gathering),
            "gather_items": gather_items,
            "learn_count": len(learning),
            "learn_items": int(items.sum()),
            "learn_pairs": int((items * starts).sum()),
            "source_count": len(sources),
            "passes": passes,
            "raises": int(bool(plan.raising)),
        }
        return DevicePlan(
            round_plan=plan,
            fields={**dict(zip(tables, there, strict=True)), **sizes},
            needs={
                "histograms": len(inputs) * passes * DIGITS,
                "searches": len(inputs) * (passes + 1),
                "tie_keys": len(inputs),
                "starts": int((starts + 1).sum()),
                "hits": int((items * words).sum()),
                "pages": int(items.sum()),
            },
            tiles=tiles,
            gather_items=gather_items,
            learn_count=len(learning),
            learn_items=sizes["learn_items"],
            learn_pairs=sizes["learn_pairs"],
            passes=passes,
            nbytes=sum(table.nbytes for table in there),
        )

    def _select_jobs(self, inputs: Mapping[int, Sequence[int]]) -> tuple[npt.NDArray[Any], int]:
        jobs = np.zeros(len(inputs), SELECT_JOB)
        block = fiber = 0
        for job, (area, fibers) in zip(jobs, inputs.items(), strict=True):
            job["area"], job["first_block"], job["first_fiber"] = area, block, fiber
            block += -(-self._program.areas[area].n >> self._tile_bits)
            fiber += len(fibers)
            job["end_fiber"] = fiber
        return jobs, block

    def _gather_jobs(self, fibers: Sequence[int], most: Sequence[int]) -> tuple[npt.NDArray[Any], int]:
        counts = np.array([most[self._program.fibers[f].source] for f in fibers], np.int64)
        jobs = np.zeros(len(fibers), GATHER_JOB)
        jobs["fiber"], jobs["first_item"] = fibers, np.cumsum(counts) - counts
        return jobs, int(counts.sum())

    def _learn_jobs(
        self, fibers: Sequence[int], moved: Collection[int], most: Sequence[int], after: Sequence[int]
    ) -> npt.NDArray[Any]:
        ends = [(self._program.fibers[f].source, self._program.fibers[f].target) for f in fibers]
        jobs = np.zeros(len(fibers), LEARN_JOB)
        jobs["fiber"], jobs["moved"] = fibers, [target in moved for _, target in ends]
        jobs["items"] = [most[source] for source, _ in ends]
        jobs["words"] = [-(-after[target] // 32) for _, target in ends]
        jobs["starts"] = [self._most_starts(f, after[target]) for f, (_, target) in zip(fibers, ends, strict=True)]
        items, starts = jobs["items"], jobs["starts"]
        sizes = {"first_item": items, "first_pair": items * starts, "first_start": starts + 1}
        sizes["hits"] = items * jobs["words"]
        for field, size in sizes.items():
            jobs[field] = np.cumsum(size) - size
        return jobs

    def _most_starts(self, fiber: int, posts: int) -> int:
        """Return in how many blocks of the graph so many winners may lie."""
        graph = self._program.fibers[fiber].graph
        return min(posts, -(-graph.n_target >> graph.bits))

    def _passes(self, inputs: Mapping[int, Sequence[int]], most: Sequence[int], most_lift: Sequence[int]) -> int:
        fibers = self._program.fibers
        largest = [
            most_lift[area] + sum(most[fibers[f].source] * fibers[f].largest_weight for f in group)
            for area, group in inputs.items()
        ]
        return max(1, -(-max(largest, default=0).bit_length() // DIGIT_BITS)) + TIE_PASSES
