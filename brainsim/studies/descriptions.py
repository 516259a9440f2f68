"""The meanings of the parameters of an experiment, from the section *Parameters* of its docstring (numpydoc)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

_SECTION = re.compile(r"^Parameters\n-+\n(?P<body>.*?)(?=^\S[^\n]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^(?P<names>[^\s:][^\n:]*)[^\n]*\n(?P<text>(?:[ \t]+[^\n]*\n?|\n)*)", re.MULTILINE)


def descriptions(function: Callable[..., Any]) -> dict[str, str]:
    """Return the descriptions of parameters by name, a line each; empty if the docstring has none.

    Examples
    --------
    >>> def study(run, *, n=100, k=10, seeds=5):
    ...     '''Do something.
    ...
    ...     Parameters
    ...     ----------
    ...     n, k : int
    ...         Neurons and winners
    ...         of each area.
    ...     seeds
    ...         Brains; their means are reported.
    ...     '''
    >>> descriptions(study)["k"], descriptions(study)["seeds"]
    ('Neurons and winners of each area.', 'Brains; their means are reported.')
    """
    section = _SECTION.search((inspect.getdoc(function) or "") + "\n")
    entries = _ENTRY.finditer(section["body"]) if section else ()
    return {name.strip(): " ".join(entry["text"].split()) for entry in entries for name in entry["names"].split(",")}
