"""JSON that a run reads again: it holds its digest, so that damage cannot change a result silently."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainsim._files import to_json

_DIGEST = "brainsim_sha256"  # no metric has this name


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as JSON data with its digest.

    Raises
    ------
    TypeError, ValueError
        If it is no JSON data.
    """
    plain = json.loads(to_json(content))
    return {**plain, _DIGEST: _digest(plain)}


def read(path: Path) -> dict[str, Any]:
    """Return a mapping that was `sealed`, or by a version that wrote no digest.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no JSON, no mapping, or not what was written.
    """
    found = load(path)
    if not isinstance(found, dict):
        raise ValueError("it holds no mapping")  # noqa: TRY004 - as all that is wrong with a file
    return found


def load(path: Path) -> Any:
    """Return JSON data from a file in UTF-8, with or without a byte-order mark, less their digest if they have one.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no JSON, or not what was written.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    digest = found.pop(_DIGEST, None) if isinstance(found, dict) else None
    if digest is not None and digest != _digest(found):
        raise ValueError("its content is not what was written: the digest differs")
    return found


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
