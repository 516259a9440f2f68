"""Pairs of sentences that differ in one respect: number, tense, polarity, person or formality."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from brainsim.networks.text import TextError, read_text

_NOUNS = "cat dog bird child king friend river horse teacher soldier doctor flower stone garden ship tree".split()
_VERBS = {
    "sleep": "slept",
    "sing": "sang",
    "fall": "fell",
    "come": "came",
    "stand": "stood",
    "rise": "rose",
    "wait": "waited",
    "stay": "stayed",
    "turn": "turned",
    "grow": "grew",
}
_FORMAL = {
    "do not {}": "don't {}",
    "cannot {}": "can't {}",
    "will {} at once": "'ll {} right away",
    "would like to {}": "wanna {}",
    "are going to {}": "'re gonna {}",
    "have to {}": "gotta {}",
}


class Pair(NamedTuple):
    """Two sentences that differ in one respect.

    Attributes
    ----------
    kind : str
        The respect.
    first, second : str
        The sentences.
    """

    kind: str
    first: str
    second: str


def made() -> list[Pair]:
    """Return pairs made of a few nouns and verbs, 16 nouns and 10 verbs for most kinds.

    Examples
    --------
    >>> from brainsim.networks.geometric.minimal_pairs import made
    >>> made()[0]
    Pair(kind='number', first='the cat sleeps', second='the cats sleep')
    """
    plural = {noun: "children" if noun == "child" else f"{noun}s" for noun in _NOUNS}
    return [pair for noun, verb in product(_NOUNS, _VERBS) for pair in _of(noun, plural[noun], verb)]


def _of(noun: str, nouns: str, verb: str) -> Iterator[Pair]:
    sings = f"{verb}s"
    yield Pair("number", f"the {noun} {sings}", f"the {nouns} {verb}")
    yield Pair("tense", f"the {noun} {sings}", f"the {noun} {_VERBS[verb]}")
    yield Pair("polarity", f"the {nouns} {verb}", f"no {nouns} {verb}")
    yield Pair("person", f"my {nouns} {verb}", f"your {nouns} {verb}")
    formal, informal = list(_FORMAL.items())[(len(noun) + len(verb)) % len(_FORMAL)]
    yield Pair("formality", f"the {nouns} {formal.format(verb)}", f"the {nouns} {informal.format(verb)}")


def read_pairs(path: str | Path) -> list[Pair]:
    """Return the pairs in a file, whose lines have a kind, a first and a second sentence, separated by tabs.

    Raises
    ------
    TextError
        If the file cannot be read, a line does not have three columns, or a kind has fewer than two pairs.
    """
    rows = list(csv.reader(read_text(path).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    for number, row in enumerate(rows, 1):
        if len(row) != 3 or not all(cell.strip() for cell in row):
            raise TextError(f"{path}: line {number} must have kind, first and second sentence, with tabs between them")
    kinds = [row[0] for row in rows]
    if len(set(kinds)) < 2 or min(map(kinds.count, set(kinds))) < 2:
        raise TextError(f"{path}: must have two kinds at least, with two pairs of each")
    return [Pair(*row) for row in rows]
