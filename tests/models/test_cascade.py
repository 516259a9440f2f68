"""The emotional cascade: its layers, learning, the emotion and replies for a text, files, and the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim.errors import DeclarationError, DumpError, LexiconError, UnknownNameError
from brainsim.models.cascade import (
    Cascade,
    CascadeModel,
    EmotionalInput,
    Norms,
    Vocabulary,
    example_model,
    feel,
    make_model,
)
from terminal import brainsim

WORDS = tuple(f"{first}{second}" for first in "abcdefgh" for second in "uvwxyz")  # 48
SMALL = Cascade(neighbours=6, layers=4, attention_every=2, heads=2, head_dim=4, hidden=8, window=16)
CPU = {"backend": "cpu", "threads": 1}


def random_vectors(n: int = len(WORDS), dim: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dim)) + 0.5


def small_model(cascade: Cascade = SMALL, **options: Any) -> CascadeModel:
    model = CascadeModel(cascade, Vocabulary(WORDS), random_vectors(), **{**CPU, **options})
    rng = np.random.default_rng(1)
    if cascade.takes_input:
        felt = rng.random((len(WORDS), 3))
        model.set_input(EmotionalInput(("safety", "curiosity", "joy"), felt, np.ones(len(WORDS))))
    model.edges.replace(rng.uniform(0.1, 0.9, model.edges.weights.shape))
    return model


def neighbours(model: CascadeModel, node: int) -> set[int]:
    return set(model.edges.row(node)[0].tolist())


def separate_nodes(model: CascadeModel, count: int) -> list[int]:
    """Return nodes of which no two are neighbours."""
    chosen: list[int] = []
    for node in range(len(WORDS)):
        if len(chosen) < count and not neighbours(model, node) & set(chosen):
            chosen.append(node)
    return chosen


def text_of(nodes: list[int]) -> str:
    return " ".join(WORDS[node] for node in nodes)


# Layers


def test_a_layer_moves_active_words_by_the_equation() -> None:
    cascade = replace(SMALL, layers=1, anchor=0.25)
    model = small_model(cascade)
    nodes = separate_nodes(model, 4)
    first, weights = model.core.vectors.astype(float), model.edges.weights.astype(float)
    found = model.core.states(np.array(nodes))
    for place, node in enumerate(nodes):
        others, edges = model.edges.row(node)
        mixed = weights[edges] @ np.array(cascade.mix)
        mixed /= mixed.sum()
        received = sum(w * (first[node] @ first[j]) * first[j] for w, j in zip(mixed, others, strict=True))
        moved = 0.75 * (0.8 * first[node] + 0.2 * received) + 0.25 * first[node]
        np.testing.assert_allclose(found[place], moved / np.linalg.norm(moved), atol=1e-5)


def test_reading_a_text_changes_nothing() -> None:
    model = small_model()
    before = model.sim.vectors(model.core.words).copy(), model.edges.weights.copy()
    context = model.context("au bv cw")
    model.emotion("au bv cw")
    model.rank("au bv", ["cw", "dx"])
    assert np.array_equal(before[0], model.sim.vectors(model.core.words))
    assert np.array_equal(before[1], model.edges.weights)
    assert np.array_equal(context, model.context("au bv cw"))
    assert not np.allclose(context, model.core.vectors[[0, 7, 14]].mean(axis=0), atol=1e-3)


def test_with_everywhere_all_nodes_step() -> None:
    active, everywhere = small_model(), small_model(replace(SMALL, everywhere=True))
    node = np.array([0])
    assert not np.allclose(active.core.states(node), everywhere.core.states(node), atol=1e-4)


def test_with_keep_1_vectors_do_not_change() -> None:
    model = small_model(replace(SMALL, keep=1.0))
    nodes = np.array([3, 8])
    np.testing.assert_allclose(model.core.states(nodes), model.core.vectors[nodes], atol=1e-6)


def test_the_printed_layer_is_the_identity_map() -> None:
    """As printed, a node adds the projections of its neighbours on itself, which are parallel to its own vector."""
    nodes = np.arange(10)
    literal, repaired = small_model(replace(SMALL, literal=True, layers=16)), small_model(replace(SMALL, layers=16))
    kept = (literal.core.states(nodes) * literal.core.vectors[nodes]).sum(axis=1)
    moved = (repaired.core.states(nodes) * repaired.core.vectors[nodes]).sum(axis=1)
    np.testing.assert_allclose(kept, 1, atol=1e-6)
    assert moved.min() < 0.9


def test_the_printed_rule_diverges_and_the_repaired_one_converges() -> None:
    """Between similar vectors, the printed rule multiplies a weight by a constant each round: 10**19 after 1000 rounds."""
    similar = np.tile([1.0, 0.0], (len(WORDS), 1)) + 0.01 * random_vectors(dim=2)
    one = EmotionalInput(("safety", "curiosity", "joy"), np.ones((len(WORDS), 3)), np.ones(len(WORDS)))
    for literal in (True, False):
        model = CascadeModel(replace(SMALL, literal=literal), Vocabulary(WORDS), similar, **CPU)
        if not literal:
            model.set_input(one)
        model.relax(rounds=1000)
        weights = model.edges.weights
        if literal:
            assert weights.min() > 1e18
        else:
            assert np.isfinite(weights).all()
            assert weights.max() <= 1


# Learning


@pytest.mark.parametrize("change", [{"target": "cosine"}, {"literal": True}])
def test_a_rule_without_input_refuses_an_emotion_and_can_be_saved(change: dict[str, Any], tmp_path: Path) -> None:
    model = small_model(replace(SMALL, **change))
    with pytest.raises(DeclarationError, match="has a rule without input"):
        model.learn("au av", emotion=(1, 0, 0))
    model.learn("au av")
    model.save(tmp_path / "model.h5")
    assert np.array_equal(CascadeModel.load(tmp_path / "model.h5", **CPU).edges.weights, model.edges.weights)


def test_without_input_weights_relax_to_the_cosine_in_all_channels() -> None:
    model = small_model(replace(SMALL, target="cosine"))
    model.relax(rounds=400)
    near, far = model.edges.pairs.T
    apart = np.linalg.norm(model.core.vectors[near] - model.core.vectors[far], axis=1) > 0.3
    cosine = (model.core.vectors[near] * model.core.vectors[far]).sum(axis=1)
    np.testing.assert_allclose(model.edges.weights[apart], np.tile(cosine[apart, None], 3), atol=0.01)


def test_weights_relax_to_the_emotion_of_both_words_times_their_cosine() -> None:
    model = small_model()
    model.relax(rounds=400)
    near, far = model.edges.pairs.T
    cosine = (model.core.vectors[near] * model.core.vectors[far]).sum(axis=1)
    expected = (model.edges.input[near] + model.edges.input[far]) / 2 * cosine[:, None]
    distance = np.linalg.norm(model.core.vectors[near] - model.core.vectors[far], axis=1)
    np.testing.assert_allclose(model.edges.weights[distance > 0.3], expected[distance > 0.3], atol=0.01)


def test_a_text_changes_only_the_edges_among_its_words() -> None:
    model = small_model()
    node = 5
    others = sorted(neighbours(model, node))[:2]
    before = model.edges.weights.copy()
    model.learn(text_of([node, *others]))
    changed = np.flatnonzero((model.edges.weights != before).any(axis=1))
    among = [set(pair) <= {node, *others} for pair in model.edges.pairs.tolist()]
    assert changed.tolist() == np.flatnonzero(among).tolist()
    assert len(changed) >= 2


def test_a_text_can_be_learned_with_its_own_emotion() -> None:
    joyful, fearful = small_model(), small_model()
    node = 5
    text = text_of([node, *neighbours(joyful, node)])
    input_before = joyful.edges.input.copy()
    for _ in range(30):
        joyful.learn(text, emotion=(0, 0, 1))
        fearful.learn(text, emotion=(0, 0, 0))
    assert np.array_equal(joyful.edges.input, input_before)
    cosines = np.array([model.emotion(WORDS[node]) for model in (joyful, fearful)])
    towards = np.sign((joyful.core.vectors[list(neighbours(joyful, node))] @ joyful.core.vectors[node]).sum())
    assert towards * (cosines[0, 2] - cosines[1, 2]) > 0.02
    assert cosines[0, 0] == pytest.approx(cosines[1, 0])


@pytest.mark.parametrize("emotion", [(1, 0), (2, 0, 0), "joy", (float("nan"), 0, 0)])
def test_invalid_emotions_are_refused(emotion: Any) -> None:
    with pytest.raises(DeclarationError, match=r"CascadeModel\.learn\.emotion"):
        small_model().learn("au", emotion=emotion)


# Reading


def test_the_emotion_of_a_text_is_the_sum_of_its_weights_over_the_sum_of_its_cosines() -> None:
    model = small_model()
    nodes = [0, 1, 9]
    edges = np.concatenate([model.edges.row(node)[1] for node in nodes])
    near, far = model.edges.pairs[edges].T
    cosines = np.abs((model.core.vectors[near] * model.core.vectors[far]).sum(axis=1))
    expected = model.edges.weights[edges].sum(axis=0) / cosines.sum()
    np.testing.assert_allclose(model.emotion(text_of(nodes)), expected, rtol=1e-5)
    np.testing.assert_allclose(model.emotions()[0], model.emotion(WORDS[0]), rtol=1e-5)


def test_the_last_words_of_a_text_are_active_once_each() -> None:
    model = small_model(replace(SMALL, window=3))
    assert model.active("au bv cw au dx").tolist() == [14, 0, 21]
    assert model.active("au, nonsense").tolist() == [0]


def test_next_words_are_a_distribution_with_the_nearest_first() -> None:
    model = small_model()
    found = model.next_words("au bv", count=len(WORDS))
    assert sum(p for _, p in found) == pytest.approx(1)
    assert [word for word, _ in found] == [word for word, _ in model.nearest(model.context("au bv"), len(WORDS))]
    logits = model.core.vectors.astype(float) @ model.context("au bv") / model.cascade.tau
    assert found[0][1] == pytest.approx(np.exp(logits.max()) / np.exp(logits).sum(), rel=1e-4)


def test_replies_are_ranked_by_words_and_emotions_and_unknown_ones_are_last() -> None:
    model = small_model()
    likely = " ".join(word for word, _ in model.next_words("au bv", 3))
    unlikely = " ".join(word for word, _ in model.next_words("au bv", len(WORDS))[-3:])
    found = model.rank("au bv", [unlikely, "nothing known", likely], emotion=0)
    assert [reply.text for reply in found] == [likely, unlikely, "nothing known"]
    assert found[-1].score == -np.inf
    colder = {reply.text: reply.score for reply in model.rank("au bv", [likely, "au bv"], emotion=3)}
    warmer = {reply.text: reply.score for reply in model.rank("au bv", [likely, "au bv"], emotion=0)}
    assert colder["au bv"] == pytest.approx(warmer["au bv"])  # the same words have the same emotion
    assert colder[likely] < warmer[likely]


def test_invalid_arguments_are_refused_by_name() -> None:
    with pytest.raises(DeclarationError, match=r"CascadeModel\.vectors: must be 48 rows"):
        CascadeModel(SMALL, Vocabulary(WORDS), random_vectors(47))
    with pytest.raises(DeclarationError, match=r"CascadeModel\.vectors\[3\]: must be finite"):
        vectors = random_vectors()
        vectors[3, 0] = np.nan
        CascadeModel(SMALL, Vocabulary(WORDS), vectors)
    model = small_model()
    with pytest.raises(UnknownNameError, match="knows no word"):
        model.emotion("nothing known")
    with pytest.raises(DeclarationError, match=r"nearest\.vector: must be of shape"):
        model.nearest([1, 0])
    with pytest.raises(DeclarationError, match=r"CascadeModel\.rank\.replies"):
        model.rank("au", [])
    with pytest.raises(DeclarationError, match=r"set_input\.input\.channels"):
        model.set_input(EmotionalInput(("joy",), np.ones((len(WORDS), 1)), np.ones(len(WORDS))))


# Whole models and files


def test_the_relaxed_emotion_of_a_word_is_the_weighted_mean_over_its_edges() -> None:
    vectors = np.abs(random_vectors())
    model = CascadeModel(SMALL, Vocabulary(WORDS), vectors, **CPU)
    felt = np.linspace(0, 1, len(WORDS))[:, None] * np.ones(3)
    model.set_input(EmotionalInput(("safety", "curiosity", "joy"), felt, np.ones(len(WORDS))))
    model.relax(rounds=500)
    others = sorted(neighbours(model, 7))
    cosines = model.core.vectors[others] @ model.core.vectors[7]
    expected = ((felt[others] + felt[7]) / 2 * cosines[:, None]).sum(axis=0) / cosines.sum()
    np.testing.assert_allclose(model.emotion(WORDS[7]), expected, atol=0.02)


@cache
def example() -> CascadeModel:
    return example_model(**CPU)


def test_the_example_distinguishes_safe_words_from_dangerous_ones() -> None:
    above = {text: feel(example(), text).above for text in ("we are safe together", "a dangerous war and death")}
    assert above["we are safe together"]["safety"] > 0.6 > 0.4 > above["a dangerous war and death"]["safety"]
    felt = feel(example(), "How are you, xyzzy?", count=3)
    assert felt.unknown == ("xyzzy",)
    assert len(felt.alike) == len(felt.next_words) == len(felt.replies) == 3


def test_a_small_text_makes_a_small_model() -> None:
    model = make_model(["we are glad and safe", "it is dark and cold"], Norms(
        ("valence", "arousal", "dominance"), {"glad": (8, 6, 6)}), rounds=1, **CPU,
    )  # fmt: skip
    assert model.cascade.n == 9
    assert model.cascade.dim == 2
    with pytest.raises(DeclarationError, match=r"make_model\.texts: must be texts with at least 5 different words"):
        make_model(["we are"], Norms(("valence",), {"we": (8,)}))
    with pytest.raises(LexiconError, match="rate none"):
        make_model(["we are glad and safe"], Norms(("valence", "arousal", "dominance"), {"tree": (8, 6, 6)}))


def test_a_saved_model_gives_the_same_results(tmp_path: Path) -> None:
    model = small_model(replies=("au bv", "%25 \u2014 cw"))
    model.save(tmp_path / "model.h5")
    read = CascadeModel.load(tmp_path / "model.h5", **CPU)
    assert (read.cascade, read.vocabulary, read.replies) == (model.cascade, model.vocabulary, model.replies)
    assert np.array_equal(read.edges.weights, model.edges.weights)
    assert np.array_equal(read.context("au bv"), model.context("au bv"))
    for each in (model, read):
        each.learn("au av aw ax")
    assert np.array_equal(read.edges.weights, model.edges.weights)


def test_damaged_files_and_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    model = small_model()
    model.save(tmp_path / "model.h5")
    content = bytearray((tmp_path / "model.h5").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "damaged.h5").write_bytes(content)
    model.sim.save(tmp_path / "state.h5")
    with pytest.raises(DumpError, match="damaged"):
        CascadeModel.load(tmp_path / "damaged.h5")
    with pytest.raises(DumpError, match="holds no cascade"):
        CascadeModel.load(tmp_path / "state.h5")
    with pytest.raises(DumpError, match="cannot be read"):
        CascadeModel.load(tmp_path / "missing.h5")


# The command line


def test_without_a_model_the_command_uses_the_example_and_says_so(capsys: Any) -> None:
    code, out, _ = brainsim("feel", "How are you?", "--backend", "cpu", capsys=capsys)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["safety", "curiosity", "joy"]
    assert "I'm fine, curious, and you?" in out
    assert "model: a small example that comes with brainsim, with invented ratings" in out


def test_a_model_made_from_a_text_and_norms_can_be_saved_and_used(tmp_path: Path, capsys: Any) -> None:
    text, norms, replies = (tmp_path / name for name in ("text.txt", "norms.csv", "replies.txt"))
    text.write_text("we are glad and safe\nit is dark and cold\n" * 3)
    norms.write_text("word,valence,arousal,dominance\nglad,8,6,6\ndark,3,5,3\n")
    replies.write_text("glad and safe\n\ndark and cold\n")
    made = ("--text", text, "--norms", norms, "--replies", replies, "--save", tmp_path / "mine.h5")
    code, out, _ = brainsim("feel", "are we glad", *made, "--backend", "cpu", "--json", capsys=capsys)
    assert code == 0
    first = json.loads(out)
    _, out, _ = brainsim("feel", "are we glad", "--model", tmp_path / "mine.h5", "--json", capsys=capsys)
    second = json.loads(out)
    assert first.pop("model") != second.pop("model")
    assert first == second
    assert {reply["text"] for reply in first["replies"]} == {"glad and safe", "dark and cold"}
    assert brainsim("check", tmp_path / "mine.h5", capsys=capsys)[1].startswith(f"{tmp_path / 'mine.h5'}: whole: model")
    assert "words  9" in brainsim("show", tmp_path / "mine.h5", capsys=capsys)[1]
    code, _, err = brainsim("diff", tmp_path / "mine.h5", tmp_path / "mine.h5", capsys=capsys)
    assert code == 2
    assert "is a model" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--text", "t.txt"), "--text needs --norms"),
        (("--norms", "n.csv"), "--norms needs --text"),
        (("--model", "m.h5", "--text", "t.txt"), "leave out --text and --norms"),
        (("--text", "missing.txt", "--norms", "n.csv"), "missing.txt: cannot be read"),
        (("--text", "t.txt", "--norms", "t.txt"), "t.txt"),
        (("--model", "t.txt"), "t.txt: cannot be read as HDF5"),
        (("--backend", "abacus"), "abacus"),
        (("--replies", "empty.txt"), "empty.txt: is empty"),
    ],
)
def test_bad_arguments_of_the_command_give_an_error_of_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.txt").write_text("we are glad and safe\n")
    Path("n.csv").write_text("word,valence,arousal,dominance\nglad,8,6,6\n")
    Path("empty.txt").write_text("\n")
    code, out, err = brainsim("feel", "we are", *arguments, capsys=capsys)
    assert code == 2
    assert message in err.splitlines()[-1]
    assert not out


def test_a_text_without_known_words_is_refused(capsys: Any) -> None:
    code, _, err = brainsim("feel", "xyzzy", "--backend", "cpu", capsys=capsys)
    assert code == 2
    assert err.splitlines()[-1].startswith("brainsim: Vocabulary: knows no word of the text ('xyzzy')")
