"""Makes the device plans of a brain: the tables of a round, their sizes, and what scratch memory it needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.channels import channel_jobs
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.device_plan import DevicePlan
from brainsim.kernels.gpu.gates import Gates, most_firing_at
from brainsim.kernels.gpu.layout import DIGIT_BITS, DIGITS, GATHER_JOB, SELECT_JOB
from brainsim.kernels.gpu.learn_jobs import LearnJobs
from brainsim.kernels.gpu.trace_jobs import trace_jobs
from brainsim.kernels.gpu.traces import Sizes
from brainsim.kernels.gpu.transmissions import Transmissions
from brainsim.kernels.program import Program
from brainsim.kernels.round_plan import RoundPlan

# Passes over the digits of a hash.  33 bits distinguish all tied neurons, except once in 10^6 rounds.  Then
# `count_winners` finds the last winner alone, slowly.
TIE_PASSES = 3
_DRIVE_BITS = 63


class DevicePlanner:
    """Makes the device plans of a brain."""

    def __init__(
        self,
        program: Program,
        device: Device,
        tile_bits: int,
        jobs: LearnJobs,
        gates: Gates,
        transmissions: Transmissions,
    ) -> None:
        self._program = program
        self._gates = gates
        self._transmissions = transmissions
        self._device = device
        self._tile_bits = tile_bits
        self._jobs = jobs

    def plan(self, plan: RoundPlan, most: Sequence[int], threshold_lift: Sequence[int]) -> DevicePlan:
        """Return what the kernels need for a round.

        Of each area, ``most`` says how many neurons may fire when it begins, and ``threshold_lift`` by how much more
        than the sum of its inputs one may be driven.  Raises `DeviceMemoryError`, and then nothing has changed.
        """
        self._transmissions.make_room(plan.transmitting)
        inputs, fibers = dict(plan.selections), self._program.fibers
        after = [min(area.n, area.k) if a in inputs else most[a] for a, area in enumerate(self._program.areas)]
        firing = [most_firing_at(fiber, most) for fiber in fibers]
        learning = self._jobs.table(plan.learning, inputs, firing, most, after)
        traced = {f: (firing[f], after[fibers[f].target]) for f in plan.tracing}
        return self._made(plan, learning, most, traced, self._passes(inputs, firing, threshold_lift))

    def reinforcement(self, plan: RoundPlan, fired: int, won: int) -> DevicePlan:
        """Return what the kernels need for a plan in which one fiber learns, from so many neurons to so many."""
        ((f, _),) = plan.learning
        none = [0] * len(self._program.areas)
        after = none.copy()
        after[self._program.fibers[f].target] = won
        return self._learning(plan, {f: fired}, none, after, ())

    def learning(
        self, plan: RoundPlan, most: Sequence[int], after: Sequence[int], depressing: Collection[int]
    ) -> DevicePlan:
        """Return what the kernels need for a plan that does nothing but learn.

        Of each area, ``most`` neurons fire and ``after`` have won at most; of the fibers, ``depressing`` weaken
        synapses.  Raises as `plan`.
        """
        firing = {f: most[self._program.fibers[f].source] for f, _ in plan.learning}
        return self._learning(plan, firing, most, after, depressing)

    def _learning(
        self,
        plan: RoundPlan,
        firing: Mapping[int, int],
        most: Sequence[int],
        after: Sequence[int],
        depressing: Collection[int],
    ) -> DevicePlan:
        targets = {self._program.fibers[f].target for f, _ in plan.learning}
        learning = self._jobs.table(plan.learning, targets, firing, most, after)
        learning["depression"][~np.isin(learning["fiber"], list(depressing))] = -1
        return self._made(plan, learning, most, {}, 0)

    def _made(
        self,
        plan: RoundPlan,
        learning: npt.NDArray[Any],
        most: Sequence[int],
        traced: dict[int, Sizes],
        passes: int,
    ) -> DevicePlan:
        tables = self._tables(plan, learning, most)
        there = self._device.upload_all(list(tables.values()), "plans")
        return DevicePlan(
            learn_jobs=learning,
            tables=dict(zip(tables, there, strict=True)),
            sizes={**_sizes(tables), "passes": passes},
            tiles=sum(-(-self._program.areas[area].n >> self._tile_bits) for area, _ in plan.selections),
            channel_blocks=channel_jobs(self._program, dict(plan.selections)).blocks,
            traced=traced,
            traces=len(tables["trace_jobs"]),
            scratch=_scratch(tables, passes) | self._lists(tables["gate_jobs"], most),
        )

    def _tables(self, plan: RoundPlan, learning: npt.NDArray[Any], most: Sequence[int]) -> dict[str, npt.NDArray[Any]]:
        fibers = self._program.fibers
        firing = [most_firing_at(fiber, most) for fiber in fibers]
        gathering = [f for f in plan.transmitting if fibers[f].stores and firing[f]]
        return {
            "select_jobs": self._select_jobs(dict(plan.selections), plan.raising),
            "channel_jobs": channel_jobs(self._program, dict(plan.selections)).table,
            "transmitting": np.array(plan.transmitting, np.int64),
            "counted_at": np.array([self._transmissions.place(f) for f in plan.transmitting], np.int64),
            "gate_jobs": self._gates.jobs(plan.gated, most),
            "gather_jobs": self._gather_jobs(gathering, firing),
            "learn_jobs": learning,
            "sources": self._sources(learning["fiber"][learning["starts"] > 0].tolist()),
            "trace_jobs": trace_jobs(self._program, plan),
        }

    def _lists(self, gate_jobs: npt.NDArray[Any], most: Sequence[int]) -> dict[str, int]:
        sizes = self._gates.list_sizes(gate_jobs, most)
        return {"passing": int(sizes.sum()), "passing_sizes": len(sizes)}

    def _sources(self, growing: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return fibers at which all neurons fire that need rows: all with a gate, and one of each other source."""
        fibers = self._program.fibers
        first: dict[tuple[int, int], int] = {}
        for f in growing:
            first.setdefault((fibers[f].source, f if fibers[f].gate else -1), f)
        return np.array(list(first.values()), np.int64)

    def _select_jobs(self, inputs: Mapping[int, Sequence[int]], raising: Sequence[int]) -> npt.NDArray[Any]:
        jobs = np.zeros(len(inputs), SELECT_JOB)
        jobs["raises"] = np.isin(list(inputs), raising)
        block = fiber = 0
        for job, (area, fibers) in zip(jobs, inputs.items(), strict=True):
            job["area"], job["first_block"], job["first_fiber"] = area, block, fiber
            block += -(-self._program.areas[area].n >> self._tile_bits)
            fiber += len(fibers)
            job["end_fiber"] = fiber
        return jobs

    def _gather_jobs(self, fibers: Sequence[int], firing: Sequence[int]) -> npt.NDArray[Any]:
        counts = np.array([firing[f] for f in fibers], np.int64)
        jobs = np.zeros(len(fibers), GATHER_JOB)
        jobs["fiber"], jobs["first_item"], jobs["items"] = fibers, np.cumsum(counts) - counts, counts
        return jobs

    def _passes(self, inputs: Mapping[int, Sequence[int]], firing: Sequence[int], threshold_lift: Sequence[int]) -> int:
        """Return how many digits the largest drive or sum of a channel may have, and those of hashes.

        Learned weights replace base weights one by one, so a drive may be larger on the way than at the end.  But on
        the way, too, it is a sum of weights that the fibers can have.
        """
        fibers = self._program.fibers
        largest = [
            threshold_lift[area] + sum(firing[f] * max(0, fibers[f].largest_weight) for f in group)
            for area, group in inputs.items()
        ]
        sums = [drive * self._program.areas[area].channel for area, drive in zip(inputs, largest, strict=True)]
        bits = min(_DRIVE_BITS, max(sums, default=0).bit_length())
        return max(1, -(-bits // DIGIT_BITS)) + TIE_PASSES


def _sizes(tables: Mapping[str, npt.NDArray[Any]]) -> dict[str, int]:
    learn = tables["learn_jobs"]
    return {
        "select_count": len(tables["select_jobs"]),
        "channel_count": len(tables["channel_jobs"]),
        "gate_count": len(tables["gate_jobs"]),
        "gather_count": len(tables["gather_jobs"]),
        "gather_items": int(tables["gather_jobs"]["items"].sum()),
        "learn_count": len(learn),
        "learn_items": int(learn["items"].sum()),
        "learn_pairs": int((learn["items"] * learn["starts"]).sum()),
        "source_count": len(tables["sources"]),
    }


def _scratch(tables: Mapping[str, npt.NDArray[Any]], passes: int) -> dict[str, int]:
    select, learn = len(tables["select_jobs"]), tables["learn_jobs"]
    return {
        "histograms": select * passes * DIGITS,
        "searches": select * (passes + 1),
        "tie_keys": select,
        "starts": int((learn["starts"] + 1).sum()),
        "hits": int((learn["items"] * learn["words"]).sum()),
        "pages": int(learn["items"].sum()),
    }
