"""What an HDF5 file of brainsim may be made of, checked before any of its data are read.

The module imports nothing of brainsim, so that a child process can run it as it is (`brainsim.simulate.hdf5.apart`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE}
_DEFLATE_AT_MOST = 1040
"""How many times longer gzip data become at most when they are unpacked; its format allows 1032, and a few bytes."""

_DEEPEST = 16


class StructureError(ValueError):
    """A file that is made of something that brainsim does not write."""


def check(file: h5py.File, path: Path, *, live: bool = False) -> int:
    """Refuse whatever brainsim does not write, and sizes that the file cannot hold; return the bytes of all data.

    Parameters
    ----------
    file : h5py.File
        The file, open for reading.
    path : Path
        Where it lies.
    live : bool
        Whether it is still being written, so that data may be missing.

    Raises
    ------
    StructureError
        For links other than hard ones, references, other kinds of objects, types, layouts and filters, an object under
        two names, or data that were never written.
    """
    total = 0
    for item in objects(file):
        for name in item.attrs:
            _check_attribute(item, name)
        if isinstance(item, h5py.Dataset):
            total += _check_dataset(item, path, live=live)
    return total


def objects(file: h5py.File) -> Iterator[h5py.Group | h5py.Dataset]:
    """Yield the root and everything below it, each once; refuse all but groups and datasets under hard links."""
    seen = set()
    waiting: list[tuple[Any, int]] = [(file["/"], 0)]
    while waiting:
        item, depth = waiting.pop()
        # Two names of one object would let groups hold each other, and a small file hold any number of items.
        address = h5py.h5o.get_info(item.id).addr
        if address in seen or depth > _DEEPEST:
            raise StructureError(f"{item.name!r} stands under two names, or too deep")
        seen.add(address)
        yield item
        if isinstance(item, h5py.Group):
            waiting += [(_member(item, name), depth + 1) for name in item]


def _member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise StructureError(f"{name!r} in {group.name!r} is a link to elsewhere ({type(link).__name__})")
    found = group[name]
    if not isinstance(found, h5py.Group | h5py.Dataset):
        raise StructureError(f"{name!r} in {group.name!r} is neither a group nor a dataset")
    return found


def _check_attribute(item: h5py.Group | h5py.Dataset, name: str) -> None:
    where = f"attribute {name!r} of {item.name!r}"
    attribute = item.attrs.get_id(name)
    _check_type(where, attribute.get_type())
    _check_space(where, attribute.get_space())


def _check_dataset(dataset: h5py.Dataset, path: Path, *, live: bool) -> int:
    """Return how many bytes the data of a dataset take in memory."""
    where, plan = repr(dataset.name), dataset.id.get_create_plist()
    _check_type(where, dataset.id.get_type())
    _check_space(where, dataset.id.get_space())
    layout = plan.get_layout()
    if layout == h5py.h5d.VIRTUAL or (layout == h5py.h5d.CONTIGUOUS and plan.get_external_count()):
        raise StructureError(f"{where} holds its data in another file, or in other datasets")
    codes = [plan.get_filter(position)[0] for position in range(plan.get_nfilters())]
    if not set(codes) <= _FILTERS:
        raise StructureError(f"{where} has a filter that brainsim does not use (of the numbers {codes})")
    return _check_size(where, dataset, path, packed=h5py.h5z.FILTER_DEFLATE in codes, live=live)


def _check_size(where: str, dataset: h5py.Dataset, path: Path, *, packed: bool, live: bool) -> int:
    """Return how many bytes the data take in memory, if as many can be stored in the file."""
    size: int = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    room = path.stat().st_size
    if dataset.chunks is not None:
        chunks = math.prod(-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True))
        size = chunks * math.prod(dataset.chunks) * dataset.dtype.itemsize
        if not live and dataset.id.get_num_chunks() != chunks:
            raise StructureError(f"{where} lacks parts of its data ({dataset.id.get_num_chunks()} of {chunks} chunks)")
    if stored > room or (not live and size > stored * (_DEFLATE_AT_MOST if packed else 1)):
        raise StructureError(f"{where} claims {size:_} bytes, more than are in the file ({stored:_} of {room:_} bytes)")
    return size


def _check_type(where: str, kind: h5py.h5t.TypeID) -> None:
    """Refuse all types but numbers, records of numbers, and text."""
    if isinstance(kind, h5py.h5t.TypeCompoundID):
        for position in range(kind.get_nmembers()):
            _check_type(where, kind.get_member_type(position))
    elif not isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID | h5py.h5t.TypeStringID):
        raise StructureError(f"{where} is of a type that brainsim does not write ({type(kind).__name__})")


def _check_space(where: str, space: h5py.h5s.SpaceID) -> None:
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        raise StructureError(f"{where} holds nothing")


def read_through(file: h5py.File) -> None:
    """Read all attributes, and all data in pieces, as a reader of the whole file does."""
    for item in objects(file):
        for name in item.attrs:
            item.attrs[name]
        if isinstance(item, h5py.Dataset):
            for piece in _pieces(item):
                item[piece]


_PIECE = 2**20


def _pieces(dataset: h5py.Dataset) -> Iterator[Any]:
    if dataset.ndim == 0:
        yield ()
        return
    rows = max(1, _PIECE // max(1, math.prod(dataset.shape[1:])))
    yield from (slice(start, start + rows) for start in range(0, len(dataset), rows))


def walk(path: str, *, live: bool) -> bool:
    """Open a file, check what it is made of, and read all of it; ``False`` without that if it is another program's."""
    with reading(Path(path), live=live) as file:
        if not live and "brainsim_format" not in file.attrs:
            return False
        check(file, Path(path), live=live)
        read_through(file)
    return True


def reading(path: Path, *, live: bool) -> h5py.File:
    """Open a file for reading; ``live`` if another process may be writing it, or a killed one has left it open."""
    if live:
        try:
            return h5py.File(path, "r", libver="latest", swmr=True)
        except OSError:  # its writer has just closed it, or was killed between closing and sealing
            pass
    return h5py.File(path, "r")


def available_memory() -> int | None:
    """Return how many bytes of memory programs may still take, ``None`` where the system does not say."""
    try:
        with open("/proc/meminfo") as table:
            return next((int(line.split()[1]) * 1024 for line in table if line.startswith("MemAvailable:")), None)
    except (OSError, ValueError, IndexError):
        return None
