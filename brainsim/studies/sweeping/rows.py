"""The table of a sweep: a row per run, with its parameters, seed, status and every scalar metric."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from brainsim.studies.folders import writing
from brainsim.studies.metrics import ADDED

Row = dict[str, Any]
DONE, FAILED = "finished", "failed"
OWN = ("seed", "status", "error", "seconds", "folder")
"""Columns that each row has beside those of parameters and metrics."""


def finished(parameters: Mapping[str, Any], seed: int, metrics: Mapping[str, Any], folder: str = "") -> Row:
    """Return the row of a run with these metrics, JSON data with ``seconds`` among them.

    A scalar in a mapping has the names of both, joined by a dot.  A metric whose name is that of another column is
    called ``metrics.<name>``.

    Examples
    --------
    >>> from brainsim.studies.sweeping.rows import finished
    >>> finished({"n": 100}, 3, {"accuracy": {"nouns": 1.0}, "n": 7, "curve": [1, 2], "seconds": 0.5})
    {'n': 100, 'seed': 3, 'status': 'finished', 'error': None, 'seconds': 0.5, 'accuracy.nouns': 1.0, 'metrics.n': 7}
    """
    row = _begun(parameters, seed, DONE, None, metrics.get("seconds"), folder)
    own = {name: value for name, value in metrics.items() if name not in ADDED}
    for name, value in _scalars(own):
        row[f"metrics.{name}" if name in row else name] = value
    return row


def failed(parameters: Mapping[str, Any], seed: int, error: BaseException, folder: str = "") -> Row:
    """Return the row of a run that ended with an error."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return _begun(parameters, seed, FAILED, text, None, folder)


def _begun(parameters: Mapping[str, Any], seed: int, status: str, error: str | None, seconds: Any, folder: str) -> Row:
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in parameters.items()}
    row = {**plain, "seed": seed, "status": status, "error": error, "seconds": seconds}
    return {**row, "folder": folder} if folder else row


def _scalars(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in _scalars(value))
        elif value is None or isinstance(value, bool | int | float | str):
            yield name, value


def columns(rows: Iterable[Row]) -> list[str]:
    """Return the columns of all rows, in the order in which they first occur."""
    return list(dict.fromkeys(name for row in rows for name in row))


def write(path: str | Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV in UTF-8, completely or not at all; missing values are empty cells.

    Raises
    ------
    UnwrittenError
        If the file cannot be written.
    """
    with writing(Path(path)) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns(rows), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
