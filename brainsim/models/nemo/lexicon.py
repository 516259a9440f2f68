"""Word lists: nouns and verbs, with ratings if the file has any."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from brainsim.errors import LexiconError, unknown

_CLASSES = {"noun": "noun", "nouns": "noun", "verb": "verb", "verbs": "verb"}
_CLASS_COLUMNS = ("class", "lexical_class")
_Row = dict[str, str]


@dataclass(frozen=True)
class Lexicon:
    """Nouns and verbs.

    Attributes
    ----------
    nouns, verbs : tuple of str
        In the order of the file.
    features : mapping of str to tuple of float
        Ratings of each word; empty if the file has none.
    feature_names : tuple of str
        What the ratings are about.
    left_out : tuple of str
        Words that stand in the file but were left out (homographs, when asked to drop them).
    """

    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    feature_names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Nouns, then verbs."""
        return self.nouns + self.verbs

    def take(self, nouns: int | None = None, verbs: int | None = None) -> Lexicon:
        """Return the lexicon of the first ``nouns`` nouns and ``verbs`` verbs (all, if ``None``).

        Raises
        ------
        LexiconError
            If there are fewer, or either count is below 1.
        """
        for kind, wanted, there in (("nouns", nouns, self.nouns), ("verbs", verbs, self.verbs)):
            if wanted is not None and not 1 <= wanted <= len(there):
                raise LexiconError(
                    f"Lexicon.{kind}: must be between 1 and {len(there)}, the number in the list (got {wanted}); "
                    "ask for fewer or give a longer list"
                )
        return self.only(self.nouns[:nouns] + self.verbs[:verbs])

    def only(self, words: Sequence[str]) -> Lexicon:
        """Return the lexicon restricted to ``words``, in its own order."""
        kept = set(words)
        return Lexicon(
            tuple(noun for noun in self.nouns if noun in kept),
            tuple(verb for verb in self.verbs if verb in kept),
            {word: ratings for word, ratings in self.features.items() if word in kept},
            self.feature_names,
            self.left_out,
        )


def english() -> Lexicon:
    """Return the lexicon that comes with brainsim: 40 plain English nouns and 40 verbs, no ratings."""
    return read_lexicon(Path(str(files("brainsim.models.nemo") / "data" / "english.csv")))


def read_lexicon(path: str | Path, *, features: Sequence[str] = (), drop_homographs: bool = False) -> Lexicon:
    """Read a CSV file with the columns ``word``, ``class`` (or ``lexical_class``) and any numeric feature columns.

    Rows of other classes than noun and verb are skipped.

    Parameters
    ----------
    path : str or Path
        The file.
    features : sequence of str
        The feature columns to use; all numeric columns by default.
    drop_homographs : bool
        Leave out words that come more than once (and say so in ``left_out``) instead of refusing the file.

    Raises
    ------
    LexiconError
        If the file cannot be read, lacks a column, has no noun or no verb, repeats a word, or has a feature that is not
        a finite number.
    """
    rows = _read(path)
    kept = [(number, row) for number, row in rows if row["class"].strip().lower() in _CLASSES]
    counts = Counter(row["word"] for _, row in kept)
    twice = tuple(word for word, count in counts.items() if count > 1)
    if twice and not drop_homographs:
        line = [number for number, row in kept if row["word"] == twice[0]][1]
        raise LexiconError(
            f"{path}, line {line}: word {twice[0]!r} comes twice; keep one row, or set drop_homographs=True"
        )
    kept = [(number, row) for number, row in kept if row["word"] not in twice]
    names = _feature_names(path, kept, features)
    by_class = {
        c: tuple(r["word"] for _, r in kept if _CLASSES[r["class"].strip().lower()] == c) for c in ("noun", "verb")
    }
    for kind, words in by_class.items():
        if not words:
            raise LexiconError(f"{path}: has no {kind}; give at least one row with class {kind}")
    ratings = {row["word"]: tuple(_number(path, number, row, name) for name in names) for number, row in kept}
    return Lexicon(by_class["noun"], by_class["verb"], ratings if names else {}, names, twice)


def _read(path: str | Path) -> list[tuple[int, _Row]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LexiconError(f"{path}: cannot be read as a CSV file ({error})") from error
    if not columns or not rows:
        raise LexiconError(f"{path}: is empty; it needs a header with the columns word and class, and a row a word")
    label = next((column for column in _CLASS_COLUMNS if column in columns), None)
    for wanted, found in (("word", "word" in columns), ("class", label)):
        if not found:
            raise LexiconError(f"{path}: column {wanted!r} is missing; found: {', '.join(columns)}")
    for number, row in rows:
        if None in row or None in row.values():
            raise LexiconError(f"{path}, line {number}: must have {len(columns)} columns, as the header does")
        row["word"] = row["word"].strip()
        if not row["word"].strip(".") or "/" in row["word"]:
            raise LexiconError(f"{path}, line {number}: must have a word, without '/' (got {row['word']!r})")
        row["class"] = row[label or "class"]
    return rows


def _feature_names(path: str | Path, rows: list[tuple[int, _Row]], wanted: Sequence[str]) -> tuple[str, ...]:
    columns = [c for c in rows[0][1] if c not in ("word", *_CLASS_COLUMNS)] if rows else []
    for name in wanted:
        if name not in columns:
            raise LexiconError(f"{path}: {unknown('feature column', name, columns)}")
    return tuple(wanted) or tuple(c for c in columns if _is_numeric(path, rows, c))


def _is_numeric(path: str | Path, rows: list[tuple[int, _Row]], column: str) -> bool:
    """Return whether a column holds numbers; some, but not all, is an error and not a column to drop in silence."""
    words = [(number, row[column]) for number, row in rows if not _is_number(row[column])]
    if words and len(words) < len(rows):
        raise LexiconError(
            f"{path}, line {words[0][0]}: {column} must be a finite number (got {words[0][1]!r}); "
            "mend it, or name the feature columns to use"
        )
    return not words


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(path: str | Path, line: int, row: _Row, name: str) -> float:
    value = float(row[name]) if _is_number(row[name]) else math.nan
    if not math.isfinite(value):
        raise LexiconError(f"{path}, line {line}: {name} must be a finite number (got {row[name]!r})")
    return value
