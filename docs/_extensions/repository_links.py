"""Links that lead out of ``docs/`` work on a page of the repository and on the site.

A file of the repository becomes a download, as Sphinx does by itself.  A page of the root has a copy on the site
(`copied_pages`); a folder has no page, so its name stands as text.
"""

from __future__ import annotations

import re
from os.path import normpath, relpath
from pathlib import Path
from typing import Any

from copied_pages import ROOT_PAGES
from sphinx.application import Sphinx

_LINK = re.compile(r"\[([^\[\]]*)\]\((\.\.?/[^)\s#]*)(#[^)\s]*)?\)")
_PAGES = {**ROOT_PAGES, "README.md": "index.md", "notebooks": "tutorials/index.md"}


def rewritten(text: str, page: Path, docs: Path) -> str:
    """Return the text of a page with the links that its place on the site needs."""

    def replaced(link: re.Match[str]) -> str:
        label, path, anchor = link[1], link[2], link[3] or ""
        target = Path(normpath(page.parent / path))
        if target.is_relative_to(docs):
            return link[0]
        name = target.relative_to(docs.parent).as_posix()
        if name in _PAGES or name.startswith("notebooks/"):
            return f"[{label}]({relpath(docs / _PAGES.get(name, name), page.parent)}{anchor})"
        return label if target.is_dir() else f"[{label}]({path})"

    return _LINK.sub(replaced, text)


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(docname))
    if page.suffix in (".md", ".ipynb"):
        source[0] = rewritten(source[0], page, Path(app.srcdir))


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the step to a build."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
