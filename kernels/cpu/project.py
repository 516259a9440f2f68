"""The first phase of a round: the drives of an area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainsim.kernels.cpu.arena import Records
from brainsim.kernels.cpu.counts import Counts, PatchedCounts
from brainsim.kernels.cpu.drives import Search
from brainsim.kernels.cpu.records import int_array, joined
from brainsim.kernels.cpu.resources import Resources
from brainsim.kernels.cpu.sparse_drive import LISTED
from brainsim.kernels.cpu.threads import use_threads
from brainsim.kernels.cpu.ties import transmit
from brainsim.kernels.law.weights import WEIGHT_BITS
from brainsim.kernels.state import Neurons, Thresholds


@dataclass(eq=False, slots=True)
class Drive:
    """The drives of one area in one round.

    The drives are the counts at base weight plus the sparse drive.  Counts may be patched, that is, right only at the
    neurons listed in the sparse drive; selection replaces them if that is not enough.  The sparse drive is that of
    `Resources` and is valid until the area has selected; the counts are valid until the end of the round.

    Attributes
    ----------
    fibers : tuple of int
        Those that transmit and whose sources fired.
    counts : dict of int to Counts or PatchedCounts
        By fiber, for the fibers with synapses that are not stored.
    patched : dict of int to PatchedCounts
        The counts that are right at the listed neurons only.
    key : uint64
        Orders neurons that tie.
    scaled : bool
        Whether some of the counts have a base weight other than 1, so that weights are summed, and not counts.
    """

    fibers: tuple[int, ...]
    counts: dict[int, Counts | PatchedCounts]
    patched: dict[int, PatchedCounts]
    key: np.uint64
    scaled: bool

    @property
    def peak(self) -> int:
        """An upper bound on the sums of counts."""
        return sum(counts.peak for counts in self.counts.values())

    def records(self) -> Records:
        """Return a record of the counts of each fiber."""
        return joined([counts.record for counts in self.counts.values()])


def project(resources: Resources, area: int, fibers: Sequence[int], thresholds: Thresholds) -> Drive:
    """Return the drives of an area into which some fibers transmit: sums of weights, less thresholds."""
    spec, tables, sparse = resources.program.areas[area], resources.tables, resources.sparse
    firing = {f: fired for f in fibers if len((fired := resources.firing(f)).neurons)}
    transmitting, scaled = tuple(firing), bool(resources.scaled) and not resources.scaled.isdisjoint(firing)
    sparse.gather(tables, transmitting, spec.n)
    # Patched counts help only if the winners are likely to be listed.  This is not so with fewer than k listed neurons,
    # nor with thresholds, which list neurons for other reasons.  Channels need the sums of all neurons.  The slack of
    # counts with large base weights would leave too many suspects.
    patch = sparse.size >= spec.k and not len(thresholds.neurons) and not scaled and area not in resources.channels
    targets = sparse.size if patch else None
    counted = resources.without_stored(firing) if resources.stored else firing
    counts = {f: resources.counts[f].find(fired, targets) or draw(resources, f) for f, fired in counted.items()}
    key, counted_once = transmit(tables.areas.records, tables.fibers.records, int_array(transmitting), area)
    if not counted_once:
        key = _transmit_first(resources, area, transmitting)
    patched = {f: each for f, each in counts.items() if isinstance(each, PatchedCounts)}
    drive = Drive(transmitting, counts, patched, np.uint64(key), scaled)
    if drive.patched:
        look_up(resources, drive, sparse.listed(), LISTED)
    if len(thresholds.neurons):
        sparse.subtract(thresholds)
    return drive


def _transmit_first(resources: Resources, area: int, fibers: tuple[int, ...]) -> np.uint64:
    """Call `transmit`, after giving counters to neurons that fire for the first time."""
    for f in fibers:
        resources.transmitted[f].make_room(resources.firing(f).neurons)
    records = resources.tables.areas.records, resources.tables.fibers.records
    return transmit(*records, int_array(fibers), area)[0]


def draw(resources: Resources, fiber: int) -> Counts:
    """Return complete counts of a fiber."""
    fired = resources.firing(fiber)
    threads = use_threads(resources.options.threads, len(fired.neurons) * resources.graphs[fiber].mean)
    return resources.counts[fiber].draw(fired, threads)


def look_up(resources: Resources, drive: Drive, targets: Neurons, mark: int) -> None:
    """Correct patched counts at some neurons, ascending, and the sparse drive of those with the given mark."""
    for f, counts in drive.patched.items():
        resources.counts[f].look_up(resources.firing(f), counts, targets, resources.options.threads)
    resources.sparse.correct(drive.records(), mark)


def search_of(resources: Resources, area: int, drive: Drive) -> Search:
    """Return the inputs of a search for the winners."""
    spec = resources.program.areas[area]
    shift = 0 if drive.scaled else WEIGHT_BITS
    return Search(resources.sparse.arrays, drive.records(), spec.n, spec.k, drive.key, shift)
