"""Areas whose neurons compete in channels, as jobs for the kernel that adds up the drives of a channel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.layout import CHANNEL_JOB, THREADS
from brainsim.kernels.program import Program

_WARP = 32
_EACH = 4  # neurons that a thread adds up, if the channel has as many for each thread of a warp


class ChannelJobs(NamedTuple):
    """A job for each selecting area with channels, and how many thread blocks they take."""

    table: npt.NDArray[Any]
    blocks: int


def channel_jobs(program: Program, selecting: Iterable[int]) -> ChannelJobs:
    """Return the jobs of the areas with channels among some that select."""
    areas = [area for area in selecting if program.areas[area].channel > 1]
    jobs, block = np.zeros(len(areas), CHANNEL_JOB), 0
    for job, area in zip(jobs, areas, strict=True):
        spec = program.areas[area]
        lanes = min(_WARP, 1 << (-(-spec.channel // _EACH) - 1).bit_length())
        job["area"], job["first_block"], job["lanes"] = area, block, lanes
        block += -(-(spec.n // spec.channel) * lanes // THREADS)
    return ChannelJobs(jobs, block)
