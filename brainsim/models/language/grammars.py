"""Grammars in TOML files: English and Russian, which come with brainsim, and users' own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from brainsim._arguments import checked
from brainsim.errors import DeclarationError
from brainsim.models.language.grammar import Embedding, Grammar, Rule

_FIELDS = {"root", "closed", "parts", "words", "rules", "embedding"}


@checked()
def english(words: Mapping[str, str] | None = None) -> Grammar:
    """Return a grammar of English main clauses with relative clauses, and a small vocabulary.

    Subject, verb, object; determiners, adjectives, adverbs, prepositional phrases; ``are`` with an adjective; clauses
    that begin with ``that`` and end with a comma, up to three within each other.  As in the published parser, an area
    keeps one word at a time: of two adjectives before a noun, the last.

    Parameters
    ----------
    words : mapping of str to str, optional
        More words, each with its class: ``determiner``, ``adjective``, ``noun``, ``transitive``, ``intransitive``,
        ``copula``, ``adverb`` or ``preposition``.

    Returns
    -------
    Grammar
        The grammar.

    Raises
    ------
    DeclarationError
        If a class is another one.

    Examples
    --------
    >>> from brainsim.models.language import english
    >>> english({"wolves": "noun"}).words["wolves"]
    'noun'

    References
    ----------
    Mitropolsky, Collins, Papadimitriou. A biologically plausible parser. TACL 2021.
    """
    return _packaged("english", words)


@checked()
def russian(words: Mapping[str, str] | None = None) -> Grammar:
    """Return a grammar of Russian main clauses, whose words may come in any order, and a small vocabulary.

    Parameters
    ----------
    words : mapping of str to str, optional
        More words, each with its class: ``nominative``, ``accusative``, ``dative`` or ``verb``.

    Returns
    -------
    Grammar
        The grammar.

    Raises
    ------
    DeclarationError
        If a class is another one.

    Examples
    --------
    >>> from brainsim.models.language import russian
    >>> russian().areas
    ('NOM', 'ACC', 'DAT', 'VERB')
    """
    return _packaged("russian", words)


@checked()
def read_grammar(path: str | Path) -> Grammar:
    """Return the grammar that a TOML file holds.

    ``brainsim/models/language/data/english.toml`` is an example, to copy and change.  Its tables and keys are the
    attributes of `Grammar`, `Rule` and `Embedding`, but that ``[words]`` names, for each class, its words.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Grammar
        The grammar.

    Raises
    ------
    DeclarationError
        If the file cannot be read or is no TOML, or a key or a value is none that a grammar has.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DeclarationError(f"{path}: cannot be read ({error})", where="read_grammar.path", value=path) from error
    return _grammar(str(path), text, None)


def _packaged(language: str, words: Mapping[str, str] | None) -> Grammar:
    name = f"{language}.toml"
    return _grammar(name, (files("brainsim.models.language") / "data" / name).read_text(encoding="utf-8"), words)


def _grammar(path: str, text: str, more: Mapping[str, str] | None) -> Grammar:
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{path}: is no TOML ({error})", where=path) from error
    _check_keys(path, given, _FIELDS, ("root", "words", "rules"))
    rules = given["rules"]
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise DeclarationError(where=f"{path}: rules", value=rules, allowed="tables, each headed [[rules]]")
    embedding = given.get("embedding")
    return Grammar(
        words={**_words(path, given["words"]), **(more or {})},
        rules=tuple(_record(f"{path}: rule {number}", Rule, rule) for number, rule in enumerate(rules, 1)),
        root=given["root"],
        parts={head: tuple(parts) for head, parts in _table(f"{path}: parts", given.get("parts", {})).items()},
        closed=tuple(given.get("closed", ())),
        embedding=None if embedding is None else _record(f"{path}: embedding", Embedding, embedding),
    )


def _words(path: str, given: object) -> dict[str, str]:
    """Return the class of each word, from the words of each class."""
    classes: dict[str, str] = {}
    for kind, words in _table(f"{path}: words", given).items():
        for word in words.split() if isinstance(words, str) else words:
            if classes.setdefault(word, kind) != kind:
                allowed = f"of one class (it is a {classes[word]}, too)"
                raise DeclarationError(where=f"{path}: words.{kind}", value=word, allowed=allowed)
    return classes


def _record(where: str, kind: type[Any], given: object) -> Any:
    """Return a rule or an embedding from a table, whose lists become tuples."""
    table = _table(where, given)
    _check_keys(where, table, set(kind.__dataclass_fields__), ("word", "area") if kind is Rule else ())
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in table.items()})


def _table(where: str, given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise DeclarationError(where=where, value=given, allowed="a table")
    return given


def _check_keys(where: str, given: Mapping[str, Any], known: set[str], needed: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise DeclarationError(where=where, value=key, allowed=f"keys among {', '.join(sorted(known))}")
    for key in needed:
        if key not in given:
            raise DeclarationError(where=where, value=sorted(given), allowed=f"a table with the key {key!r}")
