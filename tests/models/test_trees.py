"""Phrases that are stored as trees of assemblies."""

from __future__ import annotations

from typing import Any

import pytest

from brainsim import Area, Brain, Simulator
from brainsim.errors import DeclarationError, SimulationError
from brainsim.models.language import add_phrase, merge_tree, read_tree
from brainsim.operations import read_out

SHAPE = ("Sent", "Subj", ("VP", "Verb", "Obj"))
SENTENCES = [("dog", "bites", "cat"), ("cat", "bites", "dog"), ("dog", "sees", "cat"), ("cat", "sees", "mouse")]


def declared(n: int = 1000, k: int = 50, **settings: float) -> Brain:
    brain = Brain()
    nouns, verbs = ("dog", "cat", "mouse"), ("bites", "sees")
    for name, words in (("Subj", nouns), ("Verb", verbs), ("Obj", nouns)):
        brain.add(Area(name, n, k, {word: range(at * k, (at + 1) * k) for at, word in enumerate(words)}))
    vp = add_phrase(brain, "VP", brain["Verb"], brain["Obj"], n=n, k=k, **settings)
    add_phrase(brain, "Sent", brain["Subj"], vp, n=n, k=k, **settings)
    return brain


def tree(brain: Brain, words: tuple[str, str, str]) -> tuple[Any, ...]:
    subj, verb, obj = words
    return ("Sent", brain["Subj"][subj], ("VP", brain["Verb"][verb], brain["Obj"][obj]))


def read(sim: Simulator, root: Any) -> tuple[str | None, ...]:
    fired = read_tree(sim, root, SHAPE)
    return tuple(read_out(fired[name], sim.brain[name].patterns).label for name in ("Subj", "Verb", "Obj"))


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_sentences_that_share_words_are_read_from_their_roots(backend: str) -> None:
    brain = declared()
    with Simulator(brain, 3, backend=backend) as sim:
        roots = [merge_tree(sim, tree(brain, each)) for each in SENTENCES]
        assert [read(sim, root) for root in roots] == SENTENCES
        assert not any(sim.fires(area) for area in brain.areas)
    assert max(one.overlap(other) for one in roots for other in roots if one is not other) < 0.2


def stored(backend: str, n: int, k: int, sentences: int) -> list[Any]:
    """Return the roots of some sentences, the words read from them, and all learned weights and thresholds."""
    brain = declared(n, k)
    with Simulator(brain, 3, backend=backend) as sim:
        roots = [merge_tree(sim, tree(brain, each)) for each in SENTENCES[:sentences]]
        fired = [read_tree(sim, root, SHAPE) for root in roots]
        learned = [[part.tolist() for part in sim.connectome(f).learned()] for f in brain.fibers if f.plasticity]
        return [roots, fired, learned, [sim.thresholds(brain[name]).tolist() for name in ("VP", "Sent")]]


def test_backends_agree() -> None:
    assert stored("cpu", 300, 20, 4) == stored("reference", 300, 20, 4)


@pytest.mark.usefixtures("emulated_gpu")
def test_gpu_agrees_with_cpu() -> None:
    assert stored("gpu", 150, 12, 2) == stored("cpu", 150, 12, 2)


def test_without_learning_no_sentence_is_read() -> None:
    brain = declared(beta=0.0, back=0.0)
    with Simulator(brain, 3, backend="reference") as sim:
        roots = [merge_tree(sim, tree(brain, each)) for each in SENTENCES]
        assert not any(read(sim, root) == words for root, words in zip(roots, SENTENCES, strict=True))


def test_reading_changes_nothing() -> None:
    brain = declared(300, 20)
    with Simulator(brain, 3, backend="reference") as sim:
        root = merge_tree(sim, tree(brain, SENTENCES[0]))
        rounds, before = sim.rounds, sim.connectome(brain["Sent"] >> brain["VP"]).to_scipy()
        read_tree(sim, root, SHAPE)
        assert sim.rounds == rounds
        assert (sim.connectome(brain["Sent"] >> brain["VP"]).to_scipy() != before).nnz == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("Sent", "Subj"), "a tree"),
        (("Sent", "Subj", "VP"), "a tree"),
        ("Sent", "a tree"),
        ((1, 2, 3), "an Area or text"),
        (None, "a tree"),
    ],
)
def test_what_is_no_tree_is_refused(wrong: Any, message: str) -> None:
    with Simulator(declared(300, 20), backend="reference") as sim, pytest.raises(DeclarationError, match=message):
        merge_tree(sim, wrong)


def test_bad_trees_are_refused_by_name() -> None:
    brain = declared(300, 20)
    dog, cat = brain["Subj"]["dog"], brain["Obj"]["cat"]
    with Simulator(brain, backend="reference") as sim:
        with pytest.raises(DeclarationError, match="occurs once"):
            merge_tree(sim, ("Sent", dog, ("VP", cat, brain["Obj"]["dog"])))
        with pytest.raises(DeclarationError, match="no fiber leads from 'Sent' to 'Obj'"):
            merge_tree(sim, ("Sent", dog, cat))
        with pytest.raises(DeclarationError, match=r"merge_tree\.rounds"):
            merge_tree(sim, tree(brain, SENTENCES[0]), rounds=0)
        with pytest.raises(DeclarationError, match=r"read_tree\.root.*'Sent'"):
            read_tree(sim, dog, SHAPE)
        with sim.frozen(), pytest.raises(SimulationError, match="learns nothing"):
            merge_tree(sim, tree(brain, SENTENCES[0]))
    with pytest.raises(DeclarationError, match="another area than part"):
        add_phrase(Brain(), "VP", brain["Verb"], brain["Verb"])
