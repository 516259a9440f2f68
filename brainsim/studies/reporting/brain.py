"""The declared brain as a graph, with the lists of its areas and fibers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import ColumnDataSource, HoverTool, Range1d

from brainsim.studies.reporting.drawing import INK, OTHERS, PANEL, finished, harmless, keyed, new_figure, themed
from brainsim.studies.reporting.material import FinishedPart, Material, State
from brainsim.studies.reporting.page import Colour, Figure, Key, Missing, Section, Table, without_empty
from brainsim.studies.tables import TRAINED

Point = npt.NDArray[np.float64]

_PLASTIC = Colour("#C05600", "#ee8b45")
_RADIUS = 0.14
_STEPS = 24
LEARNS, FIXED = "learns", "fixed"


def section(material: Material) -> Section | Missing:
    """Return the simulated brain, as noted by parts of the run or described by a saved state."""
    noted = [brain for part in sorted(material.parts, key=_is_control(material)) for brain in part.brains]
    brains = noted or [_of(state) for state in material.states]
    if not brains:
        return Missing(
            "The declared brain: parts of a run note it when they finish, and sim.save(...) writes it into a state."
        )
    chosen, counts = brains[0], {repr(brain) for brain in brains}
    others = len(counts) - 1
    note = f"{others} other declaration{'s were' if others > 1 else ' was'} simulated, with other sizes or rules."
    areas, fibers, modulators = (list(chosen.get(name, ())) for name in ("areas", "fibers", "modulators"))
    return Section(
        "brain",
        "The declared brain",
        lead=f"{len(areas)} areas and {len(fibers)} fibers. Hover over an area or a fiber to see its parameters.",
        figures=[_figure(areas, fibers)],
        tables=[
            _table("Areas", areas, name="name", n="n", k="k", activation="activation", more="more"),
            _table("Fibers", fibers, source="from", target="to", graph="graph", rule="rule", more="more"),
            *([_table("Modulators", modulators, name="name", kind="kind")] if modulators else []),
        ],
        notes=[note] if others else [],
    )


def _is_control(material: Material) -> Callable[[FinishedPart], bool]:
    """Return a sort key that puts the parts of a study before those of its controls, whose brains may not learn."""
    controls = (material.metrics or {}).get("controls")
    names = tuple(controls) if isinstance(controls, Mapping) else ()
    return lambda part: part.key.startswith(names) if names else not part.key.startswith(TRAINED)


def _of(state: State) -> dict[str, list[dict[str, Any]]]:
    """Return the brain of a state in the form in which runs note theirs."""
    areas = [
        {
            "name": each.name,
            "n": each.n,
            "k": each.k,
            "activation": each.activation,
            "more": f"refraction={each.refraction:g}" if each.refraction else "",
        }
        for each in state.areas
    ]
    fibers = [
        {
            "source": each.source,
            "target": each.target,
            "graph": each.graph,
            "rule": each.rule,
            "learns": each.rule != "fixed",
            "more": each.more,
        }
        for each in state.fibers
    ]
    return {"areas": areas, "fibers": fibers}


def _table(title: str, parts: Sequence[Mapping[str, Any]], **headings: str) -> Table:
    rows = [[part.get(name) for name in headings] for part in parts]
    return without_empty(Table(title, list(headings.values()), rows, folded=True))


def _figure(areas: Sequence[Mapping[str, Any]], fibers: Sequence[Mapping[str, Any]]) -> Figure:
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(areas)) / max(len(areas), 1)
    places = {str(area["name"]): np.array((np.cos(a), np.sin(a))) for area, a in zip(areas, angles, strict=True)}
    made = new_figure(
        380, x_range=Range1d(-1.75, 1.75), y_range=Range1d(-1.5, 1.5), max_width=720, output_backend="canvas"
    )
    made.axis.visible = False
    made.grid.visible = False
    tips = [
        _draw_fibers(made, places, [each for each in fibers if bool(each["learns"]) is learns], learns=learns)
        for learns in (True, False)
    ]
    finished(made, *tips, _draw_areas(made, areas, places))
    names = ", ".join(str(area["name"]) for area in areas)
    keys = [Key("fiber that learns", _PLASTIC), Key("fiber with fixed weights", OTHERS, "dashed")]
    alt = f"Graph of {len(areas)} areas ({names}) and {len(fibers)} fibers; the tables below list them."
    return Figure("brain-graph", made, alt, keys=keys, structure=repr((areas, fibers)))


def _draw_areas(made: Any, areas: Sequence[Mapping[str, Any]], places: Mapping[str, Point]) -> HoverTool:
    at = np.array([places[str(area["name"])] for area in areas]).reshape(-1, 2)
    source = ColumnDataSource(
        {
            "x": at[:, 0],
            "y": at[:, 1],
            "name": [harmless(area["name"]) for area in areas],
            "size": [f"n = {area['n']:,}, k = {area['k']:,}" for area in areas],
            "activation": [harmless(area["activation"]) for area in areas],
            "label_x": at[:, 0] * 1.16,
            "label_y": at[:, 1] * 1.16,
            "align": ["center" if abs(x) < 0.3 else "left" if x > 0 else "right" for x in at[:, 0]],
            "baseline": ["middle" if abs(y) < 0.5 else "bottom" if y > 0 else "top" for y in at[:, 1]],
        }
    )
    dots = made.scatter("x", "y", source=source, size=24, line_width=2.5)
    themed(dots.glyph, fill_color=PANEL, line_color=Colour("#0072B2", "#3fa3e0"))
    names = made.text(
        "label_x",
        "label_y",
        "name",
        source=source,
        text_align="align",
        text_baseline="baseline",
        text_font_size="13px",
        text_font_style="bold",
    )
    themed(names.glyph, text_color=INK)
    tips = [("area", "@name"), ("size", "@size"), ("activation", "@activation")]
    return HoverTool(renderers=[dots], tooltips=tips)


def _draw_fibers(
    made: Any, places: Mapping[str, Point], fibers: Sequence[Mapping[str, Any]], *, learns: bool
) -> HoverTool:
    known = [each for each in fibers if {str(each["source"]), str(each["target"])} <= places.keys()]
    ways = [_way(places[str(each["source"])], places[str(each["target"])]) for each in known]
    texts = {
        "fiber": [harmless(f"{each['source']} → {each['target']}") for each in known],
        "graph": [harmless(each["graph"]) for each in known],
        "rule": [str(each["rule"]) for each in known],
    }
    source = ColumnDataSource({"xs": [way[:, 0] for way in ways], "ys": [way[:, 1] for way in ways], **texts})
    line = made.multi_line("xs", "ys", source=source, line_width=2, line_dash="solid" if learns else "dashed")
    ends = np.array([(*way[-1], *(way[-1] - way[-3])) for way in ways]).reshape(-1, 4)
    angle = np.arctan2(ends[:, 3], ends[:, 2]) - np.pi / 2
    heads = ColumnDataSource({"x": ends[:, 0], "y": ends[:, 1], "angle": angle})
    head = made.scatter("x", "y", source=heads, angle="angle", marker="triangle", size=10)
    colour = _PLASTIC if learns else OTHERS
    themed(line.glyph, line_color=colour)
    themed(head.glyph, line_color=colour, fill_color=colour)
    for renderer in (line, head):
        keyed(renderer, "fiber that learns" if learns else "fiber with fixed weights")
    return HoverTool(
        renderers=[line], line_policy="interp", tooltips=[("fiber", "@fiber"), ("graph", "@graph"), ("rule", "@rule")]
    )


def _way(start: Point, end: Point) -> Point:
    """Return points on the curve from one area to another; the two directions have separate curves."""
    along = np.linspace(0.0, 1.0, _STEPS)[:, None]
    if np.array_equal(start, end):  # a loop outside the circle, beside the name
        side = np.array((-start[1], start[0]))
        turn = 2 * np.pi * along
        loop: Point = start * (0.86 + 0.14 * np.cos(turn)) + side * 0.14 * np.sin(turn)
        return loop[3:-3]
    bend = np.array((end[1] - start[1], start[0] - end[0])) * 0.14
    middle = (start + end) / 2 + bend
    curve: Point = (1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end
    far = (np.linalg.norm(curve - start, axis=1) > _RADIUS) & (np.linalg.norm(curve - end, axis=1) > _RADIUS)
    visible: Point = curve[far]
    return visible
