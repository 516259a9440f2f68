"""Damage files in thousands of ways and read them: each must be refused by name or read unchanged.

    python tests/support/fuzz.py --count 2000 --seed 1

prints a table by kind of file and one by kind of damage, and what failed.  The outcomes are

- refused: a `BrainsimError` of one line that names the file; the simulator is unchanged.
- same: exactly the content of the whole file (of a history that is still being written, its first rounds).
- valid: other content, which is read in full and which a brain can have.  The file was sealed again after the change,
  or its format has no seal.
- CRASH, HANG, TRACEBACK, SILENT: failures.  SILENT means that a reader returns other content or skips content.

A seal is not a signature: if someone damages HDF5 and seals the file again, it can crash the reader.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import select
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from brainsim.simulate.hdf5.seal import seal
from damages import BYTES, FOREIGN, JSON, OBJECTS, UnfitError, damaged_bytes, damaged_objects
from specimens import KINDS, make

OUTCOMES = ("refused", "same", "valid", "CRASH", "HANG", "TRACEBACK", "SILENT")
FAILURES = OUTCOMES[3:]
SCRIPT = Path(__file__).with_name("fuzz_worker.py")
SECONDS = 30.0
FIRST_SECONDS = 600.0  # kernels may have to be compiled
SEALED, UNSEALED = ("bytes", "edited", "forged", "foreign"), ("bytes", "edited", "foreign")
FAMILIES = {
    "state": SEALED,
    "state of vectors": SEALED,
    "dump": SEALED,
    "history": SEALED,
    "open history": ("bytes",),
    "run folder": ("bytes", "JSON", "edited", "forged", "foreign"),
    **{f"state of format {version}": UNSEALED for version in (1, 2, 3, 4)},
}
# Relative frequencies of the kinds.  A process of its own reads each file without a seal, which is slow.
WEIGHTS = {"state": 8, "state of vectors": 6, "dump": 6, "history": 4, "open history": 2, "run folder": 8}


@dataclass(frozen=True)
class Trial:
    """A damaged file, and whether a reader must find the undamaged content in it."""

    number: int
    kind: str
    damage: str
    path: Path
    exact: bool

    def judge(self, reply: dict[str, Any], whole: Any) -> tuple[str, str]:
        """Return the outcome and a description of it."""
        if reply["is"] != "loaded":
            return reply["is"], reply.get("text", "")
        content = reply["content"]
        if content == whole or (self.kind == "open history" and content == whole[: len(content)]):
            return "same", ""
        if self.exact:
            return "SILENT", f"other content: {_differing(content, whole)}"
        if reply["raw"] is not None and reply["raw"] != content:
            return "SILENT", f"a part of the file was skipped: {_differing(reply['raw'], content)}"
        return "valid", _differing(content, whole)


def _differing(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        return ", ".join(sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key)))[:200]
    return f"{len(one)} of {len(other)} rounds" if isinstance(one, list) else f"{one!r}"[:100]


class Worker:
    """A process that reads files; it is started again after a crash or a hang."""

    def __init__(self, backend: str, script: Path = SCRIPT, seconds: float = SECONDS) -> None:
        self._backend = backend
        self._script = script
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, kind: str, path: Path, seconds: float | None = None) -> dict[str, Any]:
        """Return the result of reading a file, within a limit of time."""
        limit = seconds or self._seconds
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([kind, str(path), self._backend]).encode() + b"\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], limit)[0]:
            self.end()
            return {"is": "HANG", "text": f"no answer after {limit:g} seconds"}
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            self.end()
            return {"is": "CRASH", "text": f"exit code {code}"}
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONFAULTHANDLER": "1"}
            self._process = subprocess.Popen(
                [sys.executable, str(self._script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        return self._process

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class Fuzz:
    """Whole specimens in a folder, and trials drawn from a seed."""

    def __init__(self, folder: Path, seed: int, kinds: Sequence[str] = ()) -> None:
        self._folder = folder
        self._seed = seed
        (folder / "whole").mkdir()
        self._specimens = make(folder / "whole")
        self._kinds = [kind for kind in kinds or self._specimens for _ in range(WEIGHTS.get(kind, 1))]
        self.whole: dict[str, Any] = {}

    def read_whole(self, worker: Worker) -> None:
        """Read the undamaged specimens."""
        for kind in dict.fromkeys(self._kinds):
            path = self._copied(kind, f"whole {kind}".replace(" ", "-"))
            reply = worker.ask(kind, path, FIRST_SECONDS)
            if reply["is"] != "loaded":
                raise RuntimeError(f"a whole {kind} cannot be read: {reply}")
            self.whole[kind] = reply["content"]

    def _copied(self, kind: str, name: str) -> Path:
        copy = shutil.copytree if self._specimens[kind].is_dir() else shutil.copy
        return Path(copy(self._specimens[kind], self._folder / name))

    def trial(self, number: int) -> Trial:
        """Damage a copy of a specimen."""
        rng = Random(f"{self._seed}:{number}")
        kind = rng.choice(self._kinds)
        path = self._copied(kind, f"{kind.replace(' ', '-')}-{number}")
        while True:
            target = path
            family = rng.choice(FAMILIES[kind])
            if path.is_dir():
                target = rng.choice(
                    sorted(each for each in (path / "out").rglob("*") if each.is_file() and each.name[0] != ".")
                )
            try:
                damage = self._damage(target, family, rng)
            except (UnfitError, ValueError, OSError, KeyError, TypeError, RuntimeError, OverflowError):
                # h5py or NumPy refuse to write this damage; the copy may be partly changed.
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                path = self._copied(kind, path.name)
                continue
            where = f" in {target.relative_to(path / 'out')}" if path.is_dir() else ""
            exact = family != "forged" and not kind.startswith("state of")
            return Trial(number, kind, f"{family}: {damage}{where}", path, exact)

    def _damage(self, target: Path, family: str, rng: Random) -> str:
        table: Any = {"bytes": BYTES, "JSON": JSON, "edited": OBJECTS, "forged": OBJECTS, "foreign": FOREIGN}[family]
        damage = rng.choice(list(table))
        if family == "bytes" or (family == "JSON" and target.suffix == ".json"):
            damaged_bytes(target, table[damage], rng)
        elif family == "foreign":
            target.write_bytes(table[damage](rng))
        elif family in ("edited", "forged") and target.suffix not in (".json", ".py"):
            damaged_objects(target, table[damage], rng)
            if family == "forged":
                seal(target)
        else:
            raise UnfitError
        return damage


def run(
    folder: Path, count: int, seed: int, jobs: int, backend: str, kinds: Sequence[str] = (), only: Sequence[int] = ()
) -> list[tuple[Trial, str, str]]:
    """Run trials and return each with its outcome and a description of it."""
    fuzz = Fuzz(folder, seed, kinds)
    workers = [Worker(backend) for _ in range(jobs)]
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: list[tuple[Trial, str, str]] = []
    errors: list[BaseException] = []

    def serve(worker: Worker) -> None:
        try:
            while not errors:
                trial = fuzz.trial(waiting.get_nowait())
                done.append((trial, *trial.judge(worker.ask(trial.kind, trial.path), fuzz.whole[trial.kind])))
                if done[-1][1] not in FAILURES:
                    shutil.rmtree(trial.path) if trial.path.is_dir() else trial.path.unlink()
        except queue.Empty:
            return
        except BaseException as error:
            errors.append(error)
        finally:
            worker.end()

    try:
        fuzz.read_whole(workers[0])
        for number in only or range(count):
            waiting.put(number)
        threads = [threading.Thread(target=serve, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for worker in workers:
            worker.end()
    if errors:
        raise errors[0]
    return sorted(done, key=lambda each: each[0].number)


def table(title: str, outcomes: Sequence[tuple[str, str]]) -> str:
    """Return a table with the counts of outcomes for each name; the pairs are (name, outcome)."""
    counts = {name: Counter(outcome for each, outcome in outcomes if each == name) for name, _ in sorted(outcomes)}
    counts["all"] = Counter(outcome for _, outcome in outcomes)
    width = max(len(title), *map(len, counts))
    lines = [f"{title:<{width}}  tried  " + "  ".join(OUTCOMES)]
    for name, found in counts.items():
        numbers = "  ".join(f"{found[outcome] or '':>{len(outcome)}}" for outcome in OUTCOMES)
        lines.append(f"{name:<{width}}  {found.total():5}  {numbers}".rstrip())
    return "\n".join(lines)


def main() -> int:
    """Run from the command line; exit code 1 if there are failures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="how many files are damaged")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that read")
    parser.add_argument("--backend", default="cpu", help="backend of the simulators that load states")
    parser.add_argument("--kind", action="append", choices=list(KINDS), default=[], help="of files; may be repeated")
    parser.add_argument("--only", type=int, action="append", default=[], help="number of a trial; may be repeated")
    parser.add_argument("--keep", type=Path, help="folder for the files of failures")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        done = run(Path(folder), given.count, given.seed, given.jobs, given.backend, given.kind, given.only)
        sys.stdout.write(table("kind of file", [(trial.kind, outcome) for trial, outcome, _ in done]) + "\n\n")
        sys.stdout.write(
            table("damage", [(trial.damage.split(" in ")[0], outcome) for trial, outcome, _ in done]) + "\n"
        )
        failed = [each for each in done if each[1] in FAILURES]
        for trial, outcome, text in failed if not given.only else done:
            sys.stdout.write(f"{trial.number}: {outcome}: {trial.kind}, {trial.damage}: {text}\n")
            if given.keep and trial.path.exists():
                given.keep.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if trial.path.is_dir() else shutil.copy
                copy(trial.path, given.keep / trial.path.name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
