"""Recordings exported to SONATA, Neo and NWB: the tools of these formats read the recorded spikes."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from brainsim import dumps, export
from brainsim.errors import BrainsimError, DumpError, MissingPackageError
from brainsim.simulate.recordings.recording import Recorded, Recording
from recorded import brain, files_at_most, play, simulator, truth

ROUNDS = 25
MEMORY = truth(ROUNDS)


def spikes_of(recorded: Recorded, area: str) -> set[tuple[int, int]]:
    """Return the round and the neuron of each spike."""
    return {(number, int(neuron)) for number, won in enumerate(recorded.winners(area)) for neuron in won}


@pytest.fixture(params=["memory", "history", "stopped history", "stored"])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recorded]:
    """Yield the same rounds as each kind of recording in turn."""
    if request.param == "memory":
        yield MEMORY
        return
    with simulator() as sim:
        history = sim.record(to=tmp_path / "h.h5", every=10)
        play(sim, [history], ROUNDS)
        if request.param == "history":
            yield history
            return
    if request.param == "stopped history":
        yield history
        return
    with dumps.open_recordings(tmp_path / "h.h5") as recordings:
        yield recordings["history"]


def test_libsonata_reads_the_spikes(tmp_path: Path, recording: Recorded) -> None:
    libsonata = pytest.importorskip("libsonata")
    path = tmp_path / "spikes.h5"
    export.write_sonata(path, recording, dt_ms=2.5)
    reader = libsonata.SpikeReader(str(path))
    assert sorted(reader.get_population_names()) == ["A", "B", "S"]
    for area in ("S", "A", "B"):
        population = reader[area]
        assert (population.sorting, population.time_units) == ("by_time", "ms")
        found = population.get()
        assert len(found) == sum(map(len, MEMORY.winners(area)))
        assert {(round(time / 2.5), neuron) for neuron, time in found} == spikes_of(MEMORY, area)
        assert [time for _, time in found] == sorted(time for _, time in found)
    early = reader["A"].get(tstart=0.0, tstop=5.0)
    assert {time for _, time in early} <= {0.0, 2.5, 5.0}


def test_a_sonata_file_has_the_layout_of_the_sonata_guide(tmp_path: Path, recording: Recorded) -> None:
    path = tmp_path / "spikes.h5"
    export.write_sonata(path, recording)
    with h5py.File(path) as file:
        assert (file.attrs["magic"], file.attrs["version"].tolist()) == (0x0A7A, [0, 1])
        population = file["spikes/A"]
        kinds = h5py.check_enum_dtype(population.attrs.get_id("sorting").dtype)
        assert kinds == {"none": 0, "by_id": 1, "by_time": 2}
        assert population.attrs["sorting"] == kinds["by_time"]
        assert (population["timestamps"].dtype, population["node_ids"].dtype) == (np.float64, np.uint64)
        assert population["timestamps"].attrs["units"] == "ms"
        assert np.array_equal(population["node_ids"][:], np.concatenate(MEMORY.winners("A")))
        about = json.loads(file["brainsim"].attrs["about"])
        assert (about["seed"], about["rounds"], about["areas"]["B"]) == (5, ROUNDS, {"n": 300, "k": 10})
        assert file["brainsim/marks_label"].asstr()[:].tolist() == [mark.label for mark in MEMORY.marks]
        assert file["brainsim/marks_timestamps"][:].tolist() == [0.0, 10.0, 20.0]


def test_neo_has_a_spike_train_for_each_neuron_that_fired(recording: Recorded) -> None:
    pytest.importorskip("neo")
    check_block(recording.to_neo(dt_ms=2.0), MEMORY)  # type: ignore[attr-defined]


@pytest.mark.parametrize("format", ["PickleIO", pytest.param("NixIO", marks=pytest.mark.slow)])
def test_neo_reads_the_files_that_it_writes(tmp_path: Path, format: str) -> None:
    neo = pytest.importorskip("neo")
    path, block = str(tmp_path / "block"), MEMORY.to_neo(dt_ms=2.0)
    if format == "NixIO":
        with neo.NixIO(path, "ow") as written:
            written.write_block(block)
        with neo.NixIO(path, "ro") as file:
            check_block(file.read_block(), MEMORY)
    else:
        neo.PickleIO(path).write_block(block)
        check_block(neo.PickleIO(path).read_block(), MEMORY)


def check_block(block: Any, recorded: Recorded) -> None:
    """Check that a block of Neo, with 2 ms a round, holds the spikes and marks of a recording."""
    (segment,) = block.segments
    found: dict[str, set[tuple[int, int]]] = {area.name: set() for area in recorded.areas}
    for train in segment.spiketrains:
        assert len(train) > 0
        assert (float(train.t_start.rescale("ms")), float(train.t_stop.rescale("ms"))) == (0, ROUNDS * 2)
        times = train.rescale("ms").magnitude
        found[train.annotations["area"]] |= {(round(time / 2), train.annotations["neuron"]) for time in times.tolist()}
    assert found == {area: spikes_of(recorded, area) for area in found}
    assert len(segment.spiketrains) == sum(len({neuron for _, neuron in each}) for each in found.values())
    assert {group.name: group.annotations["n"] for group in block.groups} == {"S": 60, "A": 200, "B": 300}
    assert (block.annotations["seed"], block.annotations["dt_ms"]) == (5, 2.0)
    (events,), (epochs,) = segment.events, segment.epochs
    assert list(events.labels) == list(epochs.labels) == ["ten 0", "ten 10", "ten 20"]
    assert events.times.rescale("ms").magnitude.tolist() == epochs.times.rescale("ms").magnitude.tolist() == [0, 20, 40]
    assert epochs.durations.rescale("ms").magnitude.tolist() == [20, 20, 10]


def test_pynwb_reads_the_units_and_epochs(tmp_path: Path, recording: Recorded) -> None:
    pynwb = pytest.importorskip("pynwb")
    path, start = tmp_path / "session.nwb", datetime(2026, 1, 2, tzinfo=UTC)
    export.write_nwb(path, recording, dt_ms=2.0, description="a test", start=start)
    assert pynwb.validate(path=str(path)) == []
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        session = file.read()
        units = session.units
        found: dict[str, set[tuple[int, int]]] = {area.name: set() for area in MEMORY.areas}
        for row in range(len(units)):
            spikes = {(round(time * 500), int(units["neuron"][row])) for time in units["spike_times"][row].tolist()}
            found[units["area"][row]] |= spikes
        assert found == {area: spikes_of(MEMORY, area) for area in found}
        epochs = session.epochs
        assert [list(tags) for tags in epochs["tags"][:]] == [["ten 0"], ["ten 10"], ["ten 20"]]
        assert epochs["start_time"][:].tolist() == [0, 0.02, 0.04]
        assert epochs["stop_time"][:].tolist() == [0.02, 0.04, 0.05]
        assert (session.session_description, session.session_start_time) == ("a test", start)
        notes = json.loads(session.notes)
        assert (notes["seed"], notes["areas"]["A"], notes["dt_ms"]) == (5, {"n": 200, "k": 8}, 2.0)


WRITERS: dict[str, Callable[..., None]] = {"sonata": export.write_sonata, "nwb": export.write_nwb}


@pytest.mark.parametrize("writer", WRITERS)
def test_an_empty_recording_can_be_exported(tmp_path: Path, writer: str) -> None:
    empty = Recording(brain().areas.values())
    WRITERS[writer](tmp_path / "empty", empty)
    assert len(export.to_neo(empty).segments[0].spiketrains) == 0
    if writer == "sonata":
        libsonata = pytest.importorskip("libsonata")
        assert libsonata.SpikeReader(str(tmp_path / "empty"))["A"].get() == []


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_is_written_completely_or_not_at_all(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "out"
    path.write_text("before")
    with files_at_most(3000), pytest.raises(DumpError, match="cannot be written"):
        WRITERS[writer](path, MEMORY)
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert path.read_text() == "before"
    WRITERS[writer](path, MEMORY)
    assert h5py.is_hdf5(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: export.write_sonata("x.h5", "recording"), "write_sonata: recording: must be a recording"),
        (lambda: export.to_neo(None), "to_neo: recording: must be a recording"),
        (lambda: export.write_nwb("x.nwb", {}), "write_nwb: recording: must be a recording"),
        (lambda: export.write_sonata("x.h5", MEMORY, dt_ms=0), "dt_ms: must be above 0"),
        (lambda: export.to_neo(MEMORY, dt_ms=float("nan")), "dt_ms: must be a number"),
        (lambda: export.write_nwb("x.nwb", MEMORY, dt_ms="1"), "dt_ms: must be a number"),
        (lambda: export.write_nwb("x.nwb", MEMORY, description=""), "description: must be text"),
        (lambda: export.write_nwb("x.nwb", MEMORY, start=datetime(2026, 1, 1)), "a datetime with a time zone"),
        (lambda: export.write_sonata("", MEMORY), "not empty"),
        (lambda: export.write_nwb(".", MEMORY), "directory"),
    ],
)
def test_invalid_arguments_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[[], Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BrainsimError, match=message):
        call()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [("neo", "neo", export.to_neo), ("pynwb", "nwb", lambda recording: export.write_nwb("x.nwb", recording))],
)
def test_a_package_that_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, package: str, extra: str, call: Callable[[Recorded], Any]
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == package:
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match=rf"pip install 'brainsim\[{extra}\]'") as caught:
        call(MEMORY)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ImportError)
