"""What the kernels of one kind of round are told: which areas select, which fibers transmit and which learn.

A plan depends on the open fibers, the held areas, how many neurons *may* fire, and how far thresholds below 0 may lift
the drives; how many do, and how far they are, the device alone knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.device import Array, Device
from brainsim.kernels.gpu.layout import DIGIT_BITS, GATHERING, JOB, LESSON
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan

# Passes over the digits of a hash.  With 33 bits, two tied neurons are told apart but once in 10^10; what is left then,
# `count_winners` tells apart by itself, slowly.
TIE_PASSES = 3


@dataclass(frozen=True, eq=False)
class Plan:
    """Tables on the device and the sizes that go with them; see `kernels/cuda/types.cuh`.

    ``selecting`` are the areas that choose new winners, whose thresholds may rise if the round is to ``learn``.
    ``blocks`` counts tiles, ``warps`` neurons that may fire at fibers with learned synapses.  ``passes`` digits are
    needed to tell the drives apart and to break ties.  ``items`` counts neurons that may have fired in a lesson,
    ``pairs`` those times the blocks of the graph with winners, of which there is a list of ``starts``; ``hits`` are
    words with a bit for each neuron that may have fired and winner.
    """

    selecting: tuple[int, ...]
    learn: bool
    jobs: Array
    opened: Array
    blocks: int
    passes: int
    gatherings: Array
    gathering_count: int
    warps: int
    lessons: Array
    lesson_count: int
    sources: Array
    source_count: int
    items: int
    pairs: int
    starts: int
    hits: int

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return sum(table.nbytes for table in (self.jobs, self.opened, self.gatherings, self.lessons, self.sources))


class Planner:
    """Makes the plans for a brain."""

    def __init__(self, program: Program, device: Device, tile_bits: int) -> None:
        self._program = program
        self._device = device
        self._tile_bits = tile_bits

    def plan(self, plan: RoundPlan, bounds: Sequence[int], lifts: Sequence[int]) -> Plan:
        """Return the tables of a round on the device.

        Of each area, ``bounds`` says how many neurons may fire when it begins, and ``lifts`` by how much more than the
        sum of its inputs one may be driven.
        """
        fibers = self._program.fibers
        into = dict(plan.selections)
        ordered = plan.transmitting
        jobs, blocks = self._jobs(into)
        gatherings, warps = self._gatherings(
            [f for f in ordered if fibers[f].stores and bounds[fibers[f].source]], bounds
        )
        after = [min(area.n, area.k) if a in into else bounds[a] for a, area in enumerate(self._program.areas)]
        learning = [f for (f,) in plan.learning if bounds[fibers[f].source] and after[fibers[f].target]]
        lessons = self._lessons(learning, set(into), bounds, after)
        sources = np.array(list(dict.fromkeys(fibers[f].source for f in learning)), np.int64)
        tables = [jobs, np.array(ordered, np.int64), gatherings, lessons, sources]
        there = self._device.upload_all(tables, "plans")
        return Plan(
            selecting=tuple(into),
            learn=plan.learns,
            jobs=there[0],
            opened=there[1],
            blocks=blocks,
            passes=self._passes(into, bounds, lifts),
            gatherings=there[2],
            gathering_count=len(gatherings),
            warps=warps,
            lessons=there[3],
            lesson_count=len(lessons),
            sources=there[4],
            source_count=len(sources),
            items=int(lessons["items"].sum()),
            pairs=int((lessons["items"] * lessons["starts"]).sum()),
            starts=int((lessons["starts"] + 1).sum()),
            hits=int((lessons["items"] * lessons["words"]).sum()),
        )

    def _jobs(self, into: Mapping[int, Sequence[int]]) -> tuple[npt.NDArray[Any], int]:
        jobs = np.zeros(len(into), JOB)
        block = fiber = 0
        for job, (area, fibers) in zip(jobs, into.items(), strict=True):
            job["area"], job["first_block"], job["first_fiber"] = area, block, fiber
            block += -(-self._program.areas[area].n >> self._tile_bits)
            fiber += len(fibers)
            job["end_fiber"] = fiber
        return jobs, block

    def _gatherings(self, fibers: Sequence[int], bounds: Sequence[int]) -> tuple[npt.NDArray[Any], int]:
        counts = np.array([bounds[self._program.fibers[f].source] for f in fibers], np.int64)
        gatherings = np.zeros(len(fibers), GATHERING)
        gatherings["fiber"], gatherings["first_item"] = fibers, np.cumsum(counts) - counts
        return gatherings, int(counts.sum())

    def _lessons(
        self, fibers: Sequence[int], moved: Collection[int], bounds: Sequence[int], after: Sequence[int]
    ) -> npt.NDArray[Any]:
        ends = [(self._program.fibers[f].source, self._program.fibers[f].target) for f in fibers]
        lessons = np.zeros(len(fibers), LESSON)
        lessons["fiber"], lessons["moved"] = fibers, [target in moved for _, target in ends]
        lessons["items"] = [bounds[source] for source, _ in ends]
        lessons["words"] = [-(-after[target] // 32) for _, target in ends]
        lessons["starts"] = [self._most_starts(f, after[target]) for f, (_, target) in zip(fibers, ends, strict=True)]
        items, starts = lessons["items"], lessons["starts"]
        sizes = {"first_item": items, "first_pair": items * starts, "first_start": starts + 1}
        sizes["hits"] = items * lessons["words"]
        for field, size in sizes.items():
            lessons[field] = np.cumsum(size) - size
        return lessons

    def _most_starts(self, fiber: int, posts: int) -> int:
        """Return in how many blocks of the graph so many winners may lie."""
        graph = self._program.fibers[fiber].graph
        return min(posts, -(-graph.n_target >> graph.bits))

    def _passes(self, into: Mapping[int, Sequence[int]], bounds: Sequence[int], lifts: Sequence[int]) -> int:
        fibers = self._program.fibers
        largest = [
            lifts[area] + sum(bounds[fibers[f].source] * fibers[f].largest_weight for f in group)
            for area, group in into.items()
        ]
        return max(1, -(-max(largest, default=0).bit_length() // DIGIT_BITS)) + TIE_PASSES
