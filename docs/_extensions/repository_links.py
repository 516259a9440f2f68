"""Links that work on a page of the repository work on the site, too.

Sphinx makes a download of a file outside ``docs/`` by itself.  A page of the root has a copy on the site
(`copied_pages`); a folder, or a page of another folder, has none, so its name stands as text.
"""

from __future__ import annotations

import re
from os.path import normpath, relpath
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages of the root of the repository, and the names of their copies."""

_LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_PAGES = {**ROOT_PAGES, "README.md": "index.md", "docs/README.md": "index.md", "notebooks": "tutorials/index.md"}


def rewritten(text: str, page: Path, place: Path, docs: Path) -> str:
    """Return the text of a page of the repository, with the links that it needs at its place on the site."""

    def replaced(link: re.Match[str]) -> str:
        label, path, anchor = link[1], link[2], link[3] or ""
        target = Path(normpath(page.parent / path))
        name = target.relative_to(docs.parent).as_posix()
        if name in _PAGES:
            target = docs / _PAGES[name]
        elif name.startswith("notebooks/"):
            target = docs / name
        elif not target.is_relative_to(docs) and (target.is_dir() or target.suffix == ".md"):
            return label
        return f"[{label}]({relpath(target, place.parent)}{anchor})"

    return _LINK.sub(replaced, text)


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    page, docs = Path(app.env.doc2path(docname)), Path(app.srcdir)
    if page.suffix == ".md" and page.name not in ROOT_PAGES.values():
        source[0] = rewritten(source[0], page, page, docs)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the step to a build."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
