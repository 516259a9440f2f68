"""Aligned plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[object]], *, indent: int = 2) -> list[str]:
    r"""Return rows as lines with aligned columns: whole numbers and their headings to the right, the rest to the left.

    Examples
    --------
    >>> print("\n".join(aligned([("area", "n"), ("Lex", 1000), ("Phon", 50)], indent=0)))
    area      n
    Lex   1,000
    Phon     50
    """
    rows = [tuple(row) for row in rows]
    if not rows:
        return []
    columns = range(len(rows[0]))
    numbers = [any(_is_number(row[at]) for row in rows) for at in columns]
    texts = [[_text(each) for each in row] for row in rows]
    widths = [max(len(row[at]) for row in texts) for at in columns]
    lines = (
        "  ".join(row[at].rjust(widths[at]) if numbers[at] else row[at].ljust(widths[at]) for at in columns)
        for row in texts
    )
    return [f"{' ' * indent}{line}".rstrip() for line in lines]


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> str:
    return f"{value:,}" if _is_number(value) else "" if value is None else str(value)


def titled(title: str, rows: Sequence[Sequence[object]]) -> list[str]:
    """Return a title and under it a row of headings and others; empty columns are left out."""
    if len(rows) < 2:
        return []
    used = [at for at in range(len(rows[0])) if any(row[at] not in ("", None) for row in rows[1:])]
    return [title, *aligned([[row[at] for at in used] for row in rows])]


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun: ``1 area``, ``2,000 areas``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
