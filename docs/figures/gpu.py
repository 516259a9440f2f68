"""Figures of the page on the gpu backend: ``python docs/figures/gpu.py`` draws them."""

from __future__ import annotations

from shared import BLUE, GREEN, GREY, ORANGE, PINK, arrow, bare, box, figure, label, write

STEPS = [
    ("project", "draw synapses,\nsum into tiles", BLUE),
    ("gather", "add learned\nweights", BLUE),
    ("count_digits", "find the k-th\nlargest drive", ORANGE),
    ("list_winners", "winners,\nascending", ORANGE),
    ("draw_pairs", "which pairs\nhave a synapse", GREEN),
    ("strengthen", "change\nweights", GREEN),
    ("commit", "move to the\nnew winners", GREY),
]


def a_round() -> None:
    """Draw the launches of a round."""
    drawn, (ax,) = figure(8, 1.9)
    bare(ax, 36, 7)
    for at, (name, text, colour) in enumerate(STEPS):
        box(ax, (5.1 * at, 1.6), (4.4, 1.3), name, colour)
        label(ax, (5.1 * at + 0.2, 4), text)
        if at:
            arrow(ax, (5.1 * at - 0.7, 2.25), (5.1 * at, 2.25))
    label(ax, (0, 0.7), "all areas and fibers of a brain share each launch; the host waits for none of them")
    label(ax, (0, 6), "blue: project · orange: select · green: learn")
    write(drawn, "gpu_round")


def digits() -> None:
    """Draw the radix search for the last winner."""
    drawn, (ax,) = figure(7, 2.4)
    bare(ax, 30, 9)
    rows = [("first 11 bits", [5, 9, 14, 30], 1), ("next 11 bits", [2, 3, 6, 3], 2), ("last bits", [1, 1, 3, 1], 2)]
    for y, (name, sizes, chosen) in enumerate(rows):
        label(ax, (6.5, 1.4 + 2.4 * y), name, right=True)
        at = 7.0
        for place, size in enumerate(sizes):
            width = max(1.2, size * 20 / sum(sizes) / (1 + 0.8 * y))
            colour = GREEN if place < chosen else ORANGE if place == chosen else "white"
            box(ax, (at, 0.7 + 2.4 * y), (width, 1.3), str(size), colour)
            at += width + 0.15
    label(ax, (7, 0.2), "neurons by digit of their drive, the largest digits first")
    label(ax, (7, 8.2), "green: certain to win · orange: the digit that holds the last winner is split further")
    write(drawn, "gpu_digits")


def stall() -> None:
    """Draw rounds that are launched ahead, and one that finds no room."""
    drawn, (ax,) = figure(7.5, 2.2)
    bare(ax, 32, 8)
    label(ax, (3.6, 1.6), "host", right=True)
    label(ax, (3.6, 4.6), "device", right=True)
    box(ax, (4, 1), (7, 1.2), "launch rounds 1 to 5", GREY)
    for at, (name, colour) in enumerate(
        (("1", GREEN), ("2", GREEN), ("3 stalls", ORANGE), ("4", "white"), ("5", "white"))
    ):
        box(ax, (5 + 2.4 * at, 4), (2.2, 1.2), name, colour)
    box(ax, (17.5, 1), (6, 1.2), "reads, doubles room", GREY)
    for at, name in enumerate("345"):
        box(ax, (24 + 2.4 * at, 4), (2.2, 1.2), name, GREEN)
    arrow(ax, (11, 2.2), (11, 4))
    arrow(ax, (16.9, 4), (18, 2.2))
    arrow(ax, (23.5, 2.2), (24.5, 4))
    label(ax, (4, 6.8), "a stalled round and those after it change nothing, so they can be launched again")
    write(drawn, "gpu_stall")


def pages() -> None:
    """Draw where learned synapses are stored."""
    drawn, (ax,) = figure(7, 2)
    bare(ax, 30, 7.5)
    for i in range(8):
        box(ax, (1.2 * i, 1), (1.1, 1.1), "3" if i == 2 else "5" if i == 6 else "", BLUE if i in (2, 6) else "white")
    label(ax, (0, 0.3), "a rank for each source neuron")
    for at, name in ((12, "32 synapses"), (19, "32 synapses"), (26, "4")):
        box(ax, (at, 1), (4 if at < 26 else 2, 1.1), name, PINK)
    arrow(ax, (9.8, 1.5), (12, 1.5))
    arrow(ax, (16, 1.5), (19, 1.5))
    arrow(ax, (23, 1.5), (26, 1.5))
    label(ax, (12, 0.3), "its pages, linked, in one pool for all fibers")
    label(ax, (0, 4.2), "a warp of 32 threads reads a page at once; new synapses fill the last page, or take a new one")
    write(drawn, "gpu_pages")


if __name__ == "__main__":
    for draw in (a_round, digits, stall, pages):
        draw()
