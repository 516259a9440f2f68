"""One brain from grounded words to speech: it learns words, roles and order, then speaks and understands.

A brain hears sentences of a noun and a verb while it sees and acts, and so learns words.  Then it sees things as agents
and as patients, and learns roles.  Then it hears whole sentences, half of them with one participant, while it sees
their scenes.  Finally it says new scenes and understands new sentences, both directions of each pair (dog bites cat,
cat bites dog).  What it says is read from the firing of phonology, what it understands from vision and motor.  It also
stores all test scenes as trees, and recalls each from its root in the area Sent.  No read-out uses a label or a class.

Each brain learns the six orders one after the other; in between, the fibers of order forget (`Simulator.forget`), and
words and roles stay.

Success is stated in advance, as means over brains: with two participants, at least .95 of new scenes are said right and
of new sentences understood, in each of the six orders, and at least .95 of the trees are recalled.

Controls: before it hears a whole sentence, and after sentences whose words are shuffled, each brain has one arbitrary
order; its mean over the six orders is expected within .2 of 1/6.  A tree that is recalled from the root of another one
gives the wrong scene (at most .1 right).  A brain without word lessons is expected to say and to understand nothing (at
most .02).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import permutations
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import experiment
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
KINDS = {
    "trained": "trained",
    "no_sentences": "control: no whole sentence heard",
    "shuffled": "control: words shuffled",
}
CONTROLS = ("no_sentences", "shuffled")
MEASURES = ("say_two", "say_one", "understand_two", "understand_one")
TESTED = 6  # new scenes of each frame
CRITERION = 0.95


@experiment(quick={"n": 10_000, "nouns": 3, "verbs": 2, "words": 80, "orders": "SVO", "seeds": 2})
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
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Teach words, roles and orders, and test what a brain says and understands.

    Parameters
    ----------
    n, k
        Neurons and winners of lexical areas, roles, positions and phrases.
    p
        Connection probability of the fibers of words.
    role_p
        Connection probability of all other fibers.
    nouns, verbs
        Words of each class.
    words
        Sentences of a noun and a verb, from which words are learned.
    sentences
        Whole sentences, from which an order is learned.
    orders
        Orders of S, V and O that are taught, with commas between them.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    chosen = tuple(orders.split(","))
    wrong = [order for order in chosen if order not in ORDERS]
    if wrong:
        raise ExperimentError(f"--set orders={orders}: must be among {', '.join(ORDERS)} (got {wrong[0]!r})")
    sizes = {"n": n, "k": k, "p": p, "role_p": role_p}
    lexicon = english().take(nouns, verbs)
    lessons = {"lessons": words, "no_lessons": 0}
    calls = {kind: Call(taught, (lexicon, sizes, count, sentences, chosen)) for kind, count in lessons.items()}
    found = over_seeds(run, calls, seeds)
    taught_, untaught = found["lessons"], found["no_lessons"]
    kinds = {kind: {order: [part[kind][order] for part in taught_] for order in chosen} for kind in KINDS}
    rows = [
        [kind, order, *(measured(scores(parts, m), bounded=True) for m in MEASURES)]
        for kind, by_order in kinds.items()
        for order, parts in by_order.items()
    ]
    write_table(run, "speaker.md", "New scenes said, new sentences understood", ["", "", *MEASURES], rows)
    run.picture("speaker.png", lambda: _draw(kinds))
    trained = {order: _means(parts) for order, parts in kinds["trained"].items()}
    failed = {kind: _means([part for parts in kinds[kind].values() for part in parts]) for kind in CONTROLS}
    failed["no_word_lessons"] = _means([part["trained"][order] for part in untaught for order in chosen])
    memory = {name: fmean(scores(taught_, name)) for name in ("recalled", "recalled_from_another")}
    return {
        "orders": trained,
        "controls": failed,
        "words": {name: fmean(scores(taught_, name)) for name in ("classification", "property_p")},
        "trees": memory,
        "met": {
            "orders": min(min(m["say_two"], m["understand_two"]) for m in trained.values()) >= CRITERION,
            "trees": memory["recalled"] >= CRITERION and memory["recalled_from_another"] <= 0.1,
            "control_arbitrary": all(abs(failed[kind]["say_two"] - 1 / 6) <= 0.2 for kind in CONTROLS),
            "control_no_word_lessons": max(failed["no_word_lessons"].values()) <= 0.02,
        },
        "chance": {"say_two": 1 / 6, "say_one": 1 / 2, "understand_two": 1 / 2},
        "intervals_95": {
            kind: {o: {m: interval_95(scores(p, m), bounded=True) for m in MEASURES} for o, p in by_order.items()}
            for kind, by_order in kinds.items()
        },
        "by_seed": {f"brain={name}": by_seed(parts) for name, parts in found.items()},
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


def taught(
    part: Part,
    lexicon: Lexicon,
    sizes: Mapping[str, Any],
    words: int,
    sentences: int,
    orders: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """Teach a brain words and roles, and then one order after the other; test it on new scenes."""
    rng = np.random.default_rng([seed, 18])
    brain, tests = Speaker(lexicon, seed=seed, **sizes, **part.simulator), held_out(lexicon, rng)
    with brain.sim:
        began = time.perf_counter()
        for sentence in random_sentences(lexicon, words, seed):
            brain.learn_words(sentence)
        brain.learn_roles()
        known = brain.learner.test()
        spent = {"words_seconds": time.perf_counter() - began}
        found: dict[str, dict[str, dict[str, float]]] = {kind: {} for kind in KINDS}
        for order in orders:
            for kind in KINDS:
                brain.sim.forget(brain.order.fibers)
                # A word without a class fits no role of a scene, so that nothing can be learned from it.
                if kind != "no_sentences" and words:
                    hear(brain, order, sentences, tests, rng, shuffled=kind == "shuffled")
                found[kind][order] = tested(brain, tests, order)
        spent["orders_seconds"] = time.perf_counter() - began - spent["words_seconds"]
        trees = {} if not words else remembered(brain, [scene for scene in tests if scene.frame == "two"])
        return {**found, **trees, **spent, "classification": known.classification, "property_p": known.property_p}


def hear(
    brain: Speaker, order: str, count: int, tests: Sequence[Scene], rng: np.random.Generator, *, shuffled: bool
) -> None:
    """Let a brain hear sentences in an order, or with their words shuffled, none of which is in the test."""
    for _ in range(count):
        while (scene := scene_of(brain.lexicon, rng)) in tests:
            pass
        said = words_of(scene, order)
        brain.hear(tuple(rng.permutation(said).tolist()) if shuffled else said, scene)


def remembered(brain: Speaker, scenes: Sequence[Scene]) -> dict[str, float]:
    """Store scenes as trees; return the shares recalled from their own root, and from the root of another one."""
    roots = [brain.store(scene) for scene in scenes]
    recalled = [brain.recall(root) for root in roots]
    return {
        "recalled": fmean(each.is_scene(scene) for each, scene in zip(recalled, scenes, strict=True)),
        "recalled_from_another": fmean(
            each.is_scene(scene) for each, scene in zip(recalled, [*scenes[1:], scenes[0]], strict=True)
        ),
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


def _means(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: fmean(scores(parts, name)) for name in MEASURES}


def _draw(kinds: Mapping[str, Mapping[str, Sequence[Any]]]) -> Figure:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for ax, measure in zip(figure.subplots(1, 2, sharey=True), ("say_two", "understand_two"), strict=True):
        for at, (kind, by_order) in enumerate(kinds.items()):
            means = [fmean(scores(parts, measure)) for parts in by_order.values()]
            ax.bar(np.arange(len(means)) + (at - 1) / 4, means, 0.25, label=KINDS[kind])
        ax.axhline(1 / 6 if measure == "say_two" else 1 / 2, color="gray", lw=0.8, ls=":", label="chance")
        ax.set_xticks(range(len(kinds["trained"])), list(kinds["trained"]))
        ax.set_title("new scenes said" if measure == "say_two" else "new sentences understood")
    figure.axes[0].set_ylabel("share right, two participants")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize="small")
    return figure
