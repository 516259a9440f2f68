"""Runs notebooks; ``python tests/support/notebooks.py [FILE ...]`` stores their outputs, which readers and the site see.

Each is run in the root of the checkout, with pictures in the cells, as a reader would.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def executed(path: Path) -> Any:
    """Return a notebook with the outputs of a run, without what is different each time."""
    notebook = nbformat.read(path, as_version=4)
    inline = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute(env=inline)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]  # progress bars
    notebook.metadata["language_info"] = {"name": "python"}  # and not the version of Python
    return notebook


def shown(cell: Any) -> list[tuple[str, str]]:
    """Return what a cell shows as text, and which kinds of pictures; a cell with the tag ``varies`` shows kinds alone."""
    found = []
    for output in cell.outputs:
        texts = {"text/plain": output.text} if output.output_type == "stream" else output.get("data", {})
        for kind, text in sorted(texts.items()):
            plain = kind in ("text/plain", "text/markdown") and "varies" not in cell.metadata.get("tags", ())
            found.append((kind, re.sub(r"0x[0-9a-f]+", "0x", text) if plain else ""))
    return found


def main() -> None:
    """Run notebooks and store their outputs in them."""
    for path in map(Path, sys.argv[1:] or NOTEBOOKS):
        print(path.name, file=sys.stderr)
        nbformat.write(executed(path), path)


if __name__ == "__main__":
    main()
