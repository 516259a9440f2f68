"""Recordings as other formats see them: spikes of neurons at times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim._validation import real
from brainsim._version import __version__
from brainsim.declare.area import Area
from brainsim.errors import DeclarationError, MissingPackageError
from brainsim.simulate.recordings.recording import Recorded, pieces

LONGEST_MS = 1e9


class Spikes(NamedTuple):
    """Winners of one area, in some rounds: the neuron and the round of each spike, by round."""

    neurons: npt.NDArray[np.int64]
    rounds: npt.NDArray[np.int64]


class ByNeuron(NamedTuple):
    """The spikes of one area by neuron.

    Attributes
    ----------
    neurons : ndarray of int64
        The neurons that fired, ascending.
    starts, ends : ndarray of int64
        For each of them, where its rounds begin and end in ``rounds``.
    rounds : ndarray of int64
        The rounds of the spikes of the first neuron, ascending, then those of the second, and so on.
    """

    neurons: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    rounds: npt.NDArray[np.int64]


def dt(where: str, value: object) -> float:
    """Return the length of a round in milliseconds."""
    found = real(f"{where}: dt_ms", value, 0.0, LONGEST_MS)
    if not found:
        raise DeclarationError(where=f"{where}: dt_ms", value=value, allowed="above 0")
    return found


def reading(where: str, recorded: object) -> AbstractContextManager[Recorded]:
    """Return a context that yields a recording; if it is in a file, the file is open within the context."""
    from brainsim.simulate.recordings.history import History

    if isinstance(recorded, History):
        return recorded.reading()
    if not isinstance(recorded, Recorded):
        allowed = "a recording, as sim.record() or read_recordings(path)['name'] return"
        raise DeclarationError(where=f"{where}: recording", value=recorded, allowed=allowed)
    return nullcontext(recorded)


def in_pieces(recorded: Recorded, area: Area) -> Iterator[Spikes]:
    """Yield the spikes of an area by round, some rounds at a time."""
    for start, stop in pieces(recorded):
        winners = recorded.winners(area, start, stop)
        rounds = np.repeat(np.arange(start, stop), [len(each) for each in winners])
        yield Spikes(np.concatenate([np.empty(0, np.int64), *winners]), rounds)


def by_neuron(recorded: Recorded, area: Area) -> ByNeuron:
    """Return the spikes of an area by neuron; besides them, it needs memory for one number per neuron of the area."""
    counts = np.zeros(area.n, np.int64)
    for spikes in in_pieces(recorded, area):
        np.add.at(counts, spikes.neurons, 1)
    ends = np.cumsum(counts)
    rounds, place = np.empty(ends[-1], np.int64), ends - counts
    for spikes in in_pieces(recorded, area):
        order = np.argsort(spikes.neurons, kind="stable")
        fired, first, times = np.unique(spikes.neurons[order], return_index=True, return_counts=True)
        # Each spike of this piece comes after those that its neuron already has.
        within = np.arange(len(order)) - np.repeat(first, times)
        rounds[np.repeat(place[fired], times) + within] = spikes.rounds[order]
        place[fired] += times
    fired = np.flatnonzero(counts)
    return ByNeuron(fired, ends[fired] - counts[fired], ends[fired], rounds)


def lengths(recorded: Recorded) -> npt.NDArray[np.int64]:
    """Return for how many rounds each mark holds: until the next one, or the end."""
    return np.diff([*(mark.round for mark in recorded.marks), len(recorded)])


def about(recorded: Recorded, dt_ms: float) -> dict[str, Any]:
    """Return the provenance of the spikes, for files in other formats."""
    return {
        "brainsim_version": __version__,
        "seed": recorded.seed,
        "dt_ms": dt_ms,
        "rounds": len(recorded),
        "areas": {area.name: {"n": area.n, "k": area.k} for area in recorded.areas},
    }


def missing(package: str, extra: str, error: ImportError) -> MissingPackageError:
    """Return the error about a package that an export needs."""
    return MissingPackageError(f"{package} cannot be imported ({error}); pip install 'brainsim[{extra}]'")
