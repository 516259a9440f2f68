"""``brainsim sweep``: runs an experiment for each combination of parameters and seed, and leaves one table."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainsim.cli.parameters import WithParameters
from brainsim.errors import RunFolderError
from brainsim.simulate.usage import collected
from brainsim.studies.experiment import load_experiment

if TYPE_CHECKING:
    from brainsim.studies.stopping import Stop
    from brainsim.studies.sweeping.plan import Plan
    from brainsim.studies.sweeping.work import Sweep


@click.command(cls=WithParameters)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--grid",
    multiple=True,
    metavar="NAME=VALUE,VALUE",
    help="Values of a parameter, or START:STOP:COUNT, or START:STOP:logCOUNT; repeatable.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter for all runs; repeatable."
)
@click.option("--seeds", type=int, help="Seeds of each combination; 1 by default.")
@click.option("--seed", type=click.IntRange(0, 2**62), help="The first seed; 0 by default.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; one per core by default.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of each process; its share of the cores.")
@click.option("--backend", default="auto", show_default=True, help="auto, cpu, gpu or reference.")
@click.option("--dask", metavar="ADDRESS", help="Run on the Dask cluster of this scheduler, e.g. tcp://host:8786.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the sweep; runs/<name>-sweep by default.")
@click.option("--quick", is_flag=True, help="Run the small version of the experiment.")
@click.option("--resume", is_flag=True, help="Continue the sweep in --out, with its settings.")
@click.option("--overwrite", is_flag=True, help="Delete the sweep in --out first.")
def sweep(file: Path | None, resume: bool, overwrite: bool, **options: Any) -> None:
    """Run the experiment in FILE for each combination of values and seeds, side by side.

    The folder holds sweep.csv, a row per run, and a run folder for each run.  With --resume, FILE and all settings may
    be left out; they are taken from the sweep in --out.

    \b
    Examples:
      brainsim sweep experiments/association.py --quick --grid beta=.05,.1 --set seeds=1 --seeds 3
      brainsim sweep experiments/association.py --grid n=1e4:1e6:log5 --set seeds=1 --out runs/size
      brainsim sweep --resume --out runs/size
    """  # noqa: D301 - click takes the character, not an escape
    from brainsim.simulate import backends
    from brainsim.studies.folders import clear_run, new_folder
    from brainsim.studies.stopping import stoppable
    from brainsim.studies.sweeping.folder import HEADER, SweepFolder
    from brainsim.studies.together import refuse_mpi

    out = options["out"]
    if out is None and (resume or overwrite):
        raise click.UsageError(f"--{'resume' if resume else 'overwrite'} needs --out, the folder of the sweep")
    if resume and overwrite:
        raise click.UsageError("--resume continues a sweep and --overwrite deletes it; give one of them")
    refuse_mpi("sweep")
    backends.resolve(options["backend"])
    plan = _resumed(file, out, options) if resume else _chosen(file, options)
    plan.trials(None)  # refuses files that cannot be read before a folder is made
    if overwrite:
        clear_run(out, HEADER, "sweep")
    path = out or new_folder(f"{plan.study.name}-sweep")
    folder = SweepFolder(path, plan.settings, plan.grid, shlex.join(["brainsim", *sys.argv[1:]]))
    with stoppable() as stop:
        found = _carry_out(plan, folder, stop, resume, options)
    _report(found)


def _chosen(file: Path | None, options: dict[str, Any]) -> Plan:
    """Return the plan of a new sweep."""
    from brainsim.studies.sweeping import grid as grids
    from brainsim.studies.sweeping import plan as plans

    if file is None:
        raise click.UsageError("needs FILE, the path of an experiment, e.g. experiments/noun_verb.py")
    experiment = load_experiment(file)
    values = grids.of_texts(options["grid"], experiment, options["settings"])
    seeds = grids.of_seeds(1 if options["seeds"] is None else options["seeds"], options["seed"] or 0)
    parameters = experiment.parameters(options["settings"], quick=options["quick"])
    return plans.of_parameters(
        file, experiment, grids.Grid(values, seeds), parameters, quick=options["quick"], backend=options["backend"]
    )


def _resumed(file: Path | None, out: Path, options: dict[str, Any]) -> Plan:
    """Return the plan of the sweep in a folder, except what is given; a grid may have more values than before."""
    from brainsim.studies.sweeping import grid as grids
    from brainsim.studies.sweeping import plan as plans
    from brainsim.studies.sweeping.folder import OF_FUNCTION, of_function, read

    header = read(out)
    if of_function(header):
        raise RunFolderError(f"--out {out}: {OF_FUNCTION}")
    file = file or Path(header["experiment"])
    experiment = load_experiment(file)
    quick = options["quick"] or header["quick"]
    given = grids.of_texts(options["grid"], experiment, options["settings"])
    had = {name: grids.of_values({name: values}, experiment, ())[name] for name, values in header["grid"].items()}
    first = header["seed"] if options["seed"] is None else options["seed"]
    seeds = header["seeds"] if options["seeds"] is None else grids.of_seeds(options["seeds"], first)
    parameters = experiment.resumed(options["settings"], header["parameters"], quick=quick)
    grid = grids.Grid({**had, **given}, tuple(seeds))
    return plans.of_parameters(file, experiment, grid, parameters, quick=quick, backend=options["backend"])


def _carry_out(plan: Plan, folder: Any, stop: Stop, resume: bool, options: dict[str, Any]) -> Sweep:
    from brainsim.cli.live import shown
    from brainsim.studies.sweeping.work import carry_out

    how = {name: options[name] for name in ("jobs", "threads", "dask")}
    try:
        with collected() as usage, shown(plan) as watch:
            found = carry_out(plan, folder, resume=resume, watch=watch, stop=stop, **how)
    except KeyboardInterrupt:
        again = f"brainsim sweep --resume --out {shlex.quote(str(folder.path))}"
        click.echo(f"Error: {stop.status}; continue with: {again}", err=True)
        raise click.exceptions.Exit(stop.exit_code) from None
    if usage.unused:
        click.echo("note: " + "; ".join(usage.unused), err=True)
    return found


def _report(found: Sweep) -> None:
    """Print notes, the results of the runs, and the path of the table; exit with 1 if a run failed."""
    from brainsim.studies.inspecting.table import counted

    for note, count in found.notes.items():
        click.echo(f"note: {note}" + (f" ({count} runs)" if count > 1 else ""), err=True)
    click.echo(f"{counted(len(found), 'run')}, {len(found) - len(found.failed)} finished, {len(found.failed)} failed")
    click.echo(f"wrote {found.table}")
    if found.failed:
        failed = f"{len(found.failed)} of {len(found)} runs failed"
        again = f"try them again with: brainsim sweep --resume --out {shlex.quote(str(found.folder))}"
        click.echo(f"Error: {failed}, the first by {found.failed[0]['error']}; {again}", err=True)
        raise click.exceptions.Exit(1)
