"""A report as one self-contained HTML page."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bokeh.core.json_encoder import serialize_json
from bokeh.document import Document
from bokeh.resources import Resources
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from brainsim._version import __version__
from brainsim.studies.reporting import (
    assemblies,
    brain,
    costs,
    curves,
    leftovers,
    progress,
    raster,
    scores,
    settings,
    weights,
)
from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Missing, Section, figures_of

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """The content of a page, before it becomes HTML.

    Attributes
    ----------
    title, standing : str
        The subject of the page, and its state.
    sections : list of Section
        In the order of the page.
    missing : list of str
        What was not recorded, and how to record it.
    faults : list of str
        What could not be read or shown.
    """

    title: str
    standing: str
    sections: list[Section]
    missing: list[str]
    faults: list[str]


def page_of(material: Material, most_drawn: int = raster.MOST_DRAWN) -> Page:
    """Return the page of a run or a file.

    If a section cannot read what it finds, for example in a folder that another program has written, a line says so.
    """
    sections: list[Section] = []
    missing: list[str] = []
    faults = list(material.faults)
    makers: dict[str, Callable[[], Section | Missing | None]] = {
        "progress": lambda: progress.section(material),
        "brain": lambda: brain.section(material),
        "scores": lambda: scores.section(material),
        "learning curves": lambda: curves.section(material),
        "raster": lambda: raster.section(material, most_drawn),
        "assemblies": lambda: assemblies.section(material),
        "overlaps": lambda: assemblies.overlaps(material),
        "weights": lambda: weights.section(material),
        "costs": lambda: costs.section(material),
        "settings": lambda: settings.section(material),
        "pictures": lambda: leftovers.section(material),
    }
    for name, make in makers.items():
        try:
            made = make()
        except Exception as error:  # any error that a foreign folder may cause
            faults.append(f"The section {name} cannot be shown ({type(error).__name__}: {error}).")
            continue
        if isinstance(made, Section):
            sections.append(made)
        elif isinstance(made, Missing):
            missing.append(made.cure)
    stands = f"{len(material.files):,} files" if not material.is_run else f"Run {_standing(material)}"
    return Page(material.path.resolve().name, stands, sections, missing, faults)


def _standing(material: Material) -> str:
    status = material.standing.status if material.standing else ""
    return f"{status}, {material.header['seconds']:g} seconds; seed {material.header['seed']}"


def content_of(page: Page, version: int = 0) -> dict[str, Any]:
    """Return the input of the page's script: the document of Bokeh, and the place of each figure.

    ``structure`` is the same for two pages if one can take over the data of the other.
    """
    document = Document()
    figures = figures_of(page.sections)
    with document.models.freeze():  # otherwise Bokeh would search all earlier roots for each root
        for figure in figures:
            document.add_root(figure.model)
    parts = [
        [section.key for section in page.sections],
        [(figure.name, figure.structure, [key.label for key in figure.keys]) for figure in figures],
        page.missing,
    ]
    return {
        "version": version,
        "standing": page.standing,
        "structure": hashlib.sha256(repr(parts).encode()).hexdigest(),
        "roots": [(figure.model.id, figure.name) for figure in figures],
        "document": document.to_json(deferred=False),
    }


def body_of(page: Page) -> str:
    """Return the sections of a page as HTML."""
    return str(_templates().get_template("body.html").render(page=page))


def html(page: Page, content: dict[str, Any], *, live: bool = False) -> str:
    """Return a page as HTML.

    Its security policy lets a browser run only the scripts of brainsim and Bokeh, identified by their digests, and load
    nothing.  Even text that was not escaped could only be displayed.
    """
    scripts = _scripts()
    given = {
        "page": page,
        "body": Markup(body_of(page)),
        "content": in_script(content),
        "css": (_HERE / "page.css").read_text(encoding="utf-8"),
        "scripts": scripts,
        "policy": policy(scripts, live=live),
        "live": live,
        "version": __version__,
    }
    return str(_templates().get_template("page.html").render(given))


def in_script(content: Any) -> str:
    """Return JSON data as text for a script element, which nothing in the data can close."""
    text: str = serialize_json(content)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def policy(scripts: list[str], *, live: bool) -> str:
    """Return the content security policy of a page with these scripts."""
    digests = (b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        f"connect-src {chr(39)}{'self' if live else 'none'}{chr(39)}; base-uri 'none'; form-action 'none'"
    )


@cache
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(_HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)


@cache
def _scripts() -> list[str]:
    """Return the scripts of every page: BokehJS with its WebGL part, and the page's own."""
    bokeh = Resources(mode="inline", components=["bokeh", "bokeh-gl"]).js_raw
    return [*(str(each) for each in bokeh), (_HERE / "page.js").read_text(encoding="utf-8")]


def text_of(content: dict[str, Any]) -> str:
    """Return what a live page receives as JSON."""
    return str(serialize_json(content))
