"""Writing what a command makes to a file, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from brainsim._files import whole


@contextmanager
def written(out: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``out``; a file that cannot be written is one line."""
    try:
        with whole(out) as partial:
            yield partial
    except OSError as error:
        raise click.UsageError(f"-o {out}: cannot be written ({error.strerror or error})") from error
