"""Word lists: nouns and verbs, with ratings if the file has any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from brainsim._arguments import check_record, checked
from brainsim.errors import LexiconError
from brainsim.models.nemo import words
from brainsim.models.nemo.ratings import rating, rating_columns
from brainsim.models.nemo.tables import Row, Table, read_table

_CLASSES = {"noun": "noun", "nouns": "noun", "verb": "verb", "verbs": "verb"}
_CLASS_COLUMNS = ("class", "lexical_class")


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
        Names of the ratings.
    left_out : tuple of str
        Words of the file that were left out (homographs, if requested).
    dropped_columns : tuple of str
        Columns of text, which are not ratings, if the file was read for all its ratings.
    skipped_classes : mapping of str to int
        Number of rows of the file with other classes than noun and verb.
    """

    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    feature_names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    dropped_columns: tuple[str, ...] = ()
    skipped_classes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def words(self) -> tuple[str, ...]:
        """Nouns, then verbs."""
        return self.nouns + self.verbs

    @checked()
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

    @checked()
    def only(self, words: Sequence[str]) -> Lexicon:
        """Return the lexicon restricted to ``words``, in its own order."""
        kept = set(words)
        return replace(
            self,
            nouns=tuple(noun for noun in self.nouns if noun in kept),
            verbs=tuple(verb for verb in self.verbs if verb in kept),
            features={word: ratings for word, ratings in self.features.items() if word in kept},
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Parts of the file that are not used, a line each."""
        found = []
        if self.dropped_columns:
            found.append(f"lexicon: columns of text are not used as ratings: {', '.join(self.dropped_columns)}")
        if self.skipped_classes:
            rows = ", ".join(f"{name or 'no class'} {count}" for name, count in self.skipped_classes.items())
            found.append(f"lexicon: rows that are neither nouns nor verbs are skipped: {rows}")
        if self.left_out:
            found.append(f"lexicon: words that come more than once are left out: {', '.join(self.left_out)}")
        return tuple(found)


def english() -> Lexicon:
    """Return the lexicon that comes with brainsim: 40 plain English nouns and 40 verbs, no ratings."""
    return read_lexicon(Path(str(files("brainsim.models.nemo") / "data" / "english.csv")))


@checked()
def read_lexicon(path: str | Path, *, features: Sequence[str] = (), drop_homographs: bool = False) -> Lexicon:
    r"""Read a CSV file with the columns ``word``, ``class`` (or ``lexical_class``) and any numeric feature columns.

    The file is UTF-8 text.  Blanks around cells do not count; words are read in Unicode's composed form (NFC).  Rows of
    other classes than noun and verb are skipped, and columns of text are dropped; `Lexicon.notes` names both.

    Parameters
    ----------
    path : str or Path
        The file.
    features : sequence of str
        The feature columns to use; all numeric columns by default.
    drop_homographs : bool
        Leave out words that are listed more than once (see ``left_out``) instead of refusing the file.

    Raises
    ------
    LexiconError
        If the file cannot be read, lacks or repeats a column, has no noun or no verb, repeats a word (even in another
        Unicode form), has a word with an invisible character, or has a feature that is not a finite number.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "words.csv"
    >>> _ = path.write_text("word,class,size,origin\ndog,noun,2.5,English\nrun,verb,1,English\n")
    >>> lexicon = read_lexicon(path)
    >>> lexicon.features["dog"], lexicon.notes
    ((2.5,), ('lexicon: columns of text are not used as ratings: origin',))
    """
    table = read_table(path, required=(("word",), _CLASS_COLUMNS))
    kept, skipped = _nouns_and_verbs(table)
    twice = _repeated(table, kept)
    if twice and not drop_homographs:
        line = [row.line for row in kept if words.composed(row["word"]) == twice[0]][1]
        cure = "keep one row, or set drop_homographs=True"
        raise LexiconError(f"{table.path}, line {line}: word {twice[0]!r} comes twice; {cure}")
    kept = [row for row in kept if words.composed(row["word"]) not in twice]
    candidates = [column for column in table.columns if column not in ("word", *_CLASS_COLUMNS)]
    table.check_columns(features)
    names = tuple(features) or rating_columns(table, kept, candidates)
    return Lexicon(
        _words_of(table, kept, "noun"),
        _words_of(table, kept, "verb"),
        {words.composed(row["word"]): tuple(rating(table, row, name) for name in names) for row in kept if names},
        names,
        twice,
        () if features else tuple(column for column in candidates if column not in names),
        skipped,
    )


def _nouns_and_verbs(table: Table) -> tuple[list[Row], dict[str, int]]:
    """Return the rows of nouns and verbs, and the number of rows of other classes."""
    classes = [_class(table, row) for row in table.rows]
    kept = [row for row, kind in zip(table.rows, classes, strict=True) if kind in _CLASSES]
    for row in kept:
        fault = words.fault(row["word"])
        if fault:
            table.refuse(row, "word", *fault)
    return kept, dict(Counter(kind for kind in classes if kind not in _CLASSES))


def _class(table: Table, row: Row) -> str:
    return row[table.column(*_CLASS_COLUMNS)].lower()


def _repeated(table: Table, rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the words that are listed more than once; refuse two different texts that look the same."""
    seen: dict[str, Row] = {}
    for row in rows:
        first = seen.setdefault(words.looks(row["word"]), row)
        if first["word"] != row["word"]:
            cure = f"keep one of the rows, or write both alike, as {words.composed(row['word'])!a} (Unicode's NFC)"
            other = f"a word that looks different from the one in line {first.line}, {first['word']!a}"
            table.refuse(row, "word", other, cure)
    counts = Counter(words.composed(row["word"]) for row in rows)
    return tuple(word for word, count in counts.items() if count > 1)


def _words_of(table: Table, rows: Sequence[Row], kind: str) -> tuple[str, ...]:
    found = tuple(words.composed(row["word"]) for row in rows if _CLASSES[_class(table, row)] == kind)
    if not found:
        raise LexiconError(f"{table.path}: has no {kind}; give at least one row with class {kind}")
    return found
