"""Blocks: units of writing of a history, with digests that let readers check them.

Each block is a row of a table.  It holds the number of rounds at the end of the block, the number of items of each
dataset, and the digest of the items that the block added.  The row is written after the data have been flushed, so data
with matching digests are complete.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Row = npt.NDArray[np.void]

NAME = "history"
"""The name of a history among the recordings of its file."""

TABLES = "blocks"
"""The group of the tables, by the names of recordings."""

ROUNDS = "rounds"
MARKS = ("marks_round", "marks_letters", "marks_offsets")
"""Where a history keeps its marks.  HDF5 cannot append texts of different lengths while others read, so their UTF-8
letters stand in a row."""


_ANY = "surrogatepass"  # texts may contain letters that UTF-8 cannot encode


def letters(labels: Sequence[str], before: int) -> tuple[Array, Array]:
    """Return the UTF-8 letters of labels in a row, and the end of each label, if ``before`` letters come before."""
    encoded = [label.encode(errors=_ANY) for label in labels]
    ends = before + np.cumsum([len(label) for label in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def texts(letters: Array, offsets: Array) -> list[str]:
    """Return the labels whose letters stand in a row, each between two offsets; `ValueError` if they are damaged."""
    if letters.dtype != np.uint8 or offsets.dtype != np.int64 or offsets[[0, -1]].tolist() != [0, len(letters)]:
        raise ValueError("labels of marks are damaged")
    text = letters.tobytes()
    return [text[start:end].decode(errors=_ANY) for start, end in pairwise(offsets.tolist())]


def digest_of(dataset: str) -> str:
    """Return the field with the digests of a dataset."""
    return f"{dataset}_sha256"


def row_type(names: Sequence[str]) -> np.dtype[np.void]:
    """Return the type of a row: a number for the rounds, and a number and a digest for each dataset."""
    fields: list[tuple[str, str]] = [(ROUNDS, "<i8")]
    for dataset in names:
        fields += [(dataset, "<i8"), (digest_of(dataset), "S64")]
    return np.dtype(fields)


def datasets(rows: Row) -> list[str]:
    """Return the datasets that a table covers."""
    fields = rows.dtype.names or ()
    return [name for name in fields if digest_of(name) in fields]


def next_row(before: Row, rounds: int, added: Mapping[str, Array]) -> Row:
    """Return the row of a block that adds rounds, and items to datasets, to those of the row before."""
    row = before.copy()
    row[ROUNDS] += rounds
    for dataset, items in added.items():
        row[digest_of(dataset)] = digest(int(row[dataset][0]), items)
        row[dataset] += len(items)
    return row


def digest(start: int, items: Array) -> bytes:
    """Return the digest, in hexadecimal, of items that stand in their dataset from place ``start`` on."""
    found = hashlib.sha256(b"%d\n" % start)
    found.update(np.ascontiguousarray(items, items.dtype.newbyteorder("<")).tobytes())
    return found.hexdigest().encode()


class Blocks:
    """The whole blocks of a recording, whose data are verified when they are read.

    Parameters
    ----------
    group : Group
        The datasets.
    rows : Row
        The table as it was read.  Its first row stands for what was in the datasets before the first block.
    live : bool
        Whether the file is still being written or its writer was killed, so that the last block may be torn.

    Raises
    ------
    ValueError
        If the table does not fit the datasets.
    """

    def __init__(self, group: h5py.Group, rows: Row, *, live: bool) -> None:
        self._group = group
        self._rows = rows
        self._datasets = datasets(rows)
        self._verified: set[tuple[str, int]] = set()
        if live and len(rows) > 1 and not self._last_is_whole():
            self._rows = rows[:-1]
        if not len(self._rows) or not self._ascending():
            raise ValueError("the table of blocks is not what was written")

    @property
    def rounds(self) -> int:
        """Rounds in whole blocks."""
        return int(self._rows[ROUNDS][-1])

    def length(self, dataset: str) -> int:
        """Return how many items of a dataset are in whole blocks."""
        return int(self._rows[dataset][-1])

    def read(self, dataset: str, start: int, stop: int) -> Array:
        """Return the items ``[start:stop]`` of a dataset; `ValueError` if they are not those that were written."""
        bounds = [0, *self._rows[dataset].tolist()]
        last = max(bisect_left(bounds, stop), 1)
        first = min(max(bisect_right(bounds, start), 1), last) - 1
        items: Array = self._group[dataset][bounds[first] : bounds[last]]
        for block in range(first, last):
            self._verify(dataset, block, items[bounds[block] - bounds[first] : bounds[block + 1] - bounds[first]])
        return items[start - bounds[first] : stop - bounds[first]]

    def _verify(self, dataset: str, block: int, items: Array) -> None:
        if (dataset, block) in self._verified:
            return
        start = int(self._rows[dataset][block - 1]) if block else 0
        if digest(start, items) != self._rows[digest_of(dataset)][block]:
            raise ValueError(f"{dataset} up to round {self._rows[ROUNDS][block]} is not what was written")
        self._verified.add((dataset, block))

    def _last_is_whole(self) -> bool:
        if not self._ascending():
            return False
        try:
            for dataset in self._datasets:
                self.read(dataset, max(self.length(dataset) - 1, 0), self.length(dataset))
        except (ValueError, OSError):
            return False
        return True

    def _ascending(self) -> bool:
        counts = [self._rows[name] for name in (ROUNDS, *self._datasets)]
        return all(int(column[0]) >= 0 and bool((np.diff(column) >= 0).all()) for column in counts)
