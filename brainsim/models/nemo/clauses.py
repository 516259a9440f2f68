"""Real clauses of child-directed speech as sentences of a noun and a verb."""

from __future__ import annotations

import csv
from pathlib import Path

from brainsim.errors import LexiconError
from brainsim.models.nemo.learner import Sentence
from brainsim.models.nemo.lexicon import Lexicon

_COLUMNS = ("role", "order", "subj", "verb", "obj")
_CHILDREN = {"Target_Child", "Child", "Sister", "Brother"}


def read_clauses(path: str | Path, lexicon: Lexicon) -> list[Sentence]:
    """Return what grown-ups say, in the order of the file: one sentence for each (noun, verb) pair of the lexicon.

    The file is tab-separated with the columns ``role`` (who speaks), ``order`` (``SVO``, ``VO``, …), ``subj``, ``verb``
    and ``obj``.  A clause whose subject and object are both nouns of the lexicon gives two sentences; words keep the
    order they were said in; groundings are those of the words.

    Raises
    ------
    LexiconError
        If the file cannot be read, lacks a column, or no clause has a noun and a verb of the lexicon.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LexiconError(f"{path}: cannot be read as tab-separated clauses ({error})") from error
    missing = [column for column in _COLUMNS if not rows or column not in rows[0]]
    if missing:
        raise LexiconError(f"{path}: column {missing[0]!r} is missing; it needs {', '.join(_COLUMNS)}")
    sentences = [s for row in rows if row["role"] not in _CHILDREN for s in _sentences(row, lexicon)]
    if not sentences:
        raise LexiconError(f"{path}: no clause has both a noun and a verb of the lexicon; take more words")
    return sentences


def _sentences(row: dict[str, str], lexicon: Lexicon) -> list[Sentence]:
    verb, order = row["verb"], row["order"]
    if verb not in lexicon.verbs:
        return []
    found = []
    for noun, letter in ((row["subj"], "S"), (row["obj"], "O")):
        if noun in lexicon.nouns and letter in order and "V" in order:
            noun_first = order.index(letter) < order.index("V")
            found.append(Sentence((noun, verb) if noun_first else (verb, noun), noun, verb))
    return found
