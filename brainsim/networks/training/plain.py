"""Dataclasses of plain values, restored from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from brainsim.errors import DeclarationError

T = TypeVar("T")


def from_plain(kind: type[T], content: Mapping[str, Any]) -> T:
    """Return a dataclass from the JSON form of `dataclasses.asdict`.

    Parameters
    ----------
    kind : type
        The dataclass; fields that are dataclasses are restored, too.
    content : mapping of str to object
        Its values; lists become tuples.

    Raises
    ------
    DeclarationError
        If a name is not a field of it, or it refuses a value.

    Examples
    --------
    >>> from brainsim.networks.training.plain import from_plain
    >>> from brainsim.networks.recipe import Recipe
    >>> from_plain(Recipe, {"steps": 10, "betas": [0.9, 0.99]}).betas
    (0.9, 0.99)
    """
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    if not isinstance(content, Mapping) or not set(content) <= set(names):
        allowed = f"a mapping of {', '.join(names)}"
        raise DeclarationError(where=kind.__name__, value=content, allowed=allowed)
    kinds = get_type_hints(kind)
    return kind(**{name: _value(kinds[name], value) for name, value in content.items()})


def _value(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        return from_plain(kind, value)  # type: ignore[arg-type]
    return tuple(value) if isinstance(value, list) else value
