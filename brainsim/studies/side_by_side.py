"""The parts of a run in parallel worker processes, and what the run learns about these besides their results."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainsim.errors import ExperimentError, WorkerError
from brainsim.simulate import backends
from brainsim.studies import processes
from brainsim.studies.info import peak_rss_mb
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call, Failed, Watch, completed

if TYPE_CHECKING:
    from tqdm import tqdm

    from brainsim.studies.settings import Settings

Files = Mapping[str, Sequence[str]]


def compute(part: Part, call: Call) -> tuple[int, float | None]:
    """Compute a part here; return the number of this process and its peak memory so far, in MiB."""
    part.compute(call.function, *call.args, **call.kwargs)
    return os.getpid(), peak_rss_mb()


@dataclass
class Bar(Watch):
    """Show the progress of all parts: finished ones count fully, the others by their ticks."""

    bar: tqdm[Any]
    steps: Sequence[int]
    _ticked: dict[int, int] = field(default_factory=dict)

    def started(self, index: int) -> None:
        """Count a part that starts, or restarts, from zero."""
        self._move(index, 0)

    def ticked(self, index: int, steps: int) -> None:
        """Count steps of a part, up to as many as it has."""
        self._move(index, min(self._ticked.get(index, 0) + steps, self.steps[index]))

    def done(self, index: int) -> None:
        """Count a part fully, including the work of an earlier run."""
        self._move(index, self.steps[index])

    def _move(self, index: int, to: int) -> None:
        self.bar.update(to - self._ticked.get(index, 0))
        self._ticked[index] = to


@dataclass
class Parts:
    """The parts of a run, and the processes that computed them.

    Attributes
    ----------
    folder : Path
        The folder of the run.
    settings : Settings
        Which backend, and how many threads and processes to use.
    jobs : int
        The most processes that computed parts side by side so far.
    peaks : mapping of int to float
        The peak memory of each worker process by its number, in MiB.
    """

    folder: Path
    settings: Settings
    jobs: int = 1
    peaks: dict[int, float] = field(default_factory=dict)
    _keys: set[str] = field(default_factory=set)

    def new(self, key: str, files: Sequence[str]) -> Part:
        """Return a part; `ExperimentError` if there is one with this key."""
        if key in self._keys:
            raise ExperimentError(f"part {key!r}: two parts of a run have this key; rename one")
        self._keys.add(key)
        options = {"backend": self.settings.backend, "threads": self.settings.threads}
        return Part(self.folder, key, options, files)

    def compute(self, calls: Mapping[str, Call], counts: Mapping[str, int], files: Files, bar: tqdm[Any]) -> list[Part]:
        """Compute the unfinished parts, in at most as many processes as the settings allow."""
        parts = [self.new(key, files.get(key, ())) for key in calls]
        waiting = [part for part in parts if not part.done]
        bar.update(sum(counts[part.key] for part in parts if part.done))
        jobs = max(1, min(self.settings.jobs, len(waiting)))
        threads = self.settings.threads_of(jobs)
        self.jobs = max(self.jobs, jobs)
        if jobs > 1:
            waiting = [replace(part, simulator={**part.simulator, "threads": threads}) for part in waiting]
        work = [Call(compute, (part, calls[part.key])) for part in waiting]
        shown = Bar(bar, [counts[part.key] for part in waiting])
        with closing(completed(work, jobs, threads=threads, watch=shown)) as outcomes:  # no worker outlasts an error
            for outcome in outcomes:
                if isinstance(outcome, Failed):
                    raise _of_part(outcome.error, waiting[outcome.index])
                process, peak = outcome.result
                if process != os.getpid() and peak is not None:
                    self.peaks[process] = peak
                shown.done(outcome.index)
        return parts

    def peak_rss_mb(self) -> float | None:
        """Return an upper bound of the memory of this process and its parallel workers, in MiB."""
        own = peak_rss_mb()
        return None if own is None else round(own + sum(sorted(self.peaks.values())[-self.jobs :]), 1)


def _of_part(error: BaseException, part: Part) -> BaseException:
    """Return the error of a part; workers that died know only the number of their call."""
    if isinstance(error, WorkerError):
        return WorkerError(f"part {part.key}: {str(error).partition(': ')[2]}")
    return error


def default_jobs(backend: str) -> int:
    """Return the default number of processes: one per core, but a single one on a GPU."""
    return 1 if backends.resolve(backend) == "gpu" else processes.default_jobs()
