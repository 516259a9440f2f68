"""Copies the notebooks and the pages in the root of the repository to where Sphinx reads them.

Sphinx reads one folder.  Links of a copy that lead into it lose their beginning, since the copy is nearer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def copies(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the name below ``docs/`` and the text of every copy."""
    for original, name in ROOT_PAGES.items():
        yield name, (root / original).read_text().replace("](docs/", "](")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        yield f"notebooks/{path.name}", path.read_text().replace("](../docs/", "](../")


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
