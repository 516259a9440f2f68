"""Sealed files: damage is found before HDF5 reads a byte.

A file without a seal is first read in a child process, since HDF5 may crash or hang on it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from brainsim.errors import DumpError
from brainsim.simulate.hdf5 import apart, seal, structure
from brainsim.simulate.hdf5.files import create, opened
from forging import forged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a sealed file with one dataset of each kind."""
    path = tmp_path / "file.h5"
    with create(path) as file:
        file.create_dataset("group/numbers", data=np.arange(5000), compression="gzip")
        file.create_dataset("text", data="six rounds", dtype=h5py.string_dtype())
        file.create_dataset("none", data=np.empty(0, np.int64), chunks=(4,), maxshape=(None,))
    return path


def read(path: Path, **options: Any) -> list[int]:
    with opened(path, **options) as file:
        numbers: list[int] = file["group/numbers"][:].tolist()
        return numbers


def test_a_sealed_file_begins_with_text_and_h5py_can_read_it(path: Path) -> None:
    lines = path.read_bytes()[: seal.BLOCK].rstrip(b"\0").decode().splitlines()
    assert lines[0] == "brainsim seal 1"
    assert lines[1].startswith("sha256 ")
    assert lines[2] == f"bytes {path.stat().st_size - seal.BLOCK}"
    with h5py.File(path) as file:
        assert file["group/numbers"][:].tolist() == list(range(5000))
    assert read(path) == list(range(5000))


def test_a_flipped_bit_is_found_wherever_it_is(path: Path) -> None:
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    block, rest = range(0, seal.BLOCK, 7), rng.choice(len(whole), 60, replace=False).tolist()
    for at in (*block, *rest):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(DumpError, match=r"damaged|cannot be read as HDF5|seal of version"):
            read(path)


@pytest.mark.parametrize("length", [0, 1, 8, 100, 512, 519, 520, 600, 5000, -1])
def test_a_file_that_was_cut_short_is_refused(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DumpError, match=r"cut short|cannot be read as HDF5"):
        read(path)


def test_bytes_at_the_end_are_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DumpError, match="it was appended to"):
        read(path)


def test_a_file_changed_by_another_program_is_refused_until_it_is_sealed(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["group/numbers"][0] = 7
    with pytest.raises(DumpError, match="its bytes are not those that were sealed"):
        read(path)
    seal.seal(path)
    assert read(path)[0] == 7


def test_a_file_that_is_still_written_can_be_read_only_with_live(path: Path) -> None:
    seal.mark_open(path)
    with pytest.raises(DumpError, match="still being written, or whose writer was killed"):
        read(path)
    assert read(path, live=True) == list(range(5000))
    seal.seal(path)
    assert read(path) == read(path, live=True) == list(range(5000))


@pytest.mark.parametrize("format_", [5, 6, 0])
def test_the_current_format_needs_a_seal_and_unknown_formats_are_refused(tmp_path: Path, format_: int) -> None:
    with h5py.File(tmp_path / "bare.h5", "w") as file:
        file.attrs["brainsim_format"] = format_
    with pytest.raises(DumpError, match="files of format 5 have a seal" if format_ == 5 else "must be a brainsim file"):
        read(tmp_path / "bare.h5")


def test_a_sealed_file_of_an_earlier_format_is_refused(path: Path) -> None:
    with forged(path) as file:
        file.attrs["brainsim_format"] = 4
    with pytest.raises(DumpError, match="files of format 4 have no seal"):
        read(path)


def unsealed(path: Path, size: int = 100) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["brainsim_format"] = np.int64(4)
        file.create_dataset("group/numbers", data=np.arange(size), compression="gzip", chunks=(10,))
    return path


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("os.kill(os.getpid(), 11)", "ends by signal 11"),
        ("time.sleep(60)", "had not read it after 2 seconds"),
        ("sys.exit('no such block')", "cannot read it: no such block"),
        ("raise RuntimeError('no such thing')", "damaged or foreign .no such thing"),
    ],
)
def test_a_file_on_which_hdf5_crashes_or_hangs_is_reported_as_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, message: str
) -> None:
    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(f"import os, sys, time\ndef walk(path, live):\n    {action}\n")
    monkeypatch.setattr(structure, "__file__", str(stand_in))
    monkeypatch.setattr(apart, "SECONDS", 2.0)
    with pytest.raises(DumpError, match=message):
        read(unsealed(tmp_path / "old.h5"))


def test_a_file_of_another_program_is_not_called_damaged(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file.create_dataset("x", data=file.ref, dtype=h5py.ref_dtype)  # which brainsim never writes
    with pytest.raises(DumpError, match=r"is not a file of brainsim \(it has no attribute brainsim_format\)"):
        read(tmp_path / "foreign.h5")


def test_an_unsealed_file_is_read_in_a_child_where_the_program_cannot_be_imported(tmp_path: Path) -> None:
    """A program from standard input has no file that a child of `multiprocessing` could import."""
    old = unsealed(tmp_path / "old.h5")
    program = f"from brainsim.simulate.hdf5.files import opened\nwith opened({str(old)!r}) as f: print(len(f['group/numbers']))"
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("100\n", "")


STRUCTURES: dict[str, tuple[Callable[[h5py.File], Any], str]] = {
    "soft link": (lambda f: f.__setitem__("x", h5py.SoftLink("/text")), "link to elsewhere"),
    "external link": (lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/")), "link to elsewhere"),
    "two names": (lambda f: f.__setitem__("x", f["group"]), "under two names"),
    "circle": (lambda f: f.__setitem__("group/x", f["/"]), "under two names"),
    "deep": (lambda f: f.create_group("/".join("x" * 30)), "too deep"),
    "type": (lambda f: f.__setitem__("x", np.dtype("i8")), "neither a group nor a dataset"),
    "reference": (lambda f: f.create_dataset("x", data=f["group"].ref, dtype=h5py.ref_dtype), "type that brainsim"),
    "region": (
        lambda f: f.create_dataset("x", data=f["group/numbers"].regionref[:2], dtype=h5py.regionref_dtype),
        "type that brainsim",
    ),
    "attribute": (lambda f: f.attrs.create("x", f["group"].ref, dtype=h5py.ref_dtype), "type that brainsim"),
    "nothing": (lambda f: f.create_dataset("x", data=h5py.Empty("i8")), "holds nothing"),
    "lists": (lambda f: f.create_dataset("x", (2,), dtype=h5py.vlen_dtype(np.int64)), "type that brainsim"),
    "opaque": (lambda f: f.create_dataset("x", data=np.void(b"abc")), "type that brainsim"),
    "lzf": (lambda f: f.create_dataset("x", data=np.zeros(99), compression="lzf"), "filter that brainsim"),
    "checksum": (lambda f: f.create_dataset("x", data=np.zeros(99), fletcher32=True), "filter that brainsim"),
    "external": (
        lambda f: f.create_dataset("x", (9,), "i8", external=[("/etc/passwd", 0, 72)]),
        "in another file, or in other datasets",
    ),
    "virtual": (lambda f: f.create_virtual_dataset("x", _layout()), "in another file, or in other datasets"),
    "huge": (lambda f: f.create_dataset("x", (2**60,), "i8"), "more than are in the file"),
    "huge chunks": (lambda f: f.create_dataset("x", (2**50,), "i8", chunks=(2**20,)), "lacks parts of its data"),
    "huge packed": (
        lambda f: f.create_dataset("x", (2**50,), "i8", chunks=(2**20,), compression="gzip"),
        "lacks parts of its data",
    ),
}


def _layout() -> h5py.VirtualLayout:
    layout = h5py.VirtualLayout((5,), "i8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (5,))
    return layout


@pytest.mark.parametrize("kind", STRUCTURES)
def test_structures_that_brainsim_does_not_write_are_refused_before_data_are_read(path: Path, kind: str) -> None:
    build, message = STRUCTURES[kind]
    with forged(path) as file:
        build(file)
    with pytest.raises(DumpError, match=message):
        read(path)


def test_data_that_do_not_fit_into_memory_are_refused_before_they_are_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(structure, "available_memory", lambda: 1000)
    with pytest.raises(DumpError, match=r"its data take .* bytes in memory, where 1_000 are free"):
        read(path)
