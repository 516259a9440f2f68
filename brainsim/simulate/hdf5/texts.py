"""Any text in HDF5, and back: as the name of a group or dataset, or as a value.

Texts in HDF5 end at the first NUL.  In names, '/' stands for a path and '.' for the group itself.  These, and the empty
name, are written as ``%00``, ``%2F``, ``%2E`` and ``%_``.  A '%' is written as ``%25``, but only where it would be read
as one of these, so that "50%" stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_IN_TEXTS = {"%25": "%", "%00": "\0"}
_IN_NAMES = {**_IN_TEXTS, "%2F": "/", "%2E": ".", "%_": ""}


def to_link(name: str) -> str:
    """Return the name under which HDF5 keeps something that is called ``name``."""
    if name in ("", "."):
        return {"": "%_", ".": "%2E"}[name]
    return _unambiguous(name, _IN_NAMES).replace("/", "%2F").replace("\0", "%00")


def from_link(link: str) -> str:
    """Return what `to_link` was given."""
    return _read(link, _IN_NAMES)


def to_text(value: str) -> str:
    """Return the text by which HDF5 keeps a value."""
    return _unambiguous(value, _IN_TEXTS).replace("\0", "%00")


def from_text(text: str) -> str:
    """Return what `to_text` was given."""
    return _read(text, _IN_TEXTS)


def _unambiguous(text: str, escapes: Mapping[str, str]) -> str:
    return re.sub("%(?=" + "|".join(escape[1:] for escape in escapes) + ")", "%25", text)


def _read(text: str, escapes: Mapping[str, str]) -> str:
    return re.sub("|".join(escapes), lambda found: escapes[found[0]], text)
