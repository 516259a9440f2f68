"""The folder of a sweep: its header, its table, and a run folder for each run; used by one sweep at a time."""

from __future__ import annotations

import csv
import hashlib
import re
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brainsim.errors import RunFolderError, UnwrittenError
from brainsim.studies import manifest, sealed_json
from brainsim.studies.folders import RunLock, take, write_json, writing
from brainsim.studies.settings import Settings, read_header
from brainsim.studies.sweeping import rows
from brainsim.studies.sweeping.grid import Grid
from brainsim.studies.sweeping.rows import Row

HEADER, TABLE = "sweep.json", "sweep.csv"
OF_FUNCTION = "it sweeps a function; start its script again, with sweep(…, resume=True)"
"""How to continue a sweep that no command can continue."""

_TABLE_SECONDS = 2.0
_LONGEST_NAME = 120


@dataclass
class SweepFolder:
    """The place of the table and the runs of a sweep.

    Attributes
    ----------
    path : Path
        The folder.
    settings : Settings
        Those of the first run, except the parameters in the grid.
    grid : Grid
        The grid of parameters.
    command : str
        The command that the user typed, for the header.
    """

    path: Path
    settings: Settings
    grid: Grid
    command: str = ""
    _before: Mapping[str, Any] = field(default_factory=dict)
    _started: float = field(default_factory=time.time)
    _written: float = 0.0
    _lock: RunLock = field(init=False)

    def begin(self, *, resume: bool) -> None:
        """Make the folder, lock it and write ``sweep.json``.

        Raises
        ------
        RunFolderError
            If the folder cannot be written, has something in it, belongs to another sweep, or a sweep is using it.
        """
        if resume:
            self._before = read(self.path)
            self._check_same()
        try:
            self._lock = take(self.path, resume=resume, kind="sweep")
            try:
                self._write_header("running", ())  # first, so that a folder with anything in it can be resumed
                (self.path / "runs").mkdir(exist_ok=True)
            except OSError:
                self._lock.release()
                raise
        except RunFolderError:
            raise
        except OSError as error:
            raise RunFolderError(f"--out {self.path}: cannot be written ({error.strerror}); choose another") from error

    def _check_same(self) -> None:
        if not self.grid.holds(self._before["grid"], self._before["seeds"]):
            raise RunFolderError(
                f"--out {self.path}: the grid lacks runs of the sweep to resume (grid {self._before['grid']!r}, "
                f"{len(self._before['seeds'])} seeds); give all of them, or start a new sweep"
            )
        self.settings.check_same(self.path, self._before)

    def run_folder(self, point: Mapping[str, Any], seed: int) -> Path:
        """Return the folder of a run, which is named by its place in the grid."""
        given = ",".join(f"{name}={value}" for name, value in {**point, "seed": seed}.items())
        name = re.sub(r"[^\w.=+,-]", "_", given, flags=re.ASCII)
        if name != given or len(name) > _LONGEST_NAME:
            name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(given.encode()).hexdigest()[:8]}"
        return self.path / "runs" / name

    def metrics(self, folder: Path, settings: Settings) -> dict[str, Any] | None:
        """Return the metrics of a complete run with these settings, ``None`` if there is none."""
        try:
            header = read_header(folder)
            settings.check_same(folder, header)
            content = sealed_json.load(folder / "metrics.json")
            if "metrics.json" in manifest.changed(folder, header):
                return None
        except (RunFolderError, OSError, ValueError):
            return None
        return content if header["status"] == "finished" and isinstance(content, dict) else None

    def write_error(self, folder: Path, error: BaseException | None) -> None:
        """Write the traceback of a run that failed, as ``errors/<run>.txt``; delete it when the run has not failed."""
        path = self.path / "errors" / f"{folder.name}.txt"
        if error is None:
            path.unlink(missing_ok=True)
            return
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as cause:
            raise UnwrittenError(f"{path}: cannot be written ({cause.strerror})") from cause
        with writing(path) as partial:
            partial.write_text("".join(traceback.format_exception(error)), encoding="utf-8")

    def write_table(self, table: Callable[[], Sequence[Row]]) -> None:
        """Write ``sweep.csv``, at most every two seconds: the runs are complete without it."""
        if time.monotonic() - self._written >= _TABLE_SECONDS:
            rows.write(self.path / TABLE, table())
            self._written = time.monotonic()

    def end(self, status: str, table: Sequence[Row]) -> None:
        """Write the table and the result of the sweep, and release the folder.

        Raises
        ------
        UnwrittenError
            If a finished sweep cannot be written.  If it ended otherwise, an error has already been raised; its header
            remains that of a running sweep, which can be resumed.
        """
        try:
            rows.write(self.path / TABLE, table)
            self._write_header(status, table)
        except UnwrittenError:
            if status == "finished":
                raise
        finally:
            self._lock.release()

    def _write_header(self, status: str, table: Sequence[Row]) -> None:
        ended = [row["status"] for row in table]
        content = {
            "status": status,
            "command": self._before.get("command", self.command),
            "seconds": round(float(self._before.get("seconds", 0.0)) + time.time() - self._started, 2),
            "experiment": self.settings.experiment,
            "grid": self.grid.plain(),
            "seeds": list(self.grid.seeds),
            **self.settings.decisive(),
            "runs": len(self.grid),
            rows.DONE: ended.count(rows.DONE),
            rows.FAILED: ended.count(rows.FAILED),
        }
        write_json(self.path / HEADER, content, sealed=True)


def read(folder: Path) -> dict[str, Any]:
    """Return the content of ``sweep.json`` in a folder; `RunFolderError` if it does not exist or is incomplete."""
    try:
        header = sealed_json.read(folder / HEADER)
        for name in ("experiment", "grid", "seeds", "quick", "parameters", "seed", "source_sha256", "inputs"):
            header[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else getattr(error, "strerror", None) or error
        raise RunFolderError(f"--out {folder}: holds no sweep to resume ({HEADER}: {what})") from error
    return header


def outcomes(folder: Path) -> dict[str, int]:
    """Return how many runs in the table of a sweep finished and how many failed; 0 if there is no table yet."""
    try:
        with (folder / TABLE).open(newline="", encoding="utf-8") as file:
            ended = [row.get("status") for row in csv.DictReader(file)]
    except FileNotFoundError:
        ended = []
    return {rows.DONE: ended.count(rows.DONE), rows.FAILED: ended.count(rows.FAILED)}


def of_function(header: Mapping[str, Any]) -> bool:
    """Return whether a sweep runs a function, which no command can load from a file."""
    return not str(header["experiment"]).endswith(".py")
