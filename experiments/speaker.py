"""One brain from grounded words to speech: it learns words, roles and order, then speaks and understands.

A brain hears sentences of a noun and a verb while it sees and acts, and so learns words.  Then it sees things as agents
and as patients.  Then it hears whole sentences, half of them with one participant, while their scenes are seen.  At
last it says new scenes and understands new sentences, both directions of each pair: what it says is what phonology
fires, what it understands is what vision and motor fire.  It also stores the scenes of the test as trees, all at once,
and recalls each from its root in Sent.  No read-out uses a label or a class.

Success is stated in advance, in means over brains: new scenes are said and new sentences understood, with two
participants, at least .95 in each of the six orders, and at least .95 of the trees are recalled.

Controls: no plasticity of the fibers of order, and words shuffled in each sentence, over all six orders; each brain
then has one arbitrary order, and is expected within .2 of 1/6.  Without word lessons a brain is expected to say and to
understand nothing (at most .02).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Hebbian, experiment
from brainsim.errors import ExperimentError
from brainsim.models.language import Scene, Speaker
from brainsim.models.nemo import Lexicon, english, random_sentences
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

ORDERS = tuple(map("".join, permutations("SVO")))
LETTERS = {"S": "agent", "V": "action", "O": "patient"}
CONTROLS = ("no_plasticity", "shuffled", "no_word_lessons")
MEASURES = ("say_two", "say_one", "understand_two", "understand_one", "recall")
TESTED = 12  # new scenes of each frame
CRITERION = 0.95


@dataclass(frozen=True)
class Teaching:
    """What a brain hears, and which control it is, if any."""

    order: str
    words: int
    sentences: int
    control: str = ""


@experiment(
    quick={"n": 10_000, "p": 0.2, "nouns": 4, "verbs": 2, "words": 60, "sentences": 6, "orders": "SVO", "seeds": 2}
)
def speaker(
    run: Run,
    *,
    n: int = 100_000,
    k: int = 50,
    p: float = 0.05,
    role_p: float = 0.1,
    nouns: int = 6,
    verbs: int = 4,
    words: int = 200,
    sentences: int = 20,
    orders: str = "SVO,SOV,VSO,VOS,OVS,OSV",
    controls: bool = True,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Teach words, roles and an order, and test what is said and understood.

    Parameters
    ----------
    n, k
        Neurons and winners of lexical areas, roles and positions.
    p
        Connection probability of the fibers of words.
    role_p
        Connection probability of all other fibers.
    nouns, verbs
        Words of each class.
    words
        Sentences of a noun and a verb, from which words are learned.
    sentences
        Whole sentences, from which order is learned.
    orders
        Which are taught, with commas between them.
    controls
        Also run the brains that must fail.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    chosen = tuple(orders.split(","))
    wrong = [order for order in chosen if order not in ORDERS]
    if wrong:
        raise ExperimentError(f"--set orders={orders}: must be among {', '.join(ORDERS)} (got {wrong[0]!r})")
    lexicon, brain = english().take(nouns, verbs), {"n": n, "k": k, "p": p, "role_p": role_p}
    kinds = ["", *(CONTROLS if controls else ())]
    calls = {(kind, order): Teaching(order, words, sentences, kind) for kind in kinds for order in chosen}
    named = {f"{kind or 'trained'}-{order}": each for (kind, order), each in calls.items()}
    found = over_seeds(run, {name: Call(taught, (each, lexicon, brain)) for name, each in named.items()}, seeds)
    rows = [[name, *(measured(scores(parts, m), bounded=True) for m in MEASURES)] for name, parts in found.items()]
    write_table(run, "speaker.md", "New scenes said, new sentences understood", ["", *MEASURES], rows)
    run.picture("speaker.png", lambda: _draw(found, chosen, kinds))
    trained = {order: _means(found[f"trained-{order}"]) for order in chosen}
    failed = {kind: _means([p for order in chosen for p in found[f"{kind}-{order}"]]) for kind in kinds[1:]}
    return {
        "orders": trained,
        "controls": failed,
        "met": {
            "orders": min(min(m["say_two"], m["understand_two"], m["recall"]) for m in trained.values()) >= CRITERION,
            **{f"control_{kind}": _fails(kind, means) for kind, means in failed.items()},
        },
        "chance": {"say_two": 1 / 6, "say_one": 1 / 2, "understand_two": 1 / 2},
        "seconds": {name: fmean(scores(parts, "learning_seconds")) for name, parts in found.items()},
        "intervals_95": {
            name: {m: interval_95(scores(parts, m), bounded=True) for m in MEASURES} for name, parts in found.items()
        },
        "by_seed": {f"teaching={name}": by_seed(parts) for name, parts in found.items()},
    }


def words_of(scene: Scene, order: str) -> tuple[str, ...]:
    """Return the words of a scene in an order of S, V and O."""
    return tuple(scene.fillers[LETTERS[each]] for each in order if LETTERS[each] in scene.fillers)


def held_out(lexicon: Lexicon, rng: np.random.Generator) -> list[Scene]:
    """Return scenes for the test: pairs in both directions, and scenes of one participant."""
    pairs = [(a, b, v) for at, a in enumerate(lexicon.nouns) for b in lexicon.nouns[:at] for v in lexicon.verbs]
    chosen = [pairs[at] for at in rng.permutation(len(pairs))[: min(TESTED, len(pairs)) // 2]]
    two = [scene for a, b, v in chosen for scene in (Scene(a, v, b), Scene(b, v, a))]
    alone = [Scene(noun, verb) for noun in lexicon.nouns for verb in lexicon.verbs]
    return two + [alone[at] for at in rng.permutation(len(alone))[: min(TESTED, len(alone) // 2)]]


def scene_of(lexicon: Lexicon, rng: np.random.Generator) -> Scene:
    """Return a random scene, with one participant in half of all."""
    agent, patient = rng.choice(lexicon.nouns, 2, replace=False).tolist()
    return Scene(agent, lexicon.verbs[rng.integers(len(lexicon.verbs))], None if rng.random() < 0.5 else patient)


def taught(part: Part, each: Teaching, lexicon: Lexicon, sizes: Mapping[str, Any], seed: int) -> dict[str, float]:
    """Teach a brain words, roles and order, and test it on new scenes."""
    rng, began = np.random.default_rng([seed, 18]), time.perf_counter()
    rule = {"order": Hebbian(0.0, w_max=16)} if each.control == "no_plasticity" else {}
    brain, tests = Speaker(lexicon, seed=seed, **sizes, **rule, **part.simulator), held_out(lexicon, rng)
    with brain.sim:
        for sentence in random_sentences(lexicon, 0 if each.control == "no_word_lessons" else each.words, seed):
            brain.learn_words(sentence)
        known = brain.learner.test()
        brain.learn_roles()
        for _ in range(each.sentences if known.classification > 0.5 else 0):
            while (scene := scene_of(lexicon, rng)) in tests:
                pass
            said = words_of(scene, each.order)
            brain.hear(tuple(rng.permutation(said).tolist()) if each.control == "shuffled" else said, scene)
        seconds = time.perf_counter() - began
        two = [scene for scene in tests if scene.frame == "two"]
        roots = [brain.store(scene) for scene in two]
        return {
            **tested(brain, tests, each.order),
            "recall": fmean(brain.recall(root).is_scene(scene) for root, scene in zip(roots, two, strict=True)),
            "classification": known.classification,
            "property_p": known.property_p,
            "learning_seconds": seconds,
        }


def tested(brain: Speaker, tests: Sequence[Scene], order: str) -> dict[str, float]:
    """Return the shares of new scenes said, and of new sentences understood, with two participants and with one."""
    found = {}
    for frame in ("two", "one"):
        scenes = [scene for scene in tests if scene.frame == frame]
        found[f"say_{frame}"] = fmean(brain.say(scene) == words_of(scene, order) for scene in scenes)
        found[f"understand_{frame}"] = fmean(
            brain.understand(words_of(scene, order), frame).is_scene(scene) for scene in scenes
        )
    return found


def _fails(kind: str, means: Mapping[str, float]) -> bool:
    if kind == "no_word_lessons":
        return max(means.values()) <= 0.02
    return abs(means["say_two"] - 1 / 6) <= 0.2


def _means(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: fmean(scores(parts, name)) for name in MEASURES}


def _draw(found: Mapping[str, Sequence[Any]], orders: Sequence[str], kinds: Sequence[str]) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for ax, measure in zip(figure.subplots(1, 2, sharey=True), ("say_two", "understand_two"), strict=True):
        for at, kind in enumerate(kinds):
            means = [fmean(scores(found[f"{kind or 'trained'}-{order}"], measure)) for order in orders]
            places = np.arange(len(orders)) + (at - len(kinds) / 2) / (len(kinds) + 1)
            ax.bar(places, means, 1 / (len(kinds) + 1), label=(kind or "trained").replace("_", " "))
        ax.axhline(1 / 6 if measure == "say_two" else 1 / 2, color="gray", lw=0.8, ls=":")
        ax.set_xticks(range(len(orders)), orders)
        ax.set_title("new scenes said" if measure == "say_two" else "new sentences understood")
    figure.axes[0].set_ylabel("share right, two participants")
    figure.axes[1].legend(fontsize="x-small")
    return figure
