"""Studies of the emotional cascade: the texts they read, their scores, and their quick forms with the made language."""

from __future__ import annotations

import gzip
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from test_reproductions import quick

from brainsim.errors import ExperimentError
from checkout import ROOT

sys.path.append(str(ROOT / "experiments"))  # as `brainsim run` does

from emotional import made, material, scoring, talk, texts

SHARED = ROOT.parent / "shared" / "data"
needs_norms = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data, which is absent")


def test_a_dictionary_is_read_without_its_markup(tmp_path: Path) -> None:
    file = tmp_path / "small.dict.dz"
    file.write_bytes(
        gzip.compress(b'Abbey \\Ab"bey\\, n. [L.]\n   A {monastery}.\n   [1913 Webster]\n\nAbbot\n   A head.\n')
    )
    found = texts.passages(str(file))[str(file)]
    assert [each.split() for each in found] == [["Abbey", ",", "n.", "A", "monastery", "."], ["Abbot", "A", "head."]]


def test_synsets_are_read(tmp_path: Path) -> None:
    for name in ("noun", "verb", "adj", "adv"):
        (tmp_path / f"data.{name}").write_text(
            '  1 a line of the licence\n00001740 29 v 02 breathe 0 take_a_breath 0 001 @ 1 v 0000 | draw air; "he breathed"\n'
        )
    assert texts.passages(str(tmp_path))[str(tmp_path)][0] == 'breathe take a breath;  draw air; "he breathed"'


def test_a_missing_text_is_named_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExperimentError, match=r"nowhere\.txt: no such file; give files, or some of gcide"):
        texts.passages("nowhere.txt")
    monkeypatch.setattr(texts, "PACKAGES", {"gcide": ("apt-get install dict-gcide", lambda: None)})
    with pytest.raises(ExperimentError, match="text=gcide: is not installed; apt-get install dict-gcide"):
        texts.passages("gcide")
    with pytest.raises(ExperimentError, match="no text is installed"):
        texts.passages("installed")
    with pytest.raises(ExperimentError, match=r"sentences=.*: has no column labels, split"):
        (tmp_path / "bad.tsv").write_text("text\nhello\n")
        talk.read_sentences(tmp_path / "bad.tsv")


def test_packages_that_the_tests_install_are_read() -> None:
    assert len(texts.passages("kjv")["kjv"]) == 31_103
    found = talk.read_dialogues("chatterbot")
    assert len(found) > 800
    assert all(prompt and reply for prompt, reply in found)


@needs_norms
def test_sentences_and_norms_of_the_shared_data_are_read() -> None:
    found = talk.read_sentences(SHARED / "goemotions_12.tsv")
    assert (sum(split == "train" for *_, split in found), len(found)) == (2483, 3089)
    norms = material.norms_of("kjv", SHARED / "glasgow_vad.csv")
    assert norms is not None
    rated = material.rated(material.Material(tuple(norms.ratings)[:200], np.zeros((200, 2), np.float32)), norms)
    assert 0 <= rated.inputs.min() <= rated.inputs.max() <= 1
    with pytest.raises(ExperimentError, match="only 1 of 5553 rated words"):
        material.rated(material.Material(("abbey", "xyzzy"), np.zeros((2, 2), np.float32)), norms)


def test_real_text_needs_norms() -> None:
    words = material.Material(("a", "b"), np.zeros((2, 2), np.float32))
    with pytest.raises(ExperimentError, match="norms: must be a CSV with the columns word, valence"):
        material.rated(words, material.norms_of("kjv", None))


def test_topics_of_the_made_language_differ_in_their_ratings() -> None:
    norms = made.language().norms()
    topics = made.language().topics
    within = np.std([[norms.ratings[word][0] for word in topic] for topic in topics], axis=1).mean()
    between = np.std([np.mean([norms.ratings[word][0] for word in topic]) for topic in topics])
    assert between > 1.5 * within
    assert made.passages() == made.passages()
    assert {label for _, label, _ in made.sentences()} == {"safety", "curiosity", "joy"}


def test_ridge_regression_predicts_held_out_ratings_in_any_units() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(300, 5))
    ratings = features @ rng.normal(size=(5, 2)) + 0.1 * rng.normal(size=(300, 2))
    guessed = scoring.held_out(features, ratings, 5, 1)
    assert scoring.correlations(guessed, ratings).min() > 0.99
    scaled = features * np.array([1, 1e3, 1e-3, 1, 1]) + 7.0
    assert np.allclose(scoring.held_out(scaled, ratings, 5, 1), guessed)
    noise = scoring.held_out(rng.normal(size=(300, 5)), ratings, 5, 1)
    assert np.abs(scoring.correlations(noise, ratings)).max() < 0.2
    seen = [set(unseen.tolist()) for _, unseen in scoring.folds(10, 3, 1)]
    assert sorted(each for fold in seen for each in fold) == list(range(10))


def test_bootstrap_intervals_exclude_zero_for_a_real_gain() -> None:
    rng = np.random.default_rng(2)
    ratings = rng.normal(size=(400, 3))
    weak, strong = ratings + 2.0 * rng.normal(size=(400, 3)), ratings + rng.normal(size=(400, 3))
    found = scoring.gains({"weak": weak, "strong": strong}, ratings, "weak", 0)
    assert found["weak"] == [[0.0, 0.0]] * 3
    assert all(0.1 < low < high < 0.5 for low, high in found["strong"])


def test_the_effective_rank_counts_independent_directions() -> None:
    assert scoring.effective_rank(np.eye(8)) == pytest.approx(8.0)
    assert scoring.effective_rank(np.outer(np.ones(8), np.arange(1, 5))) == pytest.approx(1.0, abs=1e-3)


def test_small_world(tmp_path: Path) -> None:
    metrics, folder = quick("small_world", tmp_path)
    assert metrics["edges"] == 600 * 20 // 2
    assert metrics["clustering"]["ring"] == pytest.approx(metrics["theory"]["ring"], abs=1e-4)
    assert metrics["clustering"]["small_world"] == pytest.approx(metrics["theory"]["small_world"], rel=0.05)
    assert metrics["clustering"]["random"] < 0.1 < metrics["clustering"]["small_world"]
    assert metrics["path"]["random"] < metrics["path"]["small_world"] < metrics["path"]["ring"] / 3
    assert (folder / "counts.md").read_text().count("\n|") == 2 + 9
    assert (folder / "small_world.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_emotion_depth(tmp_path: Path) -> None:
    metrics, folder = quick("emotion_depth", tmp_path)
    assert metrics["met"]["frequency_row_kept"]
    assert metrics["fall_of_valence"]["frequency-sum"] > 0.2 > metrics["fall_of_valence"]["frequency-sum-anchor"]
    assert metrics["effective_rank"]["common-sum"] < metrics["effective_rank"]["frequency-sum"] / 2
    assert (folder / "depth.md").read_text().count("\n|") == 2 + 15
    assert (folder / "emotion_depth.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_emotional_words(tmp_path: Path) -> None:
    metrics, folder = quick("emotional_words", tmp_path, seeds=1)
    valence = metrics["valence"]
    assert valence["vectors"] > 0.8, "ratings of the made language depend on the topic"
    assert valence["emotion_alone"] > valence["emotion_alone_frequency"] + 0.2
    assert valence["neighbours_alone"] > 0.8
    assert abs(valence["shuffled_emotion"] - valence["vectors"]) < 0.02
    assert (folder / "words.md").read_text().count("\n|") == 2 + 14
    assert (folder / "emotional_words.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_emotional_sentences(tmp_path: Path) -> None:
    metrics, folder = quick("emotional_sentences", tmp_path, seeds=1)
    f1 = metrics["macro_f1"]
    assert min(f1["tfidf"], f1["counts"], f1["unseen"], f1["bag"]) > 0.85
    assert f1["shuffled"] < 0.5
    assert (folder / "sentences.md").read_text().count("\n|") == 2 + 8


@pytest.mark.slow
def test_reply_ranking(tmp_path: Path) -> None:
    metrics, folder = quick("reply_ranking", tmp_path)
    first = metrics["first"]
    assert first["bag"] > 0.5 > first["emotion"] > 3 * metrics["chance"]["first"]
    assert first["emotion_shuffled"] < first["emotion"]
    assert len(metrics["answers"]["bag"]) == 3
    assert (folder / "answers.md").read_text().count("\n|") == 2 + 7


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::brainsim.errors.UnusedWarning")  # one brain only reads these weights
def test_limbic_link(tmp_path: Path) -> None:
    metrics, folder = quick("limbic_link", tmp_path)
    moved = metrics["moved"]
    assert moved["all"]["recall"] > 0.3
    assert moved["all"]["size"] > 0.3
    assert moved["safety"]["size"] > 0.3 > abs(moved["joy"]["size"])
    assert abs(moved["constant"]["recall"]) < 0.3
    assert (folder / "limbic_link.md").read_text().count("\n|") == 2 + 7


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.skipif(find_spec("torch") is None, reason="needs PyTorch, the extra torch")
def test_emotional_cascade(tmp_path: Path) -> None:
    metrics, folder = quick("emotional_cascade", tmp_path)
    assert metrics["loss"]["whole"] < metrics["loss_before"] - 1
    assert metrics["bigram"] < metrics["unigram"] < metrics["chance"]["loss"]
    assert (folder / "epoch.md").read_text().count("\n|") == 2 + 6
