"""``brainsim graph``: the brain that a Python file declares, as a picture or as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from brainsim.declare.brain import Brain

_PICTURES = (".svg", ".png", ".pdf")
_ENDINGS = (".txt", ".dot", *_PICTURES)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write .svg, .png, .pdf, .dot or .txt.")
@click.option("--brain", "name", help="The variable that holds the brain, or a function that returns it.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter of an experiment.")
@click.option("--quick", is_flag=True, help="Use the quick parameters of an experiment.")
def graph(file: Path, out: Path | None, name: str | None, settings: tuple[str, ...], quick: bool) -> None:
    """Draw the brain that a Python file declares.

    Without -o its areas and fibers are listed. The top level of FILE runs until it builds a simulator, whose brain is
    drawn; nothing is simulated. If it builds none, the brain is the variable of FILE that holds one, or that of the
    first simulator that the experiment in FILE builds (with --set and --quick as for brainsim run). With --brain the
    top level runs to its end, including simulations. Code under if __name__ == "__main__" does not run. The output of
    FILE goes to stderr.

    \b
    Examples:
      brainsim graph experiments/noun_verb.py
      brainsim graph my_brain.py -o my_brain.svg
      brainsim graph my_brain.py --brain build_brain -o - | dot -Tpdf -o brain.pdf
    """  # noqa: D301 - click takes the character, not an escape
    from brainsim.studies.inspecting import declared_brain, outline

    if out is not None and str(out) != "-" and out.suffix.lower() not in _ENDINGS:
        raise click.UsageError(f"-o {out}: must end in {', '.join(_ENDINGS)}, or be - for DOT on stdout")
    brain = declared_brain(file, name, settings=settings, quick=quick)
    if out is None:
        click.echo(outline(brain))
    elif str(out) == "-":
        click.echo(_dot(brain))
    else:
        _write(out, brain)
        click.echo(f"wrote {out}")


def _dot(brain: Brain) -> str:
    from brainsim.plots import brain_dot

    return brain_dot(brain)


def _write(out: Path, brain: Brain) -> None:
    from brainsim.cli.writing import written
    from brainsim.studies.inspecting import outline

    texts: dict[str, Callable[[Brain], str]] = {".txt": outline, ".dot": _dot}
    ending = out.suffix.lower()
    with written(out) as path:
        if ending in texts:
            path.write_text(texts[ending](brain) + "\n", encoding="utf-8")
        else:
            from matplotlib.figure import Figure

            from brainsim.plots import draw_brain

            figure = Figure(figsize=(6.0, 6.0), layout="constrained")
            draw_brain(brain, ax=figure.subplots())
            figure.savefig(path, dpi=150)
