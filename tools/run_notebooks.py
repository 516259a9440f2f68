"""Run the notebooks and store what they show in them: ``python tools/run_notebooks.py [NOTEBOOK ...]``.

Readers see the figures on the repository's host and on the site, where no notebook runs.  All notebooks take about
five minutes on two cores, and one of them needs the extra ``torch``.  Pictures keep few colours, because every version
of a notebook stays in the history of the repository.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COLOURS = 64
_SETTINGS = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    # The memory that a simulator reports depends on the number of threads and on the backend.
    "NUMBA_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}


def executed(path: Path) -> NotebookNode:
    """Return a notebook with the outputs of a fresh run in the root of the repository."""
    notebook = nbformat.read(path, as_version=4)
    metadata = deepcopy(notebook.metadata)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}, record_timing=False)
    client.execute(env={**os.environ, **_SETTINGS})
    notebook.metadata = metadata  # without the version of Python
    for cell in _code(notebook):
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook: NotebookNode) -> list[str]:
    """Return the text that each cell with code shows, pictures left out."""
    return ["".join(map(_text, cell.outputs)) for cell in _code(notebook)]


def _text(output: NotebookNode) -> str:
    data = output.get("data", {})
    return "" if "image/png" in data else str(output.get("text", data.get("text/markdown", data.get("text/plain", ""))))


def pictures(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the data of the outputs that are pictures."""
    found = [output.get("data", NotebookNode()) for cell in _code(notebook) for output in cell.outputs]
    return [data for data in found if "image/png" in data]


def _smaller(png: str) -> str:
    """Return a picture with few colours, as base64 text."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    file = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def main(paths: list[Path]) -> None:
    """Run notebooks and write them with their outputs."""
    for path in paths:
        notebook = executed(path)
        for data in pictures(notebook):
            data["image/png"] = _smaller(data["image/png"])
        nbformat.write(notebook, path)
        print(f"{path.name}: {len(pictures(notebook))} pictures, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main([Path(name).resolve() for name in sys.argv[1:]] or NOTEBOOKS)
