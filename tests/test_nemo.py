"""Word learning: the read-out, the criterion, and that only grounded, plastic brains learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Hebbian
from brainsim.clauses import read_clauses
from brainsim.errors import LexiconError
from brainsim.lexicon import Lexicon, english, read_lexicon
from brainsim.nemo import Heard, Sentence, WordLearner

FEATURES = "Auditory Gustatory Haptic Interoceptive Olfactory Visual Foot_leg Hand_arm Head Mouth Torso".split()


def trained(
    beta: float, sentences: int, *, shuffled: bool = False, words: int = 2, seed: int = 1, **size: Any
) -> WordLearner:
    lexicon = english().take(words, words)
    learner = WordLearner(lexicon, Hebbian(beta, 1000), seed=seed, **size)
    rng = np.random.default_rng(seed)
    for _ in range(sentences):
        noun, verb = lexicon.nouns[rng.integers(words)], lexicon.verbs[rng.integers(words)]
        seen, done = (
            (lexicon.nouns[rng.integers(words)], lexicon.verbs[rng.integers(words)]) if shuffled else (noun, verb)
        )
        learner.hear(Sentence((noun, verb), seen, done))
    return learner


@pytest.mark.parametrize("seed", [1, 2])
def test_two_nouns_and_two_verbs_reach_the_criterion_as_published(seed: int) -> None:
    """The reference implementation needs 45 to 76 sentences at these sizes."""
    size = {"n": 100_000, "k": 50, "p": 0.05}
    assert not trained(0.06, 20, seed=seed, **size).test().criterion_met
    scores = trained(0.06, 76, seed=seed, **size).test()
    assert scores.criterion_met
    assert scores.classification == 1
    assert scores.readback_right > 0.8
    assert scores.readback_wrong < 0.2


def test_controls_fail() -> None:
    untrained, beta_zero = trained(0.06, 0).test(), trained(0.0, 40).test()
    shuffled = trained(0.06, 60, shuffled=True).test()
    assert beta_zero == untrained
    for scores in (untrained, shuffled):
        assert scores.property_p < 0.55
        assert not scores.criterion_met
    assert untrained.readback_right == pytest.approx(0.25, abs=0.06)


def test_testing_changes_nothing() -> None:
    learner = trained(0.06, 5, n=5000)

    def weights() -> list[list[list[float]]]:
        return [[c.tolist() for c in learner.sim.connectome(f).learned()] for f in learner.brain.fibers]

    before = weights(), learner.sim.rounds
    assert learner.test() == learner.test()
    assert (weights(), learner.sim.rounds) == before


def test_the_read_out_sees_firing_alone() -> None:
    """A learner with nouns and verbs exchanged, but the same brain and life, gives the same answer for each word."""
    learner = trained(0.06, 30, n=20_000)
    before = {word: learner.listen(word) for word in learner.lexicon.words}
    learner.lexicon = Lexicon(learner.lexicon.verbs, learner.lexicon.nouns)
    assert {word: learner.listen(word) for word in before} == before


def test_no_answer_is_no_hit() -> None:
    assert Heard({"Lex1": 0.0, "Lex2": 0.0}, {"Lex1": 0.1, "Lex2": 0.2}).area_by("readback") is None
    assert Heard({"Lex1": 0.0, "Lex2": 0.0}, {"Lex1": 0.1, "Lex2": 0.2}).area_by("stability") == "Lex2"


def test_the_lexicon_that_ships() -> None:
    lexicon = english()
    assert (len(lexicon.nouns), len(lexicon.verbs)) == (40, 40)
    assert len(set(lexicon.words)) == 80
    assert lexicon.take(2, 1).words == ("dog", "cat", "run")


def test_real_ratings(real_data: Path) -> None:
    lexicon = read_lexicon(real_data / "noun_verb_40x40.csv", features=FEATURES)
    assert (len(lexicon.nouns), len(lexicon.verbs)) == (40, 40)
    assert len(lexicon.features["cloud"]) == 11
    with pytest.raises(LexiconError, match=r"unknown feature column 'Haptics'; did you mean 'Haptic'\?"):
        read_lexicon(real_data / "noun_verb_40x40.csv", features=["Haptics"])
    with pytest.raises(LexiconError, match="comes twice"):
        read_lexicon(real_data / "cdi_sensorimotor.csv")
    dropped = read_lexicon(real_data / "cdi_sensorimotor.csv", features=FEATURES, drop_homographs=True)
    assert "drink" in dropped.left_out
    assert "drink" not in dropped.words


def test_real_clauses(real_data: Path) -> None:
    lexicon = read_lexicon(real_data / "cdi_sensorimotor.csv", features=FEATURES, drop_homographs=True)
    sentences = read_clauses(real_data / "childes_clauses.tsv", lexicon)
    assert len(sentences) > 1000
    assert all({s.seen, s.done} == set(s.words) and s.seen in lexicon.nouns for s in sentences)
    verb_first = sum(s.words[0] == s.done for s in sentences)
    assert verb_first > len(sentences) / 2


def test_clauses_that_cannot_be_used(tmp_path: Path) -> None:
    path, lexicon = tmp_path / "clauses.tsv", english()
    path.write_text("role\torder\tsubj\tverb\nMother\tSV\tdog\trun\n")
    with pytest.raises(LexiconError, match="column 'obj' is missing"):
        read_clauses(path, lexicon)
    path.write_text("role\torder\tsubj\tverb\tobj\nTarget_Child\tSV\tdog\trun\t\n")
    with pytest.raises(LexiconError, match="no clause has both a noun and a verb"):
        read_clauses(path, lexicon)
    path.write_text("role\torder\tsubj\tverb\tobj\nMother\tSVO\tdog\tpush\tcar\nMother\tVO\t\tpush\tball\n")
    assert [s.words for s in read_clauses(path, lexicon)] == [("dog", "push"), ("push", "car"), ("push", "ball")]
