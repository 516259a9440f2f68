"""The third phase of a round: synapses from neurons that fired to neurons that have won are strengthened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.project import Drive
from brainsim.kernels.cpu.records import NOT_COUNTED, indices, joined
from brainsim.kernels.cpu.resources import Resources
from brainsim.kernels.cpu.strengthen import strengthen
from brainsim.kernels.cpu.threads import LOOK_UP, use_threads
from brainsim.kernels.state import Neurons


def learn(
    resources: Resources, fibers: Sequence[int], after: Mapping[int, Neurons], drives: Mapping[int, Drive]
) -> None:
    """Strengthen some fibers, whose sources fired and whose targets have winners.

    Stored synapses are updated in one kernel.  It also tells onto which winners synapses may be missing in the store:
    the counts of the round, if the fiber transmitted, say how many synapses each winner has.
    """
    tables = resources.tables
    for area in {resources.program.fibers[f].target for f in fibers}:
        tables.hold_winners(area, after[area])
    counts = {f: each for drive in drives.values() for f, each in drive.counts.items()}
    records = joined([counts[f].record if f in counts else NOT_COUNTED for f in fibers])
    pending, missing = strengthen(tables.areas.records, tables.fibers.records, records, indices(tuple(fibers)))
    for at in [at for at, unknown in enumerate(pending.tolist()) if unknown]:  # few: faster than NumPy
        winners = after[resources.program.fibers[fibers[at]].target]
        known = missing[at, 1 : 1 + len(winners)] if fibers[at] in counts else None
        _store_new(resources, fibers[at], winners, known)


def _store_new(resources: Resources, fiber: int, winners: Neurons, missing: npt.NDArray[np.int64] | None) -> None:
    """Store the synapses onto winners that are strengthened for the first time.

    ``missing`` says how many these are by winner, ``None`` if that is not known.
    """
    fired = resources.firing(fiber).neurons
    complete = np.zeros(len(winners), np.bool_) if missing is None else missing <= 0
    threads = use_threads(resources.options.threads, LOOK_UP * len(fired) * len(winners))
    stored = resources.plastic[fiber].store_new(fired, winners, complete, threads)
    assert missing is None or stored == missing.sum(), "the counts of a projection disagree with its graph"
