"""``brainsim run``: runs an experiment, or continues one, and leaves a run folder."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainsim.cli.parameters import WithParameters
from brainsim.cli.summary import summary
from brainsim.simulate.company import leave_to_first
from brainsim.simulate.usage import collected
from brainsim.studies.experiment import Experiment, load_experiment

if TYPE_CHECKING:
    from brainsim.studies.run import Run
    from brainsim.studies.settings import Settings
    from brainsim.studies.stopping import Stop


@click.command(cls=WithParameters)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter; may be repeated.")
@click.option("--seed", type=click.IntRange(0, 2**62), help="Seed of all random numbers; 0 by default.")
@click.option("--backend", default="auto", show_default=True, help="auto, cpu, gpu or reference.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads of each process; by default its share of the cores."
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes for the parts of the run; one per core by default.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/<name> by default.")
@click.option("--quick", is_flag=True, help="A small version that takes seconds.")
@click.option("--resume", is_flag=True, help="Continue an interrupted run in --out, with its settings.")
@click.option("--overwrite", is_flag=True, help="Delete the run in --out first.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
def run(file: Path | None, as_json: bool, resume: bool, overwrite: bool, **options: Any) -> None:
    """Run an experiment and leave a run folder.

    FILE is a Python file with an experiment; `brainsim run FILE --help` also describes its parameters. The folder gets
    metrics, dumps and pictures. With --resume, FILE and all settings may be left out; they are taken from the run in
    --out.

    \b
    Examples:
      brainsim run experiments/noun_verb.py --quick
      brainsim run experiments/noun_verb.py --set n=50000 --seed 3 --out run3
      brainsim run --resume --out run3
    """  # noqa: D301 - click takes the character, not an escape
    from brainsim.simulate import backends
    from brainsim.studies.together import company, own_folder

    out = options["out"]
    if out is None and (resume or overwrite):
        raise click.UsageError(f"--{'resume' if resume else 'overwrite'} needs --out, the folder of the run")
    if resume and overwrite:
        raise click.UsageError("--resume continues a run and --overwrite deletes it; give one of them")
    backends.resolve(options["backend"])
    ranks = company()
    if ranks is None:
        _run(file, as_json, resume, overwrite, options)
        return
    options["jobs"] = 1
    if ranks.rank:
        options["of_first"] = "its folder" if out is None else shlex.quote(str(out))
    with own_folder(ranks, out, copies=resume) as options["out"]:
        _run(file, as_json, resume, overwrite and ranks.rank == 0, options)
    sent = ranks.traffic
    if sent.rounds and ranks.rank == 0:
        per_round, apart = sent.nbytes / sent.rounds, 1e6 * sent.seconds / sent.rounds
        click.echo(
            f"{ranks.size} ranks: each sent {per_round:_.0f} bytes a round to each other, and spent {apart:_.0f} us a "
            f"round in the exchange, waiting included ({sent.rounds:_} rounds)",
            err=True,
        )


def _run(file: Path | None, as_json: bool, resume: bool, overwrite: bool, options: dict[str, Any]) -> None:
    """Run or continue an experiment in a folder."""
    from brainsim.studies.folders import clear_run, new_folder
    from brainsim.studies.run import Run
    from brainsim.studies.stopping import stoppable

    out = options["out"]
    experiment, settings = _resumed(file, out, options) if resume else _chosen(file, options)
    if overwrite:
        clear_run(out)
    this = Run(out or new_folder(experiment.name), settings, made_folder=out is None)
    this.begin(resume=resume)
    with stoppable() as stop:
        metrics = _carry_out(experiment, this, stop, options.get("of_first"))
    click.echo(json.dumps(metrics, indent=2) if as_json else summary(metrics))
    click.echo(f"wrote {this.folder}", err=as_json)


def _chosen(file: Path | None, options: dict[str, Any]) -> tuple[Experiment, Settings]:
    """Return the experiment in a file, and the settings of a new run of it."""
    if file is None:
        raise click.UsageError("needs FILE, the path of an experiment, e.g. experiments/noun_verb.py")
    experiment = load_experiment(file)
    parameters = experiment.parameters(options["settings"], quick=options["quick"])
    return experiment, _settings(file, options["seed"] or 0, options["quick"], parameters, options)


def _resumed(file: Path | None, out: Path, options: dict[str, Any]) -> tuple[Experiment, Settings]:
    """Return the experiment and the settings of the run in a folder, except those that are given."""
    from brainsim.studies.settings import read_header

    header = read_header(out)
    file = file or Path(header["experiment"])
    experiment = load_experiment(file)
    quick = options["quick"] or header["quick"]
    parameters = experiment.resumed(options["settings"], header["parameters"], quick=quick)
    seed = header["seed"] if options["seed"] is None else options["seed"]
    return experiment, _settings(file, seed, quick, parameters, options)


def _settings(file: Path, seed: int, quick: bool, parameters: dict[str, Any], options: dict[str, Any]) -> Settings:
    from brainsim.studies.settings import Settings
    from brainsim.studies.side_by_side import default_jobs

    jobs = options["jobs"] or default_jobs(options["backend"])
    machine = {"backend": options["backend"], "threads": options["threads"], "jobs": jobs}
    return Settings.of_file(file, seed=seed, quick=quick, parameters=parameters, **machine)


def _carry_out(experiment: Experiment, this: Run, stop: Stop, of_first: str | None) -> dict[str, Any]:
    """Return the metrics of a run; on all ranks but the first, ``of_first`` is the folder to continue from."""
    try:
        with collected() as usage:
            metrics: dict[str, Any] = this.finish(experiment(this, **this.settings.parameters))
    except KeyboardInterrupt:
        stop.caught()
        kept = this.abandon(stop.status)
        leave_to_first()  # which says what it kept, and ends this rank, unless it waits for this one in a round
        again = f"continue with: brainsim run --resume --out {of_first or shlex.quote(str(this.folder))}"
        click.echo(f"Error: {stop.status}; {again if kept or of_first else 'nothing was kept'}", err=True)
        raise click.exceptions.Exit(stop.exit_code) from None
    except Exception:
        this.abandon("failed")
        raise
    if usage.unused:
        click.echo("note: " + "; ".join(usage.unused), err=True)
    for note in this.notes:
        click.echo(f"note: {note}", err=True)
    return metrics
