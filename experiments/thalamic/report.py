"""The table and the picture of routing by channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from brainsim.studies.comparison import measured, scores, write_table
from brainsim.studies.run import Run

Seen = dict[str, dict[str, dict[str, float]]]  # chosen, cue, measure

MEASURES = {
    "channels": "items chosen, channels compete",
    "neurons": "control: items chosen, relays compete as single neurons",
    "gated": "recalled in working memory",
    "random_gate": "control: recalled with a random gate",
    "no_gate": "control: recalled without a gate",
}
EVENTS = {
    "matching": "goal to relays",
    "transmitting": "items to working memory, gated",
    "ungated": "items to working memory, no gate",
}
COSTS = {**EVENTS, "query_seconds": "query (s)", "link_seconds": "link (s)", "learned_mb": "learned synapses (MB)"}


def table(run: Run, seen: Mapping[int, Sequence[Seen]]) -> None:
    """Write what is chosen and recalled, and what a query costs: a row for each c, L and size of a cue."""
    rows = []
    for c, cues in seen[min(seen)][0].items():
        for size, cue in product(seen, cues):
            cells = [part[c][cue] for part in seen[size]]
            shares = [measured(scores(cells, name), 3, bounded=True) if name in cells[0] else None for name in MEASURES]
            costs = [f"{fmean(scores(cells, name)):.3g}" if name in cells[0] else None for name in COSTS]
            rows.append([c.partition("=")[2], f"{size:_}", cue.partition("=")[2], *shares, *costs])
    header = ["c", "L", "cue", *MEASURES.values(), *COSTS.values()]
    write_table(run, "thalamic_routing.md", "Choosing items, and what a query costs", header, rows)


def draw(seen: Mapping[int, Sequence[Seen]]) -> Figure:
    """Draw the shares of named items, and the synaptic events of a query, against the number of items L."""
    figure, every = Figure(figsize=(12, 5), layout="constrained"), seen[min(seen)][0]
    *shares, events = figure.subplots(1, 1 + len(every))
    for axes, marker, (c, cues) in zip(shares, "os^vDx", every.items(), strict=False):
        for at, cue in enumerate(cues):
            _line(axes, seen, c, cue, "channels", f"{marker}-", color=f"C{at}")
            _line(axes, seen, c, cue, "neurons", f"{marker}:", color=f"C{at}")
        for name, color in (("gated", "k"), ("random_gate", "0.5"), ("no_gate", "0.75")):
            _line(axes, seen, c, cue, name, "--", color=color)
        for at, name in enumerate(EVENTS):
            _line(events, seen, c, cue, name, f"{marker}-", color=f"C{at}")
        axes.set(xscale="log", xlabel="items L", ylabel="share of named items", ylim=(-0.03, 1.03))
        axes.set_title(f"a goal names {c.partition('=')[2]} items")
    figure.legend(*shares[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, fontsize=7)
    figure.legend(*events.get_legend_handles_labels(), loc="outside lower right", ncols=2, fontsize=7)
    events.set(xscale="log", yscale="log", xlabel="items L", ylabel="synaptic events of a query", title="cost")
    return figure


def _line(
    axes: Any, seen: Mapping[int, Sequence[Seen]], c: str, cue: str, name: str, style: str, *, color: str
) -> None:
    parts = {size: [part[c][cue] for part in every] for size, every in seen.items()}
    means = {size: fmean(scores(cells, name)) for size, cells in parts.items() if name in cells[0]}
    title = {**MEASURES, **EVENTS}[name].removeprefix("control: ").removeprefix("items ")
    axes.plot(
        list(means), list(means.values()), style, ms=3, color=color, label=f"{title} ({cue if name in MEASURES else c})"
    )
