"""A declaration in the DOT language of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsim._arguments import checked
from brainsim.declare.brain import Brain
from brainsim.declare.requirements import shown
from brainsim.declare.vector_area import VectorArea

if TYPE_CHECKING:
    from brainsim.declare.area import Area
    from brainsim.declare.fiber import Fiber

_PLASTIC, _FIXED, _MESSAGE = "#D55E00", "#666666", "#AA4499"


@checked()
def brain_dot(brain: Brain) -> str:
    r"""Return a brain in the DOT language, which Graphviz lays out and draws: ``dot -Tsvg brain.dot -o brain.svg``.

    Areas are nodes, regions are clusters.  Fibers that learn are orange, others grey and dashed, and those that carry
    messages between vector areas purple; their labels have the graph, the rule, and what is not at its default.

    Examples
    --------
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=1000, k=50), Area("B", n=1000, k=50))
    >>> _ = brain.connect(a, b, p=0.1)
    >>> print(plots.brain_dot(brain))
    digraph brain {
      node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"];
      edge [fontname="sans-serif", fontsize=9];
      "A" [label="A\nn = 1,000\nk = 50"];
      "B" [label="B\nn = 1,000\nk = 50"];
      "A" -> "B" [color="#666666", style=dashed, label="p=0.1\nfixed"];
    }
    """
    lines = [
        'node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"];',
        'edge [fontname="sans-serif", fontsize=9];',
        *(_node(area, area.name) for area in brain.areas.values() if area.region is None),
    ]
    for number, (name, region) in enumerate(brain.regions.items()):
        inside = [_node(area, area.name.removeprefix(f"{name}.")) for area in region.areas.values()]
        lines += [f"subgraph cluster_{number} {{", *(f"  {line}" for line in (f"label={_text(name)};", *inside)), "}"]
    lines += [_edge(fiber) for fiber in brain.fibers]
    return "\n".join(["digraph brain {", *(f"  {line}" for line in lines), "}"])


def _text(*lines: str) -> str:
    """Return lines as a text of the DOT language, in which a backslash and a quotation mark have a meaning."""
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(escaped) + '"'


def _node(area: Area, name: str) -> str:
    dim = [f"dim = {area.dim:,}"] if isinstance(area, VectorArea) else []
    return f"{_text(area.name)} [label={_text(name, f'n = {area.n:,}', f'k = {area.k:,}', *dim)}];"


def _edge(fiber: Fiber) -> str:
    colour, style = (_FIXED, "dashed") if fiber.plasticity is None else (_PLASTIC, "solid")
    colour = colour if fiber.message is None else _MESSAGE
    label = _text(str(fiber.connectivity), str(fiber.plasticity or "fixed"), *shown(fiber))
    ends = f"{_text(fiber.source.name)} -> {_text(fiber.target.name)}"
    return f'{ends} [color="{colour}", style={style}, label={label}];'
