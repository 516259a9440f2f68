"""The parser: it finds the dependencies of a sentence by locks and by the firing of areas."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from brainsim.errors import DeclarationError
from brainsim.models.language import (
    Dependency,
    Embedding,
    Grammar,
    Parsed,
    Parser,
    Rule,
    english,
    read_grammar,
    russian,
)

SMALL = {"n": 2000, "k": 50, "backend": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(english(), seed=1, **SMALL) as made:
        yield made


def of(parser: Parser, sentence: str) -> set[tuple[str, str, str]]:
    return {(each.head, each.label, each.word) for each in parser.parse(sentence).dependencies}


SENTENCES = {
    "dogs run": "run SUBJ dogs",
    "the big dogs chase a cat": "chase SUBJ dogs, dogs DET the, dogs ADJ big, chase OBJ cat, cat DET a",
    "dogs quickly run": "run SUBJ dogs, run ADVERB quickly",
    "dogs are big": "are SUBJ dogs, are ADJ big",
    "dogs run in the park": "run SUBJ dogs, run PREP_P park, park PREP in, park DET the",
    "dogs in parks chase cats": "chase SUBJ dogs, dogs PREP_P parks, parks PREP in, chase OBJ cats",
}
CLAUSES = {
    "dogs that chase cats , run": "run SUBJ dogs, dogs CLAUSE chase, chase SUBJ dogs, chase OBJ cats",
    "dogs that cats chase, run": "run SUBJ dogs, dogs CLAUSE chase, chase SUBJ cats, chase OBJ dogs",
    "cats chase dogs that run ,": "chase SUBJ cats, chase OBJ dogs, dogs CLAUSE run, run SUBJ dogs",
    "dogs that cats that mice fear , chase , run": "run SUBJ dogs, dogs CLAUSE chase, chase SUBJ cats, "
    "chase OBJ dogs, cats CLAUSE fear, fear SUBJ mice, fear OBJ cats",
}


@pytest.mark.parametrize("sentence", [*SENTENCES, *CLAUSES])
def test_a_sentence_is_parsed_into_its_dependencies(parser: Parser, sentence: str) -> None:
    """One brain parses all sentences, and forgets each before it parses the next."""
    gold = {tuple(each.split()) for each in (SENTENCES | CLAUSES)[sentence].split(", ")}
    assert of(parser, sentence) == gold


def test_russian_words_may_come_in_any_order() -> None:
    with Parser(russian(), seed=2, **SMALL) as parser:
        for order in permutations(["sobaka", "vidit", "koshku"]):
            assert of(parser, " ".join(order)) == {("vidit", "NOM", "sobaka"), ("vidit", "ACC", "koshku")}


def test_without_learning_no_dependency_is_found() -> None:
    with Parser(english(), beta=0.0, seed=1, **SMALL) as parser:
        parsed = parser.parse("dogs chase cats")
    assert Dependency("chase", "SUBJ", "dogs") not in parsed.dependencies
    assert Dependency("chase", "OBJ", "cats") not in parsed.dependencies
    assert set(parsed.unread) >= {"dogs", "cats"}


def state(backend: str, n: int, k: int) -> tuple[list[Parsed], list[Any]]:
    """Return how a small brain parses two sentences, one with a clause, and all its learned weights."""
    rules = (Rule("noun", "SUBJ", closes=("LEX~SUBJ",)), Rule("verb", "VERB", ("SUBJ",), closes=("LEX~VERB",)))
    words = {"dogs": "noun", "cats": "noun", "run": "verb", "bark": "verb"}
    clauses = Embedding(stack=("DEP",), heads=("SUBJ",), missing="SUBJ")
    grammar = Grammar(words, rules, root="VERB", parts={"VERB": ("SUBJ",)}, embedding=clauses)
    with Parser(grammar, n=n, k=k, rounds=8, backend=backend, seed=4) as parser:
        parsed = [parser.parse(sentence) for sentence in ("cats that bark , run", "dogs run")]
        fibers = [fiber for fiber in parser.brain.fibers if fiber.plasticity]
        return parsed, [[part.tolist() for part in parser.sim.connectome(f).learned()] for f in fibers]


def test_backends_agree() -> None:
    found = state("cpu", 500, 25)
    assert found == state("reference", 500, 25)
    assert found[0][1].dependencies == (Dependency("run", "SUBJ", "dogs"),)
    assert Dependency("cats", "CLAUSE", "bark") in found[0][0].dependencies


@pytest.mark.usefixtures("emulated_gpu")
def test_gpu_agrees_with_cpu() -> None:
    assert state("gpu", 200, 12) == state("cpu", 200, 12)


def test_a_tree_is_shown(parser: Parser) -> None:
    assert parser.parse("the dogs run").tree() == "run\n  SUBJ dogs\n    DET the"


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("dogs rnu", "unknown word 'rnu'; did you mean 'run'"),
        ("dogs run chase", "after 'dogs run', no area is open for 'chase'"),
        ("dogs cats run", "after 'dogs', no area is open for 'cats'"),
        ("dogs run cats", "no area is open for 'cats'"),
        ("the dogs", "a word for VERB"),
        ("dogs , run", "the end of a clause that 'that' begins"),
        ("that run", "a clause where one of SUBJ, OBJ fires"),
        ("dogs that cats , run", "a clause with a word for VERB"),
        ("dogs that cats that mice that birds that people love , fear , chase , see , run", "at most 3 clauses"),
        ("", "at least one word"),
    ],
)
def test_sentences_that_cannot_be_parsed_are_refused(parser: Parser, sentence: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        parser.parse(sentence)


def test_words_that_are_not_linked_are_reported(parser: Parser) -> None:
    """Of two adjectives before a noun, the last is kept, as in the published parser."""
    parsed = parser.parse("big bad dogs run")
    assert ("dogs", "ADJ", "bad") in parsed.dependencies
    assert parsed.unread == ("big",)


NOUN, VERB = Rule("noun", "SUBJ"), Rule("verb", "VERB", ("SUBJ",))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"root": "VREB"}, r"Grammar\.root.*did you mean 'VERB'"),
        ({"parts": {"VERB": ("SUJB",)}}, r"Grammar\.parts.*did you mean 'SUBJ'"),
        ({"rules": (NOUN, Rule("verb", "VERB", ("SUBJ",), opens=("OBJ",)))}, r"'verb' -> 'VERB'\.opens.*unknown area"),
        ({"rules": (NOUN, Rule("verb", "VERB", silences=("OBJ",)))}, r"silences.*unknown area 'OBJ'"),
        ({"rules": (NOUN, VERB), "parts": {}}, r"'verb' -> 'VERB'\.links.*Grammar\.parts"),
        ({"closed": ("a b",)}, r"Grammar\.closed: must be a gate"),
        ({"closed": ("SUBJ[word]",)}, "a lock other than 'word'"),
        ({"words": {"dogs": "nuon"}}, r"Grammar\.words\['dogs'\]"),
        ({"rules": (NOUN, NOUN, VERB)}, "one rule for a class and an area"),
        ({"rules": ()}, "at least one rule"),
    ],
)
def test_invalid_grammars_are_refused(changed: dict[str, object], message: str) -> None:
    good = {"words": {"dogs": "noun"}, "rules": (NOUN, VERB), "root": "VERB", "parts": {"VERB": ("SUBJ",)}}
    Grammar(**good)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=message):
        Grammar(**{**good, **changed})  # type: ignore[arg-type]


TOML = """
root = "V"
[parts]
V = ["S"]
[words]
n = "wolves elk"
v = ["howl"]
[[rules]]
word = "n"
area = "S"
[[rules]]
word = "v"
area = "V"
links = ["S"]
"""


def test_a_grammar_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TOML)
    with Parser(read_grammar(path), seed=1, **SMALL) as parser:
        assert of(parser, "wolves howl") == {("howl", "S", "wolves")}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("root =", "rot =", "keys among"),
        ('root = "V"', "", "the key 'root'"),
        ('area = "V"', "", "the key 'area'"),
        ("[[rules]]", "[[rules", "is no TOML"),
        ('v = ["howl"]', 'v = ["elk"]', "of one class"),
        ('links = ["S"]', 'links = ["X"]', "unknown area 'X'"),
        ('area = "V"', 'area = ""', r"Rule 'v' -> ''\.area: must be the name of an area"),
    ],
)
def test_files_without_a_valid_grammar_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TOML.replace(old, new))
    with pytest.raises(DeclarationError, match=message):
        read_grammar(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="cannot be read"):
        read_grammar(tmp_path / "none.toml")
