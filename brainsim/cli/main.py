"""The command line: ``brainsim run``, ``brainsim parameters``, ``brainsim info``, ``brainsim bench``.

Exit codes: 0 done; 1 failed; 2 wrong usage or bad input, with one line that says what to do; 130 interrupted by
Ctrl-C; 143 ended by SIGTERM or SIGHUP.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainsim._version import __version__
from brainsim.bench.command import bench
from brainsim.errors import BackendMemoryError, BrainsimError, SimulationError
from brainsim.simulate.usage import collected
from brainsim.studies.experiment import Experiment, load_experiment

if TYPE_CHECKING:
    from brainsim.studies.run import Run
    from brainsim.studies.settings import Settings
    from brainsim.studies.stopping import Stop

_FAILURES = (BackendMemoryError, SimulationError)
_NOT_SHOWN = (
    "parameters",
    "published",
    "lazy",
    "intervals_95",
    "by_p",
    "by_size",
    "by_rounds",
)  # metrics.json has them


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="brainsim")
def cli() -> None:
    """Simulate brains made of areas and assemblies: exactly, reproducibly, fast."""


cli.add_command(bench)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter; may be repeated.")
@click.option("--seed", type=click.IntRange(0, 2**62), help="Seed of everything random; 0 by default.")
@click.option("--backend", default="auto", show_default=True, help="auto, cpu, gpu or reference.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads; all cores by default.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/<name> by default.")
@click.option("--quick", is_flag=True, help="A small version that takes seconds.")
@click.option("--resume", is_flag=True, help="Continue an interrupted run in --out, with its settings.")
@click.option("--overwrite", is_flag=True, help="Delete the run in --out first.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
def run(file: Path | None, as_json: bool, resume: bool, overwrite: bool, **options: Any) -> None:
    """Run the experiment in FILE and leave metrics, dumps and pictures in a folder.

    With --resume, FILE and all settings may be left out: they are those of the run in --out.
    """
    from brainsim.simulate import backends
    from brainsim.studies.folders import clear_run, new_folder
    from brainsim.studies.run import Run
    from brainsim.studies.stopping import stoppable

    out = options["out"]
    if out is None and (resume or overwrite):
        raise click.UsageError(f"--{'resume' if resume else 'overwrite'} needs --out, the folder of the run")
    if resume and overwrite:
        raise click.UsageError("--resume continues a run and --overwrite deletes it; give one of them")
    backends.resolve(options["backend"])
    experiment, settings = _resumed(file, out, options) if resume else _chosen(file, options)
    if overwrite:
        clear_run(out)
    this = Run(out or new_folder(experiment.name), settings, made_folder=out is None)
    this.begin(resume=resume)
    with stoppable() as stop:
        metrics = _carry_out(experiment, this, stop)
    click.echo(json.dumps(metrics, indent=2) if as_json else _summary(metrics))
    click.echo(f"wrote {this.folder}", err=as_json)


def _chosen(file: Path | None, options: dict[str, Any]) -> tuple[Experiment, Settings]:
    """Return the experiment in a file, and the settings of a new run of it."""
    if file is None:
        raise click.UsageError("needs FILE, the path of an experiment, e.g. experiments/noun_verb.py")
    experiment = load_experiment(file)
    parameters = experiment.parameters(options["settings"], quick=options["quick"])
    return experiment, _settings(file, options["seed"] or 0, options["quick"], parameters, options)


def _resumed(file: Path | None, out: Path, options: dict[str, Any]) -> tuple[Experiment, Settings]:
    """Return the experiment and the settings of the run in a folder, but for those that are given."""
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

    machine = {"backend": options["backend"], "threads": options["threads"]}
    return Settings.of_file(file, seed=seed, quick=quick, parameters=parameters, **machine)


def _carry_out(experiment: Experiment, this: Run, stop: Stop) -> dict[str, Any]:
    try:
        with collected() as usage:
            metrics: dict[str, Any] = this.finish(experiment(this, **this.settings.parameters))
    except KeyboardInterrupt:
        kept = this.abandon(stop.status)
        again = f"continue with: brainsim run --resume --out {shlex.quote(str(this.folder))}"
        click.echo(f"Error: {stop.status}; {again if kept else 'nothing was kept'}", err=True)
        raise click.exceptions.Exit(stop.exit_code) from None
    except Exception:
        this.abandon("failed")
        raise
    if usage.unused:
        click.echo("note: " + "; ".join(usage.unused), err=True)
    for note in this.notes:
        click.echo(f"note: {note}", err=True)
    return metrics


def _summary(metrics: dict[str, Any]) -> str:
    """Return the scores as lines, with the chance level and the controls beside them."""
    lines: list[tuple[str, str]] = []
    for name, value in metrics.items():
        if value is None and "interval" in name:  # of one seed
            continue
        if value is None or isinstance(value, int | float | str):
            lines.append((name, _shown(value)))
        elif name == "chance" and isinstance(value, dict):
            lines.append((name, ", ".join(f"{measure} {_shown(level)}" for measure, level in value.items())))
        elif name == "controls" and isinstance(value, dict):
            for control, scores in value.items():
                lines += [(f"control {control}", text) for text in _numbers(scores)]
        elif isinstance(value, dict) and name not in _NOT_SHOWN:
            lines += [(name, text) for text in _numbers(value)]
    width = max((len(name) for name, _ in lines), default=0)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines)


def _numbers(scores: Any) -> list[str]:
    """Return the numbers among some scores as a line, and those one level below as lines of their own."""
    if not isinstance(scores, dict):
        return [_shown(scores)] if isinstance(scores, int | float) else []
    own = {measure: score for measure, score in scores.items() if isinstance(score, int | float)}
    lines = [", ".join(f"{measure} {_shown(score)}" for measure, score in own.items())] if own else []
    for measure, score in scores.items():
        if isinstance(score, dict) and score and all(isinstance(number, int | float) for number in score.values()):
            lines.append(f"{measure}: " + ", ".join(f"{setting} {_shown(each)}" for setting, each in score.items()))
    return lines


def _shown(value: Any) -> str:
    return "not reached" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def parameters(file: Path) -> None:
    """List the parameters of the experiment in FILE, with their types, defaults and quick values."""
    experiment = load_experiment(file)
    for name, kind in experiment.types.items():
        quick = f"   (--quick: {experiment.quick[name]})" if name in experiment.quick else ""
        click.echo(f"{name}: {kind.__name__} = {experiment.defaults[name]!r}{quick}")


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def info(as_json: bool) -> None:
    """Show versions, the machine, and which backends work here."""
    from brainsim.studies.info import describe

    about = describe()
    if as_json:
        click.echo(json.dumps(about, indent=2))
        return
    click.echo("  ".join(f"{name} {version}" for name, version in about["versions"].items()))
    click.echo(f"{about['machine']['platform']}, {about['machine']['cores']} cores")
    for name, reason in about["backends"].items():
        works = f"does not run here: {reason}" if reason else "works"
        click.echo(f"backend {name}: {works}" + (" (auto)" if name == about["auto"] else ""))
    if about["gpu"]:
        click.echo("gpu: " + "  ".join(f"{name} {version}" for name, version in about["gpu"].items()))


def main() -> None:
    """Entry point: turn errors into one line and an exit code."""
    try:
        sys.exit(cli.main(standalone_mode=False, prog_name="brainsim"))
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrainsimError as error:
        click.echo(f"brainsim: {error}", err=True)
        sys.exit(1 if isinstance(error, _FAILURES) else 2)
