"""A round plan as the kernels need it: tables on the device, and how large the launches are.

A device plan depends on the round plan except the rates at which fibers learn, on how many neurons of each area *may*
fire, and on how far thresholds below 0 may lift the drives.  Only the device knows how many neurons fire, and what
drives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from brainsim.kernels.gpu.arrays import Array, Record
from brainsim.kernels.gpu.traces import Sizes
from brainsim.kernels.round_plan import RoundPlan


@dataclass(frozen=True, eq=False)
class DevicePlan:
    """Tables on the device, and sizes.

    Attributes
    ----------
    learn_jobs : LEARN_JOB array
        The table of fibers that learn, with the rates with which the plan was made.
    tables, sizes : dict of str to Array, dict of str to int
        Fields of `Round` in `kernels/cuda/types.cuh`.  ``passes`` digits are needed to find the last winner.
        ``gather_items`` are the neurons that may fire at fibers with learned synapses, ``learn_items`` those at fibers
        that learn, and ``learn_pairs`` the latter times the blocks of the graph with winners.
    tiles, channel_blocks : int
        Tiles of all areas that select, and thread blocks that add up the channels of those with channels.
    traced : dict of int to Sizes
        Of fibers that remember the round, how many neurons may fire and win.
    traces : int
        How many traces age by the round.
    scratch : dict of str to int
        Items of scratch memory that the round needs, by the names of `Scratch`.
    """

    learn_jobs: npt.NDArray[Any]
    tables: dict[str, Array]
    sizes: dict[str, int]
    tiles: int
    channel_blocks: int
    traced: dict[int, Sizes]
    traces: int
    scratch: dict[str, int]

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return sum(table.nbytes for table in self.tables.values())


@dataclass(frozen=True, eq=False)
class DeviceRound:
    """A round as it is launched, or a part of a reinforcement, which is one that does nothing but learn.

    Attributes
    ----------
    round_plan : RoundPlan
        What the round does.
    plan : DevicePlan
        What the device needs for it.
    learn_jobs : LEARN_JOB array
        The table of fibers that learn.
    given : Record or None
        In a reinforcement, a `State` in which those fire and have won who once did.
    """

    round_plan: RoundPlan
    plan: DevicePlan
    learn_jobs: npt.NDArray[Any]
    given: Record | None = None
