"""The second phase of a round: the winners of an area."""

from __future__ import annotations

from brainsim.kernels.cpu.channels import winners_in_channels
from brainsim.kernels.cpu.project import Drive, draw, look_up, search_of
from brainsim.kernels.cpu.resources import Resources
from brainsim.kernels.cpu.scan import find_winners
from brainsim.kernels.cpu.sparse_drive import SUSPECT
from brainsim.kernels.cpu.suspects import MOST_SUSPECTS, winners_or_suspects
from brainsim.kernels.cpu.threads import use_threads
from brainsim.kernels.outcomes import Won


def select(resources: Resources, area: int, drive: Drive) -> Won:
    """Return the winners of an area, and clear the sparse drive."""
    threads = use_threads(resources.options.threads, resources.program.areas[area].n * len(drive.counts))
    if area in resources.channels:
        return winners_in_channels(search_of(resources, area, drive), resources.channels[area], threads)
    if drive.patched:
        winners = _select_listed(resources, area, drive, threads)
        if winners is not None:
            resources.sparse.clear()
            return winners
        _complete(resources, area, drive)
    return find_winners(search_of(resources, area, drive), drive.peak, threads)


def _select_listed(resources: Resources, area: int, drive: Drive, threads: int) -> Won | None:
    """Return the winners if the drives of few neurons decide them, ``None`` otherwise."""
    # A count is too low by at most the number of neurons that were added to the counted set.
    slack = sum(len(counts.difference.added) for counts in drive.patched.values())
    for _ in range(2):
        winners, suspects = winners_or_suspects(search_of(resources, area, drive), slack, threads)
        if not len(suspects):
            return winners
        if len(suspects) >= MOST_SUSPECTS:
            return None
        # Once these are listed, no others remain: more candidates do not lower the bar.
        resources.sparse.add_suspects(suspects)
        look_up(resources, drive, suspects, SUSPECT)
    raise AssertionError("listing the suspects left others")


def _complete(resources: Resources, area: int, drive: Drive) -> None:
    """Replace patched counts by complete ones."""
    drive.counts.update({f: draw(resources, f) for f in drive.patched})
    drive.patched.clear()
    # The sparse drive is gathered again without corrections, which complete counts do not need.
    resources.sparse.gather(resources.tables, drive.fibers, resources.program.areas[area].n)
