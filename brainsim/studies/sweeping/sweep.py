"""Sweeps: one run for each combination of parameters and seed, side by side, and a table of their metrics."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from brainsim._arguments import checked
from brainsim.errors import ExperimentError, FailedRunWarning
from brainsim.studies.experiment import Experiment
from brainsim.studies.folders import clear_run, new_folder
from brainsim.studies.sweeping import plan as plans
from brainsim.studies.sweeping.folder import HEADER, SweepFolder
from brainsim.studies.sweeping.plan import Plan
from brainsim.studies.sweeping.work import Sweep, carry_out

__all__ = ["Sweep", "sweep"]


@checked("study", "grid", "seeds")
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

    A failed run becomes a row with its error, and a warning at the end.  If a worker process dies, its run is tried
    again; after three deaths the run fails.

    Parameters
    ----------
    study : callable, Experiment or path
        A function that takes the parameters and ``seed`` by keyword and returns a number or a mapping of metrics, or
        an experiment, or the path of an experiment file.
    grid : mapping of str to sequence
        The values of each parameter that is swept.
    seeds : int or sequence of int
        Number of seeds of each combination, starting at 0, or a list of seeds.
    jobs : int, optional
        Number of processes; by default one for each core, or 1 if the runs use a GPU.  With 1 everything runs in this
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
        The folder of the sweep, with a folder for each run and the table ``sweep.csv``.  By default
        ``runs/<name>-sweep`` for an experiment; none for a function, whose sweep then writes no files.
    resume : bool
        Whether to continue a sweep in ``out``: complete runs are not repeated, failed ones are.  If ``out`` is empty,
        the sweep begins.
    overwrite : bool
        Whether to delete the sweep in ``out`` first.
    dask : str, optional
        Address of the scheduler of a Dask cluster on which the runs are carried out.

    Returns
    -------
    Sweep
        A row for each run.

    Raises
    ------
    ExperimentError
        If the study cannot be used, the grid does not fit it, or there is no run.
    RunFolderError
        If the folder cannot be used, or contains another sweep than the one to continue.
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
        warnings.warn(f"{count} failed, the first by {found.failed[0]['error']}", FailedRunWarning, stacklevel=3)
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
