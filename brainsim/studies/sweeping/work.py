"""The work of a sweep: parallel runs, without those that are already done, and the rows of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from brainsim._validation import integer
from brainsim.simulate import backends
from brainsim.studies.folders import contents
from brainsim.studies.processes import Done, Failed, Watch, completed
from brainsim.studies.side_by_side import default_jobs
from brainsim.studies.stopping import Stop
from brainsim.studies.sweeping import rows
from brainsim.studies.sweeping.folder import TABLE, SweepFolder
from brainsim.studies.sweeping.plan import Plan, Trial
from brainsim.studies.sweeping.rows import Row
from brainsim.studies.sweeping.trials import Outcome


@dataclass(frozen=True)
class Sweep(Sequence[Row]):
    """The rows of a sweep, a mapping for each run; ``pandas.DataFrame(sweep)`` is a table of them.

    Attributes
    ----------
    rows : tuple of dict
        Parameters, ``seed``, ``status`` (``finished`` or ``failed``), ``error``, ``seconds``, the metrics, and
        ``folder`` if there are folders; in the order of the grid.
    folder : Path, optional
        The folder of the sweep.
    notes : mapping of str to int
        Notes for the user about the runs, and the number of runs to which each applies.
    """

    rows: tuple[Row, ...]
    folder: Path | None = None
    notes: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        return self.rows[at]

    def __repr__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        return f"<Sweep of {len(self)} runs{where}, {len(self.failed)} failed>"

    @property
    def failed(self) -> tuple[Row, ...]:
        """The rows of runs that ended with an error."""
        return tuple(row for row in self.rows if row["status"] == rows.FAILED)

    @property
    def table(self) -> Path | None:
        """The table in the folder."""
        return None if self.folder is None else self.folder / TABLE

    def to_csv(self, path: str | Path) -> None:
        """Write the rows as CSV, completely or not at all."""
        rows.write(path, self.rows)


class SweepWatch(Watch):
    """Events while a sweep runs; a subclass overrides the methods of those that it needs."""

    def begun(self, trials: Sequence[Trial], waiting: Sequence[int]) -> None:
        """Note all runs, and the places of those to do; calls are numbered among the latter."""

    def finished(self, index: int, row: Row) -> None:
        """Note the row of a finished run, which was among those to do or had been done before."""


def carry_out(
    plan: Plan,
    folder: SweepFolder | None,
    *,
    resume: bool = False,
    jobs: int | None = None,
    threads: int | None = None,
    dask: str | None = None,
    watch: SweepWatch | None = None,
    stop: Stop | None = None,
) -> Sweep:
    """Carry out the runs of a plan that a folder does not contain yet; see `sweep`."""
    jobs = None if jobs is None else integer("sweep.jobs", jobs, 1, None)
    threads = None if threads is None else integer("sweep.threads", threads, 1, None)
    trials = plan.trials(folder)
    work = _Work(plan, folder, trials, SweepWatch() if watch is None else watch)
    if folder is None:
        work.compute(jobs, threads, dask)
        return work.result()
    folder.begin(resume=resume and folder.path.is_dir() and bool(contents(folder.path)))
    status = "failed"
    try:
        if resume:
            work.read_done()
        work.compute(jobs, threads, dask)
        status = "finished"
    except KeyboardInterrupt:
        stop = stop or Stop()
        stop.caught()
        status = stop.status
        raise
    finally:
        folder.end(status, work.table())
    return work.result()


@dataclass
class _Work:
    """The runs of a sweep, and the rows of those that are done, by their places."""

    plan: Plan
    folder: SweepFolder | None
    trials: Sequence[Trial]
    watch: SweepWatch
    rows: dict[int, Row] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    def read_done(self) -> None:
        """Read the runs that are complete in the folder."""
        assert self.folder is not None
        for index, trial in enumerate(self.trials):
            assert trial.folder is not None
            metrics = self.folder.metrics(trial.folder, trial.settings)
            if metrics is not None:
                self.rows[index] = self._row(trial, metrics)

    def compute(self, jobs: int | None, threads: int | None, dask: str | None) -> None:
        """Carry out the remaining runs, the first seed of all conditions first."""
        waiting = sorted(set(range(len(self.trials))) - self.rows.keys(), key=self._turn)
        self.watch.begun(self.trials, waiting)
        for index in sorted(self.rows):
            self.watch.finished(index, self.rows[index])
        jobs = default_jobs(self.plan.settings.backend) if jobs is None else jobs
        share = threads if jobs == 1 or threads else max(1, backends.cores() // min(jobs, len(waiting) or 1))
        calls = [self.trials[index].call(self.plan.study, share) for index in waiting]
        with closing(_outcomes(calls, jobs, threads, dask, self.watch)) as outcomes:
            for outcome in outcomes:
                self._take(waiting[outcome.index], outcome)

    def _turn(self, index: int) -> tuple[int, int]:
        return index % len(self.plan.grid.seeds), index

    def _take(self, index: int, outcome: Done | Failed) -> None:
        trial = self.trials[index]
        if isinstance(outcome, Done):
            result: Outcome = outcome.result
            self.notes.update(result.notes)
            self.rows[index] = self._row(trial, result.metrics)
        else:
            self.rows[index] = rows.failed(trial.settings.parameters, trial.settings.seed, outcome.error, _name(trial))
        if self.folder is not None and trial.folder is not None:
            self.folder.write_error(trial.folder, outcome.error if isinstance(outcome, Failed) else None)
            self.folder.write_table(self.table)
        self.watch.finished(index, self.rows[index])

    @staticmethod
    def _row(trial: Trial, metrics: Mapping[str, Any]) -> Row:
        return rows.finished(trial.settings.parameters, trial.settings.seed, metrics, _name(trial))

    def table(self) -> tuple[Row, ...]:
        """Return the rows so far, in the order of the grid."""
        return tuple(self.rows[index] for index in sorted(self.rows))

    def result(self) -> Sweep:
        """Return the result of the sweep."""
        return Sweep(self.table(), None if self.folder is None else self.folder.path, dict(self.notes))


def _name(trial: Trial) -> str:
    return "" if trial.folder is None else f"runs/{trial.folder.name}"


def _outcomes(
    calls: Sequence[Any], jobs: int, threads: int | None, dask: str | None, watch: Watch
) -> Generator[Done | Failed]:
    if dask is None:
        return completed(calls, jobs, threads=threads, watch=watch)
    from brainsim.studies.processes.cluster import completed_by

    return completed_by(dask, calls, watch=watch)
