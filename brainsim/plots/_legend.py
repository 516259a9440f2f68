"""Legends that draw names literally."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes


def legend(ax: Axes, handles: Sequence[Artist], names: Sequence[str], **place: Any) -> None:
    """Draw a legend beside the axes, or at another place.

    Matplotlib leaves out names that begin with an underscore, so they are set afterwards.  The artists get their names
    as labels, too, so that another legend can have them.
    """
    place = place or {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    drawn = ax.legend(handles, [""] * len(handles), frameon=False, **place)
    for handle, text, name in zip(handles, drawn.get_texts(), names, strict=True):
        handle.set_label(name)
        text.set_text(name)
        text.set_fontsize("small")
