"""Learn the order of words from sentences and their scenes: between positions, or word by word as published.

A brain hears sentences while their scenes are seen.  Then it says new scenes, and understands new sentences: both
directions of a pair (dog bites cat, cat bites dog) are held out together and tested.  Two mechanisms are compared.
``syntax`` learns which syntactic position follows which, whatever the words are.  ``role``, as published, learns from
each position to the role assembly of each word.

Part 1 teaches each of the six orders at several shares of intransitive sentences, with one start assembly for all
sentences or one for each frame.  Part 2 counts sentences until new scenes are said, against the size of the lexicon,
and follows ``role`` beyond that.  Part 3 takes real clauses instead, if a file is given.

Success is stated in advance, in means over seeds:

- ``syntax`` with a start for each frame says and understands at least .95 in all six orders, at shares up to
  .5.
- ``syntax`` with one start says at least .95 in all orders at .3.  At .7 it says SVO and VSO at least .95 and SOV and
  VOS at most .1, since their intransitive order is no beginning of the transitive one, and the majority wins.
- ``syntax`` reaches .95 after equally many sentences at all sizes of the lexicon; ``role`` needs at least four times as
  many at the largest as at the smallest.
- The understanding of ``role`` peaks and then collapses: its last value is at most half of its best, at the smallest
  lexicon.

Controls: no plasticity of the fibers of order, and words shuffled in each sentence.  A brain that learned no order has
one arbitrary order, so that it is all or nothing: chance is 1/6 for saying, 1/2 for who does what.  Averaged over all
six orders, both are expected within .15 of 1/6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Hebbian, experiment
from brainsim.errors import ExperimentError
from brainsim.models.language import Scene, WordOrder
from brainsim.models.nemo.tables import read_table
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

ORDERS = tuple(map("".join, permutations("SVO")))
LETTERS = {"S": "agent", "V": "action", "O": "patient"}
TESTED = 8  # new scenes of each frame
MECHANISMS = ("syntax", "role")
GRID = {"syntax": (("syntax", True), ("syntax", False)), "role": (("role", False), ("role", True))}
CONTROLS = ("no_plasticity", "shuffled")
SHARE = 0.3  # of intransitive sentences in parts 2 and 3
SMALL = (6, 4)  # nouns and verbs of part 1
CRITERION = 0.95
Sentence = tuple[tuple[str, ...], Scene]


@dataclass(frozen=True)
class Teaching:
    """What a brain is, and how it is taught."""

    mechanism: str
    frames: bool
    order: str
    share: float
    sentences: int
    nouns: int = SMALL[0]
    verbs: int = SMALL[1]
    control: str = ""

    def brain(self, sizes: Mapping[str, Any], seed: int, options: Mapping[str, Any]) -> WordOrder:
        """Return a brain that knows the words and no order."""
        nouns, verbs = [f"noun{i}" for i in range(self.nouns)], [f"verb{i}" for i in range(self.verbs)]
        rule = {"rule": Hebbian(0.0, w_max=16)} if self.control == "no_plasticity" else {}
        chosen: Any = self.mechanism
        return WordOrder(nouns, verbs, mechanism=chosen, frames=self.frames, seed=seed, **sizes, **rule, **options)


class World:
    """Scenes of a small world: those that are held out for the test, and all others."""

    def __init__(self, nouns: int, verbs: int, order: str, seed: int) -> None:
        self._rng, self._size = np.random.default_rng([seed, nouns, ORDERS.index(order)]), (nouns, verbs)
        pairs = [(a, b, v) for a in range(nouns) for b in range(a) for v in range(verbs)]
        held = [pairs[at] for at in self._rng.permutation(len(pairs))[: min(TESTED, len(pairs)) // 2]]
        self.two = [_scene(*each) for a, b, v in held for each in ((a, b, v), (b, a, v))]
        alone = [(a, v) for a in range(nouns) for v in range(verbs)]
        chosen = self._rng.permutation(len(alone))[: min(TESTED, len(alone) // 2)]
        self.one = [_scene(alone[at][0], None, alone[at][1]) for at in chosen]

    def scene(self, share: float) -> Scene:
        """Return a scene that is not held out, with one participant in a share of all."""
        nouns, verbs = self._size
        while True:
            alone = self._rng.random() < share
            a, b = self._rng.choice(nouns, 2, replace=False)
            found = _scene(a, None if alone else b, self._rng.integers(verbs))
            if found not in (self.one if alone else self.two):
                return found

    def sentence(self, scene: Scene, order: str, control: str = "") -> tuple[str, ...]:
        """Return the words of a scene in an order; shuffled for that control."""
        said = words_of(scene, order)
        return tuple(self._rng.permutation(said).tolist()) if control == "shuffled" else said


def _scene(agent: int, patient: int | None, action: int) -> Scene:
    return Scene(f"noun{agent}", f"verb{action}", None if patient is None else f"noun{patient}")


def words_of(scene: Scene, order: str) -> tuple[str, ...]:
    """Return the words of a scene in an order of S, V and O."""
    return tuple(scene.fillers[LETTERS[each]] for each in order if LETTERS[each] in scene.fillers)


@experiment(
    quick={
        "n": 1000,
        "orders": "SVO,OSV",
        "shares": "0.3",
        "sentences": 6,
        "most": 10,
        "sizes": "4+2",
        "roles_in_grid": False,
        "seeds": 2,
    }
)
def word_order(
    run: Run,
    *,
    n: int = 10_000,
    k: int = 50,
    p: float = 0.1,
    orders: str = ",".join(ORDERS),
    shares: str = "0.3,0.5,0.7,0.9",
    sentences: int = 40,
    sizes: str = "4+2,8+4,16+8,32+16,64+32",
    most: int = 320,
    roles_in_grid: bool = True,
    controls: bool = True,
    clauses: Path | None = None,
    language: str = "",
    words: int = 40,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Teach orders, and count sentences until new scenes are said.

    Parameters
    ----------
    n, k, p
        Neurons and winners of the areas of roles and positions, and connection probability.
    orders
        Which are taught in part 1, with commas between them.
    shares
        Shares of intransitive sentences in part 1, with commas between them.
    sentences
        That a brain hears in part 1, and in the controls.
    sizes
        Nouns + verbs of the lexicons in part 2, the smallest first.
    most
        Sentences that a brain hears at most in part 2: tests follow 10, 20, 40 … of them.
    roles_in_grid
        Whether part 1 teaches the mechanism ``role`` as well.
    controls
        Also run the brains that must fail.
    clauses
        Table of real clauses with the columns order, subj (or subject), verb, obj (or object); empty: no part 3.
    language
        Of a table with a column ``language``: which rows are taken.
    words
        Nouns and verbs that are taken from the clauses, the most frequent ones of each.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    brain = {"n": n, "k": k, "p": p}
    chosen = [_order(each) for each in orders.split(",")]
    grid = _grid(chosen, tuple(map(_share, shares.split(","))), sentences, roles=roles_in_grid, controls=controls)
    lexicons = [_size(each) for each in sizes.split(",")]
    growth = {(m, size): Teaching(m, True, "SVO", SHARE, most, *size) for m in MECHANISMS for size in lexicons}
    calls = {_name(each): Call(taught, (each, brain)) for each in grid}
    calls |= {f"size-{m}-{size[0]}": Call(grown, (each, brain)) for (m, size), each in growth.items()}
    if clauses:
        calls["clauses"] = Call(heard_clauses, (read_sentences(clauses, language, words), brain))
    found = over_seeds(run, calls, seeds)
    part1 = {each: found[_name(each)] for each in grid}
    part2 = {key: found[f"size-{key[0]}-{key[1][0]}"] for key in growth}
    _tables(run, part1, part2)
    run.picture("word_order.png", lambda: _draw(part2))
    reached = {f"{m}-{size[0]}+{size[1]}": _reached(parts) for (m, size), parts in part2.items()}
    return {
        "orders": {_name(each): _means(parts) for each, parts in part1.items() if not each.control},
        "controls": _control_means(part1),
        "sentences_to_criterion": reached,
        "growth": {f"{m}-{size[0]}+{size[1]}": _curve(parts) for (m, size), parts in part2.items()},
        "clauses": _clauses(found["clauses"]) if clauses else {},
        "met": _met(part1, part2, lexicons),
        "chance": {"say_two": 1 / 6, "say_one": 1 / 2, "understand_two": 1 / 2},
        "intervals_95": {_name(each): _intervals(parts) for each, parts in part1.items()},
        "by_seed": {f"part={name}": by_seed(parts) for name, parts in found.items() if name != "clauses"},
    }


def _grid(
    orders: Sequence[str], shares: Sequence[float], sentences: int, *, roles: bool, controls: bool
) -> list[Teaching]:
    kinds = [each for m in MECHANISMS if m == "syntax" or roles for each in GRID[m]]
    trained = [Teaching(*kind, order, share, sentences) for kind in kinds for share in shares for order in orders]
    failing = CONTROLS if controls else ()
    return trained + [Teaching("syntax", True, o, SHARE, sentences, control=c) for c in failing for o in orders]


def _order(text: str) -> str:
    if text not in ORDERS:
        raise ExperimentError(f"--set orders={text}: must be among {', '.join(ORDERS)}, with commas between them")
    return text


def _name(each: Teaching) -> str:
    start = "frames" if each.frames else "one_start"
    return f"{each.control or each.mechanism}-{start}-{each.order}-{each.share:g}"


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise ExperimentError(f"--set shares={text}: must be numbers from 0 to 1, with commas between them")
    return value


def _size(text: str) -> tuple[int, int]:
    found = [int(each) for each in text.split("+") if each.isdecimal()]
    if len(found) != 2 or found[0] < 3 or found[1] < 1:
        raise ExperimentError(f"--set sizes={text}: must be nouns + verbs, at least 3+1, such as 4+2,8+4")
    return found[0], found[1]


def tested(brain: WordOrder, world: World, order: str) -> dict[str, float]:
    """Return the shares of new scenes said, and of new sentences understood, with two participants and with one."""
    found = {}
    for frame, scenes in (("two", world.two), ("one", world.one)):
        found[f"say_{frame}"] = fmean(brain.say(scene) == words_of(scene, order) for scene in scenes)
        found[f"understand_{frame}"] = fmean(understands(brain, scene, order, frame) for scene in scenes)
    return found


def understands(brain: WordOrder, scene: Scene, order: str, frame: str) -> bool:
    """Return whether a brain that knows the frame finds every role of a sentence."""
    return brain.understand(words_of(scene, order), frame).is_scene(scene)


def taught(part: Part, each: Teaching, sizes: Mapping[str, Any], seed: int) -> dict[str, float]:
    """Teach a brain an order, and test it."""
    world, brain = World(each.nouns, each.verbs, each.order, seed), each.brain(sizes, seed, part.simulator)
    with brain.sim:
        for _ in range(each.sentences):
            scene = world.scene(each.share)
            brain.hear(world.sentence(scene, each.order, each.control), scene)
        return tested(brain, world, each.order)


def grown(part: Part, each: Teaching, sizes: Mapping[str, Any], seed: int) -> dict[str, dict[str, float]]:
    """Return what a brain says and understands after 10, 20, 40 … sentences."""
    world, brain = World(each.nouns, each.verbs, each.order, seed), each.brain(sizes, seed, part.simulator)
    found, heard = {}, 0
    with brain.sim:
        while heard < each.sentences:
            for _ in range(heard or min(10, each.sentences)):
                scene = world.scene(each.share)
                brain.hear(words_of(scene, each.order), scene)
                heard += 1
            found[str(heard)] = tested(brain, world, each.order)
    return found


def read_sentences(path: Path, language: str, words: int) -> list[Sentence]:
    """Return real clauses of frequent nouns and verbs, as the words of their subject, verb and object in order."""
    table = read_table(path, "\t", quotes=False, required=[("order",), ("subj", "subject"), ("obj", "object")])
    names = {"S": table.column("subj", "subject"), "V": table.column("verb"), "O": table.column("obj", "object")}
    if language:
        table.column("language")
    rows = [row for row in table.rows if not language or row["language"] == language]
    rows = [row for row in rows if set(row["order"]) in ({*"SVO"}, {*"SV"}, {*"VO"})]
    usual = {}
    for kind, letters in (("noun", "SO"), ("verb", "V")):
        counts = Counter(row[names[each]] for row in rows for each in letters if each in row["order"])
        usual[kind] = {word for word, _ in counts.most_common(words)} - {""}
    found = []
    for row in rows:
        said = tuple(row[names[each]] for each in row["order"])
        kinds = ["verb" if each == "V" else "noun" for each in row["order"]]
        if len({*said}) == len(said) and all(w in usual[kind] for w, kind in zip(said, kinds, strict=True)):
            fillers = dict(zip((LETTERS[each] for each in row["order"]), said, strict=True))
            found.append((said, Scene(fillers.get("agent"), fillers["action"], fillers.get("patient"))))
    both = usual["noun"] & usual["verb"]
    found = [(said, scene) for said, scene in found if not both & {*said}]
    if len(found) < 10:
        raise ExperimentError(f"--set clauses={path}: has {len(found)} clauses of usual words; take more words")
    return found


def heard_clauses(part: Part, sentences: Sequence[Sentence], sizes: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Hear four of five real clauses in random order, and say the scenes of the others."""
    rng = np.random.default_rng([seed, 18])
    order = [sentences[at] for at in rng.permutation(len(sentences))]
    verbs = sorted({scene.action for _, scene in order})
    nouns = sorted({word for _, scene in order for word in (scene.agent, scene.patient) if word})
    brain, cut = WordOrder(nouns, verbs, seed=seed, **sizes, **part.simulator), len(order) * 4 // 5
    with brain.sim:
        for said, scene in order[:cut]:
            brain.hear(said, scene)
        right = Counter(scene.frame for said, scene in order[cut:] if brain.say(scene) == said)
    held = Counter(scene.frame for _, scene in order[cut:])
    return {"right": {f: right[f] / held[f] for f in held}, "majority": _majority(order[cut:]), "tested": dict(held)}


def _majority(sentences: Sequence[Sentence]) -> dict[str, float]:
    """Return how often each frame comes in its most frequent order: what one order for a frame can reach."""
    kinds: dict[str, Counter[tuple[str, ...]]] = {}
    for said, scene in sentences:
        roles = {word: role for role, word in scene.fillers.items()}
        kinds.setdefault(scene.frame, Counter())[tuple(roles[word] for word in said)] += 1
    return {frame: max(counts.values()) / counts.total() for frame, counts in kinds.items()}


def _clauses(parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return, for each frame, how many held-out clauses are said in their order, and what one order could reach."""
    return {
        name: {frame: fmean(part[name].get(frame, 0.0) for part in parts) for frame in parts[0]["tested"]}
        for name in ("right", "majority", "tested")
    }


MEASURES = ("say_two", "say_one", "understand_two", "understand_one")


def _means(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: fmean(scores(parts, name)) for name in MEASURES}


def _intervals(parts: Sequence[Mapping[str, float]]) -> dict[str, list[float] | None]:
    return {name: interval_95(scores(parts, name), bounded=True) for name in MEASURES}


def _control_means(part1: Mapping[Teaching, Sequence[Any]]) -> dict[str, dict[str, float]]:
    """Return the means of each control over all orders."""
    there = {each.control for each in part1} - {""}
    return {c: _means([p for each, parts in part1.items() if each.control == c for p in parts]) for c in sorted(there)}


def _curve(parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    return {heard: _means([part[heard] for part in parts]) for heard in parts[0]}


def _reached(parts: Sequence[Mapping[str, Any]]) -> int | None:
    """Return after how many sentences new scenes with two participants are said, in the mean over seeds."""
    return next((int(heard) for heard, means in _curve(parts).items() if means["say_two"] >= CRITERION), None)


def _met(part1: Mapping[Teaching, Any], part2: Mapping[Any, Any], sizes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return which criteria were met; ``None`` where the settings leave out what they need."""

    def of(frames: bool, share: float, orders: Sequence[str] = ORDERS) -> list[dict[str, float]]:
        found = [e for e in part1 if (e.mechanism, e.frames, e.share, e.control) == ("syntax", frames, share, "")]
        return [_means(part1[each]) for each in found if each.order in orders]

    framed = [each for share in sorted({e.share for e in part1}) if share <= 0.5 for each in of(True, share)]
    low = of(False, 0.3)
    easy, hard = of(False, 0.7, ("SVO", "VSO")), of(False, 0.7, ("SOV", "VOS"))
    reached = {m: [_reached(part2[m, size]) for size in sizes] for m in MECHANISMS}
    small = [means["understand_two"] for means in _curve(part2["role", sizes[0]]).values()]
    first, last = reached["role"][0], reached["role"][-1]
    failed = _control_means(part1).values()
    return {
        "frames": min(min(each.values()) for each in framed) >= CRITERION if framed else None,
        "one_start_few": min(each["say_two"] for each in low) >= CRITERION if low else None,
        "one_start_conflict": min(e["say_two"] for e in easy) >= CRITERION and max(e["say_two"] for e in hard) <= 0.1
        if easy and hard
        else None,
        "syntax_constant": reached["syntax"][0] is not None and len({*reached["syntax"]}) == 1,
        "role_grows": first is not None and (last is None or last >= 4 * first),
        "role_collapses": small[-1] <= max(small) / 2,
        "controls": all(abs(each["say_two"] - 1 / 6) <= 0.15 for each in failed) if failed else None,
    }


def _tables(run: Run, part1: Mapping[Teaching, Sequence[Any]], part2: Mapping[Any, Sequence[Any]]) -> None:
    rows = [
        [_name(each), *(measured(scores(parts, name), bounded=True) for name in MEASURES)]
        for each, parts in part1.items()
    ]
    write_table(run, "orders.md", "Six orders: new scenes said, new sentences understood", ["", *MEASURES], rows)
    rows = [
        [f"{m}, {size[0]}+{size[1]}", heard, *(f"{means[name]:.2f}" for name in MEASURES)]
        for (m, size), parts in part2.items()
        for heard, means in _curve(parts).items()
    ]
    write_table(run, "growth.md", "Sentences heard and size of the lexicon", ["", "sentences", *MEASURES], rows)


def _draw(part2: Mapping[Any, Sequence[Any]]) -> Figure:
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    colours = {size: f"C{at}" for at, size in enumerate(sorted({size for _, size in part2}))}
    for ax, measure in zip(axes, ("say_two", "understand_two"), strict=True):
        for (mechanism, size), parts in part2.items():
            curve = {int(heard): means[measure] for heard, means in _curve(parts).items()}
            style = {"ls": "-" if mechanism == "syntax" else "--", "marker": ".", "color": colours[size]}
            ax.plot(list(curve), list(curve.values()), label=f"{mechanism}, {size[0]}+{size[1]} words", **style)
        ax.set_xscale("log")
        ax.set_xticks(list(curve), list(map(str, curve)))
        ax.minorticks_off()
        ax.set_xlabel("sentences heard")
        ax.set_title("new scenes said" if measure == "say_two" else "new sentences understood")
    axes[0].set_ylabel("share right, two participants")
    axes[1].legend(fontsize="xx-small")
    return figure
