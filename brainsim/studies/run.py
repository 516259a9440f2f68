"""Run folders: what a run leaves behind, whole at any moment, and how it continues after an interruption."""

from __future__ import annotations

import json
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainsim._files import whole, write_json
from brainsim.errors import RunFolderError
from brainsim.simulate import backends
from brainsim.studies.calls import inside_call
from brainsim.studies.folders import RunLock, take
from brainsim.studies.info import peak_rss_mb, versions
from brainsim.studies.metrics import plain
from brainsim.studies.settings import HEADER, Settings, read_header

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from tqdm import tqdm

    from brainsim.simulate.simulator import Simulator

_CHECKPOINT_SECONDS = 20.0
_DOTS_PER_INCH = 110


@dataclass
class Run:
    """One run of an experiment: its seed and settings, its folder, its progress.

    Attributes
    ----------
    folder : Path
        Where everything goes.
    settings : Settings
        Seed, parameters, backend.
    made_folder : bool
        Whether the folder was made for this run, so that it is removed again if the run gets nowhere.
    notes : list of str
        What the user ought to know of how the run went, a line each.
    """

    folder: Path
    settings: Settings
    made_folder: bool = False
    notes: list[str] = field(default_factory=list)
    _pictures: dict[str, Callable[[], Figure]] = field(default_factory=dict)
    _started: float = field(default_factory=time.time)
    _created: tuple[Path, ...] = ()
    _before: Mapping[str, Any] = field(default_factory=dict)
    _lock: RunLock = field(init=False)

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
        """Make the folder, lock it and write ``run.json``.

        Raises
        ------
        RunFolderError
            If the folder cannot be written, has something in it, belongs to a run with other settings, or a run is
            using it.
        """
        if resume:
            self._before = read_header(self.folder)
            self.settings.check_same(self.folder, self._before)
        try:
            missing = tuple(path for path in (self.folder, *self.folder.parents) if not path.exists())
            self._created = (self.folder, self.folder.parent) if self.made_folder else missing
            self._lock = take(self.folder, resume=resume)
            (self.folder / "parts").mkdir(exist_ok=True)
            self._write_header("running")
        except RunFolderError:
            raise
        except OSError as error:
            raise RunFolderError(
                f"--out {self.folder}: cannot be written ({error.strerror}); choose another"
            ) from error

    def _write_header(self, status: str) -> None:
        backend = backends.resolve(self.settings.backend)
        write_json(
            self.folder / HEADER,
            {
                "status": status,
                "command": self._before.get("command", shlex.join(["brainsim", *sys.argv[1:]])),
                "seconds": self.seconds,
                "experiment": self.settings.experiment,
                **self.settings.decisive(),
                "backend": backend,
                "threads": backends.thread_count(backend, self.settings.threads),
                "started": datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
                "versions": versions(),
                "notes": self.notes,
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
        """Show a bar with rate and time left on a terminal, nothing elsewhere or in a sweep; call its ``update(n)``."""
        from tqdm import tqdm

        hidden = inside_call() or not sys.stderr.isatty()
        with tqdm(total=total, unit=f" {unit}", desc=description, disable=hidden, leave=False) as bar:
            yield bar

    def picture(self, name: str, draw: Callable[[], Figure]) -> None:
        """Draw a picture when the metrics have been written: ``draw`` returns a figure, saved as ``<folder>/<name>``.

        A picture that cannot be drawn costs a note, never the run.
        """
        self._pictures[name] = draw

    def finish(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """Write ``metrics.json``, the metrics and what made them, and then the pictures; return the content.

        Raises
        ------
        ExperimentError
            If the metrics are no mapping, have a name that brainsim uses, or cannot be written as JSON.
        """
        own, missing = plain(metrics)
        self.notes += [f"metrics: {name} is no finite number; null is written" for name in missing]
        content = {
            **own,
            "seed": self.seed,
            "parameters": self.settings.plain_parameters(),
            "peak_rss_mb": peak_rss_mb(),
            "seconds": self.seconds,
            "versions": versions(),
        }
        write_json(self.folder / "metrics.json", content)
        for name, draw in self._pictures.items():
            self._draw(name, draw)
        self._write_header("finished")
        self._lock.release()
        return content

    def _draw(self, name: str, draw: Callable[[], Figure]) -> None:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                figure = draw()
                with self.file(name) as path:
                    figure.savefig(path, dpi=_DOTS_PER_INCH)
            except Exception as error:  # whatever a drawing library or an experiment may raise
                self.notes.append(f"picture {name} could not be drawn ({type(error).__name__}: {_first_line(error)})")
        if warned:  # letters that no font has come one by one
            others = f", and {len(warned) - 1} more warnings" if len(warned) > 1 else ""
            self.notes.append(f"picture {name}: {_first_line(warned[0].message)}{others}")

    def abandon(self, status: str) -> bool:
        """Say in ``run.json`` that the run did not finish, and return whether there is something to resume.

        A run that got nowhere leaves nothing.
        """
        parts = self.folder / "parts"
        kept = any(parts.iterdir())
        if kept:
            self._write_header(status)
        else:
            parts.rmdir()
            (self.folder / HEADER).unlink(missing_ok=True)
        self._lock.release()
        for path in () if kept else self._created:
            if any(path.iterdir()):
                break
            path.rmdir()
        return kept


def _first_line(message: object) -> str:
    return (str(message).strip().splitlines() or [""])[0]


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
