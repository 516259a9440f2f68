"""``brainsim report`` and ``brainsim view``: a page about a run, to keep or live."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|FILE")
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE", help="Write FILE; RUN_report.html by default.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.option("--firings", type=click.IntRange(1, 10_000_000), help="Most firings to draw; 200,000 by default.")
def report(run: Path, to: Path | None, overwrite: bool, firings: int | None) -> None:
    """Write one HTML page that shows a run.

    The page shows the brain, parameters, scores with controls and chance, learning curves, a raster to zoom and to
    scrub through, assemblies, overlaps, weights, memory and timings. It is one file and needs no network. For a state,
    a dump or a history it shows the content of the file. Where something was not recorded, the page says how to record
    it.

    \b
    Examples:
      brainsim report runs/noun_verb
      brainsim report runs/noun_verb --to noun_verb.html --overwrite
      brainsim report history.h5
    """  # noqa: D301 - click takes the character, not an escape
    from brainsim.studies.reporting import report as written

    made = written(run, to or Path(f"{run.resolve().stem}_report.html"), overwrite=overwrite, firings=firings)
    for fault in made.faults:
        click.echo(f"note: {fault}", err=True)
    click.echo(f"wrote {made.path} ({made.size / 1e6:.1f} MB)")


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|FILE")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any that is free.")
@click.option("--open/--no-open", "opened", default=False, help="Open the page in a browser.")
def view(run: Path, port: int, opened: bool) -> None:
    """Show a run in the browser while it is running.

    Serves the page of brainsim report to browsers on this machine, and updates it whenever the run writes something:
    finished parts, checkpoints, rounds of histories. Ctrl-C ends it, not the run.

    \b
    Examples:
      brainsim view runs/noun_verb
      brainsim view history.h5 --port 0
    """  # noqa: D301
    from brainsim.studies.reporting import view as serve

    def ready(address: str) -> None:
        click.echo(f"{address} shows {run}; Ctrl-C ends it")
        if opened:
            click.launch(address)

    serve(run, port, ready)
