"""The parameters of an experiment, as the command line shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from brainsim.studies.experiment import Experiment, load_experiment


def described(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Yield a line for each parameter (type or choices, default, quick value), and its meaning."""
    meanings = experiment.help
    for name, kind in experiment.types.items():
        quick = f"   (--quick: {experiment.quick[name]})" if name in experiment.quick else ""
        shown = " or ".join(experiment.choices.get(name, (kind.__name__,)))
        yield f"{name}: {shown} = {experiment.defaults[name]!r}{quick}", meanings.get(name, "")


class WithParameters(click.Command):
    """A command whose ``--help`` also describes the parameters of an experiment among its arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments, which ``--help`` would discard."""
        ctx.meta[__name__] = list(args)
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the parameters of the experiment in the first Python file among the arguments."""
        super().format_epilog(ctx, formatter)
        file = next((arg for arg in ctx.meta.get(__name__, ()) if arg.endswith(".py") and Path(arg).is_file()), None)
        if file is None:
            return
        try:
            rows = list(described(load_experiment(file)))
        except (
            Exception
        ) as error:  # the file is a program, which may fail in any way; the options are shown all the same
            rows = [(f"{type(error).__name__}: {error}", "")]
        with formatter.section(f"Parameters of {file}, for --set"):
            for line, meaning in rows:
                formatter.write_text(line)
                with formatter.indentation():
                    formatter.write_text(meaning)
