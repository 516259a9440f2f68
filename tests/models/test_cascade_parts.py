"""The parts of a cascade: words, vectors, emotional input, graphs and sizes."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from brainsim.errors import BrainsimError, DeclarationError, LexiconError, UnknownNameError
from brainsim.models import cascade as package
from brainsim.models.cascade import (
    Cascade,
    EmotionalInput,
    Norms,
    Vocabulary,
    WordGraph,
    build_vocabulary,
    labelled_input,
    read_norms,
    vectors,
    word_graph,
    word_pairs,
    words_of,
)
from brainsim.models.cascade.embedding import cooccurrences, positive_information

SUBJECTS, PLACES = ("dog", "cat", "horse", "bird"), ("sea", "lake", "river", "pond")
TEXTS = [f"the {who} runs and eats food" for who in SUBJECTS] + [f"a {where} has deep cold water" for where in PLACES]
TEXTS *= 4


def unit(n: int, dim: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((n, dim))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


# Words


def test_words_are_letters_in_lower_case_with_apostrophes_inside() -> None:
    assert words_of("I\u2019m FINE, 3 times 'so'\u2014O'Neill's na\u00efve caf\u0065\u0301") == [
        *("i'm", "fine", "times", "so"),
        *("o'neill's", "na\u00efve", "caf\u00e9"),
    ]


def test_a_vocabulary_has_the_most_frequent_words_first_whatever_the_order_of_the_texts() -> None:
    texts = ["b a a", "c b a", "d"]
    assert build_vocabulary(texts).words == ("a", "b", "c", "d") == build_vocabulary(texts[::-1]).words
    assert build_vocabulary(texts, size=2).words == ("a", "b")
    assert build_vocabulary(texts, least=2).words == ("a", "b")
    assert build_vocabulary(iter(texts)).words == ("a", "b", "c", "d")


def test_words_that_a_vocabulary_does_not_have_are_refused_by_name() -> None:
    vocabulary = Vocabulary(("fear", "joy"))
    assert vocabulary.nodes(["joy", "fear"]).tolist() == [1, 0]
    assert vocabulary.known("Joy, not fear: joy!").tolist() == [1, 0, 1]
    with pytest.raises(UnknownNameError, match="unknown word 'feer'; did you mean 'fear'"):
        vocabulary.nodes(["joy", "feer"])
    with pytest.raises(UnknownNameError, match=r"knows no word of the text \('nothing', 'here'\)"):
        vocabulary.known("nothing here")


@pytest.mark.parametrize(("words", "message"), [((), "at least one word"), (("a", "b", "a"), "different words")])
def test_invalid_vocabularies_are_refused(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Vocabulary(words)


@pytest.mark.parametrize("texts", ["one text", [], ["text", 3]])
def test_invalid_texts_are_refused(texts: object) -> None:
    with pytest.raises(DeclarationError, match=r"build_vocabulary\.texts"):
        build_vocabulary(texts)  # type: ignore[arg-type]


# Vectors


def test_cooccurrences_count_pairs_by_distance_within_a_text() -> None:
    stream = np.array([0, 1, -1, 0, 2, -1, -1, 1, 1], np.int32)
    expected = np.zeros((3, 3))
    for i, a in enumerate(stream):
        for j, b in enumerate(stream):
            if a >= 0 and b >= 0 and 0 < abs(i - j) <= 2:
                expected[a, b] += 1 / abs(i - j)
    np.testing.assert_allclose(cooccurrences(stream, 3, 2).toarray(), expected)


def test_positive_information_follows_its_formula() -> None:
    from scipy.sparse import csr_array

    counts = np.array([[0.0, 4, 1], [4, 2, 0], [1, 0, 6]])
    found = positive_information(csr_array(counts), 0.75).toarray()
    contexts = counts.sum(axis=0) ** 0.75
    for i in range(3):
        for j in range(3):
            ratio = counts[i, j] * contexts.sum() / (counts[i].sum() * contexts[j])
            assert found[i, j] == pytest.approx(max(0.0, math.log(ratio)) if ratio else 0.0)


def test_words_with_the_same_contexts_have_similar_vectors() -> None:
    vocabulary = build_vocabulary(TEXTS)
    found = vectors(TEXTS, vocabulary, dim=6)
    assert found.shape == (len(vocabulary), 6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    same = found[vocabulary.nodes(SUBJECTS)] @ found[vocabulary.nodes(SUBJECTS)].T
    other = found[vocabulary.nodes(SUBJECTS)] @ found[vocabulary.nodes(PLACES)].T
    assert same.min() > other.max() + 0.5


def test_the_same_call_returns_the_same_vectors_and_windows_end_with_a_text() -> None:
    vocabulary = build_vocabulary(TEXTS)
    found = vectors(TEXTS, vocabulary, dim=6)
    assert np.array_equal(found, vectors(iter(TEXTS), vocabulary, dim=6))
    assert np.array_equal(found, vectors(TEXTS[::-1], vocabulary, dim=6))
    assert not np.array_equal(found, vectors([" ".join(TEXTS)], vocabulary, dim=6))


def test_the_solver_for_many_words_gives_the_same_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another solver is used for large matrices; its singular vectors are the same except for rounding."""
    rng = np.random.default_rng(0)
    texts = [" ".join("abcdefghijklmnopqrst"[i] for i in rng.zipf(1.5, 30) % 20) for _ in range(40)]
    vocabulary = build_vocabulary(texts)
    dense = vectors(texts, vocabulary, dim=4)
    monkeypatch.setattr("brainsim.models.cascade.embedding._SMALL", 5)
    np.testing.assert_allclose(vectors(texts, vocabulary, dim=4), dense, atol=1e-5)


def test_a_word_without_context_has_its_own_direction() -> None:
    found = vectors([*TEXTS, "alone", "lonely"], build_vocabulary([*TEXTS, "alone", "lonely"]), dim=6)
    assert np.isfinite(found).all()
    # The four animals have the same contexts, and so do the four waters.
    assert len(np.unique(found, axis=0)) > len(found) - 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 0}, r"vectors\.dim: must be an integer of at least 1 \(got 0\)"),
        ({"dim": 18}, "below the 18 words"),
        ({"window": 0}, r"vectors\.window"),
        ({"window": 2000}, r"vectors\.window: must be at most 1000"),
        ({"context_exponent": float("nan")}, r"vectors\.context_exponent"),
    ],
)
def test_sizes_of_vectors_out_of_range_are_refused(arguments: dict[str, float], message: str) -> None:
    vocabulary = build_vocabulary(TEXTS)
    assert len(vocabulary) == 18
    with pytest.raises(DeclarationError, match=message):
        vectors(TEXTS, vocabulary, **{"dim": 6, **arguments})  # type: ignore[arg-type]


def test_words_that_the_texts_do_not_have_are_refused_by_name() -> None:
    with pytest.raises(DeclarationError, match=r"1 words do not occur in the texts \('Dog'\)"):
        vectors(TEXTS, Vocabulary(("dog", "cat", "Dog", "the")), dim=2)


# Emotional input


NORMS = "word,valence,arousal,dominance\nJoy,9,7,5\nfear,1,5,3\n"


def written(folder: Path, content: str, name: str = "norms.csv") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def test_norms_become_input_from_0_to_1_and_unrated_words_have_the_mean(tmp_path: Path) -> None:
    norms = read_norms(written(tmp_path, NORMS))
    found = norms.input(Vocabulary(("fear", "table", "joy")))
    assert found.channels == ("safety", "curiosity", "joy")
    np.testing.assert_allclose(found.values, [[0.25, 0.5, 0], [0.375, 0.625, 0.5], [0.5, 0.75, 1]])
    assert found.known.tolist() == [True, False, True]


def test_tables_with_tabs_and_other_columns_can_be_read(tmp_path: Path) -> None:
    content = "term\tpleasure\tpower\njoy\t2\t1\n"
    norms = read_norms(written(tmp_path, content, "n.tsv"), columns=("pleasure", "power"), word="term", scale=(0, 4))
    found = norms.input(Vocabulary(("joy",)), {"safety": "power", "joy": "pleasure"})
    assert found.channels == ("safety", "joy")
    np.testing.assert_allclose(found.values, [[0.25, 0.5]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("word,valence,arousal\njoy,9,7\n", "column 'dominance' is missing; found: word, valence, arousal"),
        (NORMS + "Fear,2,2,2\n", "line 4, column 'word': must be a word that no other row has"),
        (NORMS + "sad,0,2,2\n", "line 4, column 'valence': must be between 1 and 9"),
        (NORMS + "sad,high,2,2\n", "line 4, column 'valence': must be a finite number"),
        (NORMS + "sad,nan,2,2\n", "line 4, column 'valence': must be a finite number"),
    ],
)
def test_norms_that_cannot_be_used_are_refused_by_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(LexiconError, match=message):
        read_norms(written(tmp_path, content))


def test_norms_of_other_words_and_missing_columns_are_refused() -> None:
    norms = Norms(("valence",), {"joy": (9.0,)})
    with pytest.raises(LexiconError, match="rate none of the 1 words"):
        norms.input(Vocabulary(("table",)), {"joy": "valence"})
    with pytest.raises(UnknownNameError, match="unknown column 'dominance'"):
        norms.input(Vocabulary(("joy",)))
    with pytest.raises(DeclarationError, match=r"Norms\.ratings\['joy'\]: must be 1 numbers"):
        Norms(("valence",), {"joy": (9.0, 1.0)})
    with pytest.raises(DeclarationError, match=r"Norms\.scale"):
        Norms(("valence",), {"joy": (9.0,)}, (9.0, 1.0))


def test_the_published_norms_can_be_read() -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / "glasgow_vad.csv"
    if not path.exists():
        pytest.skip("the file of the Glasgow norms is absent")
    norms = read_norms(path)
    assert len(norms) == 5553
    found = norms.input(Vocabulary(("joy", "danger")))
    assert found.values[0, 2] > 0.8 > 0.3 > found.values[1, 2]


def test_labelled_sentences_become_input_by_how_often_a_word_has_a_label() -> None:
    sentences = [("what is it", "curiosity"), ("what joy, what joy", "joy"), ("it is", "other"), ("care", "caring")]
    labels = {"safety": ("caring", "relief"), "curiosity": ("curiosity",), "joy": ("joy",)}
    with pytest.raises(UnknownNameError, match=r"labels\['safety'\]: unknown label 'relief'; known: 'caring'"):
        labelled_input(sentences, Vocabulary(("what",)), labels)
    labels["safety"] = ("caring",)
    found = labelled_input(sentences, Vocabulary(("what", "it", "tree")), labels, prior=2)
    np.testing.assert_allclose(found.values[0], [0.5 / 4, 1.5 / 4, 1.5 / 4])
    np.testing.assert_allclose(found.values[1], [0.5 / 4, 1.5 / 4, 0.5 / 4])
    np.testing.assert_allclose(found.values[2], found.values[:2].mean(axis=0))
    assert found.known.tolist() == [True, True, False]


@pytest.mark.parametrize("values", [np.full((2, 3), 1.5), np.full((2, 3), np.nan), np.zeros((2, 2)), "text"])
def test_invalid_emotional_input_is_refused(values: object) -> None:
    with pytest.raises(DeclarationError, match=r"EmotionalInput\.values"):
        EmotionalInput(package.CHANNELS, values, np.ones(2, bool))  # type: ignore[arg-type]


# Graphs


@pytest.mark.parametrize("order", ["frequency", "semantic", "nearest"])
@pytest.mark.parametrize("rewire", [0.0, 0.1, 1.0])
def test_every_graph_has_as_many_different_edges_as_stated(order: str, rewire: float) -> None:
    pairs = word_pairs(order, unit(101, 8), neighbours=10, rewire=rewire, seed=3)  # type: ignore[arg-type]
    assert pairs.shape == (505, 2)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(np.unique(pairs, axis=0)) == 505
    assert np.array_equal(pairs, word_pairs(order, unit(101, 8), 10, rewire, 3))  # type: ignore[arg-type]
    other = word_pairs(order, unit(101, 8), 10, rewire, 4)  # type: ignore[arg-type]
    assert np.array_equal(pairs, other) == (rewire == 0)


def test_edges_join_words_of_similar_meaning_in_the_semantic_orders_only() -> None:
    centres = unit(10, 16, seed=1)
    clustered = unit(400, 16) * 0.2 + centres[np.arange(400) % 10]
    found = clustered / np.linalg.norm(clustered, axis=1, keepdims=True)
    cosine = {}
    for order in ("frequency", "semantic", "nearest"):
        near, far = word_pairs(order, found, neighbours=20, rewire=0.1).T  # type: ignore[arg-type]
        cosine[order] = float((found[near] * found[far]).sum(axis=1).mean())
    assert cosine["frequency"] < 0.2
    assert cosine["semantic"] > 0.6
    assert cosine["nearest"] > 0.7


def test_nearest_neighbours_come_first() -> None:
    found = unit(60, 8)
    similarity = found @ found.T - 2 * np.eye(60)
    first = {(min(i, j), max(i, j)) for i, j in enumerate(similarity.argmax(axis=1).tolist())}
    assert first <= set(map(tuple, word_pairs("nearest", found, neighbours=6, rewire=0.2).tolist()))


def test_equal_vectors_and_a_word_near_to_all_still_give_all_edges() -> None:
    assert len(word_pairs("nearest", np.ones((30, 4)), neighbours=6, rewire=0.5)) == 90
    star = np.concatenate([np.ones((1, 40)), np.eye(40) + 0.3])
    assert len(word_pairs("nearest", star, neighbours=20, rewire=0.9)) == 410


def test_a_small_world_has_the_clustering_that_theory_predicts() -> None:
    from scipy.sparse import coo_array

    n, k, rewire = 2000, 20, 0.1
    near, far = word_pairs("frequency", np.ones((n, 1)), k, rewire, seed=1).T
    graph = coo_array((np.ones(len(near)), (near, far)), shape=(n, n)).tocsr()
    graph = graph + graph.T
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    triangles = np.asarray((graph @ graph).multiply(graph).sum(axis=1)).ravel()
    clustering = float((triangles / (degrees * (degrees - 1))).mean())
    assert clustering == pytest.approx(3 * (k - 2) / (4 * (k - 1)) * (1 - rewire) ** 3, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": "alphabet"}, "must be 'frequency', 'semantic', 'nearest'"),
        ({"neighbours": 5}, "must be an even number"),
        ({"neighbours": 20}, "at most half of the 29 other words"),
        ({"rewire": 1.5}, r"word_graph\.rewire"),
        ({"vectors": np.full((30, 2), np.nan)}, r"word_graph\.vectors\[0\]: must be finite"),
        ({"vectors": np.zeros((30, 2))}, "not 0 in all"),
        ({"vectors": np.zeros((30, 0))}, "of shape"),
    ],
)
def test_invalid_graphs_are_refused(arguments: dict[str, object], message: str) -> None:
    given = {"order": "nearest", "vectors": unit(30, 4), "neighbours": 4, **arguments}
    with pytest.raises(DeclarationError, match=message):
        word_graph(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[0, 0]], "pairs of different nodes"),
        ([[0, 1], [1, 0]], "different pairs"),
        ([[0, 5]], "integers from 0 to 4"),
        ([[0, 0.5]], "integers from 0 to 4"),
        ([0, 1], "of shape"),
    ],
)
def test_edges_that_are_no_undirected_graph_are_refused(edges: object, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        WordGraph(edges, 5)  # type: ignore[arg-type]


# Sizes


def test_the_published_sizes_give_the_published_numbers_of_parameters() -> None:
    counts = Cascade.paper().counts()
    assert counts.total == 82_678_848
    assert {part.name: part.parameters for part in counts.parts} == {
        "emotional weights": 9_000_000,
        "vectors": 7_680_000,
        "attention": 5_996_544,
        "feed-forward": 60_002_304,
    }
    assert counts.megabytes == pytest.approx(330.7, abs=0.05)
    assert Cascade.natural().counts().total == 19_039_296
    assert "82,678,848" in str(counts)


def test_counts_follow_the_declaration() -> None:
    small = Cascade(n=50, dim=4, neighbours=6, layers=3, attention_every=2, heads=2, head_dim=2, hidden=5)
    counts = small.counts()
    assert [part.parameters for part in counts.parts] == [150 * 3, 50 * 4, 1 * 4 * 4 * 4, 3 * 2 * 5 * 4]
    assert counts["attention"] == 64
    assert Counter(small.attention_layers) == {2: 1}
    assert Cascade(layers=4, attention_every=0).attention_layers == ()


@pytest.mark.parametrize(
    "field",
    [
        {"dim": 0},
        {"neighbours": 7},
        {"head_dim": 3},
        {"layers": 0},
        {"window": 513},
        {"mix": (0.5, 0.5)},
        {"rates": (2.0, 0.0, 0.0)},
        {"tau": 0.0},
        {"keep": float("nan")},
        {"norm": "column"},
        {"attention_every": -1},
    ],
)
def test_invalid_sizes_are_refused_by_name(field: dict[str, object]) -> None:
    with pytest.raises(BrainsimError, match=rf"Cascade\.{next(iter(field))}"):
        Cascade(**field)  # type: ignore[arg-type]
