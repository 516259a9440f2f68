"""Ways to damage a file: its bytes, its HDF5 objects, its JSON; and files of other programs."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np


class UnfitError(Exception):
    """A kind of damage that does not apply to this file."""


def _place(content: bytes, rng: Random) -> int:
    """Return a position in a file, in half of the cases among the first bytes, which describe the rest."""
    if not content:
        raise UnfitError
    return rng.randrange(min(len(content), 2048) if rng.random() < 0.5 else len(content))


def _flip(content: bytes, rng: Random, times: int = 1) -> bytes:
    changed = bytearray(content)
    for _ in range(times):
        changed[_place(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _put(content: bytes, at: int, what: bytes) -> bytes:
    return content[:at] + what[: len(content) - at] + content[at + len(what) :]


def _swap(content: bytes, rng: Random) -> bytes:
    size = min(rng.choice([8, 64, 512, 4096]), len(content) // 2)
    if not size:
        raise UnfitError
    one, other = (rng.randrange(len(content) // size) * size for _ in range(2))
    first, second = content[one : one + size], content[other : other + size]
    return _put(_put(content, one, second), other, first)


def _delete(content: bytes, rng: Random) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + rng.randint(1, 600) :]


def _insert(content: bytes, rng: Random) -> bytes:
    at = _place(content, rng)
    return content[:at] + rng.randbytes(rng.randint(1, 600)) + content[at:]


BYTES: Mapping[str, Callable[[bytes, Random], bytes]] = {
    "truncated": lambda content, rng: content[: _place(content, rng)],
    "one bit flipped": _flip,
    "many bits flipped": lambda content, rng: _flip(content, rng, 20),
    "bytes overwritten": lambda content, rng: _put(content, _place(content, rng), rng.randbytes(rng.randint(1, 200))),
    "zero-filled": lambda content, rng: _put(content, _place(content, rng), bytes(rng.choice([1, 8, 512, 4096]))),
    "ones-filled": lambda content, rng: _put(content, _place(content, rng), b"\xff" * rng.choice([1, 8, 64])),
    "blocks swapped": _swap,
    "bytes deleted": _delete,
    "bytes inserted": _insert,
    "extended": lambda content, rng: content + rng.choice([rng.randbytes, bytes])(rng.randint(1, 5000)),
}


def _object(file: h5py.File, rng: Random, kind: type = object) -> Any:
    found: list[Any] = []
    file.visititems(lambda _, item: found.append(item))
    found = [item for item in found if isinstance(item, kind)]
    if not found:
        raise UnfitError
    return rng.choice(found)


def _numbers(file: h5py.File, rng: Random) -> h5py.Dataset:
    for _ in range(50):
        item = _object(file, rng, h5py.Dataset)
        if item.dtype.kind in "iuf" and item.ndim == 1 and len(item) > 1:
            return item
    raise UnfitError


def _replace(item: h5py.Dataset | h5py.Group, **options: Any) -> None:
    file, name = item.file, item.name
    del file[name]
    file.create_dataset(name, **options)


def _changed(change: Callable[[np.ndarray, Random], np.ndarray]) -> Callable[[h5py.File, Random], None]:
    """Return a damage that replaces a list of numbers by others of the same type."""

    def damage(file: h5py.File, rng: Random) -> None:
        item = _numbers(file, rng)
        before = item[:]
        after = np.asarray(change(before.copy(), rng))
        if after.dtype == before.dtype and np.array_equal(after, before):
            raise UnfitError
        _replace(item, data=after)

    return damage


def _at(values: np.ndarray, rng: Random, value: object) -> np.ndarray:
    values[rng.randrange(len(values))] = value
    return values


def _shuffled(values: np.ndarray, rng: Random) -> np.ndarray:
    return values[rng.sample(range(len(values)), len(values))]


def _extreme(values: np.ndarray, rng: Random) -> np.ndarray:
    if values.dtype.kind == "f":
        return _at(values, rng, rng.choice([np.nan, np.inf, -np.inf, -1.0, 1e300]))
    bounds = np.iinfo(values.dtype)
    return _at(values, rng, rng.choice([bounds.min, bounds.max, -1 if bounds.min else bounds.max // 2, 2**31 - 1]))


def _retyped(values: np.ndarray, rng: Random) -> np.ndarray:
    types = ["i1", "i4", "u8", "f4", "f8", ">i8", "?", "c16", "S8"]
    return values.astype(rng.choice([each for each in types if np.dtype(each) != values.dtype]))


def _moved(file: h5py.File, rng: Random) -> None:
    one, other = _object(file, rng), _object(file, rng)
    if one.name == other.name or one.name.startswith(other.name + "/") or other.name.startswith(one.name + "/"):
        raise UnfitError
    first, second = one.name, other.name
    file.move(first, "kept aside")
    file.move(second, first)
    file.move("kept aside", second)


def _linked(file: h5py.File, rng: Random) -> None:
    one, other = _object(file, rng), _object(file, rng)
    links = [h5py.SoftLink(other.name), h5py.ExternalLink("other.h5", "/x"), other]
    if one.name == other.name or other.name.startswith(one.name + "/"):
        raise UnfitError
    name = one.name
    del file[name]
    file[name] = rng.choice(links)


def _packed(file: h5py.File, rng: Random) -> None:
    item = _numbers(file, rng)
    _replace(item, data=item[:], **rng.choice([{"compression": "lzf"}, {"fletcher32": True}, {"scaleoffset": 0}]))


def _declared(file: h5py.File, rng: Random) -> None:
    """Declare a dataset that is larger than any file."""
    item = _numbers(file, rng)
    size = rng.choice([10**7, 10**10, 2**40])
    _replace(item, shape=(size,), dtype=item.dtype, chunks=(min(size, 2**20),), compression=rng.choice([None, "gzip"]))


def _referring(file: h5py.File, rng: Random) -> None:
    item = _object(file, rng, h5py.Dataset)
    _replace(item, data=np.array([file.ref] * 3, dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)


def _attribute(file: h5py.File, rng: Random) -> None:
    owners: list[Any] = [file]
    file.visititems(lambda _, item: owners.append(item))
    item = rng.choice([each for each in owners if len(each.attrs)])
    name = rng.choice(list(item.attrs))
    value = rng.choice([None, -1, 3, 2**63 - 1, 1.5, "text", [1, 2], h5py.Empty("i8"), np.nan])
    if value is None:
        del item.attrs[name]
    elif np.array_equal(item.attrs[name], value):
        raise UnfitError
    else:
        item.attrs[name] = value


def _text(file: h5py.File, rng: Random) -> None:
    """Change a text: names, declarations, locks, notes."""
    for _ in range(50):
        item = _object(file, rng, h5py.Dataset)
        if item.dtype.kind == "O":
            break
    else:
        raise UnfitError
    value = item[()]
    if isinstance(value, bytes):
        text = _flip(value, rng) if rng.random() < 0.5 else value[: len(value) // 2]
        new: Any = text.replace(b"\0", b"0")
    else:
        new = [*value[1:], rng.choice([b"", b"other", b"\xff\xfe", b"x" * 70_000])]
    if np.array_equal(new, value):
        raise UnfitError
    _replace(item, data=new, dtype=h5py.string_dtype())


def _added(file: h5py.File, rng: Random) -> None:
    groups: list[Any] = [file]
    file.visititems(lambda _, item: groups.append(item) if isinstance(item, h5py.Group) else None)
    group = rng.choice(groups)
    rng.choice([group.create_group, lambda name: group.create_dataset(name, data=[1, 2])])("added")


def _other_kind(file: h5py.File, rng: Random) -> None:
    item = _object(file, rng)
    name = item.name
    del file[name]
    if isinstance(item, h5py.Dataset) and rng.random() < 0.5:
        file.create_group(name)
    else:
        file[name] = rng.choice([5, np.float64(1.5), "text", [1.5, 2.5], np.zeros((3, 3), np.int64), h5py.Empty("i8")])


OBJECTS: Mapping[str, Callable[[h5py.File, Random], None]] = {
    "numbers shuffled": _changed(_shuffled),
    "numbers reversed": _changed(lambda values, rng: values[::-1]),
    "a number repeated": _changed(lambda values, rng: _at(values, rng, values[rng.randrange(len(values))])),
    "a number extreme": _changed(_extreme),
    "a number off by one": _changed(lambda values, rng: _at(values, rng, values[rng.randrange(len(values))] + 1)),
    "array shortened": _changed(lambda values, rng: values[: rng.randrange(len(values))]),
    "array lengthened": _changed(lambda values, rng: np.append(values, values[: rng.randint(1, len(values))])),
    "array retyped": _changed(_retyped),
    "array reshaped": _changed(lambda values, rng: values.reshape(rng.choice([(1, -1), (-1, 1)]))),
    "object removed": lambda file, rng: file.__delitem__(_object(file, rng).name),
    "objects exchanged": _moved,
    "object of another kind": _other_kind,
    "object added": _added,
    "link": _linked,
    "foreign filter": _packed,
    "size beyond the file": _declared,
    "references": _referring,
    "attribute changed": _attribute,
    "text changed": _text,
}


def _item(value: Any, rng: Random) -> tuple[Any, Any]:
    """Return a mapping or list somewhere in JSON data, and a key of it."""
    found = []

    def visit(each: Any) -> None:
        if isinstance(each, dict | list) and each:
            found.append(each)
            for inner in each.values() if isinstance(each, dict) else each:
                visit(inner)

    visit(value)
    if not found:
        raise UnfitError
    chosen = rng.choice(found)
    return chosen, rng.choice(list(chosen) if isinstance(chosen, dict) else range(len(chosen)))


def _item_replaced(content: bytes, rng: Random) -> bytes:
    value = json.loads(content)
    where, key = _item(value, rng)
    new = rng.choice([None, -1, 10**400, "text", [], {}, True, 1.5, [[[]]]])
    if where[key] == new:
        raise UnfitError
    where[key] = new
    return json.dumps(value).encode()


def _item_removed(content: bytes, rng: Random) -> bytes:
    value = json.loads(content)
    where, key = _item(value, rng)
    del where[key]
    return json.dumps(value).encode()


JSON: Mapping[str, Callable[[bytes, Random], bytes]] = {
    "item replaced": _item_replaced,
    "item removed": _item_removed,
    "another value": lambda content, rng: rng.choice([b"null", b"[]", b"{}", b"3", b'"text"', b"NaN", b"[" * 100_000]),
    "other encoding": lambda content, rng: content.decode().encode(rng.choice(["utf-16", "utf-32"])),
    "byte-order mark": lambda content, rng: b"\xef\xbb\xbf" + content,
    "other ends of lines": lambda content, rng: content.replace(b"\n", b"\r\n"),
}


def _hdf5(fill: Callable[[h5py.File], None], **options: Any) -> Callable[[Random], bytes]:
    def made(rng: Random) -> bytes:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w", **options) as file:
            fill(file)
        return buffer.getvalue()

    return made


def _table(file: h5py.File) -> None:
    file.create_dataset("table", data=np.zeros(5, [("index", "i8"), ("text", "S5")]))
    file.attrs["pandas_type"] = "frame_table"


def _model(file: h5py.File) -> None:
    file.create_dataset("model_weights/dense/kernel", data=np.zeros((3, 4), np.float32))
    file.attrs["keras_version"] = "2.15.0"


def _newer(file: h5py.File) -> None:
    file.attrs["brainsim_format"] = 99
    file["identity"] = "{}"


def _zip(rng: Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("array.npy", rng.randbytes(100))
    return buffer.getvalue()


FOREIGN: Mapping[str, Callable[[Random], bytes]] = {
    "nothing": lambda rng: b"",
    "text": lambda rng: b"neuron,area\n1,Lex\n" * rng.randint(1, 50),
    "JSON": lambda rng: json.dumps({"brainsim_format": 5, "seed": 1}).encode(),
    "noise": lambda rng: rng.randbytes(rng.randint(1, 5000)),
    "zip": _zip,
    "pickle": lambda rng: pickle.dumps({"winners": list(range(50))}),
    "picture": lambda rng: b"\x89PNG\r\n\x1a\n" + rng.randbytes(300),
    "HDF5 signature alone": lambda rng: b"\x89HDF\r\n\x1a\n" + bytes(rng.choice([0, 8, 504, 4000])),
    "seal alone": lambda rng: b"brainsim seal 1\n".ljust(rng.choice([16, 512]), b"\0"),
    "seal of the future": lambda rng: b"brainsim seal 2\nsha512 0\nbytes 0\n".ljust(512, b"\0"),
    "empty HDF5": _hdf5(lambda file: None),
    "table": _hdf5(_table),
    "model": _hdf5(_model, libver="latest"),
    "newer format": _hdf5(_newer),
    "newer format with a block": _hdf5(_newer, userblock_size=512),
}


def damaged_bytes(path: Path, damage: Callable[[bytes, Random], bytes], rng: Random) -> None:
    """Damage the bytes of a file."""
    before = path.read_bytes()
    after = damage(before, rng)
    if after == before:
        raise UnfitError
    path.write_bytes(after)


def damaged_objects(path: Path, damage: Callable[[h5py.File, Random], None], rng: Random) -> None:
    """Damage the HDF5 objects of a file."""
    with h5py.File(path, "r+") as file:
        damage(file, rng)
