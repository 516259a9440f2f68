"""Figures of the pages on concepts: ``python docs/figures/concepts.py`` draws them."""

from __future__ import annotations

import numpy as np
from shared import BLUE, GREEN, GREY, ORANGE, arrow, bare, box, figure, label, write


def gaps() -> None:
    """Draw a row of the graph from geometric gaps."""
    drawn, (ax,) = figure(7.5, 1.9)
    bare(ax, 30, 5.2)
    targets, at = [3, 4, 11, 17, 26], -1
    for j in range(30):
        box(ax, (j, 2), (0.9, 0.9), str(j), ORANGE if j in targets else "white")
    for target in targets:
        label(ax, ((at + target) / 2 + 0.2, 1.2), str(target - at - 1), colour=BLUE)
        arrow(ax, (at + 0.5, 1.7), (target + 0.45, 1.7), BLUE)
        at = target
    label(ax, (0, 0.4), "gaps, drawn from a geometric distribution", colour=BLUE)
    label(ax, (0, 3.9), "targets of one firing neuron (orange): each is the one before, plus the gap, plus 1")
    label(ax, (0, 4.8), "one random number a synapse, none for the targets between")
    write(drawn, "gaps")


def ties() -> None:
    """Draw how many neurons have each drive, and where the last winner is."""
    rng, k = np.random.default_rng(1), 100
    drives = rng.binomial(100, 0.05, 10_000)  # k = 100 firing neurons, p = .05
    counts = np.bincount(drives)
    above = counts[::-1].cumsum()[::-1]
    bar = int(np.flatnonzero(above >= k)[-1])
    drawn, (ax,) = figure(6.5, 2.8)
    colours = [GREEN if drive > bar else ORANGE if drive == bar else GREY for drive in range(len(counts))]
    ax.bar(range(len(counts)), np.maximum(counts, 0.8), color=colours)
    ax.set(yscale="log", xlabel="drive before learning (synapses from firing neurons)", ylabel="neurons of 10 000")
    more = int(above[bar + 1])
    text = f"{more} neurons have more: they fire\n{counts[bar]} have {bar}: {k - more} of them fire"
    ax.text(0.98, 0.95, text, transform=ax.transAxes, ha="right", va="top", fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    write(drawn, "ties")


if __name__ == "__main__":
    gaps()
    ties()
