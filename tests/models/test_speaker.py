"""A brain that says and understands sentences, with words, roles, word order and phrases."""

from __future__ import annotations

from typing import Any

import pytest

from brainsim.errors import DeclarationError
from brainsim.models.language import Scene, Speaker
from brainsim.models.nemo import Sentence, english, random_sentences

LEXICON = english().take(3, 2)
(A, B, C), (ONE, TWO) = LEXICON.nouns, LEXICON.verbs
NEW = Scene(B, TWO, A)


def taught(**options: Any) -> Speaker:
    """Return a brain that learned words, roles, and the order object, verb, subject from three sentences."""
    brain = Speaker(LEXICON, seed=1, **{"n": 10_000, **options})
    for sentence in random_sentences(LEXICON, 80, seed=1):
        brain.learn_words(sentence)
    brain.learn_roles()
    for agent, patient in ((A, B), (B, C), (C, A)):
        assert brain.hear((patient, ONE, agent), Scene(agent, ONE, patient))
    return brain


@pytest.fixture(scope="module")
def speaker() -> Speaker:
    return taught()


@pytest.mark.slow
def test_new_scenes_are_said_and_understood(speaker: Speaker) -> None:
    for scene in (NEW, Scene(A, TWO, B)):
        words = speaker.say(scene)
        assert words == (scene.patient, scene.action, scene.agent)
        assert speaker.understand(words).is_scene(scene)


@pytest.mark.slow
@pytest.mark.parametrize("words", [(A, ONE, TWO), (ONE, TWO), (A, B), (A,), (ONE,)])
def test_sentences_that_fit_no_frame_are_refused(speaker: Speaker, words: tuple[str, ...]) -> None:
    with pytest.raises(DeclarationError, match=f"a verb and one or two nouns.*got '{' '.join(words)}'"):
        speaker.understand(words)


@pytest.mark.slow
def test_scenes_stored_as_trees_are_recalled_from_their_roots(speaker: Speaker) -> None:
    scenes = (NEW, Scene(A, TWO, B))
    roots = [speaker.store(scene) for scene in scenes]
    assert all(speaker.recall(root).is_scene(scene) for root, scene in zip(roots, scenes, strict=True))
    with pytest.raises(DeclarationError, match=r"Speaker.store.scene: must be a scene with agent and patient"):
        speaker.store(Scene(A, ONE))


@pytest.mark.slow
def test_a_recording_shows_the_roles_one_after_the_other(speaker: Speaker) -> None:
    recording = speaker.record(NEW, speaker.order.syntax.obj, speaker.order.syntax.subj)
    assert [mark.label for mark in recording.marks] == ["scene", "patient", "action", "agent"]
    syntax = speaker.order.syntax
    first = [[len(each) > 0 for each in recording.winners(area)].index(True) for area in (syntax.obj, syntax.subj)]
    assert first[0] < first[1]


def test_without_word_lessons_nothing_is_understood_and_nothing_learned() -> None:
    brain = Speaker(LEXICON, n=400, k=20, p=0.2, pattern_k=20, backend="reference")
    assert not brain.hear((A, ONE), Scene(A, ONE))
    assert brain.understand((A, ONE)).fillers == brain.understand((A, ONE, TWO)).fillers == {}
    assert brain.understand((A, ONE)).frame == "unknown"


def test_word_learning_does_not_open_the_other_fibers() -> None:
    brain = Speaker(LEXICON, n=200, k=10, p=0.3, pattern_k=10, backend="reference")
    brain.learn_words(Sentence((A, ONE), A, ONE))
    assert not any(brain.sim.has_fired(area) for area in brain.order.role.areas.values())


@pytest.mark.slow
def test_backends_agree() -> None:
    def state(backend: str) -> list[Any]:
        brain = Speaker(LEXICON, n=300, k=15, p=0.3, pattern_k=15, role_p=0.3, seed=3, backend=backend)
        for sentence in random_sentences(LEXICON, 30, seed=1):
            brain.learn_words(sentence)
        brain.learn_roles(rounds=4)
        followed = brain.hear((A, ONE, B), Scene(A, ONE, B))
        root = brain.store(NEW)
        fibers = [f for f in brain.brain.fibers if f.plasticity]
        learned = [[part.tolist() for part in brain.sim.connectome(f).learned()] for f in fibers]
        return [followed, brain.say(NEW), root.neurons.tolist(), brain.recall(root), learned]

    assert state("cpu") == state("reference")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.understand(("zebra", ONE)), "word of the lexicon .got 'zebra'"),
        (lambda b: b.understand(()), "understand.words: must be at least one word"),
        (lambda b: b.understand((A, ONE), "three"), "understand.frame: must be one of 'two', 'one', 'object'"),
        (lambda b: b.say(Scene("zebra", ONE)), "Scene.agent: must be a noun of the lexicon .got 'zebra'"),
        (lambda b: b.hear((A, ONE), Scene(B, ONE)), "must be the words of the scene"),
        (lambda b: b.say(Scene(ONE, TWO)), "Scene.agent: must be a noun of the lexicon"),
    ],
)
def test_bad_input_is_refused_by_name(call: Any, message: str) -> None:
    brain = Speaker(LEXICON, n=100, k=10, p=0.3, pattern_k=10, backend="reference")
    with pytest.raises(DeclarationError, match=message):
        call(brain)
