"""Recordings as objects of Neo, the common language of Python tools for spike trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from brainsim.declare.area import Area
from brainsim.simulate.export import spikes
from brainsim.simulate.recordings.recording import Recorded

if TYPE_CHECKING:
    import neo


def to_neo(recording: Recorded, *, dt_ms: float = 1.0) -> neo.Block:
    """Return a recording as a ``neo.Block`` with one segment, which any of Neo's formats can store.

    The segment has a spike train for each neuron that fired, and none for those that did not: only some thousands of a
    million neurons ever win, and Neo takes about 0.3 ms and 5 KB for each train.  The neurons that win in round ``t``,
    counted from 0, spike at ``t * dt_ms`` milliseconds.  A train has the annotations ``area`` and ``neuron``; the
    trains of each area are a ``neo.Group``, with ``n`` and ``k``.  Marks are an event each, and an epoch each, that
    lasts until the next mark.

    Parameters
    ----------
    recording : Recording, History or StoredRecording
        What is returned.
    dt_ms : float
        Milliseconds from one round to the next, above 0.

    Raises
    ------
    DeclarationError
        If ``recording`` is not a recording, or ``dt_ms`` is not above 0.
    MissingPackageError
        If Neo is not installed: ``pip install 'brainsim[neo]'``.

    Examples
    --------
    >>> recording = sim.record(lex)
    >>> sim.present(phon["dog"])
    >>> _ = sim.run(phon >> lex, rounds=3)
    >>> block = export.to_neo(recording, dt_ms=10)
    >>> len(block.segments[0].spiketrains) == recording.support(lex)
    True
    """
    try:
        import neo
    except ImportError as error:
        raise spikes.missing("Neo", "neo", error) from error
    dt_ms = spikes.dt("to_neo", dt_ms)
    with spikes.reading("to_neo", recording) as recorded:
        known = spikes.about(recorded, dt_ms)
        seed = {} if recorded.seed is None else {"seed": recorded.seed}
        block = neo.Block(name="brainsim", brainsim_version=known["brainsim_version"], dt_ms=dt_ms, **seed)
        segment = neo.Segment(name="recording")
        block.segments.append(segment)
        for area in recorded.areas:
            group = neo.Group(name=area.name, n=area.n, k=area.k)
            block.groups.append(group)
            trains = list(_trains(recorded, area, dt_ms))
            segment.spiketrains.extend(trains)
            group.spiketrains.extend(trains)
        segment.events.append(neo.Event(**_marks(recorded, dt_ms)))
        segment.epochs.append(neo.Epoch(**_marks(recorded, dt_ms), durations=spikes.lengths(recorded) * dt_ms))
    return block


def _trains(recorded: Recorded, area: Area, dt_ms: float) -> Iterator[neo.SpikeTrain]:
    """Yield the spike trains of the neurons of an area that fired."""
    import neo

    found, end = spikes.by_neuron(recorded, area), max(len(recorded), 1) * dt_ms
    for neuron, first, last in zip(found.neurons.tolist(), found.starts.tolist(), found.ends.tolist(), strict=True):
        yield neo.SpikeTrain(
            found.rounds[first:last] * dt_ms,
            units="ms",
            t_stop=end,
            name=f"{area.name} {neuron}",
            area=area.name,
            neuron=neuron,
        )


def _marks(recorded: Recorded, dt_ms: float) -> dict[str, Any]:
    times = np.array([mark.round for mark in recorded.marks], float) * dt_ms
    labels = np.array([mark.label for mark in recorded.marks], dtype="U")
    return {"times": times, "labels": labels, "units": "ms", "name": "marks"}
