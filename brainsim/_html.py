"""How notebooks show objects: small tables and drawings.  All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_WIDTH = 360


def shown(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]], drawing: str = "") -> str:
    """Return HTML with a title, a drawing (from `dots`) and a table; whole numbers get thousands separators.

    Examples
    --------
    >>> from brainsim._html import shown
    >>> shown("a <brain>", ("n",), [(1000,)])
    '<div><b>a &lt;brain&gt;</b><table><tr><th>n</th></tr><tr><td>1,000</td></tr></table></div>'
    """
    lines = [_row("th", headings)] if any(headings) else []
    lines += [_row("td", row) for row in rows]
    table = f"<table>{''.join(lines)}</table>" if lines else ""
    return f"<div><b>{escape(title)}</b>{drawing}{table}</div>"


def _row(tag: str, cells: Sequence[object]) -> str:
    texts = (f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell) for cell in cells)
    return f"<tr>{''.join(f'<{tag}>{escape(text)}</{tag}>' for text in texts)}</tr>"


def dots(points: Iterable[tuple[float, float]], height: int, label: str) -> str:
    """Return points of the unit square, with (0, 0) at the lower left, as SVG; ``label`` says what it shows."""
    squares = "".join(
        f"M{x * (_WIDTH - 2):.4g} {(1 - y) * (height - 2):.4g}h2v2h-2z" for x, y in points
    )  # one path for all, since notebooks keep what they show
    return (
        f'<svg role="img" aria-label="{escape(label)}" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" style="display:block;margin:4px 0">'
        f'<rect width="100%" height="100%" fill="currentColor" fill-opacity="0.06"/>'
        f'<path d="{squares}" fill="#2e90f4"/></svg>'
    )
