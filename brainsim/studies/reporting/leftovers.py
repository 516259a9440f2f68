"""Pictures and tables that the experiment itself wrote into the run folder."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from brainsim.studies.reporting.material import Material
from brainsim.studies.reporting.page import Picture, Section

_MOST_BYTES = 6_000_000
_MOST_LETTERS = 20_000


def section(material: Material) -> Section | None:
    """Return the PNG pictures and Markdown tables of a run, as far as a page has room for them."""
    if not material.is_run:
        return None
    folder, room, pictures, texts, left = material.path, _MOST_BYTES, [], {}, []
    for name, size in material.files.items():
        if "/" in name or not name.endswith((".png", ".md")):
            continue
        if size > room:
            left.append(name)
            continue
        room -= size
        if name.endswith(".png"):
            pictures.append(Picture(name, _uri(folder / name)))
        else:
            texts[name] = (folder / name).read_text(encoding="utf-8", errors="replace")[:_MOST_LETTERS]
    if not (pictures or texts):
        return None
    notes = [f"Too large for this page: {', '.join(left)}."] if left else []
    return Section("leftovers", "Pictures and tables of the experiment", texts=texts, pictures=pictures, notes=notes)


def _uri(path: Path) -> str:
    return f"data:image/png;base64,{b64encode(path.read_bytes()).decode()}"
