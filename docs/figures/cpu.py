"""Figures of the page on the cpu backend: ``python docs/figures/cpu.py`` draws them."""

from __future__ import annotations

import numpy as np
from shared import BLUE, GREEN, GREY, ORANGE, PINK, arrow, bare, box, figure, label, write

FIRING, TARGETS = 5, 24


def counts() -> None:
    """Draw rows of the firing neurons, added up."""
    rng = np.random.default_rng(3)
    rows = rng.random((FIRING, TARGETS)) < 0.25
    drawn, (ax,) = figure(7.5, 2.6)
    bare(ax, TARGETS + 8, FIRING + 2.6)
    for i, row in enumerate(rows):
        label(ax, (6.8, i + 0.45), f"row of firing neuron {i + 1}", right=True)
        for j, there in enumerate(row):
            box(ax, (7 + j, i), (0.9, 0.9), "", BLUE if there else "white")
    label(ax, (6.8, FIRING + 0.95), "counts, a byte each", right=True)
    for j, total in enumerate(rows.sum(axis=0)):
        box(ax, (7 + j, FIRING + 0.5), (0.9, 0.9), str(total), ORANGE if total == rows.sum(axis=0).max() else "white")
    label(ax, (7, FIRING + 2.1), "targets; orange: the largest count, kept for every 4096 targets")
    write(drawn, "cpu_counts")


def similar() -> None:
    """Draw counts of a set from those of a similar one."""
    drawn, (ax,) = figure(7.5, 1.8)
    bare(ax, 30, 6)
    box(ax, (0, 1), (8, 1.4), "counts of {1, 2, 3, 4, 5}", GREY)
    label(ax, (0, 0.4), "in the cache")
    box(ax, (10, 0.2), (6, 1.2), "− row of 2", ORANGE)
    box(ax, (10, 2), (6, 1.2), "+ row of 9", GREEN)
    box(ax, (18.5, 1), (9, 1.4), "counts of {1, 3, 4, 5, 9}", BLUE)
    for start, end in (
        ((8, 1.7), (10, 0.8)),
        ((8, 1.7), (10, 2.6)),
        ((16, 0.8), (18.5, 1.7)),
        ((16, 2.6), (18.5, 1.7)),
    ):
        arrow(ax, start, end)
    label(ax, (0, 4.6), "two rows instead of five; with 50 neurons firing of which 3 changed, six instead of fifty")
    write(drawn, "cpu_similar")


def peaks() -> None:
    """Draw chunks that can hold a winner."""
    rng = np.random.default_rng(5)
    heights = rng.integers(6, 13, 40)
    heights[[11, 29]] = 15, 14
    drawn, (ax,) = figure(7, 2.6)
    ax.bar(range(40), heights, color=[GREEN if height >= 14 else GREY for height in heights])
    ax.axhline(14, color=ORANGE)
    ax.text(39.8, 14.3, "bar: drive of the k-th best neuron that learned synapses reach", ha="right", fontsize=8)
    ax.set(xlabel="chunks of 4096 targets", ylabel="largest count in the chunk", ylim=(0, 17))
    ax.set_title("Only green chunks are read", fontsize=10, loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    write(drawn, "cpu_peaks")


def sparse_drive() -> None:
    """Draw what learned weights add, for few neurons."""
    rng = np.random.default_rng(2)
    base = rng.binomial(50, 0.1, 90)
    added = np.zeros(90)
    added[[8, 21, 40, 41, 66, 83]] = 9, 6, 12, 4, 10, 7
    drawn, (ax,) = figure(7, 2.4)
    ax.bar(range(90), base, color=GREY, label="counts: all neurons, cached")
    ax.bar(range(90), added, bottom=base, color=BLUE, label="sparse drive: the few that learned synapses reach")
    ax.set(xlabel="neurons of the area", ylabel="drive", ylim=(0, 27))
    ax.legend(fontsize=8, loc="upper left", frameon=False, ncols=2)
    ax.spines[["top", "right"]].set_visible(False)
    write(drawn, "cpu_sparse_drive")


def visited() -> None:
    """Draw pairs of firing neurons and winners that have to be looked up."""
    drawn, (ax,) = figure(5, 2.6)
    bare(ax, 20, 11)
    for i in range(8):
        for j in range(8):
            known = i < 6 and j < 6
            box(ax, (6 + j, 1 + i), (0.92, 0.92), "", GREY if known else PINK)
    label(ax, (6, 0.4), "winners")
    label(ax, (5.6, 5), "firing neurons", right=True)
    label(ax, (14.6, 3), "grey: visited together before;\nall their synapses are stored")
    label(ax, (14.6, 6.5), "pink: searched in the graph")
    write(drawn, "cpu_visited")


FEATURES = {  # `brainsim bench features --threads 1 --repeats 9`: ratios to the plain brain, while forming and settled
    "modulator at .5": (1.04, 1.25),
    "trace of 5 rounds": (1.05, 1.22),
    "weight 2": (1.05, 1.01),
    "gate, all channels open": (1.08, 1.6),
    "winners and drives recorded": (1.05, 1.4),
    "Channels(10, 31)": (0.79, 2.4),
    "Topographic(.05, .1)": (2.2, 2.4),
    "STDP": (2.1, 3.8),
    "Heterosynaptic": (2.1, 4.5),
}


def features() -> None:
    """Draw the time of a round with a feature."""
    drawn, (ax,) = figure(6.5, 3)
    names = list(FEATURES)[::-1]
    for column, (colour, name) in enumerate(((BLUE, "forming"), (ORANGE, "settled"))):
        ax.plot([FEATURES[each][column] for each in names], range(len(names)), "o", color=colour, label=name)
    ax.axvline(1, color="#888888", linewidth=0.8)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set(xlabel="time of a round, relative to a brain without the feature (median of 9)", xlim=(0, 5))
    ax.legend(fontsize=8, frameon=False, loc="lower right", title="stimulus")
    ax.spines[["top", "right"]].set_visible(False)
    write(drawn, "cpu_features")


if __name__ == "__main__":
    for draw in (counts, similar, peaks, sparse_drive, visited, features):
        draw()
