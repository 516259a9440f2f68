"""Refuse arguments whose kind differs from the annotations of a function, before it begins.

Only the kind is checked here.  A function itself checks further conditions, such as a range.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

import numpy as np
from numpy.typing import ArrayLike

from brainsim._validation import whole
from brainsim.errors import DeclarationError

P = ParamSpec("P")
T = TypeVar("T")

_CURES = {
    "Simulator": "build one with Simulator(brain, seed=1)",
    "Assembly": "take a pattern by area[label], or sim.assembly(area)",
    "Fiber": "as in a >> b | b >> c",
    "Recording": "sim.record(area) makes one",
    "Recorded": "sim.record(area) makes one",
    "Brain": "sim.brain is that of a simulator",
    "Axes": "matplotlib.pyplot.subplots() makes some",
}


def checked(*own: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function refuse arguments whose kind differs from its annotations.

    Parameters
    ----------
    *own : str
        Names of parameters that the function checks itself, with messages of its own.

    Raises
    ------
    DeclarationError
        By the function, before it does anything.

    Examples
    --------
    >>> from brainsim._arguments import checked
    >>> @checked()
    ... def halved(number: float) -> float:
    ...     return number / 2
    >>> halved("one")
    Traceback (most recent call last):
        ...
    brainsim.errors.DeclarationError: halved.number: must be a number (got 'one')
    """
    return lambda function: _refusing(function, own)


def _refusing(function: Callable[P, T], own: Collection[str]) -> Callable[P, T]:
    kinds: dict[str, Any] = {}  # filled at the first call: annotations may name what is imported later
    parameters = inspect.signature(function).parameters
    names = tuple(parameters)
    rest = next((n for n, each in parameters.items() if each.kind is inspect.Parameter.VAR_POSITIONAL), "")
    before = names[: names.index(rest)] if rest else names
    where = function.__qualname__.removesuffix(".__init__")
    assert set(own) <= set(names), f"{where} has no parameters {own}"

    def check(name: str, value: object) -> None:
        if name in kinds:
            _check(f"{where}.{name}", value, kinds[name])

    @wraps(function)
    def refusing(*args: P.args, **kwargs: P.kwargs) -> T:
        if not kinds:
            globals_ = function.__globals__
            kinds.update({n: _meaning(parameters[n].annotation, globals_) for n in names if n not in own})
        for name, value in zip(before, args, strict=False):
            check(name, value)
        for value in args[len(before) :] if rest else ():
            check(rest, value)
        for name, value in kwargs.items():
            check(name, value)
        return function(*args, **kwargs)

    return refusing


def check_record(record: object) -> None:
    """Refuse public fields of a dataclass whose kind differs from the annotations (in ``__post_init__``)."""
    kind = type(record)
    for each in fields(record):  # type: ignore[arg-type]
        if each.name.startswith("_"):
            continue
        wanted = _meaning(each.type, vars(sys.modules[kind.__module__]))
        _check(f"{kind.__name__}.{each.name}", getattr(record, each.name), wanted)


def _check(where: str, value: object, kind: Any) -> None:
    if not fits(value, kind):
        cure = next((_CURES[each] for each in _classes(kind) if each in _CURES), "")
        raise DeclarationError(where=where, value=value, allowed=described(kind), cure=cure)


def _meaning(annotation: Any, names: dict[str, Any]) -> Any:
    """Return what an annotation means; `Any` if it names what is imported for type checkers alone."""
    if annotation is inspect.Parameter.empty:  # self
        return Any
    try:
        return eval(annotation, names) if isinstance(annotation, str) else annotation
    except NameError:
        return Any


def _classes(kind: Any) -> list[str]:
    inner = [name for each in get_args(kind) for name in _classes(each)]
    return [getattr(kind, "__name__", ""), *inner]


def fits(value: object, kind: Any) -> bool:
    """Return whether a value is of a kind: a class, a union, or a container, whose elements are checked, too."""
    if kind in _SIMPLE:
        return _SIMPLE[kind](value)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, each) for each in inner)
    if origin is Literal:
        return any(isinstance(value, type(each)) and value == each for each in inner)
    if isinstance(origin, type):
        return _contains(value, origin, inner)
    if not isinstance(kind, type) or _is_open(kind):
        return True
    return isinstance(value, kind)


def _number(value: object) -> bool:
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, int | float | np.integer | np.floating)


def _numbers(value: object) -> bool:
    try:
        return np.asarray(value, np.float64).dtype == np.float64
    except (TypeError, ValueError):
        return False


_SIMPLE: dict[Any, Callable[[object], bool]] = {
    Any: lambda _: True,
    object: lambda _: True,
    None: lambda value: value is None,
    type(None): lambda value: value is None,
    bool: lambda value: isinstance(value, bool | np.bool_),
    int: lambda value: whole(value) is not None,
    float: _number,
    ArrayLike: _numbers,
}


def _is_open(kind: type) -> bool:
    """Return whether a class cannot be checked: a protocol that does not say so."""
    return getattr(kind, "_is_protocol", False) and not getattr(kind, "_is_runtime_protocol", False)


def _contains(value: object, container: type, inner: tuple[Any, ...]) -> bool:
    """Return whether a value is a container with such elements; those of an iterator are not checked."""
    if issubclass(container, Mapping):
        key, item = inner
        return isinstance(value, Mapping) and all(fits(k, key) and fits(v, item) for k, v in value.items())
    if not issubclass(container, Iterable):
        return isinstance(value, container)
    if container is Sequence and isinstance(value, Collection):
        container = type(value)  # an array or a set has an order, too
    if not isinstance(value, container) or isinstance(value, bytes):
        return False
    return not isinstance(value, Collection) or all(fits(each, inner[0]) for each in value)


def described(kind: Any) -> str:
    """Return a kind in words: "an Area or text"."""
    if kind in _WORDS:
        return _WORDS[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(described(each) for each in inner))
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of {described(inner[0])} to {described(inner[1])}"
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return f"several, each {described(inner[0])}"
    return _with_article(getattr(kind, "__name__", str(kind)))


_WORDS: dict[Any, str] = {
    None: "None",
    type(None): "None",
    bool: "True or False",
    int: "an integer",
    float: "a number",
    str: "text",
    ArrayLike: "numbers",
    Callable: "a function",
}


def _with_article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"
