"""The marks of a recording on the time axis."""

from __future__ import annotations

from matplotlib.axes import Axes

from brainsim.plots._text import every, lie_across, size_in_points
from brainsim.simulate.recordings.recording import Recorded


def draw_marks(ax: Axes, recording: Recorded) -> None:
    """Draw lines between marks, and the labels of as many as can be read."""
    width, _ = size_in_points(ax)
    upright = lie_across([mark.label for mark in recording.marks], width)
    step = every(len(recording.marks), width) if upright else 1
    ends = [mark.round for mark in recording.marks[1:]] + [len(recording)]
    for number, (mark, end) in enumerate(zip(recording.marks, ends, strict=False)):
        if mark.round:
            ax.axvline(mark.round - 0.5, color="0.6", lw=0.6, zorder=1)
        if number % step == 0:
            text = ax.text((mark.round + end - 1) / 2, 1.01, mark.label, transform=ax.get_xaxis_transform())
            text.set(ha="center", va="bottom", rotation=90 * upright)
