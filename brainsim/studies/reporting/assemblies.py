"""Assemblies by name and colour: their neurons in each area, and their overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.palettes import Viridis256
from bokeh.transform import transform

from brainsim.declare.assembly import Assembly
from brainsim.studies.reporting.drawing import (
    INK,
    finished,
    harmless,
    named_ticks,
    new_figure,
    themed,
)
from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Cell, Figure, Missing, Section, Table, without_empty
from brainsim.studies.reporting.palette import Palette, palette

_MOST_AREAS = 8
_MOST = 40
_MOST_CELLS_AS_TEXT = 12
_MOST_DOTS = 4_000
Shared = npt.NDArray[np.float64]
Sizes = Mapping[str, tuple[int, int]]


def section(material: Material) -> Section | Missing:
    """Return the assemblies of a run or a file."""
    found = _by_area(material)
    if not found:
        return Missing("Assemblies and their overlaps: dumps.write_assemblies(...) writes them.")
    sizes = _sizes(material)
    descriptions = {name: text for dump in material.dumps for name, text in dump.descriptions.items()}
    names = palette(material)
    figures = [
        _strip(at, area, own[:_MOST], sizes, names) for at, (area, own) in enumerate([*found.items()][:_MOST_AREAS])
    ]
    more = [f"{area}: the first {_MOST} of {len(own)} are drawn." for area, own in found.items() if len(own) > _MOST]
    more += [f"{len(found) - _MOST_AREAS} more areas are in the table alone."] if len(found) > _MOST_AREAS else []
    return Section(
        "assemblies",
        "Assemblies",
        lead="Each row is an assembly, each dot one of its neurons. Hover over a dot to see both.",
        figures=figures,
        tables=[_table(found, sizes, descriptions)],
        notes=more,
    )


def overlaps(material: Material) -> Section | None:
    """Return the overlaps of the assemblies of each area; nothing if no area has two."""
    found = {area: own[:_MOST] for area, own in _by_area(material).items() if len(own) > 1}
    if not found:
        return None
    sizes, figures, tables = _sizes(material), [], []
    for at, (area, own) in enumerate([*found.items()][:_MOST_AREAS]):
        shared = _shared(own)
        figures.append(_heatmap(at, area, own, shared, _chance(area, sizes)))
        if len(own) <= _MOST_CELLS_AS_TEXT:
            labels = [str(each.label) for each in own]
            rows = [[label, *(f"{value:.2f}" for value in row)] for label, row in zip(labels, shared, strict=True)]
            tables.append(Table(f"Overlaps in {area}", ("", *labels), rows, folded=True))
    lead = "Overlap is the share of the smaller assembly's neurons that are also in the other one: 0 none, 1 all."
    return Section("overlaps", "Overlaps", lead=lead, figures=figures, tables=tables)


def _by_area(material: Material) -> dict[str, list[Assembly]]:
    areas = dict.fromkeys(area for dump in material.dumps for area in dump.assemblies)
    return {area: own for area in areas if (own := material.assemblies(area))}


def _sizes(material: Material) -> dict[str, tuple[int, int]]:
    """Return ``n`` and ``k`` of the areas, as far as recordings, states or noted brains contain them."""
    found = {each.name: (each.n, each.k) for state in material.states for each in state.areas}
    for part in material.parts:
        for brain in part.brains:
            found.update({each["name"]: (each["n"], each["k"]) for each in brain["areas"]})
    return {**found, **{each.name: (each.n, each.k) for record in material.recordings for each in record.areas}}


def _chance(area: str, sizes: Sizes) -> float | None:
    """Return the overlap of two random assemblies."""
    return sizes[area][1] / sizes[area][0] if area in sizes else None


def _table(found: Mapping[str, Sequence[Assembly]], sizes: Sizes, descriptions: Mapping[str, str]) -> Table:
    rows: list[list[Cell]] = [
        [
            area,
            each.label,
            len(each),
            max((each.overlap(other) for other in own if other is not each), default=None),
            _chance(area, sizes),
            descriptions.get(f"assemblies/{area}/{each.label}", ""),
        ]
        for area, own in found.items()
        for each in own[:_MOST]
    ]
    shown = [[f"{cell:.3g}" if isinstance(cell, float) else cell for cell in row] for row in rows]
    headings = ("area", "assembly", "neurons", "largest overlap with another", "chance k/n", "meaning")
    return without_empty(Table("Assemblies", headings, shown, folded=len(rows) > 12))


def _strip(at: int, area: str, own: Sequence[Assembly], sizes: Sizes, names: Palette) -> Figure:
    n = sizes[area][0] if area in sizes else 1 + max((int(each.neurons[-1]) for each in own if len(each)), default=0)
    made = new_figure(
        70 + max(60, 19 * len(own)),
        x_range=Range1d(-0.02 * n, 1.02 * n),
        y_range=Range1d(len(own) - 0.5, -0.5),
        x_axis_label="neuron",
        output_backend="webgl",
    )
    made.xaxis.formatter = NumeralTickFormatter(format="0,0")
    made.xaxis.ticker = FixedTicker(ticks=[0, n // 2, n])  # for narrow pages
    step = max(1, -(-sum(map(len, own)) // _MOST_DOTS))
    renderers = []
    for row, each in enumerate(own):
        neurons = each.neurons[::step]
        source = ColumnDataSource({"x": neurons, "y": np.full(len(neurons), row)}, name=f"assembly-{at}-{row}")
        dots = made.scatter("x", "y", source=source, marker="square", size=5, line_alpha=0, name=harmless(each.label))
        themed(dots.glyph, fill_color=names.of(each))
        renderers.append(dots)
    named_ticks(made.yaxis[0], [each.label for each in own])
    made.ygrid.visible = False
    finished(made, HoverTool(renderers=renderers, tooltips=[("assembly", "$name"), ("neuron", "@x")], limit=3))
    labels = [str(each.label) for each in own]
    alt = f"Neurons of {len(own)} assemblies of {area}: {', '.join(labels[:12])}."
    caption = f"Every {step}th neuron is drawn." if step > 1 else ""
    return Figure(f"assemblies-{at}", made, alt, area, caption, structure=repr((area, labels, step)))


def _shared(own: Sequence[Assembly]) -> Shared:
    return np.array([[row.overlap(column) for column in own] for row in own])


def _heatmap(at: int, area: str, own: Sequence[Assembly], shared: Shared, chance: float | None) -> Figure:
    labels = [str(each.label) for each in own]
    rows, columns = (each.ravel() for each in np.indices(shared.shape))
    source = ColumnDataSource(
        {
            "x": columns,
            "y": rows,
            "overlap": shared.ravel(),
            "row": [harmless(labels[row]) for row in rows],
            "column": [harmless(labels[each]) for each in columns],
        },
        name=f"overlaps-{at}",
    )
    mapper = LinearColorMapper(palette=Viridis256, low=0, high=1)
    ends = (-0.5, len(own) - 0.5)
    made = new_figure(
        130 + min(max(170, 22 * len(own)), 620),
        x_range=Range1d(*ends),
        y_range=Range1d(*reversed(ends)),
        max_width=760,
    )
    cells = made.rect("x", "y", 1, 1, source=source, fill_color=transform("overlap", mapper), line_alpha=0)
    named_ticks(made.xaxis[0], labels)
    named_ticks(made.yaxis[0], labels)
    made.xaxis.major_label_orientation = "vertical"
    made.grid.visible = False
    bar = ColorBar(color_mapper=mapper, width=12, padding=6, background_fill_alpha=0)
    themed(bar, major_label_text_color=INK)
    made.add_layout(bar, "right")
    tips = [("assemblies", "@row, @column"), ("overlap", "@overlap{0.00}")]
    finished(made, HoverTool(renderers=[cells], tooltips=tips))
    caption = f"Two random assemblies of this size share {chance:.2g} (k/n)." if chance is not None else ""
    alt = f"Overlaps of {len(own)} assemblies of {area}."
    return Figure(f"overlaps-{at}", made, alt, area, caption, structure=repr((area, labels)))
