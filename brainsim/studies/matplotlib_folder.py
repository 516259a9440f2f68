"""Folders for libraries on machines where HOME cannot be written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from brainsim.kernels.writable import temporary_folder, writable

_CHOSEN = "MPLCONFIGDIR"


def place_matplotlib() -> None:
    """Give Matplotlib a folder for its settings and fonts, if it has none, before it is imported.

    Otherwise it complains on stderr, and collects the fonts of the machine in each process.
    """
    if os.environ.get(_CHOSEN) or "matplotlib" in sys.modules or all(map(writable, _wanted())):
        return
    folder = temporary_folder()
    if folder is not None:
        os.environ[_CHOSEN] = str(folder / "matplotlib")


def _wanted() -> list[Path]:
    """Return the folders that Matplotlib writes to."""
    try:
        home = Path.home()
    except RuntimeError:  # there is none, and it cannot be written
        home = Path(os.devnull)
    if not sys.platform.startswith("linux"):
        return [home / ".matplotlib"]
    bases = {"XDG_CONFIG_HOME": home / ".config", "XDG_CACHE_HOME": home / ".cache"}
    return [Path(os.environ.get(name) or base) / "matplotlib" for name, base in bases.items()]
