"""Tables in text files of spreadsheets and editors: read exactly, or refused by line and column."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from brainsim.errors import LexiconError, unknown

_OTHER_ENCODINGS = {  # the longer mark first: that of UTF-32 begins with that of UTF-16
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
_DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons"}
_SAVE_AS_UTF8 = "save it as UTF-8 (spreadsheets call it 'CSV UTF-8')"


@dataclass(frozen=True)
class Row:
    """A row of a table: its first line in the file, and its cells by column, stripped of blanks."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass(frozen=True)
class Table:
    """Columns and rows of a file."""

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[Row]

    def column(self, *names: str) -> str:
        """Return the one of these columns that the table has.

        Raises
        ------
        LexiconError
            If it has none of them, or more than one.
        """
        found = [name for name in names if name in self.columns]
        if not found:
            raise LexiconError(f"{self.path}: column {names[0]!r} is missing; found: {', '.join(self.columns)}")
        if len(found) > 1:
            raise LexiconError(f"{self.path}: has columns {' and '.join(map(repr, found))}; keep one of them")
        return found[0]

    def check_columns(self, names: Sequence[str]) -> None:
        """Raise `LexiconError` if one of these columns is missing."""
        for name in names:
            if name not in self.columns:
                raise LexiconError(f"{self.path}: {unknown('feature column', name, self.columns)}")

    def refuse(self, row: Row, column: str, allowed: str, cure: str) -> NoReturn:
        """Raise a `LexiconError` about one cell."""
        where = f"{self.path}, line {row.line}, column {column!r}"
        raise LexiconError(where=where, value=row[column], allowed=allowed, cure=cure)


def read_table(
    path: str | Path, delimiter: str = ",", *, quotes: bool = True, required: Sequence[Sequence[str]] = ()
) -> Table:
    """Read a table with a header from a text file in UTF-8, with or without a byte-order mark and any ends of lines.

    Blank lines, rows and columns without any text count as absent.

    Parameters
    ----------
    path : str or Path
        The file.
    delimiter : str
        The separator of columns.
    quotes : bool
        Whether ``"`` begins a cell that may hold the delimiter.
    required : sequence of sequence of str
        Of each of these groups of columns, the table must have exactly one.

    Raises
    ------
    LexiconError
        If the file cannot be read, is not UTF-8, has no rows, lacks or repeats a column, or a row has another length.
    """
    file = Path(path)
    records = [(line, cells) for line, cells in _records(file, delimiter, quotes) if any(cells)]
    if len(records) < 2:
        raise LexiconError(f"{file}: is empty; it needs a header with the names of the columns, and rows below it")
    (_, header), *body = records
    _check_delimiter(file, header, delimiter)
    width = max(place for place, name in enumerate(header, 1) if name)
    table = Table(
        file, tuple(header[:width]), [Row(line, dict(zip(header[:width], cells, strict=False))) for line, cells in body]
    )
    _check_header(table)
    for group in required:
        table.column(*group)
    for line, cells in body:
        if len(cells) < width or any(cells[width:]):
            raise LexiconError(
                f"{file}, line {line}: must have {width} columns, as the header has (got {len(cells)}); "
                "correct the row: leave cells without text empty, and put cells with a delimiter in quotes"
            )
    return table


def _records(file: Path, delimiter: str, quotes: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each record, and the line in which it begins."""
    lines = io.StringIO(_text(file), newline="")
    reader = csv.reader(
        lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    )
    line = 1
    try:
        for record in reader:
            yield line, [cell.strip() for cell in record]
            line = reader.line_num + 1
    except csv.Error as error:
        cure = "correct the quotation marks: a cell that begins with one ends with one"
        raise LexiconError(f"{file}, line {line}: cannot be read as a table ({error}); {cure}") from error


def _text(file: Path) -> str:
    try:
        if file.exists() and not file.is_file():
            raise OSError("it is not a file")
        content = file.read_bytes()
    except (OSError, ValueError) as error:  # a path with NUL is a ValueError
        why = getattr(error, "strerror", None) or error
        raise LexiconError(f"{file}: cannot be read ({why}); give the path of a text file") from error
    for name, marks in _OTHER_ENCODINGS.items():
        if content.startswith(marks):
            raise LexiconError(f"{file}: is {name} text; {_SAVE_AS_UTF8}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        wrong = f"byte 0x{content[error.start]:02x}"
        raise LexiconError(f"{file}, line {line}: is not UTF-8 text ({wrong}); {_SAVE_AS_UTF8}") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise LexiconError(f"{file}, line {line}: has a NUL character; {_SAVE_AS_UTF8}, or delete it")
    return text


def _check_delimiter(file: Path, header: Sequence[str], delimiter: str) -> None:
    others = [mark for mark in _DELIMITERS if mark != delimiter and len(header) == 1 and mark in header[0]]
    if others:
        there, wanted = _DELIMITERS[others[0]], _DELIMITERS[delimiter]
        raise LexiconError(f"{file}: has columns separated by {there}; separate them by {wanted} (got {header[0]!r})")


def _check_header(table: Table) -> None:
    file, places = table.path, dict[str, int]()
    for place, name in enumerate(table.columns, 1):
        if not name:
            raise LexiconError(f"{file}, line 1: column {place} has no name; give it one, or delete it")
        if name in places:
            raise LexiconError(
                f"{file}, line 1: column {name!r} comes twice (columns {places[name]} and {place}); rename or delete "
                "one of them"
            )
        places[name] = place
