"""`brainsim parse`: dependencies of a sentence, at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from terminal import brainsim

SMALL = ("--n", "1000", "--k", "50", "--seed", "1", "--backend", "cpu")


def test_a_tree_is_printed(capsys: Any) -> None:
    code, out, _ = brainsim("parse", "dogs that chase cats , run", *SMALL, capsys=capsys)
    assert (code, out) == (0, "run\n  SUBJ dogs\n    CLAUSE chase\n      SUBJ dogs\n      OBJ cats\n")


def test_words_can_be_added_and_the_result_can_be_json(capsys: Any) -> None:
    _, out, _ = brainsim("parse", "wolves run", "--word", "wolves=noun", "--json", *SMALL, capsys=capsys)
    assert json.loads(out) == {
        "root": "run",
        "dependencies": [{"head": "run", "label": "SUBJ", "word": "wolves"}],
        "unread": [],
    }


@pytest.mark.slow
def test_a_picture_is_drawn(tmp_path: Path, capsys: Any) -> None:
    code, out, _ = brainsim("parse", "dogs run", "--plot", tmp_path / "firing.png", *SMALL, capsys=capsys)
    assert (code, out.endswith("firing.png\n")) == (0, True)
    assert (tmp_path / "firing.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dogs rnu",), "unknown word 'rnu'; did you mean 'run'?"),
        (
            ("wolves run",),
            "add it to the words of the grammar: --word wolves=CLASS, where CLASS is one of adjective, adv",
        ),
        (("dom vidit", "--language", "russian"), "--word dom=CLASS, where CLASS is one of accusative, dative"),
        (("dogs run chase",), "no area is open for 'chase'"),
        (("wolves run", "--word", "wolves"), "must be a word and its class"),
        (("wolves run", "--word", "wolves=nuon"), "Grammar.words['wolves']"),
        (("dogs run", "--plot", "firing.gif"), "must end in .png"),
        (("dogs run", "--grammar", "none.toml"), "none.toml: cannot be read"),
    ],
)
def test_bad_arguments_are_refused_with_a_clear_error(arguments: tuple[str, ...], message: str, capsys: Any) -> None:
    code, _, err = brainsim("parse", *arguments, *SMALL, capsys=capsys)
    assert code == 2
    assert message in err
