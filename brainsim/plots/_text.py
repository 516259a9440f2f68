"""Text in pictures: drawn literally, and no more of it than can be read."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.text import Text

_OTHER_SCRIPTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Noto Sans", "Noto Emoji", "Symbola")
_LINE = 11.0  # points from one line of labels to the next
_LETTER = 6.0  # points of width, about
_LONGEST = 20  # letters; longer labels leave no space for the picture


@cache
def _families() -> list[str]:
    """Return Matplotlib's font, and those of other scripts that are installed."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["sans-serif", *(name for name in _OTHER_SCRIPTS if name in installed)]


def draw_as_they_are(ax: Axes) -> None:
    """Draw all text of some axes literally: a dollar sign does not begin a formula."""
    for text in ax.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
        text.set_fontfamily(_families())


def shortened(label: str) -> str:
    """Return a label with at most 20 letters.  Similar labels often differ at their ends, so the middle is cut."""
    half = _LONGEST // 2
    return label if len(label) <= _LONGEST else f"{label[:half]}…{label[1 - half :]}"


def every(count: int, room: float) -> int:
    """Return ``s`` so that every ``s``-th of ``count`` labels, one under the other, fits into ``room`` points."""
    return max(1, int(-(-count * _LINE // max(room, 1.0))))


def lie_across(labels: list[str], room: float) -> bool:
    """Return whether labels would overlap if they stood beside each other in ``room`` points."""
    longest = max(map(len, labels), default=0)
    return len(labels) * (longest + 1) * _LETTER > room


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Return width and height of some axes, about."""
    figure = ax.get_figure()
    dots = 1.0 if figure is None else figure.dpi / 72
    return ax.bbox.width / dots, ax.bbox.height / dots
