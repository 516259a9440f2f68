"""Check files other than HDF5 for damage."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from brainsim.studies import sealed_json


def fault(path: Path, kind: str) -> str | None:
    """Return what is wrong with a JSON, CSV, text or picture file, ``None`` if it is intact."""
    try:
        _READERS[kind](path)
    except (OSError, ValueError, SyntaxError, csv.Error) as error:  # a picture's library raises SyntaxError, too
        return str(error).splitlines()[0]
    return None


def _read_json(path: Path) -> None:
    sealed_json.load(path)


def _read_csv(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, strict=True)
        width = len(next(rows, []))
        for row in rows:
            if len(row) != width:
                raise ValueError(f"line {rows.line_num} has {len(row)} columns, the first one {width}")


def _read_text(path: Path) -> None:
    path.read_text(encoding="utf-8")


def _read_picture(path: Path) -> None:
    if path.suffix.lower() == ".svg":
        ElementTree.parse(path)
    elif path.suffix.lower() == ".pdf":
        content = path.read_bytes()
        if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
            raise ValueError("its beginning or its end is not that of a PDF file")
    else:
        _read_pixels(path)


def _read_pixels(path: Path) -> None:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path) as picture:
                picture.load()
        except Image.DecompressionBombWarning as error:
            raise ValueError(str(error)) from error


_READERS: dict[str, Callable[[Path], None]] = {
    "json": _read_json,
    "csv": _read_csv,
    "text": _read_text,
    "picture": _read_picture,
}
