"""Run folders: what a run leaves behind, whole at any moment, and how it continues after an interruption."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainsim._files import whole, write_json
from brainsim.errors import RunFolderError
from brainsim.info import peak_rss_mb, versions

if TYPE_CHECKING:
    from tqdm import tqdm

    from brainsim.simulator import Simulator

_CHECKPOINT_SECONDS = 20.0


@dataclass(frozen=True)
class Settings:
    """What determines a run's result (all but ``backend`` and ``threads``, which do not)."""

    experiment: str
    source_sha256: str
    seed: int
    quick: bool
    parameters: Mapping[str, Any]
    backend: str = "auto"
    threads: int | None = None

    @classmethod
    def of_file(cls, path: str | Path, **others: Any) -> Settings:
        """Return the settings of a run of an experiment file."""
        return cls(str(path), hashlib.sha256(Path(path).read_bytes()).hexdigest(), **others)

    def decisive(self) -> dict[str, Any]:
        """Return what a resumed run must share."""
        return {
            "source_sha256": self.source_sha256,
            "seed": self.seed,
            "quick": self.quick,
            "parameters": dict(self.parameters),
        }


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

    @property
    def seed(self) -> int:
        """The seed given by the user; derive the others from it."""
        return self.settings.seed

    @property
    def simulator(self) -> dict[str, Any]:
        """Keyword arguments for `Simulator` that carry the user's choice of backend and threads."""
        return {"backend": self.settings.backend, "threads": self.settings.threads}

    def begin(self, *, resume: bool) -> None:
        """Make the folder and write ``run.json``.

        Raises
        ------
        RunFolderError
            If the folder cannot be written, has something in it, or belongs to a run with other settings.
        """
        if resume:
            self._check_same()
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise RunFolderError(
                f"--out {self.folder}: is not an empty folder; choose another, or continue it with --resume"
            )
        self._created = tuple(path for path in (self.folder, *self.folder.parents) if not path.exists())
        try:
            (self.folder / "parts").mkdir(parents=True, exist_ok=True)
            self._write_header("running")
        except OSError as error:
            raise RunFolderError(
                f"--out {self.folder}: cannot be written ({error.strerror}); choose another"
            ) from error

    def _check_same(self) -> None:
        try:
            before = json.loads((self.folder / "run.json").read_text())
        except (OSError, ValueError) as error:
            raise RunFolderError(f"--out {self.folder}: holds no run to resume ({error})") from error
        for name, value in self.settings.decisive().items():
            if before[name] != value:
                changed = (
                    "the experiment file" if name == "source_sha256" else f"{name} ({before[name]!r}, now {value!r})"
                )
                raise RunFolderError(f"--out {self.folder}: {changed} differs from the run to resume; start a new run")

    def _write_header(self, status: str) -> None:
        write_json(
            self.folder / "run.json",
            {
                "status": status,
                "command": shlex.join(["brainsim", *sys.argv[1:]]),
                "experiment": self.settings.experiment,
                **self.settings.decisive(),
                "backend": self.settings.backend,
                "threads": self.settings.threads,
                "started": datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
                "versions": versions(),
            },
        )

    def part(self, key: str, compute: Callable[[Checkpoint], Any]) -> Any:
        """Return ``compute(checkpoint)``, or what it returned before the run was interrupted.

        The result must be JSON; it is written to ``parts/<key>.json``.
        """
        path = self.folder / "parts" / f"{key}.json"
        if path.exists():
            return json.loads(path.read_text())
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
        content = {
            **metrics,
            "seed": self.seed,
            "parameters": dict(self.settings.parameters),
            "peak_rss_mb": peak_rss_mb(),
            "seconds": round(time.time() - self._started, 2),
            "versions": versions(),
        }
        write_json(self.folder / "metrics.json", content)
        self._write_header("finished")
        return content

    def abandon(self, status: str) -> None:
        """Say in ``run.json`` that the run did not finish; remove a folder made by a run that got nowhere."""
        parts = self.folder / "parts"
        if not parts.is_dir():
            return
        if any(parts.iterdir()) or (self.folder / "metrics.json").exists():
            self._write_header(status)
            return
        parts.rmdir()
        (self.folder / "run.json").unlink(missing_ok=True)
        for path in self._created:
            if any(path.iterdir()):
                break
            path.rmdir()


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
