"""Stored synapses in files, written and read in pieces: a fiber may have more than fit into the memory of one rank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import h5py
import numpy as np

from brainsim.kernels.state import WEIGHTS, Synapses

PIECE = 1 << 20
"""The largest number of synapses in a piece (24 MiB), unless a single source has more."""

WORTH_COMPRESSING = 1024


class Stored(NamedTuple):
    """The stored synapses of a fiber: how many there are, and pieces of them in order."""

    total: int
    pieces: Iterator[Synapses]


def write_synapses(file: h5py.File, where: str, stored: Stored) -> None:
    """Write the stored synapses of a fiber."""
    compression = "gzip" if stored.total > WORTH_COMPRESSING else None
    columns = [
        file.create_dataset(f"{where}/{column.name}", (stored.total,), np.int64, compression=compression)
        for column in WEIGHTS.columns
    ]
    first = 0
    for piece in stored.pieces:
        end = first + len(piece.pre)
        for column, items in zip(columns, piece, strict=True):
            column[first:end] = items
        first = end


def read_pieces(group: Any) -> Iterator[Synapses]:
    """Yield the stored synapses of a fiber in pieces, at least one, which is empty if there are none."""
    columns = [group[column.name] for column in WEIGHTS.columns]
    most = max(len(column) for column in columns)
    for first in range(0, max(1, most), PIECE):
        yield Synapses(*(column[first : first + PIECE] for column in columns))
