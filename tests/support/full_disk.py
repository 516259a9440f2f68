"""Fill the disk of real runs at many moments, make room, and resume them: ``full_disk.py --moments 20``.

Each moment has a disk of another size, from one that holds almost nothing to one without room for the last file.  Root
mounts a disk of that size (tmpfs).  For other users, no file may grow beyond that size (RLIMIT_FSIZE), and the system
reports the same error.  A run must end with exit code 1 and one line, leave no incomplete file, and continue to the
identical result when there is room.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from brainsim._files import PARTIAL
from brainsim.simulate.hdf5.files import opened
from checkout import ROOT
from kills import STUDY, left

_ROUNDS = 60


@dataclass(frozen=True)
class Full:
    """One full disk and the outcome of the run on it."""

    size: int
    code: int
    lines: tuple[str, ...]
    status: str
    kept: int
    whole: bool
    same: bool

    def right(self) -> bool:
        """Whether the run ended as it must, and continued to the identical result."""
        return self.code == 1 and len(self.lines) == 1 and self.whole and self.same

    def row(self) -> str:
        """Return it as a line of the table."""
        what = self.lines[-1].rpartition("/")[2] if self.lines else "nothing"
        result = "identical" if self.same else "DIFFERS"
        return f"{self.size:>8}  {self.code:>4}  {self.status:<9} {self.kept:>5}  {result:<9}  {what}"


HEADER = f"{'bytes':>8}  {'exit':>4}  {'run.json':<9} {'files':>5}  {'resumed':<9}  the one line ends with"


def can_mount() -> bool:
    """Return whether a small disk can be mounted here."""
    with tempfile.TemporaryDirectory() as place:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place]
        try:
            mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False
        if mounted:
            subprocess.run(["umount", place], check=True)
        return mounted


@contextmanager
def disk(size: int) -> Iterator[Path]:
    """Yield the folder of a disk of ``size`` bytes."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "-l", place], check=True)


def make_room(place: Path) -> None:
    """Enlarge a disk."""
    subprocess.run(["mount", "-o", "remount,size=256m", str(place)], check=True)


def run(folder: Path, *options: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the study in a folder; no file becomes longer than a limit."""
    command = [sys.executable, "-m", "brainsim", "run", *options, "--jobs", "1", "--out", str(folder)]
    if limit is not None:
        # Blocks of 1024 bytes in bash; Python ignores the signal and raises an error at the limit.
        command = ["bash", "-c", f'ulimit -S -f {max(1, limit // 1024)}; exec "$@"', "bash", *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def new(folder: Path, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Start the study in a folder."""
    return run(folder, str(STUDY), "--set", f"rounds={_ROUNDS}", limit=limit)


def is_whole(folder: Path) -> bool:
    """Return whether all files of a folder are complete."""
    for path in folder.rglob("*"):
        if path.name.startswith(PARTIAL):
            return False
        if path.suffix == ".json":
            json.loads(path.read_text())
        if path.suffix == ".h5":
            with opened(path, live=True):
                pass
    return True


def outcome_of(folder: Path, size: int, done: subprocess.CompletedProcess[str], expected: object) -> Full:
    """Return the outcome of a run on a full disk, after it was resumed with room."""
    header = folder / "run.json"
    status = json.loads(header.read_text())["status"] if header.exists() else "none"
    kept, whole = sum(path.is_file() for path in folder.rglob("*")), is_whole(folder)
    if status != "finished":
        again = run(folder, "--resume") if header.exists() else new(folder)
        if again.returncode:
            raise RuntimeError(f"a run failed with {again.returncode}: {again.stderr}")
    lines = tuple(done.stderr.strip().splitlines())
    return Full(size, done.returncode, lines, status, kept, whole, same=left(folder) == expected)


def _needed(total: int) -> int:
    """Return the size of the smallest sufficient disk, to about two pages; a run leaves ``total`` bytes."""
    low, high = total, 8 * total
    while high - low > 8192:
        size = (low + high) // 2
        with disk(size) as small:
            low, high = (size, high) if new(small / "run").returncode else (low, size)
    return high


def full_disks(moments: int, *, mount: bool) -> Iterator[Full]:
    """Fill ``moments`` disks, and yield the outcome of each."""
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        done = new(whole)
        if done.returncode:
            raise RuntimeError(f"a run failed with {done.returncode}: {done.stderr}")
        expected, sizes = left(whole), [path.stat().st_size for path in whole.rglob("*") if path.is_file()]
        most = _needed(sum(sizes)) - 4096 if mount else max(sizes) - 1024
        for number in range(moments):
            size = 4096 + (most - 4096) * number // max(1, moments - 1)
            if not mount:
                folder = Path(place) / str(number)
                yield outcome_of(folder, size, new(folder, limit=size), expected)
                continue
            with disk(size) as small:
                done = new(small / "run")
                make_room(small)
                yield outcome_of(small / "run", size, done, expected)


def main() -> int:
    """Print a table of full disks; return 1 if a run did not end or continue as it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=20)
    arguments = parser.parse_args()
    mount = can_mount()
    print(f"{'disks of a size (tmpfs)' if mount else 'files of at most a size (RLIMIT_FSIZE)'}; {STUDY.name}\n{HEADER}")
    seen = []
    for full in full_disks(arguments.moments, mount=mount):
        seen.append(full)
        print(full.row(), flush=True)
    right = sum(full.right() for full in seen)
    print(
        f"{right} of {len(seen)} ended with one line and exit code 1, left whole files, and resumed to the same result"
    )
    return 0 if right == len(seen) else 1


if __name__ == "__main__":
    sys.exit(main())
