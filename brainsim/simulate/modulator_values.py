"""The values of modulators that differ from their baselines, as in snapshots and files: integers by name."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from brainsim.kernels.law.rules import LARGEST_RATE, MAX_RATE


def to_text(values: Mapping[str, int]) -> str:
    """Return values by name as files hold them, in JSON."""
    return json.dumps(values, sort_keys=True)


def from_text(text: str) -> dict[str, int]:
    """Return the argument of `to_text`.

    Raises
    ------
    TypeError, ValueError
        If the text is something else.
    """
    found = json.loads(text)
    if not isinstance(found, dict) or not all(type(value) is int for value in found.values()):
        raise TypeError("modulators must be whole numbers by name")
    return found


def fault(values: Mapping[str, int], settable: Collection[str]) -> str | None:
    """Return what is wrong with values by name, ``None`` if a simulator may be given them."""
    for name, value in values.items():
        if name not in settable:
            return f"modulators names {name!r}, which this brain does not have, or which cannot be set"
        if abs(value) > LARGEST_RATE:
            return f"modulators: the value of {name!r} must lie between -{MAX_RATE:g} and {MAX_RATE:g}"
    return None
