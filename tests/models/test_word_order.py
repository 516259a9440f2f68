"""Word order: both mechanisms, all orders, bad input, and agreement of the backends."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from brainsim import Hebbian
from brainsim.errors import BrainsimError, DeclarationError
from brainsim.models.language import Scene, WordOrder

NOUNS, VERBS = ("dog", "cat", "cow", "fox"), ("bites", "sees")
LETTERS = {"S": "agent", "V": "action", "O": "patient"}
SMALL: dict[str, Any] = {"n": 800, "k": 30, "p": 0.2, "backend": "reference"}


def sentence_of(scene: Scene, order: str) -> tuple[str, ...]:
    return tuple(scene.fillers[LETTERS[each]] for each in order if LETTERS[each] in scene.fillers)


def taught(order: str, *, sentences: int = 8, seed: int = 1, **options: Any) -> WordOrder:
    brain = WordOrder(NOUNS[:3], VERBS, seed=seed, **{**SMALL, **options})
    rng = np.random.default_rng(seed)
    for at in range(sentences):
        agent, patient = rng.choice(NOUNS[:3], 2, replace=False).tolist()
        scene = Scene(agent, VERBS[at % 2], patient if at % 3 else None)
        brain.hear(sentence_of(scene, order), scene)
    return brain


@pytest.mark.parametrize("order", ["SVO", "OSV"])
def test_new_scenes_are_said_and_understood_in_the_learned_order(order: str) -> None:
    brain = taught(order)
    for scene in (Scene("dog", "bites", "cat"), Scene("cat", "bites", "dog"), Scene("cow", "sees")):
        assert brain.say(scene) == sentence_of(scene, order)
        assert brain.understand(sentence_of(scene, order)).is_scene(scene)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sentences_that_begin_with_the_verb_are_understood(seed: int) -> None:
    """The verb drives the next position, while its own position is closed to nouns."""
    brain = taught("VOS", seed=seed, n=1000, k=40)
    found = brain.understand(("bites", "dog", "cat"))
    assert found.fillers == {"agent": "cat", "action": "bites", "patient": "dog"}
    assert found.frame == "two"
    assert brain.understand(("sees", "dog")).frame == "one"


def test_the_published_mechanism_says_what_it_learned() -> None:
    brain = taught("SOV", mechanism="role", frames=False, sentences=24)
    scene = Scene("dog", "bites", "cat")
    assert brain.say(scene) == ("dog", "cat", "bites")


def test_sentences_without_an_agent_have_their_own_frame() -> None:
    brain = WordOrder(NOUNS, VERBS, seed=2, **SMALL)
    for noun in NOUNS[:3]:
        brain.hear(("sees", noun), Scene(None, "sees", noun))
        brain.hear((noun, "bites"), Scene(noun, "bites"))
    assert brain.say(Scene(None, "bites", "fox")) == ("bites", "fox")
    assert brain.say(Scene("fox", "bites")) == ("fox", "bites")


def test_saying_and_understanding_change_nothing() -> None:
    brain = taught("SVO")
    weights = [brain.sim.connectome(fiber).learned()[2] for fiber in brain.order.fibers]
    brain.say(Scene("dog", "bites", "cat"))
    brain.understand(("dog", "bites", "cat"))
    after = [brain.sim.connectome(fiber).learned()[2] for fiber in brain.order.fibers]
    assert all(np.array_equal(a, b) for a, b in zip(weights, after, strict=True))
    assert brain.sim.locks == {}


@pytest.mark.slow
@pytest.mark.parametrize("order", ["".join(each) for each in permutations("SVO")])
def test_all_orders_are_learned_and_none_without_plasticity(order: str) -> None:
    size = {"n": 10_000, "k": 50, "p": 0.1, "backend": "cpu"}
    scenes = [Scene(a, "bites", b) for a, b in permutations(NOUNS[:3], 2)]
    for seed in (1, 2):
        brain = taught(order, sentences=20, seed=seed, **size)
        assert all(brain.say(scene) == sentence_of(scene, order) for scene in scenes)
        assert all(brain.understand(sentence_of(scene, order), "two").is_scene(scene) for scene in scenes)
    spoken = {taught(order, sentences=20, seed=s, rule=Hebbian(0, w_max=16), **size).say(scenes[0]) for s in range(5)}
    assert len(spoken) > 1  # the order differs between brains, since it was not learned


def state(mechanism: str, backend: str) -> list[Any]:
    """Return what a small brain says and understands, and all its learned weights."""
    size = {"n": 200, "k": 12, "p": 0.3, "backend": backend}
    brain = taught("OVS", mechanism=mechanism, sentences=2, **size)
    learned = [
        [part.tolist() for part in brain.sim.connectome(f).learned()] for f in brain.brain.fibers if f.plasticity
    ]
    return [brain.say(Scene("dog", "bites", "cat")), brain.understand(("cat", "bites", "dog")), learned]


@pytest.mark.parametrize("mechanism", ["syntax", "role"])
def test_cpu_agrees_with_reference(mechanism: str) -> None:
    assert state(mechanism, "cpu") == state(mechanism, "reference")


@pytest.mark.slow
@pytest.mark.usefixtures("emulated_gpu")
def test_gpu_agrees_with_reference() -> None:
    assert state("syntax", "gpu") == state("syntax", "reference")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.understand(("dog", "flies")), "word of this brain .got 'flies'"),
        (lambda b: b.understand(("dog", "bites", "sees")), "understand.words: must be a verb and one or two nouns"),
        (lambda b: b.understand(("dog",)), "must be a verb and one or two nouns.*got 'dog'.*add what is missing"),
        (lambda b: b.understand(("bites",)), "must be a verb and one or two nouns.*got 'bites'"),
        (lambda b: b.understand(("dog", "bites"), "two"), "as many as a frame has roles .got 'dog bites'"),
        (lambda b: b.understand(()), "understand.words: must be at least one word"),
        (
            lambda b: b.understand(("dog", "bites"), "three"),
            "understand.frame: must be one of 'two', 'one', 'object', or None .got 'three'",
        ),
        (lambda b: b.hear(("wolf", "bites"), Scene("wolf", "bites")), "word of this brain .got 'wolf'"),
        (
            lambda b: b.hear(("dog", "bites"), Scene("dog", "bites", "cat")),
            "hear.words: must be the words of the scene .dog, bites, cat. .got 'dog bites'",
        ),
        (lambda b: b.hear(("dog", "bites", "sees"), Scene("dog", "bites", "cat")), "the words of the scene"),
        (lambda b: b.say(Scene("bites", "dog")), "Scene.agent: must be a noun of this brain .got 'bites'"),
        (lambda b: b.say(Scene("dog", "flies")), "word of this brain .got 'flies'"),
        (lambda b: Scene(None, "rains"), "Scene: needs an agent or a patient"),
        (lambda b: WordOrder(["dog"], ["dog"]), "no noun as well"),
        (lambda b: WordOrder([], ["bites"]), "at least one word"),
        (lambda b: WordOrder(["dog"], ["bites"], mechanism="guess"), "'syntax' or 'role'"),
    ],
)
def test_bad_input_is_refused_by_name(call: Any, message: str) -> None:
    brain = WordOrder(NOUNS, VERBS, n=100, k=10, p=0.3, backend="reference")
    with pytest.raises(BrainsimError, match=message) as refused:
        call(brain)
    assert isinstance(refused.value, DeclarationError)
