"""The axes to draw on."""

from __future__ import annotations

from matplotlib.axes import Axes


def axes(ax: Axes | None, width: float = 7.0, height: float = 4.5) -> Axes:
    """Return ``ax``, or the axes of a new figure of this size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]
