"""Ratings in the columns of a word list: numbers, other text, and text that only looks like numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NoReturn

from brainsim.models.nemo.tables import Row, Table

# Decimal commas, thousands in groups, currencies and per cent; not dates or times.
_LIKE_A_NUMBER = re.compile(r"[+\-−]?\s*[$€£]?\s*\d[\d.,'’_\s]*([eE][+-]?\d+)?\s*[%$€£]?")
_NUMBER = "a finite number with a decimal point and no other marks"
_CURE = "or name the feature columns to use (--set features=…)"


def rating_columns(table: Table, rows: Sequence[Row], candidates: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that hold numbers.

    Raises
    ------
    LexiconError
        If only some cells of a column are numbers, or some look like numbers that Python cannot read.
    """
    return tuple(column for column in candidates if _holds_numbers(table, rows, column))


def _holds_numbers(table: Table, rows: Sequence[Row], column: str) -> bool:
    others = [row for row in rows if not _is_number(row[column])]
    like = [row for row in others if _LIKE_A_NUMBER.fullmatch(row[column])]
    if like or 0 < len(others) < len(rows):
        _refuse(table, (like or others)[0], column)
    return not others


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # which Python takes, and no table means


def rating(table: Table, row: Row, column: str) -> float:
    """Return one rating; `LexiconError` if it is no finite number."""
    value = float(row[column]) if _is_number(row[column]) else math.nan
    if not math.isfinite(value):
        _refuse(table, row, column)
    return value


def _refuse(table: Table, row: Row, column: str) -> NoReturn:
    like = _LIKE_A_NUMBER.fullmatch(row[column])
    cure = "write 3.5 for three and a half" if like else "fill it in, leave out the row"
    table.refuse(row, column, _NUMBER, f"{cure}, {_CURE}")
