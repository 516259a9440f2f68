"""Run folders: the files of a run, which are consistent at any moment, and how a run continues when interrupted."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainsim._arguments import check_record, checked
from brainsim._html import shown
from brainsim.errors import DeclarationError, RunFolderError
from brainsim.simulate import backends
from brainsim.studies import manifest, pictures, tables
from brainsim.studies.folders import RunLock, remove_leftovers, take, write_json, writing
from brainsim.studies.info import versions
from brainsim.studies.metrics import plain
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.processes.calls import inside_call
from brainsim.studies.settings import HEADER, Settings, read_header
from brainsim.studies.side_by_side import Parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from tqdm import tqdm


@dataclass
class Run:
    """One run of an experiment: its seed and settings, its folder, its progress.

    Attributes
    ----------
    folder : Path
        The run folder.
    settings : Settings
        Seed, parameters, backend.
    made_folder : bool
        Whether the folder was made for this run, so that it is removed if the run produces nothing.
    notes : list of str
        What the user should know about the run, a line each.
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
    _parts: Parts = field(init=False)

    def __post_init__(self) -> None:
        check_record(self)
        self._parts = Parts(self.folder, self.settings)

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
        """Time spent so far, including before an interruption."""
        return round(float(self._before.get("seconds", 0.0)) + time.time() - self._started, 2)

    @checked()
    def begin(self, *, resume: bool) -> None:
        """Make the folder, lock it and write ``run.json``.

        Raises
        ------
        RunFolderError
            If the folder cannot be written, is not empty, belongs to a run with other settings, or is used by a run.
        """
        if resume:
            self._before = read_header(self.folder)
            self.settings.check_same(self.folder, self._before)
        try:
            missing = tuple(path for path in (self.folder, *self.folder.parents) if not path.exists())
            self._created = (self.folder, self.folder.parent) if self.made_folder else missing
            self._lock = take(self.folder, resume=resume)
            try:
                self._write_header("running")  # first, so that a folder with anything in it can be resumed
                (self.folder / "parts").mkdir(exist_ok=True)
            except OSError:
                self.abandon("failed")
                raise
        except RunFolderError:
            raise
        except OSError as error:
            raise RunFolderError(
                f"--out {self.folder}: cannot be written ({error.strerror}); choose another"
            ) from error

    def _write_header(self, status: str) -> None:
        jobs = self.settings.jobs if status == "running" else self._parts.jobs
        write_json(
            self.folder / HEADER,
            {
                "status": status,
                "command": self._before.get("command", shlex.join(["brainsim", *sys.argv[1:]])),
                "seconds": self.seconds,
                "experiment": self.settings.experiment,
                **self.settings.decisive(),
                "backend": backends.resolve(self.settings.backend),
                "jobs": jobs,
                "threads": self.settings.threads_of(jobs),
                "started": datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
                "versions": versions(),
                "notes": self.notes,
                "files": manifest.digests(self.folder) if status == "finished" else {},
            },
            sealed=True,
        )

    @checked()
    def part(self, key: str, compute: Callable[[Part], Any], files: Sequence[str] = ()) -> Any:
        """Return ``compute(part)``, or what it returned before the run was interrupted.

        The result must be JSON; it is written to ``parts/<key>.json``.  A part that also writes ``files`` into the
        folder is repeated if one of them is missing.

        Raises
        ------
        ExperimentError
            If two parts have one key, or it cannot name a file.
        RunFolderError
            If a result is damaged.
        """
        part = self._parts.new(key, files)
        part.compute(compute)
        return part.result()

    @checked()
    def parts(
        self,
        calls: Mapping[str, Call],
        *,
        unit: str = "parts",
        steps: Mapping[str, int] | None = None,
        files: Mapping[str, Sequence[str]] | None = None,
    ) -> dict[str, Any]:
        """Return the results of many parts by key, computed side by side in ``jobs`` processes.

        A part is a call ``function(part, *args, **kwargs)`` of a function that stands in a module or an experiment
        file, with plain data.  Its `Part` holds the checkpoint and the backend to use.  Parts begin in the order given,
        so put the longest first.  Results do not depend on the number of processes.

        Parameters
        ----------
        calls : mapping of str to Call
            The parts by key; the result of one is JSON and is written to ``parts/<key>.json``.
        unit : str
            What the progress bar counts.
        steps : mapping of str to int, optional
            How many steps each part reports by ``part.tick()``; by default a part is one step, when it is done.
        files : mapping of str to sequence of str, optional
            Files that a part leaves in the folder beside its result.

        Raises
        ------
        ExperimentError
            If two parts have one key, or it cannot name a file.
        RunFolderError
            If a result is damaged.
        WorkerError
            If the processes of a part die again and again.

        Examples
        --------
        A brain of each of five seeds::

            def learned(part, n, seed):
                with Simulator(declared(n), seed, **part.simulator) as sim:
                    ...
                return {"accuracy": accuracy}

            results = run.parts({f"trained-{seed}": Call(learned, (n, seed)) for seed in range(run.seed, run.seed + 5)})
        """
        counts = {key: 1 if steps is None else steps.get(key, 1) for key in calls}
        with self.progress(sum(counts[key] for key in calls), unit) as bar:
            parts = self._parts.compute(calls, counts, files or {}, bar)
        return {part.key: part.result() for part in parts}

    @checked()
    def file(self, name: str) -> AbstractContextManager[Path]:
        """Yield a temporary path that becomes ``<folder>/<name>`` on success."""
        return writing(self.folder / name)

    @checked()
    @contextmanager
    def progress(self, total: int, unit: str, description: str = "") -> Iterator[tqdm[Any]]:
        """Show a bar with rate and time left on a terminal, nothing elsewhere or in a sweep; call its ``update(n)``."""
        from tqdm import tqdm

        hidden = inside_call() or not sys.stderr.isatty()
        with tqdm(total=total, unit=f" {unit}", desc=description, disable=hidden, leave=False) as bar:
            yield bar

    @checked()
    def picture(self, name: str, draw: Callable[[], Figure]) -> None:
        """Draw a picture when the metrics have been written: ``draw`` returns a figure, saved as ``<folder>/<name>``.

        A failure to draw adds a note, and never ends the run.
        """
        if not callable(draw):
            raise DeclarationError(where="Run.picture.draw", value=draw, allowed="a function that returns a figure")
        self._pictures[name] = draw

    @checked("metrics")
    def finish(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """Write ``metrics.json``, the metrics and what made them, and then the pictures; return the content.

        Raises
        ------
        ExperimentError
            If the metrics are not a mapping, have a name that brainsim uses, or cannot be written as JSON.
        """
        own, missing = plain(metrics)
        self.notes += [f"metrics: {name} is no finite number; null is written" for name in missing]
        content = {
            **own,
            "seed": self.seed,
            "parameters": self.settings.plain_parameters(),
            "jobs": self._parts.jobs,
            "peak_rss_mb": self._parts.peak_rss_mb(),
            "seconds": self.seconds,
            "versions": versions(),
        }
        write_json(self.folder / "metrics.json", content)
        self._write_tables(content)
        for name, draw in self._pictures.items():
            self.notes += pictures.save(self.folder / name, draw)
        self._write_header("finished")
        remove_leftovers(self.folder, finished=True)
        self._lock.release()
        return content

    def _write_tables(self, metrics: Mapping[str, Any]) -> None:
        found = {"scores.csv": tables.scores(metrics), "curve.csv": tables.curves(metrics)}
        for (name, rows), source in zip(found.items(), ("by_seed", "curve"), strict=True):
            if not rows and source in metrics:
                self.notes.append(
                    f"{name} has no rows: metrics.{source} has another form than docs/howto/run_folder.md says"
                )
            with self.file(name) as path:
                tables.write(path, rows, step=source == "curve")

    @checked()
    def abandon(self, status: str) -> bool:
        """Note in ``run.json`` that the run did not finish, and return whether it can be resumed.

        A run that produced nothing leaves no folder.
        """
        parts = self.folder / "parts"
        remove_leftovers(self.folder)
        kept = parts.is_dir() and any(parts.iterdir())
        if kept:
            with suppress(RunFolderError):  # on a full disk the run is still said to be running; it can be resumed
                self._write_header(status)
        else:
            if parts.is_dir():  # a full disk may have had no room for it
                parts.rmdir()
            (self.folder / HEADER).unlink(missing_ok=True)
        self._lock.release()
        for path in () if kept else self._created:
            if any(path.iterdir()):
                break
            path.rmdir()
        return kept

    def _repr_html_(self) -> str:
        done = len(list(self.folder.glob("parts/*.json")))
        rows = [("folder", self.folder), ("experiment", self.settings.experiment), ("seed", str(self.seed))]
        rows += [(name, value) for name, value in self.settings.plain_parameters().items()]
        rows += [("finished parts", done), ("seconds", f"{self.seconds:g}"), *(("note", note) for note in self.notes)]
        return shown("Run", (), rows)
