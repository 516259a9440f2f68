"""The documentation site builds without warnings or network, its links are valid, and it has all public names."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import brainsim
import browser
from brainsim import errors
from checkout import ROOT

DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if not {"_build", "notebooks", "reference"} & set(path.parts)]
BUILDS = pytest.mark.skipif(find_spec("sphinx") is None, reason="Sphinx is not installed: pip install 'brainsim[docs]'")
SEEN = ["index.html", "studies/noun_verb.html", "concepts/law.html", "notebooks/first_brain.html", "backends/cpu.html"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as CONTRIBUTING.md says, and return its folder."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-j", "auto", str(DOCS), str(out)]
    settings = {**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # no network
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return out


class Page(HTMLParser):
    """The links of a page, the files that it loads, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and found.get("rel") in ("stylesheet", "preload", "icon"):
            self.loads.append(found["href"])
        elif "src" in found:
            self.loads.append(found["src"])


@BUILDS
@pytest.mark.slow
def test_links_of_the_site_are_valid(site: Path) -> None:
    """Links within the site lead to a page and a place on it; others have the form of an address."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    assert len(pages) > 200
    wrong = [
        f"{path.relative_to(site)}: {link}"
        for path, page in pages.items()
        for link in page.links
        if not _leads(path, link, pages)
    ]
    assert not wrong


def _leads(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if link == "tcp://host:8786":  # an example in the help of --dask, which docutils takes for a link
        return True
    if parts.scheme:
        return parts.scheme == "mailto" or (parts.scheme == "https" and "." in parts.netloc)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target not in pages:
        return target.is_file()
    return not parts.fragment or parts.fragment == "#" or unquote(parts.fragment) in pages[target].anchors


@BUILDS
@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    found = [(path.name, load) for path in site.rglob("*.html") for load in Page(path).loads]
    assert found
    assert not [each for each in found if urlsplit(each[1]).scheme not in ("", "data")]


@BUILDS
@pytest.mark.slow
def test_every_public_name_is_in_the_reference(site: Path) -> None:
    from sphinx.util.inventory import InventoryFile

    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda _base, uri: uri)
    known = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    wanted = set(_public())
    assert len(wanted) > 300
    assert not sorted(wanted - known)


def _public() -> Iterator[str]:
    """Yield the dotted names of public classes, functions, methods and properties, by introspection."""
    for name in brainsim.__all__:
        thing = getattr(brainsim, name)
        if isinstance(thing, types.ModuleType):
            own = [n for n, v in vars(thing).items() if getattr(v, "__module__", "") == thing.__name__ and n[0] != "_"]
            for inner in getattr(thing, "__all__", own):
                yield from _members(f"{thing.__name__}.{inner}", getattr(thing, inner))
        else:
            yield from _members(f"brainsim.{name}", thing)
    for name, thing in vars(errors).items():
        if isinstance(thing, type) and thing.__module__ == errors.__name__:
            yield f"brainsim.errors.{name}"


def _members(name: str, thing: Any) -> Iterator[str]:
    if not callable(thing):
        return
    yield name
    if isinstance(thing, type):
        for member, value in vars(thing).items():
            if member[0] != "_" and (inspect.isfunction(value) or isinstance(value, property)) and value.__doc__:
                yield f"{name}.{member}"


@BUILDS
@pytest.mark.slow
@pytest.mark.skipif(browser.why_not() is not None, reason=str(browser.why_not()))
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_pages_fit_into_a_window(site: Path, width: int, dark: bool) -> None:
    """No page is wider than its window, and the console stays empty."""
    with browser.chromium(width, 900, dark=dark) as window:
        for page in SEEN:
            window.get((site / page).as_uri())
            assert window.execute_script("return document.documentElement.scrollWidth") <= width, page
            assert window.execute_script("return document.documentElement.dataset.theme") == (
                "dark" if dark else "light"
            )
            assert not window.execute_script(
                "return [...document.images].filter(i => i.complete && !i.naturalWidth).length"
            )
        assert not browser.complaints(window)


def test_pages_have_no_examples_with_prompts() -> None:
    """`test_the_blocks_of_a_page_run` runs blocks of Python; a session with prompts would not be run."""
    assert not [page.name for page in PAGES if re.search(r"^\s*>>> ", page.read_text(), re.MULTILINE)]


def test_every_study_has_its_command() -> None:
    studies = [path for path in (DOCS / "studies").glob("*.md") if path.name != "index.md"]
    assert len(studies) > 15
    assert not [path.name for path in studies if not re.search(r"brainsim (run|bench|lm|feel)\b", path.read_text())]
