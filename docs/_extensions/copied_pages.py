"""Copies the notebooks and the pages in the root of the repository to where Sphinx reads them.

Sphinx reads one folder.  A copy has the links that it needs at its new place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repository_links import ROOT_PAGES, rewritten
from sphinx.application import Sphinx
from sphinx.config import Config


def copies(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the name below ``docs/`` and the text of every copy."""
    notebooks = {path: f"notebooks/{path.name}" for path in sorted((root / "notebooks").glob("*.ipynb"))}
    docs, pages = root / "docs", {root / original: name for original, name in ROOT_PAGES.items()}
    for path, name in {**pages, **notebooks}.items():
        yield name, rewritten(path.read_text(encoding="utf-8"), path, docs / name, docs)


def copy(app: Sphinx, _config: Config) -> None:
    """Write the copies that are not up to date, and delete notebooks that have gone."""
    docs = Path(app.srcdir)
    (docs / "notebooks").mkdir(exist_ok=True)
    texts = dict(copies(docs.parent))
    for path in (docs / "notebooks").glob("*.ipynb"):
        if f"notebooks/{path.name}" not in texts:
            path.unlink()
    for name, text in texts.items():
        if not (docs / name).is_file() or (docs / name).read_text() != text:  # Sphinx reads again what is newer
            (docs / name).write_text(text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the step to a build."""
    app.connect("config-inited", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
