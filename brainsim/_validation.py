"""Checks of single values, with messages of one form: ``<object>.<attribute>: must be … (got …)``."""

from __future__ import annotations

import math
import operator

import numpy as np

from brainsim.errors import DeclarationError

MOST = 2**62
"""Bound on counts."""
LONGEST_TEXT = 2**15
"""Largest length of a label in bytes of UTF-8.  HDF5 keeps names and their attributes of up to 64 KiB."""


def whole(value: object) -> int | None:
    """Return a whole number of any type, such as ``1e5``, as an int; ``None`` for anything else, including bool."""
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, float | np.floating):
        return int(value) if value.is_integer() else None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def integer(where: str, value: object, low: int, high: int | None, *, allowed: str = "", cure: str = "") -> int:
    """Return ``value`` as an int within ``[low, high]``; see `whole` for what is accepted."""
    number = whole(value)
    if number is None or number < low or (high is not None and number > high):
        bounds = f"an integer of at least {low}" if high is None else f"an integer between {low} and {high}"
        found = value if number is None else number
        raise DeclarationError(where=where, value=found, allowed=allowed or bounds, cure=cure)
    return number


def real(where: str, value: object, low: float, high: float, *, cure: str = "") -> float:
    """Return ``value`` as a finite float within ``[low, high]``."""
    bounds = f"a number between {low:g} and {high:g}"
    if isinstance(value, bool | np.bool_ | str | bytes):
        raise DeclarationError(where=where, value=value, allowed=bounds, cure=cure)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise DeclarationError(where=where, value=value, allowed=bounds, cure=cure) from None
    if math.isnan(number) or not low <= number <= high:
        raise DeclarationError(where=where, value=number, allowed=bounds, cure=cure)
    return number


def count(where: str, value: object, low: int, *, cure: str = "") -> int:
    """Return ``value`` as a count of at least ``low``, and below 2**62: more can only be a mistake."""
    number = integer(where, value, low, None, cure=cure)
    if number > MOST:
        raise DeclarationError(where=where, value=number, allowed="an integer below 2**62", cure=cure)
    return number


def truth(where: str, value: object) -> bool:
    """Return a truth value as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise DeclarationError(where=where, value=value, allowed="True or False")
    return bool(value)


def name(where: str, value: object) -> str:
    """Return ``value`` as a usable name: text that can be part of a file and of the name of a fiber."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise DeclarationError(where=where, value=value, allowed="printable text, not empty")
    if len(value.encode()) > LONGEST_TEXT // 4:  # the name of a fiber has those of two areas, and is written to files
        allowed = f"a name of at most {LONGEST_TEXT // 4:_} bytes in UTF-8"
        raise DeclarationError(where=where, value=f"{value[:20]}…", allowed=allowed)
    if "/" in value or "->" in value or value.strip(".") == "":
        raise DeclarationError(
            f"{where}: must not contain '/' or '->' or be dots alone (got {value!r}); use '_' instead",
            where=where,
            value=value,
            cure="use '_' instead",
        )
    return value


def text(where: str, value: object, *, longest: int | None = LONGEST_TEXT) -> str:
    """Return ``value`` as text that UTF-8 can express, within a length in bytes."""
    allowed = "text" if longest is None else f"text of at most {longest:_} bytes in UTF-8"
    try:
        size = len(value.encode()) if isinstance(value, str) else None
    except UnicodeEncodeError:  # half of a surrogate pair
        size = None
    if not isinstance(value, str) or size is None:
        raise DeclarationError(where=where, value=value, allowed=allowed)
    if longest is not None and size > longest:
        raise DeclarationError(where=where, value=f"{value[:20]}…", allowed=allowed)
    return value
