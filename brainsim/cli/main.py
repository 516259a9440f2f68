"""The command line.

Exit codes: 0 done; 1 failed; 2 wrong usage or bad input, with one line that says what to do; 130 interrupted by
Ctrl-C; 143 ended by SIGTERM or SIGHUP.
"""

from __future__ import annotations

import io
import sys

import click

from brainsim._version import __version__
from brainsim.bench.command import bench
from brainsim.cli.about import info, parameters
from brainsim.cli.feel import feel
from brainsim.cli.files import check, diff, show
from brainsim.cli.graph import graph
from brainsim.cli.lm import lm
from brainsim.cli.parse import parse
from brainsim.cli.plot import plot
from brainsim.cli.report import report, view
from brainsim.cli.run import run
from brainsim.cli.sweep import sweep
from brainsim.errors import BackendMemoryError, BrainsimError, SimulationError, UnwrittenError, WorkerError
from brainsim.simulate.company import end, leave_to_first
from brainsim.studies.stopping import keep_exit_code

_FAILURES = (BackendMemoryError, SimulationError, UnwrittenError, WorkerError)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="brainsim")
def cli() -> None:
    """Simulate brains made of areas and assemblies: exactly, reproducibly, fast.

    Run an experiment, then look at its results.

    \b
    Examples:
      brainsim run experiments/noun_verb.py --quick
      brainsim show runs/noun_verb
      brainsim plot runs/noun_verb/assemblies.h5
      brainsim report runs/noun_verb
    """  # noqa: D301 - click takes the character, not an escape


for _command in (run, sweep, parameters, check, show, diff, plot, graph, report, view, feel, lm, parse, info, bench):
    cli.add_command(_command)


def main() -> None:
    """Entry point: turn errors into one line and an exit code."""
    _escape_letters()
    try:
        _carry_out()
    except SystemExit as leaving:
        if leaving.code:
            end(leaving.code if isinstance(leaving.code, int) else 1)  # or ranks would wait for this one
        raise


def _carry_out() -> None:
    try:
        sys.exit(cli.main(standalone_mode=False, prog_name="brainsim"))
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        leave_to_first()
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrainsimError as error:
        leave_to_first()
        click.echo(f"brainsim: {error}", err=True)
        sys.exit(1 if isinstance(error, _FAILURES) else 2)
    finally:
        keep_exit_code()


def _escape_letters() -> None:
    """Show letters that a terminal does not have as escapes, so that a word cannot end a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
