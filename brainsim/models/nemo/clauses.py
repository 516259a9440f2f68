"""Real clauses of child-directed speech as sentences of a noun and a verb."""

from __future__ import annotations

from pathlib import Path

from brainsim._arguments import checked
from brainsim.errors import LexiconError
from brainsim.models.nemo.learner import Sentence
from brainsim.models.nemo.lexicon import Lexicon
from brainsim.models.nemo.tables import Row, read_table
from brainsim.models.nemo.words import composed

_COLUMNS = ("role", "order", "subj", "verb", "obj")
_CHILDREN = {"Target_Child", "Child", "Sister", "Brother"}


@checked()
def read_clauses(path: str | Path, lexicon: Lexicon) -> list[Sentence]:
    """Return the speech of adults in the order of the file: a sentence for each (noun, verb) pair of the lexicon.

    The file is tab-separated with the columns ``role`` (who speaks), ``order`` (``SVO``, ``VO``, …), ``subj``, ``verb``
    and ``obj``.  A clause whose subject and object are both nouns of the lexicon gives two sentences; words keep the
    order in which they were said, and groundings are those of the words.

    Raises
    ------
    LexiconError
        If the file cannot be read, lacks or repeats a column, has a row of another length, or no clause has a noun and
        a verb of the lexicon.
    """
    table = read_table(path, "\t", quotes=False, required=[(column,) for column in _COLUMNS])
    sentences = [s for row in table.rows if row["role"] not in _CHILDREN for s in _sentences(row, lexicon)]
    if not sentences:
        raise LexiconError(f"{path}: no clause has both a noun and a verb of the lexicon; take more words")
    return sentences


def _sentences(row: Row, lexicon: Lexicon) -> list[Sentence]:
    verb, order = composed(row["verb"]), row["order"]
    if verb not in lexicon.verbs:
        return []
    found = []
    for column, letter in (("subj", "S"), ("obj", "O")):
        noun = composed(row[column])
        if noun in lexicon.nouns and letter in order and "V" in order:
            noun_first = order.index(letter) < order.index("V")
            found.append(Sentence((noun, verb) if noun_first else (verb, noun), noun, verb))
    return found
