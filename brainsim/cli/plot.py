"""``brainsim plot``: a picture of a state, a dump or a history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_ENDINGS = (".png", ".svg", ".pdf")
_KINDS = ("raster", "overlaps", "convergence", "weights")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Write .png, .svg or .pdf; FILE_KIND.png by default."
)
@click.option("--kind", type=click.Choice(_KINDS), help="What to draw.")
@click.option("--area", "areas", multiple=True, metavar="AREA", help="Draw this area alone; may be repeated.")
@click.option("--recording", metavar="NAME", help="Which recording, if FILE holds several.")
def plot(file: Path, out: Path | None, kind: Any, areas: tuple[str, ...], recording: str | None) -> None:
    """Draw the content of a state, dump or history.

    \b
    Kinds:
      raster       the neurons that fire in each round, coloured by assembly
      overlaps     overlaps of the assemblies of each area
      convergence  overlap of each round's winners with those of the round
                   before and of the last round; support
      weights      histogram of the learned weights of a state, by fiber

    By default the weights of a state, and of other files the raster, or the overlaps if there is no recording.

    \b
    Examples:
      brainsim plot runs/noun_verb/assemblies.h5 --kind overlaps --area Lex1
      brainsim plot history.h5 --kind convergence -o convergence.pdf
      brainsim plot state.h5
    """  # noqa: D301 - click takes the character, not an escape
    if out is not None and out.suffix.lower() not in _ENDINGS:
        raise click.UsageError(f"-o {out}: must end in {', '.join(_ENDINGS)}")
    from brainsim.cli.writing import written
    from brainsim.studies.inspecting import draw
    from brainsim.studies.inspecting.drawing import drawing_of

    chosen = kind or drawing_of(file)
    figure = draw(file, chosen, areas=areas, recording=recording)
    out = out or Path(f"{file.stem}_{chosen}.png")
    with written(out) as path:
        figure.savefig(path, dpi=150)
    click.echo(f"wrote {out}")
