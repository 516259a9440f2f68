"""Sweeps: one run for each combination of parameters and seed, side by side, and a table of their metrics."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from brainsim.errors import ExperimentError, FailedRunWarning
from brainsim.simulate import backends
from brainsim.studies import plan as plans
from brainsim.studies import rows
from brainsim.studies.experiment import Experiment
from brainsim.studies.folders import clear_run, contents, new_folder
from brainsim.studies.plan import Plan, Trial
from brainsim.studies.processes import Done, Failed, Watch, completed, default_jobs
from brainsim.studies.rows import Row
from brainsim.studies.stopping import Stop
from brainsim.studies.sweep_folder import HEADER, TABLE, SweepFolder
from brainsim.studies.trials import Outcome


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
        What the user ought to know of how the runs went, and of how many runs it is true.
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
        """Write the rows as CSV, whole or not at all."""
        rows.write(path, self.rows)


class SweepWatch(Watch):
    """What becomes known while a sweep runs; a subclass overrides what it wants to know."""

    def begun(self, trials: Sequence[Trial], waiting: Sequence[int]) -> None:
        """Take note of all runs and of the places of those that are still to do; calls are counted among the latter."""

    def finished(self, index: int, row: Row) -> None:
        """Take note of the row of a run, which was among those to do or had been done before."""


def sweep(
    study: Callable[..., Any] | Experiment | str | Path,
    grid: Mapping[str, Sequence[Any]],
    seeds: int | Sequence[int] = 1,
    *,
    jobs: int | None = None,
    threads: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    quick: bool = False,
    backend: str = "auto",
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    dask: str | None = None,
) -> Sweep:
    """Run a function or an experiment for each combination of values and seeds, in several processes.

    A run that fails is a row with its error, and a warning says so at the end.  A worker process that dies costs its
    run another try, and three deaths make the run fail.

    Parameters
    ----------
    study : callable, Experiment or path
        A function that takes the parameters and ``seed`` by keyword and returns a number or a mapping of metrics, or
        an experiment, or the path of an experiment file.
    grid : mapping of str to sequence
        The values of each parameter that is swept.
    seeds : int or sequence of int
        How many seeds each combination has, from 0 on, or which ones.
    jobs : int, optional
        How many processes; by default one a core, or one if the runs use a GPU.  With 1 everything runs in this
        process.
    threads : int, optional
        Threads of each process; by default the cores are shared among the processes.
    parameters : mapping, optional
        Parameters that are the same in all runs.
    quick : bool
        Whether an experiment runs in its small version.
    backend : str
        The backend of an experiment's runs.
    out : path, optional
        The folder of the sweep, where each run has its folder and ``sweep.csv`` grows.  By default
        ``runs/<name>-sweep`` for an experiment, and none for a function, which then leaves nothing behind.
    resume : bool
        Whether to continue a sweep in ``out``; runs that are whole are not repeated, failed ones are.  If there is
        nothing in ``out``, the sweep begins.
    overwrite : bool
        Whether to delete the sweep in ``out`` first.
    dask : str, optional
        Address of the scheduler of a Dask cluster that carries out the runs.

    Returns
    -------
    Sweep
        A row for each run.

    Raises
    ------
    ExperimentError
        If the study cannot be used, the grid does not suit it, or there is no run.
    RunFolderError
        If the folder cannot be used, or holds another sweep than the one to continue.
    WorkerError
        If processes cannot be started, or the cluster cannot be reached.

    Examples
    --------
    >>> from brainsim.studies import sweep
    >>> def chance(*, n, k, seed):
    ...     return {"overlap": k / n, "seed_was": seed}
    >>> found = sweep(chance, {"n": [100, 200], "k": [10]}, seeds=2, jobs=1)
    >>> [(row["n"], row["seed"], row["overlap"]) for row in found]
    [(100, 0, 0.1), (100, 1, 0.1), (200, 0, 0.05), (200, 1, 0.05)]
    """
    plan = plans.of_study(study, grid, seeds, parameters, quick=quick, backend=backend)
    folder = _folder(plan, out, resume=resume, overwrite=overwrite)
    found = carry_out(plan, folder, resume=resume, jobs=jobs, threads=threads, dask=dask)
    if found.failed:
        count = f"{len(found.failed)} of {len(found)} runs"
        warnings.warn(f"{count} failed, the first by {found.failed[0]['error']}", FailedRunWarning, stacklevel=2)
    return found


def _folder(plan: Plan, out: str | Path | None, *, resume: bool, overwrite: bool) -> SweepFolder | None:
    if out is None and (resume or overwrite):
        raise ExperimentError(f"sweep: {'resume' if resume else 'overwrite'}=True needs out, the folder of the sweep")
    if resume and overwrite:
        raise ExperimentError("sweep: resume continues a sweep and overwrite deletes it; give one of them")
    if out is None and not isinstance(plan.study, Experiment):
        return None
    path = new_folder(f"{plan.study.name}-sweep") if out is None else Path(out)
    if overwrite:
        clear_run(path, HEADER, "sweep")
    return SweepFolder(path, plan.settings, plan.grid)


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
    """Carry out the runs of a plan that a folder does not hold yet; see `sweep`."""
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
        status = (stop or Stop()).status
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
        """Take over the runs that the folder holds whole."""
        assert self.folder is not None
        for index, trial in enumerate(self.trials):
            assert trial.folder is not None
            metrics = self.folder.metrics(trial.folder, trial.settings)
            if metrics is not None:
                self.rows[index] = self._row(trial, metrics)

    def compute(self, jobs: int | None, threads: int | None, dask: str | None) -> None:
        """Carry out the others, the first seed of all conditions first."""
        waiting = sorted(set(range(len(self.trials))) - self.rows.keys(), key=self._turn)
        self.watch.begun(self.trials, waiting)
        for index in sorted(self.rows):
            self.watch.finished(index, self.rows[index])
        if jobs is None:
            jobs = 1 if backends.resolve(self.plan.settings.backend) == "gpu" else default_jobs()
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
        if self.folder is not None:
            self.folder.write_table(self.table)
        self.watch.finished(index, self.rows[index])

    @staticmethod
    def _row(trial: Trial, metrics: Mapping[str, Any]) -> Row:
        return rows.finished(trial.settings.parameters, trial.settings.seed, metrics, _name(trial))

    def table(self) -> tuple[Row, ...]:
        """Return the rows so far, in the order of the grid."""
        return tuple(self.rows[index] for index in sorted(self.rows))

    def result(self) -> Sweep:
        """Return what the sweep found."""
        return Sweep(self.table(), None if self.folder is None else self.folder.path, dict(self.notes))


def _name(trial: Trial) -> str:
    return "" if trial.folder is None else f"runs/{trial.folder.name}"


def _outcomes(
    calls: Sequence[Any], jobs: int, threads: int | None, dask: str | None, watch: Watch
) -> Generator[Done | Failed]:
    if dask is None:
        return completed(calls, jobs, threads=threads, watch=watch)
    from brainsim.studies.cluster import completed_by

    return completed_by(dask, calls, watch=watch)
