"""``brainsim check``, ``show`` and ``diff``: check files, show their content, compare two."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.command()
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE|FOLDER...")
@_JSON
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check files for damage.

    Takes states, dumps, histories and run folders. Reads each file to its end and changes nothing. For recordings and
    histories it prints how many rounds are intact; for a run folder, the state of each file and of the run, and the
    command that continues it.

    Exit code: 0 if everything is intact or unfinished; 1 if something is damaged; 2 if a file was not written by
    brainsim, or does not exist.

    \b
    Examples:
      brainsim check runs/noun_verb
      brainsim check state.h5 history.h5
    """  # noqa: D301 - click takes the character, not an escape
    from brainsim.studies.inspecting import check, text

    found = [check(path) for path in paths]
    _print([asdict(each) for each in found] if as_json else [text(each) for each in found], as_json)
    conditions = {each.condition for each in found}
    raise click.exceptions.Exit(1 if "damaged" in conditions else 2 if "unknown" in conditions else 0)


@click.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE|FOLDER")
@_JSON
def show(path: Path, as_json: bool) -> None:
    """Show the content of a file or run folder.

    For a state: the brain, the seed, the number of rounds, and what each area and fiber has learned. For a dump or a
    history: assemblies, and recordings with their rounds, areas and marks. For a run folder: command, parameters and
    metrics. The Python code of the brain is not needed.

    \b
    Examples:
      brainsim show state.h5
      brainsim show runs/noun_verb/assemblies.h5
      brainsim show runs/noun_verb --json
    """  # noqa: D301
    from brainsim.cli.summary import summary
    from brainsim.studies.inspecting import ShownRun, show, text
    from brainsim.studies.metrics import ADDED

    found = show(path)
    if as_json:
        _print(asdict(found), as_json)
        return
    click.echo(text(found))
    if isinstance(found, ShownRun) and found.metrics is not None:
        own = {name: value for name, value in found.metrics.items() if name not in ADDED}
        click.echo("\n".join(["metrics", *(f"  {line}" for line in summary(own).splitlines())]))


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@_JSON
def diff(a: Path, b: Path, as_json: bool) -> None:
    """Show where two files or run folders differ.

    A and B are two states, two dumps or histories, or two run folders. For recordings, it prints the first round, area
    and neuron that differ. For states: seed, brain, and the first entry of each kind of state that differs, with both
    values. For run folders: settings, metrics and dumps; times and memory do not count.

    Exit code: 0 if they are equal, 1 if they differ, 2 if they cannot be compared.

    \b
    Examples:
      brainsim diff state_cpu.h5 state_gpu.h5
      brainsim diff runs/noun_verb runs/noun_verb-2
    """  # noqa: D301
    from brainsim.studies.inspecting import diff, text

    found = diff(a, b)
    _print({**asdict(found), "equal": found.equal} if as_json else [text(found)], as_json)
    raise click.exceptions.Exit(0 if found.equal else 1)


def _print(content: Any, as_json: bool) -> None:
    click.echo(json.dumps(content, indent=2, default=_plain) if as_json else "\n".join(content))


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
