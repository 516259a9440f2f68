"""Write the output of a command to a file, completely or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from brainsim._files import whole


@contextmanager
def written(out: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``out``; a failure to write, or a warning, is one line."""
    try:
        with warnings.catch_warnings(record=True) as said, whole(out) as partial:
            warnings.simplefilter("always")
            yield partial
    except OSError as error:
        raise click.UsageError(f"-o {out}: cannot be written ({error.strerror or error})") from error
    for note in dict.fromkeys(str(warning.message) for warning in said):
        click.echo(f"note: {note}", err=True)
