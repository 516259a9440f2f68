"""Run folders: what a run leaves behind, whole at any moment, and how it continues after an interruption."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainsim._files import whole, write_json
from brainsim._version import __version__
from brainsim.errors import ExperimentError, RunFolderError
from brainsim.kernels.law.graph import GRAPH_VERSION
from brainsim.kernels.law.selection import TIES_VERSION
from brainsim.studies.info import peak_rss_mb, versions

if TYPE_CHECKING:
    from tqdm import tqdm

    from brainsim.simulate.simulator import Simulator

_CHECKPOINT_SECONDS = 20.0
# Ties went to the lowest index before they had a version.
_BEFORE_VERSIONS = {"ties_version": 0}
_CHANGED = {"source_sha256": "the experiment file", "inputs": "a file it reads"}


@dataclass(frozen=True)
class Settings:
    """What determines a run's result (all but ``backend`` and ``threads``, which do not)."""

    experiment: str
    source_sha256: str
    seed: int
    quick: bool
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    backend: str = "auto"
    threads: int | None = None

    @classmethod
    def of_file(cls, path: str | Path, **others: Any) -> Settings:
        """Return the settings of a run of an experiment file; parameters that name files are hashed too."""
        files = {v: _sha256(v) for v in others["parameters"].values() if isinstance(v, str) and Path(v).is_file()}
        return cls(str(path), _sha256(path), inputs=files, **others)

    def decisive(self) -> dict[str, Any]:
        """Return what a resumed run must share."""
        return {
            "source_sha256": self.source_sha256,
            "seed": self.seed,
            "quick": self.quick,
            "parameters": dict(self.parameters),
            "inputs": dict(self.inputs),
            "graph_version": GRAPH_VERSION,
            "ties_version": TIES_VERSION,
            "brainsim_version": __version__,
        }


def _sha256(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@dataclass
class Run:
    """One run of an experiment: its seed and settings, its folder, its progress.

    Attributes
    ----------
    folder : Path
        Where everything goes.
    settings : Settings
        Seed, parameters, backend.
    """

    folder: Path
    settings: Settings
    _started: float = field(default_factory=time.time)
    _created: tuple[Path, ...] = ()
    _before: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The seed given by the user; derive the others from it."""
        return self.settings.seed

    @property
    def simulator(self) -> dict[str, Any]:
        """Keyword arguments for `Simulator` that carry the user's choice of backend and threads."""
        return {"backend": self.settings.backend, "threads": self.settings.threads}

    @property
    def seconds(self) -> float:
        """Time spent so far, before an interruption too."""
        return round(float(self._before.get("seconds", 0.0)) + time.time() - self._started, 2)

    def begin(self, *, resume: bool) -> None:
        """Make the folder and write ``run.json``.

        Raises
        ------
        RunFolderError
            If the folder cannot be written, has something in it, or belongs to a run with other settings.
        """
        if resume:
            self._before = self._same_run()
        try:
            if not resume and self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise RunFolderError(
                    f"--out {self.folder}: is not an empty folder; choose another, or continue it with --resume"
                )
            self._created = tuple(path for path in (self.folder, *self.folder.parents) if not path.exists())
            (self.folder / "parts").mkdir(parents=True, exist_ok=True)
            self._write_header("running")
        except RunFolderError:
            raise
        except OSError as error:
            raise RunFolderError(
                f"--out {self.folder}: cannot be written ({error.strerror}); choose another"
            ) from error

    def _same_run(self) -> Mapping[str, Any]:
        """Return the header of the run to resume, after comparing it with this one."""
        try:
            before = {**_BEFORE_VERSIONS, **json.loads((self.folder / "run.json").read_text())}
            recorded = {name: before[name] for name in (*self.settings.decisive(), "command", "seconds")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(f"--out {self.folder}: holds no run to resume ({error!r})") from error
        for name, value in self.settings.decisive().items():
            if recorded[name] != value:
                changed = _CHANGED.get(name, f"{name} ({recorded[name]!r}, now {value!r})")
                raise RunFolderError(f"--out {self.folder}: {changed} differs from the run to resume; start a new run")
        return recorded

    def _write_header(self, status: str) -> None:
        write_json(
            self.folder / "run.json",
            {
                "status": status,
                "command": self._before.get("command", shlex.join(["brainsim", *sys.argv[1:]])),
                "seconds": self.seconds,
                "experiment": self.settings.experiment,
                **self.settings.decisive(),
                "backend": self.settings.backend,
                "threads": self.settings.threads,
                "started": datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
                "versions": versions(),
            },
        )

    def part(self, key: str, compute: Callable[[Checkpoint], Any], files: Sequence[str] = ()) -> Any:
        """Return ``compute(checkpoint)``, or what it returned before the run was interrupted.

        The result must be JSON; it is written to ``parts/<key>.json``.  A part that also writes ``files`` into the
        folder is done again if one of them is gone.
        """
        path = self.folder / "parts" / f"{key}.json"
        if path.exists() and all((self.folder / name).exists() for name in files):
            try:
                return json.loads(path.read_text())
            except ValueError as error:
                raise RunFolderError(f"{path}: is damaged ({error}); delete it and resume") from error
        checkpoint = Checkpoint(path.with_suffix(".h5"))
        result = compute(checkpoint)
        write_json(path, result)
        checkpoint.remove()
        return json.loads(path.read_text())

    def file(self, name: str) -> AbstractContextManager[Path]:
        """Yield a temporary path that becomes ``<folder>/<name>`` on success."""
        return whole(self.folder / name)

    @contextmanager
    def progress(self, total: int, unit: str, description: str = "") -> Iterator[tqdm[Any]]:
        """Show a bar with rate and time left on a terminal, nothing elsewhere; call its ``update(n)``."""
        from tqdm import tqdm

        with tqdm(total=total, unit=f" {unit}", desc=description, disable=not sys.stderr.isatty(), leave=False) as bar:
            yield bar

    def finish(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """Write ``metrics.json``: the metrics, and what made them."""
        if not isinstance(metrics, Mapping):
            raise ExperimentError(f"experiment: must return its metrics as a mapping (got {metrics!r})")
        content = {
            **metrics,
            "seed": self.seed,
            "parameters": dict(self.settings.parameters),
            "peak_rss_mb": peak_rss_mb(),
            "seconds": self.seconds,
            "versions": versions(),
        }
        try:
            write_json(self.folder / "metrics.json", content)
        except (TypeError, ValueError) as error:
            raise ExperimentError(f"metrics: cannot be written as JSON ({error})") from error
        self._write_header("finished")
        return content

    def abandon(self, status: str) -> bool:
        """Say in ``run.json`` that the run did not finish, and return whether there is something to resume.

        A run that got nowhere leaves nothing.
        """
        parts = self.folder / "parts"
        if any(parts.iterdir()):
            self._write_header(status)
            return True
        parts.rmdir()
        (self.folder / "run.json").unlink(missing_ok=True)
        for path in self._created:
            if any(path.iterdir()):
                break
            path.rmdir()
        return False


class Checkpoint:
    """The state of a simulation in the middle of a part, so that an interrupted part continues where it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved_at = time.monotonic()

    def load(self, simulator: Simulator) -> Any | None:
        """Put the simulator back where it was and return the notes saved with it, ``None`` if there is nothing."""
        return json.loads(simulator.load(self._path)) if self._path.exists() else None

    def save(self, simulator: Simulator, notes: Any, *, now: bool = False) -> None:
        """Save the state with ``notes`` (JSON), at most every 20 seconds unless ``now``."""
        if now or time.monotonic() - self._saved_at >= _CHECKPOINT_SECONDS:
            simulator.save(self._path, json.dumps(notes))
            self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Delete the file; the part is complete."""
        self._path.unlink(missing_ok=True)


def free_folder(name: str) -> Path:
    """Return ``runs/<name>``, or the first ``runs/<name>-2``, ``-3``, … that does not exist."""
    path, number = Path("runs") / name, 2
    while os.path.lexists(path):
        path, number = Path("runs") / f"{name}-{number}", number + 1
    return path
