"""Word learning: the read-out, the criterion, and controls, which must not learn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Hebbian, SilentWarning
from brainsim.errors import LexiconError
from brainsim.models.nemo.clauses import read_clauses
from brainsim.models.nemo.learner import Heard, Sentence, WordLearner, random_sentences
from brainsim.models.nemo.lexicon import Lexicon, english, read_lexicon
from checkout import ROOT

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


def test_ten_and_ten_words_are_classified_and_controls_are_not() -> None:
    seeds = (0, 1, 2)
    assert min(trained(0.06, 150, words=10, seed=seed).test().classification for seed in seeds) >= 0.95
    untrained = [trained(0.06, 0, words=10, seed=seed).test().classification for seed in seeds]
    shuffled = [trained(0.06, 150, words=10, seed=seed, shuffled=True).test().classification for seed in seeds]
    assert np.mean(untrained) <= 0.6
    assert np.mean(shuffled) <= 0.6


@pytest.mark.slow
def test_forty_and_forty_rated_words_are_classified(real_data: Path) -> None:
    lexicon = read_lexicon(real_data / "noun_verb_40x40.csv", features=FEATURES)
    learner = WordLearner(lexicon, Hebbian(0.06, 20), seed=3)
    for sentence in random_sentences(lexicon, 500, seed=3):
        learner.hear(sentence)
    assert learner.test().classification >= 0.9


@pytest.mark.slow
def test_a_million_neurons_fit_into_a_gigabyte(tmp_path: Path) -> None:
    settings = ["n=1_000_000", "sentences=20", "test_every=20", "seeds=1", "controls=false"]
    command = [sys.executable, "-m", "brainsim", "run", str(ROOT / "experiments" / "noun_verb.py"), "--quick"]
    command += [part for setting in settings for part in ("--set", setting)]
    subprocess.run([*command, "--out", str(tmp_path / "out")], check=True, capture_output=True)
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["peak_rss_mb"] < 1024


def test_testing_changes_nothing() -> None:
    learner = trained(0.06, 5, n=5000)

    def weights() -> list[list[list[float]]]:
        return [[c.tolist() for c in learner.sim.connectome(f).learned()] for f in learner.brain.fibers]

    before = weights(), learner.sim.rounds
    assert learner.test() == learner.test()
    assert (weights(), learner.sim.rounds) == before


def test_the_read_out_uses_firing_alone() -> None:
    """If nouns and verbs of the lexicon are exchanged after learning, the answer for each word stays the same."""
    learner = trained(0.06, 30, n=20_000)
    before = {word: learner.listen(word) for word in learner.lexicon.words}
    learner.lexicon = Lexicon(learner.lexicon.verbs, learner.lexicon.nouns)
    assert {word: learner.listen(word) for word in before} == before


def test_areas_that_tie_are_both_named_and_count_as_a_guess() -> None:
    heard = Heard({"Lex1": 0.0, "Lex2": 0.0}, {"Lex1": 0.1, "Lex2": 0.2})
    assert heard.areas_by("readback") == ("Lex1", "Lex2")
    assert heard.areas_by("stability") == ("Lex2",)
    unconnected = WordLearner(english().take(2, 2), Hebbian(0.1, 20), n=1000, p=0.0, backend="reference")
    with pytest.warns(SilentWarning):
        scores = unconnected.test()
    assert scores.classification == scores.stability == 0.5
    assert scores.readback_right == 0


def test_readback_is_a_fraction_of_the_whole_pattern() -> None:
    """A word of which only few neurons fire must not count as read back, even if all of them are right."""
    learner = WordLearner(english().take(2, 2), Hebbian(0.06, 1000), n=3000, k=10, p=0.003, seed=2)
    _, readback = learner.name("cat")
    assert 0 < readback < 0.1  # a fraction of 100 neurons; of the few that fire, one neuron would be a third


def test_the_built_in_lexicon_has_40_nouns_and_40_verbs() -> None:
    lexicon = english()
    assert (len(lexicon.nouns), len(lexicon.verbs)) == (40, 40)
    assert len(set(lexicon.words)) == 80
    assert lexicon.take(2, 1).words == ("dog", "cat", "run")


def test_published_ratings_can_be_read(real_data: Path) -> None:
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


def test_published_clauses_can_be_read(real_data: Path) -> None:
    lexicon = read_lexicon(real_data / "cdi_sensorimotor.csv", features=FEATURES, drop_homographs=True)
    sentences = read_clauses(real_data / "childes_clauses.tsv", lexicon)
    assert len(sentences) > 1000
    assert all({s.seen, s.done} == set(s.words) and s.seen in lexicon.nouns for s in sentences)
    verb_first = sum(s.words[0] == s.done for s in sentences)
    assert verb_first > len(sentences) / 2


def test_clauses_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    path, lexicon = tmp_path / "clauses.tsv", english()
    path.write_text("role\torder\tsubj\tverb\nMother\tSV\tdog\trun\n")
    with pytest.raises(LexiconError, match="column 'obj' is missing"):
        read_clauses(path, lexicon)
    path.write_text("role\torder\tsubj\tverb\tobj\nTarget_Child\tSV\tdog\trun\t\n")
    with pytest.raises(LexiconError, match="no clause has both a noun and a verb"):
        read_clauses(path, lexicon)
    path.write_text("role\torder\tsubj\tverb\tobj\nMother\tSVO\tdog\tpush\tcar\nMother\tVO\t\tpush\tball\n")
    assert [s.words for s in read_clauses(path, lexicon)] == [("dog", "push"), ("push", "car"), ("push", "ball")]
