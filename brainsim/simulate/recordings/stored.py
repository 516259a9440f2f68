"""Recordings in files, of which only the requested rounds are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from brainsim.declare.area import Area
from brainsim.errors import DumpError
from brainsim.simulate.hdf5.files import count, naming, opened
from brainsim.simulate.hdf5.texts import from_link, from_text
from brainsim.simulate.recordings import blocks
from brainsim.simulate.recordings.blocks import Blocks
from brainsim.simulate.recordings.recording import Drives, Recorded, Recording, Winners, pieces
from brainsim.simulate.recordings.timeline import Mark, Timeline, span

Array = npt.NDArray[Any]

_LABEL = "marks_label"
_NO_AREAS = {*blocks.MARKS, _LABEL}


@contextmanager
def open_recordings(path: str | Path) -> Iterator[dict[str, StoredRecording]]:
    """Open the recordings of a file by name, to read parts of them: for files larger than memory.

    A history that is still being written, or whose writer was killed, has the rounds of its whole blocks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     history = sim.record(lex, to=f"{folder}/lex.h5", every=5)
    ...     sim.present(phon["dog"])
    ...     _ = sim.run(phon >> lex, rounds=12)
    ...     with open_recordings(f"{folder}/lex.h5") as recordings:  # while the run goes on
    ...         stored = recordings["history"]
    ...         len(stored), len(stored.winners(lex, 2, 6))
    ...     history.stop()
    (10, 4)

    Raises
    ------
    DumpError
        If the file cannot be read, is a saved state or is damaged; also when a damaged part is read.
    """
    with ExitStack() as opening:
        file = opening.enter_context(opened(path, live=True, lazy=True))
        refuse_state(path, file)
        recordings = stored(file)
        still_open = opening.pop_all()
    try:
        yield recordings
    finally:
        still_open.close()  # an error in the block is the user's, and not a sign of damage


def names_in(file: h5py.File) -> Callable[[str], str]:
    """Return the function that translates names of groups and datasets into those given by users."""
    return from_link if file.attrs["brainsim_format"] >= 5 else str


def refuse_state(path: str | Path, file: h5py.File) -> None:
    """Raise a `DumpError` for a saved state: an empty mapping would look like a file without recordings."""
    if "identity" in file or "declaration" in file:
        raise DumpError(f"{path}: is a saved state and has no recordings; load it with Simulator.load")


def stored(file: h5py.File) -> dict[str, StoredRecording]:
    """Return the recordings in an open file by name."""
    named = names_in(file)
    return {named(link): StoredRecording(file, link) for link in file.get("recordings", {})}


class StoredRecording(Recorded):
    """A recording in an open file.

    Attributes
    ----------
    areas : tuple of Area
        What is recorded.
    marks : tuple of Mark
        Labels on the time axis, in order.
    has_drives : bool
        Whether the drives of the winners are recorded, too.
    seed : int or None
        Seed of the simulator, ``None`` if it is not known.
    """

    def __init__(self, file: h5py.File, name: str) -> None:
        self._file = file
        self._name = name
        self._group: h5py.Group = file[f"recordings/{name}"]
        areas = [_area(name, part) for name, part in self._group.items() if name not in _NO_AREAS]
        places = {area.name: count(self._group[area.name].attrs["position"]) for area in areas}
        if sorted(places.values()) != list(range(len(areas))):
            raise ValueError(f"{self._group.name!r}: the positions of its areas must be 0, 1, and so on, each once")
        areas.sort(key=lambda area: places[area.name])
        drives = any("drives" in self._group[area.name] for area in areas)
        seed = count(self._group.attrs["seed"]) if "seed" in self._group.attrs else None
        self._timeline = Timeline(areas, drives=drives, seed=seed)
        self.refresh()

    def refresh(self) -> None:
        """Read a history that is still being written again, for new rounds."""
        with naming(self._file.filename):
            self._data = self._look()
            self._length = self._rounds()
            self._timeline.marks = self._read_marks()

    def _look(self) -> Blocks | Undivided:
        table = f"{blocks.TABLES}/{self._name}"
        if table not in self._file:
            return Undivided(self._group)
        live = bool(self._file.swmr_mode)
        dataset = self._file[table]
        if live:
            # The table first: the data that it covers were written before it.
            dataset.refresh()
        rows = dataset[:]
        if live:
            self._group.visititems(lambda _, item: item.refresh() if isinstance(item, h5py.Dataset) else None)
        return Blocks(self._group, rows, live=live)

    def _rounds(self) -> int:
        lengths = {self._data.length(f"{area.name}/offsets") - 1 for area in self.areas}
        if len(lengths) > 1 or min(lengths, default=0) < 0:
            raise ValueError(f"areas of recording {self._name!r} have different numbers of rounds")
        for area in self.areas:
            ends = self._data.read(f"{area.name}/offsets", max(lengths), max(lengths) + 1)
            winners = self._data.length(f"{area.name}/neurons")
            if ends.tolist() != [winners] or (self.has_drives and self._data.length(f"{area.name}/drives") != winners):
                raise ValueError(f"winners of area {area.name!r} do not fit their offsets")
        return max(lengths, default=0)

    def _read_marks(self) -> list[Mark]:
        numbers, letters, offsets = blocks.MARKS
        if letters in self._group:
            labels = blocks.texts(self._all(letters), self._all(offsets))
        else:  # written at once, as text
            labels = self._group[_LABEL].asstr()[:].tolist()
            labels = [from_text(label) for label in labels] if self._file.attrs["brainsim_format"] >= 5 else labels
        rounds = _checked(self._all(numbers), np.int64)
        marks = [Mark(number, label) for number, label in zip(rounds.tolist(), labels, strict=True)]
        if not all(0 <= mark.round <= self._length for mark in marks) or (np.diff(rounds) < 0).any():
            raise ValueError(f"marks of recording {self._name!r} do not fit its rounds")
        return marks

    def _all(self, dataset: str) -> Array:
        return self._data.read(dataset, 0, self._data.length(dataset))

    def __len__(self) -> int:
        """Return the number of rounds; of a history that is being written, those that have been flushed."""
        return self._length

    def winners(self, area: Area | str, start: int = 0, stop: int | None = None) -> list[Winners]:
        """Return the winners of one area in the rounds ``[start:stop]``, an ascending int64 array for each."""
        name = self._timeline.name(area)
        with naming(self._file.filename):
            ends, neurons = self._read(name, "neurons", np.int64, start, stop)
            n = next(area.n for area in self.areas if area.name == name)
            # Within a round they ascend; a round begins where another one ends.
            steps = np.diff(neurons) > 0
            steps[ends[(ends > 0) & (ends < len(neurons))] - 1] = True
            if not steps.all() or (len(neurons) and not 0 <= neurons.min() <= neurons.max() < n):
                raise ValueError(f"winners of area {name!r} are not ascending, or not in the area")
        return _parts(neurons, ends)

    def drives(self, area: Area | str, start: int = 0, stop: int | None = None) -> list[Drives]:
        """Return the drives of the winners of one area in the rounds ``[start:stop]``, a float64 array for each."""
        name = self._timeline.with_drives(area)
        with naming(self._file.filename):
            ends, drives = self._read(name, "drives", np.float64, start, stop)
        return _parts(drives, ends)

    def _read(self, area: str, what: str, kind: type, start: int, stop: int | None) -> tuple[Array, Array]:
        """Return the data of some rounds, and the end of each round in them."""
        first, end = span(len(self), start, stop)
        offsets = _checked(self._data.read(f"{area}/offsets", first, end + 1), np.int64)
        if (np.diff(offsets) < 0).any() or offsets[0] < 0:
            raise ValueError(f"winners of area {area!r} do not fit their offsets")
        return offsets[1:] - offsets[0], _checked(self._data.read(f"{area}/{what}", offsets[0], offsets[-1]), kind)


class Undivided:
    """The datasets of a recording that was written at once."""

    def __init__(self, group: h5py.Group) -> None:
        self._group = group

    def length(self, dataset: str) -> int:
        """Return how many items a dataset has."""
        return len(self._group[dataset])

    def read(self, dataset: str, start: int, stop: int) -> Array:
        """Return the items ``[start:stop]`` of a dataset."""
        items: Array = self._group[dataset][start:stop]
        return items


def _area(name: str, part: h5py.Group) -> Area:
    return Area(name, count(part.attrs["n"]), count(part.attrs["k"]))


def _parts(items: Array, ends: Array) -> list[Array]:
    return [items[start:end] for start, end in pairwise([0, *ends.tolist()])]


def _checked(items: Array, kind: type) -> Array:
    if items.dtype != kind or items.ndim != 1:
        raise ValueError(f"numbers of type {np.dtype(kind)} are missing (got {items.dtype}, shape {items.shape})")
    return items


def loaded(stored: StoredRecording) -> Recording:
    """Return a stored recording in memory."""
    recording = Recording(stored.areas, drives=stored.has_drives, seed=stored.seed)
    marks = list(reversed(stored.marks))
    for start, stop in [*pieces(stored), (len(stored), len(stored))]:
        winners = {area.name: stored.winners(area, start, stop) for area in stored.areas}
        drives = {area.name: stored.drives(area, start, stop) for area in stored.areas if stored.has_drives}
        for number in range(stop - start + 1):
            while marks and marks[-1].round == len(recording):
                recording.mark(marks.pop().label)
            if number < stop - start:
                recording.append(_round(winners, number), _round(drives, number))
    recording.stop()
    return recording


def _round(by_name: Mapping[str, Sequence[Array]], number: int) -> dict[str, Array]:
    return {name: rounds[number] for name, rounds in by_name.items()}
