"""Appending the blocks of a history to its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from brainsim._version import __version__
from brainsim.errors import DumpError
from brainsim.simulate.hdf5.files import create
from brainsim.simulate.recordings import blocks
from brainsim.simulate.recordings.growing import GrowingFile
from brainsim.simulate.recordings.recording import Recording
from brainsim.simulate.recordings.stored import StoredRecording
from brainsim.simulate.recordings.timeline import Timeline

Array = npt.NDArray[Any]

_CHUNKS_A_BLOCK = 8
"""HDF5 moves a packed chunk when it grows, and cannot use its old place again while others read.  So a block fills
several chunks, and only the last one is written twice."""

_SMALLEST, _LARGEST = 256, 2**16
_PACKED = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
_ROW = 512
_FOR_INDEX = 2**14


class HistoryFile:
    """A file to which blocks of rounds are appended.

    Parameters
    ----------
    path : Path
        Where it is created, in place of what is there.
    like : Timeline
        Its areas, whether it has drives, and its seed.
    every : int
        Rounds in a block.

    Raises
    ------
    DumpError
        If it cannot be created.
    """

    def __init__(self, path: Path, like: Timeline, every: int) -> None:
        taken = [area.name for area in like.areas if area.name in blocks.MARKS]
        if taken:
            raise DumpError(f"{path}: area {taken[0]!r} has the name of a dataset of the file; rename the area")
        with create(path, growing=True) as file:
            first = _lay_out(file, like, every)
        self._growing = GrowingFile(path)
        # They stay open, since HDF5 writes when it closes them.
        self._table: h5py.Dataset = self._growing.file[f"{blocks.TABLES}/{blocks.NAME}"]
        group = self._growing.file[f"recordings/{blocks.NAME}"]
        self._datasets: dict[str, h5py.Dataset] = {name: group[name] for name in blocks.datasets(first)}
        self._last = first
        self._growing.share()

    @property
    def rounds(self) -> int:
        """Rounds that readers find."""
        return int(self._last[blocks.ROUNDS][0])

    def stored(self) -> StoredRecording:
        """Return what readers find."""
        return StoredRecording(self._growing.file, blocks.NAME)

    def append(self, block: Recording) -> None:
        """Append rounds and marks, and let readers see them.

        Raises
        ------
        OSError
            If the disk has no room for them; then the file is as it was.
        OSError, RuntimeError
            If HDF5 fails; then nothing but `close` is possible.
        """
        added = dict(self._added(block))
        row = blocks.next_row(self._last, len(block), added)
        with self._growing.writing(sum(self._room(dataset, items) for dataset, items in added.items())):
            for dataset, items in added.items():
                _extend(self._datasets[dataset], items)
            self._growing.flush()
            _extend(self._table, row)  # after the data that it vouches for
            self._growing.flush()
        self._last = row

    def close(self) -> None:
        """Close and seal the file; what a failed write has left is cut off, without a seal."""
        self._growing.close()

    def _added(self, block: Recording) -> Iterator[tuple[str, Array]]:
        """Yield what a block adds to each dataset."""
        numbers, letters, offsets = blocks.MARKS
        yield numbers, self.rounds + np.array([mark.round for mark in block.marks], np.int64)
        labels = blocks.letters([mark.label for mark in block.marks], self._length(letters))
        yield from zip((letters, offsets), labels, strict=True)
        for area in block.areas:
            rounds = block.winners(area)
            ends = np.cumsum([len(winners) for winners in rounds], dtype=np.int64)
            yield f"{area.name}/offsets", self._length(f"{area.name}/neurons") + ends
            yield f"{area.name}/neurons", np.concatenate([np.empty(0, np.int64), *rounds])
            if block.has_drives:
                yield f"{area.name}/drives", np.concatenate([np.empty(0), *block.drives(area)])

    def _length(self, dataset: str) -> int:
        return int(self._last[dataset][0])

    def _room(self, dataset: str, items: Array) -> int:
        """Return how many bytes appending may take: a last chunk is written again, and its index grows."""
        found = self._datasets[dataset]
        return int(2 * items.nbytes + found.chunks[0] * found.dtype.itemsize + _FOR_INDEX)


def _extend(dataset: h5py.Dataset, items: Array) -> None:
    if len(items):
        before = len(dataset)
        dataset.resize(before + len(items), axis=0)
        dataset[before:] = items


def _lay_out(file: h5py.File, like: Timeline, every: int) -> blocks.Row:
    """Write the empty datasets of a history; return the first row of its table."""
    file.attrs["brainsim_version"] = __version__
    group = file.create_group(f"recordings/{blocks.NAME}")
    if like.seed is not None:
        group.attrs["seed"] = np.uint64(like.seed)
    nothing, zero = np.empty(0, np.int64), np.zeros(1, np.int64)
    contents: dict[str, Array] = dict(zip(blocks.MARKS, (nothing, np.empty(0, np.uint8), zero), strict=True))
    chunks: dict[str, int] = {}
    for position, area in enumerate(like.areas):
        group.create_group(area.name).attrs.update({"position": position, "n": area.n, "k": area.k})
        contents |= {f"{area.name}/offsets": zero, f"{area.name}/neurons": nothing}
        contents |= {f"{area.name}/drives": np.empty(0)} if like.has_drives else {}
        size = min(max(every * area.k // _CHUNKS_A_BLOCK, _SMALLEST), _LARGEST)
        chunks |= {f"{area.name}/{what}": size for what in ("neurons", "drives")}
    for name, content in contents.items():
        options: dict[str, Any] = {"chunks": chunks[name], **_PACKED} if name in chunks else {"chunks": _ROW}
        group.create_dataset(name, data=content, maxshape=(None,), **options)
    kind = blocks.row_type(tuple(contents))
    first = blocks.next_row(np.zeros(1, kind), 0, contents)
    file.create_dataset(f"{blocks.TABLES}/{blocks.NAME}", data=first, maxshape=(None,), chunks=16)
    return first
