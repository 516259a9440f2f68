"""``brainsim parameters`` and ``brainsim info``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from brainsim.studies.experiment import load_experiment


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def parameters(file: Path) -> None:
    """List the parameters of an experiment.

    For each parameter of the experiment in FILE: type, default, quick value, and what it means.

    \b
    Example:
      brainsim parameters experiments/noun_verb.py
    """  # noqa: D301 - click takes the character, not an escape
    experiment = load_experiment(file)
    meanings = experiment.help
    for name, kind in experiment.types.items():
        quick = f"   (--quick: {experiment.quick[name]})" if name in experiment.quick else ""
        shown = " or ".join(experiment.choices.get(name, (kind.__name__,)))
        click.echo(f"{name}: {shown} = {experiment.defaults[name]!r}{quick}")
        if name in meanings:
            click.echo(f"    {meanings[name]}")


@click.command()
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
