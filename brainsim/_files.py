"""Files that appear whole or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to ``path`` on success, remove it on failure."""
    final = Path(path)
    partial = final.with_name(f".{final.stem}.{os.getpid()}{final.suffix}")
    try:
        yield partial
        os.replace(partial, final)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, whole or not at all; NumPy numbers are welcome, NaN is refused, since JSON has none."""
    text = json.dumps(content, indent=2, allow_nan=False, default=_plain)
    with whole(path) as partial:
        partial.write_text(text + "\n")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return value.tolist()
    raise TypeError(f"{value!r} cannot be written as JSON")
