"""The gates of a brain as jobs for the kernel that lists what passes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.layout import GATE_JOB
from brainsim.kernels.parts import AssemblyGate, ChannelGate
from brainsim.kernels.program import FiberSpec, Program

NO_GATE = -1


def most_firing_at(fiber: FiberSpec, most: Sequence[int]) -> int:
    """Return how many neurons may fire at a fiber, if at most ``most`` fire in each area."""
    if isinstance(fiber.gate, ChannelGate):  # a neuron that fires in the gating area opens one channel at most
        return min(most[fiber.source], most[fiber.gate.area] * fiber.gate.width)
    return most[fiber.source]


class Gates:
    """The gates of a brain, numbered in the order of their fibers.

    Attributes
    ----------
    numbers : int64 array, (fibers,)
        For each fiber of the brain, the number of its gate, or `NO_GATE`.
    neurons : uint32 array
        The assemblies that open gates, one after the other.
    """

    def __init__(self, program: Program) -> None:
        gated = [f for f, fiber in enumerate(program.fibers) if fiber.gate]
        self._program = program
        self._jobs = np.zeros(len(gated), GATE_JOB)
        self.numbers = np.full(len(program.fibers), NO_GATE, np.int64)
        self.numbers[gated] = np.arange(len(gated))
        assemblies: list[int] = []
        for job, f in zip(self._jobs, gated, strict=True):
            gate = program.fibers[f].gate
            job["fiber"] = f
            if isinstance(gate, ChannelGate):
                job["area"], job["size"], job["width"] = gate.area, gate.size, gate.width
            elif isinstance(gate, AssemblyGate):
                job["area"], job["first_neuron"], job["neuron_count"] = gate.area, len(assemblies), len(gate.neurons)
                assemblies += gate.neurons
        self.neurons = np.array(assemblies, np.uint32)

    def jobs(self, used: Collection[int], most: Sequence[int]) -> npt.NDArray[Any]:
        """Return the jobs of a round that uses the gates of some fibers: one for each gate, or none if it uses none."""
        jobs = self._jobs.copy() if used else self._jobs[:0]
        jobs["used"] = np.isin(jobs["fiber"], list(used))
        sizes = self.list_sizes(jobs, most)
        jobs["first_item"] = np.cumsum(sizes) - sizes
        return jobs

    def list_sizes(self, jobs: npt.NDArray[Any], most: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return how many items the list of each job has: a gate that an assembly opens needs none."""
        sizes = np.array([most_firing_at(self._program.fibers[f], most) for f in jobs["fiber"].tolist()], np.int64)
        return np.where((jobs["used"] > 0) & (jobs["neuron_count"] == 0), sizes, 0)
