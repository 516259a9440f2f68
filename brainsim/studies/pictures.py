"""Pictures of a run: a failure to draw one adds a note, and never ends the run."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from brainsim._files import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DOTS_PER_INCH = 110


def save(path: Path, draw: Callable[[], Figure]) -> list[str]:
    """Draw a picture and save it, completely or not at all; return the problems, a line each."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            figure = draw()
            with whole(path) as partial:
                figure.savefig(partial, dpi=_DOTS_PER_INCH)
        except Exception as error:  # whatever a drawing library or an experiment may raise
            notes.append(f"picture {path.name} could not be drawn ({type(error).__name__}: {_first_line(error)})")
    if warned:  # there is one warning for each letter that no font has
        others = f", and {len(warned) - 1} more warnings" if len(warned) > 1 else ""
        notes.append(f"picture {path.name}: {_first_line(warned[0].message)}{others}")
    return notes


def _first_line(message: object) -> str:
    return (str(message).strip().splitlines() or [""])[0]
