"""Parts of a run: each is computed once, keeps its own checkpoint, and leaves its result in the run's folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from brainsim._arguments import check_record, checked
from brainsim._files import PARTIAL
from brainsim.declare.area import Area
from brainsim.errors import ExperimentError, RunFolderError
from brainsim.simulate.company import company_of
from brainsim.simulate.simulator import Simulator
from brainsim.studies import processes, sealed_json
from brainsim.studies.declared import Noted
from brainsim.studies.folders import write_json, writing
from brainsim.studies.lasting import Lasting, Place

_CHECKPOINT_SECONDS = 20.0
_ORPHAN_SECONDS = 60.0


@dataclass
class Part:
    """One part of a run, usually a condition and a seed, with everything that its function needs of the run.

    Attributes
    ----------
    folder : Path
        The folder of the run.
    key : str
        The name of the part; ``parts/<key>.json`` holds its result, under ``result``, the brains that it simulated,
        under ``brains``, and a digest.
    simulator : mapping
        Keyword arguments for `Simulator` that carry the user's choice of backend, and the threads of this process.
    files : sequence of str
        Files that the part leaves in the folder beside its result.
    """

    folder: Path
    key: str
    simulator: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[str] = ()
    _saved_at: float = 0.0
    _recorded: dict[str, Place] = field(default_factory=dict)
    _recordings: dict[str, Lasting] = field(default_factory=dict)
    _noted: Noted = field(default_factory=Noted)

    def __post_init__(self) -> None:
        check_record(self)
        if not self.key.strip(".") or Path(self.key).name != self.key or "\0" in self.key:
            raise ExperimentError(
                f"part {self.key!r}: must be named as a file can be, without '/'; rename it, as in 'trained-0'"
            )

    @property
    def path(self) -> Path:
        """The file of the result."""
        return self.folder / "parts" / f"{self.key}.json"

    @property
    def checkpoint(self) -> Path:
        """The file of the checkpoint."""
        return self.path.with_name(f"{self.key}.h5")

    @property
    def done(self) -> bool:
        """Whether the result and all files are there."""
        return self.path.exists() and all((self.folder / name).exists() for name in self.files)

    def result(self) -> Any:
        """Return the result, as JSON data.

        Raises
        ------
        RunFolderError
            If the file is damaged.
        """
        try:
            return sealed_json.read(self.path)["result"]
        except (ValueError, KeyError) as error:
            raise RunFolderError(f"{self.path}: is damaged ({error}); delete it and resume") from error

    @checked()
    def load(self, simulator: Simulator) -> Any | None:
        """Restore the simulator from the checkpoint and return its notes, ``None`` if there is no checkpoint.

        Raises
        ------
        DumpError
            If the state is damaged, or that of another brain.
        RunFolderError
            If it was not saved by `save`.
        """
        if not company_of(None).once(self.checkpoint.exists):  # a checkpoint that ranks have saved, the first has
            return None
        note = simulator.load(self.checkpoint)
        try:
            content = json.loads(note)
            self._recorded = {name: (rounds, marks) for name, (rounds, marks) in content["recorded"].items()}
            self._noted.precede(content.get("brains", []))
            return content["notes"]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise RunFolderError(
                f"{self.checkpoint}: is damaged: its note is not that of a checkpoint ({error}); delete it and resume"
            ) from error

    @checked()
    def save(self, simulator: Simulator, notes: Any, *, now: bool = False) -> None:
        """Save the state with ``notes`` (JSON), at most every 20 seconds unless ``now``.

        Raises
        ------
        ExperimentError
            If the notes are no JSON data.
        """
        # Ranks save together, and their clocks differ: that of the first decides.
        if now or company_of(None).once(lambda: time.monotonic() - self._saved_at >= _CHECKPOINT_SECONDS):
            for recording in self._recordings.values():
                recording.flush()  # before the checkpoint, which holds their number of rounds
            recorded = {name: recording.place for name, recording in self._recordings.items()}
            try:
                note = json.dumps({"notes": notes, "recorded": recorded, "brains": self._noted.brains})
            except (TypeError, ValueError) as error:
                cure = "use numbers, text, lists and mappings"
                raise ExperimentError(f"part {self.key!r}: notes cannot be written as JSON ({error}); {cure}") from None
            simulator.save(self.checkpoint, note)
            self._saved_at = time.monotonic()

    @checked()
    def record(self, simulator: Simulator, *areas: Area | str, to: str, every: int = 100) -> Lasting:
        """Record all rounds of the part, before and after interruptions, into a file in the run's folder.

        Call it after `load`, so that it continues with the part.

        Parameters
        ----------
        simulator : Simulator
            Whose rounds are recorded; those inside ``frozen`` are not.
        *areas : Area or str
            What is recorded; all areas by default.
        to : str
            The name of the file, one of ``files``.  It holds one recording, ``history``.
        every : int
            Number of rounds between writes.

        Returns
        -------
        Lasting
            Its ``mark(label)`` labels the rounds that follow.

        Raises
        ------
        ExperimentError
            If the file is not one of ``files``: the run would not notice if it were missing.
        """
        if to not in self.files or to in self._recordings:
            raise ExperimentError(
                f"part {self.key!r}: records into {to!r}, which must be one of its files and given once; "
                f"run.parts(..., files={{{self.key!r}: ({to!r},)}}) names it"
            )
        stem = self.path.with_name(f"{self.key}.{Path(to).stem}")
        self._recordings[to] = Lasting.started(
            simulator, *areas, path=self.folder / to, stem=stem, begin=self._recorded.get(to, (0, 0)), every=every
        )
        return self._recordings[to]

    @checked()
    def tick(self, steps: int = 1) -> None:
        """Advance the progress bar of the run."""
        processes.tick(steps)

    @checked()
    def file(self, name: str) -> AbstractContextManager[Path]:
        """Yield a temporary path that becomes ``<folder>/<name>`` on success."""
        return writing(self.folder / name)

    @checked()
    def compute(self, function: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Keep ``function(part, *args, **options)`` as the result, unless there is one.

        A worker of a killed run may still work on the part for a moment; the lock lets it end first.
        """
        self._saved_at = time.monotonic()
        with self._alone():
            if not self.done:
                with self._noted.noting():
                    result = function(self, *args, **options)
                for recording in self._recordings.values():
                    recording.finish()
                write_json(self.path, {"result": result, "brains": self._noted.brains}, sealed=True)
            self.checkpoint.unlink(missing_ok=True)
            for recording in self._recordings.values():
                recording.clear()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        path = self.path.with_name(f"{PARTIAL}{self.key}.lock")
        lock = FileLock(path)
        try:
            lock.acquire(timeout=_ORPHAN_SECONDS)
        except Timeout:
            raise RunFolderError(f"{self.path}: another process computes this part; end it, and resume") from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            lock.release()
