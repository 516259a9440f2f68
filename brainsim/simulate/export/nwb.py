"""Recordings as files of Neurodata Without Borders (NWB)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from brainsim.errors import DeclarationError
from brainsim.simulate.export import spikes
from brainsim.simulate.hdf5.files import foreign
from brainsim.simulate.hdf5.places import file_path
from brainsim.simulate.recordings.recording import Recorded

if TYPE_CHECKING:
    from pynwb import NWBFile
    from pynwb.misc import Units


def write_nwb(
    path: str | Path,
    recording: Recorded,
    *,
    dt_ms: float = 1.0,
    description: str = "brainsim recording",
    start: datetime | None = None,
) -> None:
    """Write a recording as an NWB file, completely or not at all.

    The table ``units`` has a row for each neuron that fired, with the columns ``area``, ``neuron`` and ``spike_times``
    in seconds.  The neurons that win in round ``t``, counted from 0, spike at ``t * dt_ms`` milliseconds.  Marks are
    epochs, tagged with their labels, that last until the next mark.  ``notes`` contains the seed, the version of
    brainsim, and the ``n`` and ``k`` of each area as JSON.

    NWB orders spikes by neuron, so all spikes have to be in memory, with 16 bytes each.

    Parameters
    ----------
    path : str or Path
        The file; one that exists is replaced.
    recording : Recording, History or StoredRecording
        What is written.
    dt_ms : float
        Milliseconds from one round to the next, above 0.
    description : str
        The description of the session, which NWB requires.
    start : datetime, optional
        Start of the session, with a time zone, which NWB requires; by default the present time.

    Raises
    ------
    DeclarationError
        If ``recording`` is not a recording, ``dt_ms`` is not above 0, the description is empty, or the start has no
        time zone.
    DumpError
        If the file cannot be written.
    MissingPackageError
        If PyNWB is not installed: ``pip install 'brainsim[nwb]'``.

    Examples
    --------
    >>> import tempfile, pynwb
    >>> recording = sim.record(lex)
    >>> sim.present(phon["dog"])
    >>> _ = sim.run(phon >> lex, rounds=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export.write_nwb(f"{folder}/session.nwb", recording, dt_ms=10)
    ...     with pynwb.NWBHDF5IO(f"{folder}/session.nwb", "r") as io:
    ...         io.read().units["area"][0]
    'Lex'
    """
    try:
        import pynwb
    except ImportError as error:
        raise spikes.missing("PyNWB", "nwb", error) from error
    dt_ms = spikes.dt("write_nwb", dt_ms)
    if not isinstance(description, str) or not description.strip():
        raise DeclarationError(where="write_nwb: description", value=description, allowed="text, not empty")
    start = datetime.now(UTC) if start is None else start
    if not isinstance(start, datetime) or start.tzinfo is None:
        raise DeclarationError(where="write_nwb: start", value=start, allowed="a datetime with a time zone")
    file_path(path, "written")  # before what takes long
    with spikes.reading("write_nwb", recording) as recorded:
        session = pynwb.NWBFile(
            session_description=description,
            identifier=str(uuid4()),
            session_start_time=start,
            notes=json.dumps(spikes.about(recorded, dt_ms)),
        )
        session.units = _units(recorded, dt_ms)
        _add_epochs(session, recorded, dt_ms)
    with foreign(path) as file, pynwb.NWBHDF5IO(file=file, mode="w") as io:
        io.write(session)


def _units(recorded: Recorded, dt_ms: float) -> Units | None:
    """Return the table of neurons that fired, if any did.  It is made from columns: adding rows takes 0.1 ms each."""
    from hdmf.common import VectorData, VectorIndex
    from pynwb.misc import Units

    found = {area.name: spikes.by_neuron(recorded, area) for area in recorded.areas}
    before = np.cumsum([0, *(len(each.rounds) for each in found.values())])[:-1]
    times = np.concatenate([each.rounds * (dt_ms / 1000) for each in found.values()])
    ends = np.concatenate([each.ends + start for each, start in zip(found.values(), before, strict=True)])
    neurons = np.concatenate([each.neurons for each in found.values()])
    if not len(neurons):
        return None
    names = np.repeat(list(found), [len(each.neurons) for each in found.values()])
    spike_times = VectorData(name="spike_times", description="times of the spikes in seconds", data=times)
    columns = [
        VectorIndex(name="spike_times_index", data=ends, target=spike_times),
        spike_times,
        VectorData(name="area", description="area of the neuron", data=names.tolist()),
        VectorData(name="neuron", description="number of the neuron in its area", data=neurons),
    ]
    return Units(
        name="units",
        description="neurons that fired",
        id=np.arange(len(neurons)),
        columns=columns,
        colnames=["spike_times", "area", "neuron"],
    )


def _add_epochs(session: NWBFile, recorded: Recorded, dt_ms: float) -> None:
    seconds = dt_ms / 1000
    for mark, length in zip(recorded.marks, spikes.lengths(recorded).tolist(), strict=True):
        session.add_epoch(start_time=mark.round * seconds, stop_time=(mark.round + length) * seconds, tags=[mark.label])
