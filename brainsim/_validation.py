"""Checks of single values, with messages of one form: ``<object>.<attribute>: must be … (got …)``."""

from __future__ import annotations

import math
import operator

from brainsim.errors import DeclarationError


def integer(where: str, value: object, low: int, high: int | None, *, allowed: str = "", cure: str = "") -> int:
    """Return ``value`` as an int within ``[low, high]``; whole numbers of any integer type are welcome, bool is not."""
    bounds = allowed or (f"an integer of at least {low}" if high is None else f"an integer between {low} and {high}")
    ending = f"; {cure}" if cure else ""
    if isinstance(value, bool):
        raise DeclarationError(f"{where}: must be {bounds} (got {value!r}){ending}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise DeclarationError(f"{where}: must be {bounds} (got {value!r}){ending}") from None
    if number < low or (high is not None and number > high):
        raise DeclarationError(f"{where}: must be {bounds} (got {number}){ending}")
    return number


def real(where: str, value: object, low: float, high: float, *, cure: str = "") -> float:
    """Return ``value`` as a finite float within ``[low, high]``."""
    ending = f"; {cure}" if cure else ""
    bounds = f"a number between {low:g} and {high:g}"
    if isinstance(value, bool | str):
        raise DeclarationError(f"{where}: must be {bounds} (got {value!r}){ending}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DeclarationError(f"{where}: must be {bounds} (got {value!r}){ending}") from None
    if math.isnan(number) or not low <= number <= high:
        raise DeclarationError(f"{where}: must be {bounds} (got {number:g}){ending}")
    return number


def name(where: str, value: object) -> str:
    """Return ``value`` as a usable name: text that can stand in a file and in a fiber's name."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise DeclarationError(f"{where}: must be printable text, not empty (got {value!r})")
    if "/" in value or "->" in value or value.strip(".") == "":
        raise DeclarationError(
            f"{where}: must not contain '/' or '->' or be dots alone (got {value!r}); use '_' instead"
        )
    return value
