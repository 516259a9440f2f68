"""Studies of language: the files they read, and learning in areas that compete."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from test_reproductions import quick

from brainsim import Hebbian
from brainsim.errors import LexiconError
from brainsim.models.nemo import Lexicon, Sentence, WordLearner
from checkout import ROOT

sys.path.append(str(ROOT / "experiments"))  # as `brainsim run` does

from frequent_verbs import hear_competing, real_speech

WORDS = """word,class,age,Haptic,Visual
dog,noun,,1,3
cat,noun,17,1,3
idea,noun,30,0,0
have,verb,18,2,1
get,verb,19,2,1
run,verb,,4,0
"""
CLAUSES = """role\torder\tsubj\tverb\tobj
Mother\tSVO\tyou\thave\tdog
Mother\tVO\t\tget\tcat
Mother\tSVO\tdog\thave\tcat
Target_Child\tSV\tdog\trun\t
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """Files of real speech, in which the ages of some words are missing, and the sizes of a small brain."""
    lexicon, clauses = tmp_path / "words.csv", tmp_path / "clauses.tsv"
    lexicon.write_text(WORDS)
    clauses.write_text(CLAUSES)
    size = {"n": 300, "k": 15, "pattern_k": 15, "sentences": 8, "seeds": 1, "most": 1, "arms": "published"}
    return {"lexicon": lexicon, "clauses": clauses, **size}


@pytest.mark.slow
def test_frequent_verbs_uses_the_ratings_that_are_chosen(tmp_path: Path, files: dict[str, Any]) -> None:
    with pytest.raises(LexiconError, match="column 'age'"):
        quick("frequent_verbs", tmp_path / "all", **files)
    _, folder = quick("frequent_verbs", tmp_path / "some", features="Haptic, Visual", **files)
    assert (folder / "frequent_verbs.md").read_text().count("\n| as published |") == 1


def test_real_speech_has_the_words_that_adults_say(files: dict[str, Any]) -> None:
    with pytest.raises(LexiconError, match=r"column 'age': must be a finite number.*--set features=…"):
        real_speech(files["lexicon"], "", files["clauses"], 8)
    speech = real_speech(files["lexicon"], "Haptic, Visual", files["clauses"], 8)
    lexicon = speech.lexicon
    assert (lexicon.nouns, lexicon.verbs) == (("dog", "cat"), ("have", "get"))
    assert (lexicon.feature_names, lexicon.features["have"]) == (("Haptic", "Visual"), (2.0, 1.0))
    assert [sentence.words for sentence in speech.stream("published", 0)][:4] == [
        ("have", "dog"),
        ("get", "cat"),
        ("dog", "have"),
        ("have", "cat"),
    ]


def test_only_one_of_two_competing_areas_learns_its_fiber_to_phon() -> None:
    size: dict[str, Any] = {"n": 100, "k": 10, "p": 0.3, "pattern_k": 10, "backend": "reference"}
    learner = WordLearner(Lexicon(("dog",), ("run",)), Hebbian(0.1, 20), **size)
    hear_competing(learner, Sentence(("run",), "dog", "run"))
    assert not any(learner.sim.fires(area) for area in (learner.phon, learner.visual, learner.motor))
    back = [learner.sim.connectome(lex >> learner.phon).learned()[2] for lex in (learner.lex1, learner.lex2)]
    assert sorted(bool(len(weights)) for weights in back) == [False, True]
