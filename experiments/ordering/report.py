"""Means, tables and the picture of the study of word order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from brainsim.studies.comparison import measured, scores, write_table
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95
from ordering.world import Teaching

CRITERION = 0.95
MEASURES = ("say_two", "say_one", "understand_two", "understand_one")


def means_of(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each measure."""
    return {name: fmean(scores(parts, name)) for name in MEASURES}


def intervals_of(parts: Sequence[Mapping[str, float]]) -> dict[str, list[float] | None]:
    """Return the 95 % interval of each measure."""
    return {name: interval_95(scores(parts, name), bounded=True) for name in MEASURES}


def control_means(part1: Mapping[Teaching, Sequence[Any]]) -> dict[str, dict[str, float]]:
    """Return the means of each control over all orders."""
    there = {each.control for each in part1} - {""}
    return {
        c: means_of([p for each, parts in part1.items() if each.control == c for p in parts]) for c in sorted(there)
    }


def curve_of(parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the means after each number of sentences."""
    return {heard: means_of([part[heard] for part in parts]) for heard in parts[0]}


def sentences_needed(parts: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the number of sentences after which new scenes with two participants are said, as a mean over seeds."""
    return next((int(heard) for heard, means in curve_of(parts).items() if means["say_two"] >= CRITERION), None)


def name_of(each: Teaching) -> str:
    """Return the name of a kind of teaching in parts, metrics and tables."""
    start = "frames" if each.frames else "one_start"
    return f"{each.control or each.mechanism}-{start}-{each.order}-{each.share:g}"


def tables(run: Run, part1: Mapping[Teaching, Sequence[Any]], part2: Mapping[Any, Sequence[Any]]) -> None:
    """Write what is said and understood: by order, and by sentences heard and size of the lexicon."""
    rows = [
        [name_of(each), *(measured(scores(parts, name), bounded=True) for name in MEASURES)]
        for each, parts in part1.items()
    ]
    write_table(run, "orders.md", "Six orders: new scenes said, new sentences understood", ["", *MEASURES], rows)
    rows = [
        [f"{m}, {size[0]}+{size[1]}", heard, *(f"{means[name]:.2f}" for name in MEASURES)]
        for (m, size), parts in part2.items()
        for heard, means in curve_of(parts).items()
    ]
    write_table(run, "growth.md", "Sentences heard and size of the lexicon", ["", "sentences", *MEASURES], rows)


def draw(part2: Mapping[Any, Sequence[Any]]) -> Figure:
    """Draw new scenes said, and new sentences understood, against the sentences heard."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    colours = {size: f"C{at}" for at, size in enumerate(sorted({size for _, size in part2}))}
    for ax, measure in zip(axes, ("say_two", "understand_two"), strict=True):
        for (mechanism, size), parts in sorted(part2.items(), key=lambda each: each[0][1]):
            curve = {int(heard): means[measure] for heard, means in curve_of(parts).items()}
            style = {"ls": "-" if mechanism == "syntax" else "--", "marker": ".", "color": colours[size]}
            ax.plot(list(curve), list(curve.values()), label=f"{mechanism}, {size[0]}+{size[1]}", **style)
        ax.set_xscale("log")
        ax.set_xticks(list(curve), list(map(str, curve)))
        ax.minorticks_off()
        ax.set_xlabel("sentences heard before the test")
        ax.set_title("new scenes said" if measure == "say_two" else "new sentences understood")
    axes[0].set_ylabel("share right, two participants")
    handles, labels = axes[0].get_legend_handles_labels()
    shape: dict[str, Any] = {"ncols": len(colours), "handlelength": 3, "fontsize": "small"}
    figure.legend(handles, labels, loc="outside lower center", title="mechanism, nouns + verbs", **shape)
    return figure
