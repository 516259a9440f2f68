"""``brainsim parameters`` and ``brainsim info``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from brainsim.cli.parameters import described
from brainsim.studies.experiment import load_experiment


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def parameters(file: Path) -> None:
    """List the parameters of an experiment.

    For each parameter of the experiment in FILE: type, default, quick value and meaning.

    \b
    Example:
      brainsim parameters experiments/noun_verb.py
    """  # noqa: D301 - click takes the character, not an escape
    for line, meaning in described(load_experiment(file)):
        click.echo(line)
        if meaning:
            click.echo(f"    {meaning}")


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
