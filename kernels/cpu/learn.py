"""The third phase of a round: synapses from neurons that fired change, to those that have won and those that lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from brainsim.kernels.cpu.counts import Counts, PatchedCounts
from brainsim.kernels.cpu.depress import depress
from brainsim.kernels.cpu.project import Drive
from brainsim.kernels.cpu.records import NOT_COUNTED, int_array, joined
from brainsim.kernels.cpu.resources import Resources
from brainsim.kernels.cpu.strengthen import strengthen
from brainsim.kernels.cpu.threads import LOOK_UP, use_threads
from brainsim.kernels.outcomes import Event


def learn(resources: Resources, events: Sequence[Event], drives: Mapping[int, Drive]) -> None:
    """Apply the steps of the rules of some fibers, each with one event.

    The neurons of an event need not be those of the present round.  Depression and potentiation change different
    synapses, so their order does not matter.
    """
    tables, fibers = resources.tables, resources.program.fibers
    for area, won in {fibers[event.fiber].target: event.won for event in events}.items():
        tables.hold_winners(area, won)
    if not drives:  # a round that projects holds all sets that fire
        for event in events:
            tables.hold_fired(event.fiber, event.fired)
    if resources.depressions:
        _depress(resources, events)
    _potentiate(resources, events, {f: each for drive in drives.values() for f, each in drive.counts.items()})


def _depress(resources: Resources, events: Sequence[Event]) -> None:
    """Weaken stored synapses onto neurons that have lost."""
    areas, fibers = resources.tables.areas.records, resources.tables.fibers.records
    for event in events:
        if event.depresses:
            depress(areas, fibers, event.fiber, event.lost, event.rate, resources.depressions[event.fiber])


def _potentiate(resources: Resources, events: Sequence[Event], counts: Mapping[int, Counts | PatchedCounts]) -> None:
    """Apply the step to the synapses onto winners.

    One kernel updates the stored synapses.  It also returns the winners onto which synapses may not be stored yet: if
    the fiber transmitted, the counts of the round say how many synapses each winner has.
    """
    areas, fibers = resources.tables.areas.records, resources.tables.fibers.records
    chosen, rates = tuple([event.fiber for event in events]), tuple([event.rate for event in events])
    records = joined([counts[f].record if f in counts else NOT_COUNTED for f in chosen])
    pending, missing = strengthen(areas, fibers, records, int_array(chosen), int_array(rates))
    for at in [at for at, unknown in enumerate(pending.tolist()) if unknown]:  # few: faster than NumPy
        event = events[at]
        known = missing[at, 1 : 1 + len(event.won)] if event.fiber in counts else None
        _store_new(resources, event, known)


def _store_new(resources: Resources, event: Event, missing: npt.NDArray[np.int64] | None) -> None:
    """Store the synapses onto winners that change for the first time.

    ``missing`` is their number for each winner, ``None`` if it is not known.
    """
    plastic = resources.plastic[event.fiber]
    weight = plastic.first_weight(event.rate)
    if weight is None:
        return
    complete = np.zeros(len(event.won), np.bool_) if missing is None else missing <= 0
    threads = use_threads(resources.options.threads, LOOK_UP * len(event.fired) * len(event.won))
    stored = plastic.store_new(event.fired, event.won, complete, weight, threads)
    assert missing is None or stored == missing.sum(), "the counts of a projection disagree with its graph"
