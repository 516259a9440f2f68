"""The parts of a page: sections with figures, tables and texts, all as plain data.

No section writes HTML.  The template escapes all text, so that nothing in a run folder becomes markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bokeh.models import LayoutDOM

Cell = str | int | float | None


@dataclass(frozen=True)
class Colour:
    """A colour on a light page, and the corresponding colour on a dark one."""

    light: str
    dark: str


@dataclass(frozen=True)
class Key:
    """An entry of a legend, which is also a check box that hides the glyphs of its name."""

    label: str
    colour: Colour
    dash: str = "solid"


@dataclass(frozen=True)
class Scrub:
    """Controls that move and widen the window of a raster: the model of its range, and the range of rounds."""

    range: str
    first: int
    end: int


@dataclass(frozen=True)
class Figure:
    """One picture.

    Attributes
    ----------
    name : str
        Unique on the page.
    model : LayoutDOM
        What Bokeh draws.
    alt : str
        What the picture shows, for readers who cannot see it.
    title, caption : str
        Above and below the picture.
    keys : sequence of Key
        The legend.
    scrub : Scrub, optional
        Controls of its time axis.
    structure : str
        Changes when the picture has other parts than before, so that new data alone is not enough.
    """

    name: str
    model: LayoutDOM
    alt: str
    title: str = ""
    caption: str = ""
    keys: Sequence[Key] = ()
    scrub: Scrub | None = None
    structure: str = ""


@dataclass(frozen=True)
class Table:
    """A table; ``folded`` ones show their title until they are opened."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture that the run has drawn, as a data URI."""

    title: str
    uri: str


@dataclass(frozen=True)
class Section:
    """One section of a page, from top to bottom: lead, figures, tables, notes, texts and pictures."""

    key: str
    title: str
    lead: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True)
class Missing:
    """What a section needs, as a sentence that says how to record it."""

    cure: str


def figures_of(sections: Sequence[Section]) -> list[Figure]:
    """Return all figures of a page."""
    return [figure for section in sections for figure in section.figures]


def without_empty(table: Table) -> Table:
    """Return a table without its empty columns."""
    used = [at for at in range(len(table.headings)) if any(row[at] not in ("", None) for row in table.rows)]
    rows = [[row[at] for at in used] for row in table.rows]
    return replace(table, headings=[table.headings[at] for at in used], rows=rows)
