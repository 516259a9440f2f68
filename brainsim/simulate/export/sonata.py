"""Spikes in the SONATA format."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from brainsim.declare.area import Area
from brainsim.simulate.export import spikes
from brainsim.simulate.hdf5.files import TEXT, foreign
from brainsim.simulate.recordings.recording import Recorded

_MAGIC, _VERSION = 0x0A7A, (0, 1)
_SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
_BY_TIME = 2


def write_sonata(path: str | Path, recording: Recorded, *, dt_ms: float = 1.0) -> None:
    """Write the winners of a recording as spikes in the SONATA format, completely or not at all.

    Each area is a population, ``/spikes/<area>``, with ``node_ids`` and ``timestamps`` in order of time.  The neurons
    that win in round ``t``, counted from 0, spike at ``t * dt_ms`` milliseconds.  SONATA has no place for marks: the
    group ``/brainsim`` holds them, as ``marks_timestamps`` and ``marks_label``, and the seed, ``n`` and ``k`` as JSON.

    The recording is read in pieces, so that a history larger than memory can be written.

    Parameters
    ----------
    path : str or Path
        The file; one that exists is replaced.
    recording : Recording, History or StoredRecording
        What is written.
    dt_ms : float
        Milliseconds from one round to the next, above 0.

    Raises
    ------
    DeclarationError
        If ``recording`` is not a recording, or ``dt_ms`` is not above 0.
    DumpError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, h5py
    >>> recording = sim.record(lex)
    >>> sim.present(phon["dog"])
    >>> _ = sim.run(phon >> lex, rounds=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export.write_sonata(f"{folder}/spikes.h5", recording, dt_ms=10)
    ...     with h5py.File(f"{folder}/spikes.h5") as file:
    ...         file["spikes/Lex/timestamps"][[0, 30, 60]].tolist()
    [0.0, 10.0, 20.0]
    """
    dt_ms = spikes.dt("write_sonata", dt_ms)
    with spikes.reading("write_sonata", recording) as recorded, foreign(path) as file:
        file.attrs["magic"], file.attrs["version"] = np.uint32(_MAGIC), np.array(_VERSION, np.uint32)
        for area in recorded.areas:
            _write_population(file.create_group(f"spikes/{area.name}"), recorded, area, dt_ms)
        own = file.create_group("brainsim")
        own.attrs["about"] = json.dumps(spikes.about(recorded, dt_ms))
        marks = recorded.marks
        own.create_dataset("marks_timestamps", data=np.array([mark.round for mark in marks], float) * dt_ms)
        own.create_dataset("marks_label", data=[mark.label for mark in marks], dtype=TEXT)


def _write_population(group: h5py.Group, recorded: Recorded, area: Area, dt_ms: float) -> None:
    group.attrs.create("sorting", _BY_TIME, dtype=_SORTING)
    # Not compressed, because libsonata is built without gzip.
    total = sum(len(piece.neurons) for piece in spikes.in_pieces(recorded, area))
    times = group.create_dataset("timestamps", (total,), np.float64)
    times.attrs["units"] = "ms"
    nodes = group.create_dataset("node_ids", (total,), np.uint64)
    done = 0
    for piece in spikes.in_pieces(recorded, area):
        end = done + len(piece.neurons)
        times[done:end], nodes[done:end] = piece.rounds * dt_ms, piece.neurons
        done = end
