"""Ratings of words by people."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from brainsim.errors import ExperimentError

SCALES = ("valence", "arousal", "dominance")
CHANNEL_OF = {"safety": "dominance", "curiosity": "arousal", "joy": "valence"}
"""The rating that each emotional channel takes for its input."""


@dataclass(frozen=True)
class Norms:
    """Words of a vocabulary and their ratings.

    Attributes
    ----------
    nodes : numpy.ndarray of int64
        Places of the words in the vocabulary, ascending.
    ratings : numpy.ndarray of float64, shape (words, 3)
        Valence, arousal and dominance.
    """

    nodes: npt.NDArray[np.int64]
    ratings: npt.NDArray[np.float64]

    def inputs(self, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the ratings as emotional input from 0 to 1: safety, curiosity, joy."""
        scaled = np.clip((self.ratings - low) / (high - low), 0.0, 1.0)
        return scaled[:, [SCALES.index(scale) for scale in CHANNEL_OF.values()]]


def read_norms(path: Path) -> dict[str, list[float]]:
    """Return valence, arousal and dominance of words, from a CSV file with a header.

    Rows with a ``sense`` are left out: texts do not say which sense of a word they mean.

    Raises
    ------
    ExperimentError
        If there is no such file, it lacks one of the columns word, valence, arousal and dominance, or a rating is no
        number.
    """
    if not Path(path).is_file():
        raise ExperimentError(f"--set norms={path}: no such file; give a CSV with the columns word, {', '.join(SCALES)}")
    found: dict[str, list[float]] = {}
    with Path(path).open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        missing = [name for name in ("word", *SCALES) if name not in (table.fieldnames or ())]
        if missing:
            raise ExperimentError(f"--set norms={path}: has no column {', '.join(missing)} (got {table.fieldnames})")
        for line, row in enumerate(table, start=2):
            if not row.get("sense"):
                found[row["word"].lower()] = [_number(path, line, name, row[name]) for name in SCALES]
    return found


def _number(path: Path, line: int, name: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise ExperimentError(f"--set norms={path}, line {line}: {name} must be a number (got {text!r})")
    return value


def in_vocabulary(rated: dict[str, list[float]], vocabulary: list[str], least: int = 50) -> Norms:
    """Return the ratings of the words that a vocabulary has.

    Raises
    ------
    ExperimentError
        If fewer than ``least`` of them are in it.
    """
    nodes = [at for at, word in enumerate(vocabulary) if word in rated]
    if len(nodes) < least:
        raise ExperimentError(
            f"--set norms: only {len(nodes)} of {len(rated)} rated words are among the {len(vocabulary)} words of the "
            f"text (needs {least}); give more text or more norms"
        )
    return Norms(np.array(nodes), np.array([rated[vocabulary[at]] for at in nodes]))
