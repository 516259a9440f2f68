"""Learn the order of words from sentences and their scenes: between positions, or word by word as published.

A brain hears sentences while it sees their scenes.  Then it says new scenes and understands new sentences: both
directions of a pair (dog bites cat, cat bites dog) are held out together and tested.  Two mechanisms are compared.
With ``syntax``, fibers between syntactic positions learn which position follows which, whatever the words are.  With
``role``, as published, fibers from each position learn to drive the role assembly of the next word.

The *frame* of a sentence is which participants it has: agent and patient (transitive), or the agent alone
(intransitive).  The *share* is the fraction of intransitive sentences.  The *start* is the assembly that fires before
the first word.

Part 1 teaches each of the six orders at several shares, with one start for all sentences or one for each frame.  Part 2
counts the sentences until new scenes are said, for several sizes of the lexicon, and continues ``role`` beyond that.
Part 3 uses real clauses instead, if a file is given.

Success is stated in advance, as means over seeds:

- ``syntax`` with a start for each frame says and understands at least .95 in all six orders, at shares up to
  .5.
- ``syntax`` with one start says at least .95 in all orders at a share of .3.  At .7 it says at least .95 in SVO and
  VSO, and at most .1 in SOV and VOS: there the intransitive order is not the beginning of the transitive one, and the
  majority wins.
- ``syntax`` reaches .95 after the same number of sentences for all sizes of the lexicon; ``role`` needs at least four
  times as many for the largest lexicon as for the smallest.
- The understanding of ``role`` peaks and then collapses: its last value is at most half of its best, at the smallest
  lexicon.

Controls: no plasticity of the fibers of order, and words shuffled in each sentence.  A brain that learned no order has
one arbitrary order, and says all scenes right or none.  Chance is 1/6 for saying, and 1/2 for understanding who does
what.  Averaged over all six orders, both controls are expected to say within .15 of 1/6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from brainsim import experiment
from brainsim.errors import ExperimentError
from brainsim.models.language import Scene, WordOrder
from brainsim.studies.comparison import by_seed, over_seeds
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from ordering.clauses import by_frame, heard_clauses, read_sentences
from ordering.report import (
    CRITERION,
    control_means,
    curve_of,
    draw,
    intervals_of,
    means_of,
    name_of,
    sentences_needed,
    tables,
)
from ordering.world import ORDERS, Teaching, World, words_of

MECHANISMS = ("syntax", "role")
GRID = {"syntax": (("syntax", True), ("syntax", False)), "role": (("role", False), ("role", True))}
CONTROLS = ("no_plasticity", "shuffled")
SHARE = 0.3  # share of intransitive sentences in part 2 and in the controls


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
        Orders of S, V and O that part 1 teaches, with commas between them.
    shares
        Shares of intransitive sentences in part 1, with commas between them.
    sentences
        Sentences that a brain hears in part 1, and in the controls.
    sizes
        Nouns + verbs of the lexicons in part 2, the smallest first.
    most
        Largest number of sentences that a brain hears in part 2; tests follow after 10, 20, 40 … sentences.
    roles_in_grid
        Whether part 1 teaches the mechanism ``role`` as well.
    controls
        Also run the controls, brains that must fail.
    clauses
        Table of real clauses with the columns order, subj (or subject), verb, obj (or object); empty: no part 3.
    language
        Language of the clauses, if their table has a column ``language``; empty: all rows.
    words
        Number of nouns, and of verbs, that are taken from the clauses: the most frequent ones.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    brain = {"n": n, "k": k, "p": p}
    chosen = [_order(each) for each in orders.split(",")]
    grid = _grid(chosen, tuple(map(_share, shares.split(","))), sentences, roles=roles_in_grid, controls=controls)
    lexicons = [_size(each) for each in sizes.split(",")]
    growth = {(m, size): Teaching(m, True, "SVO", SHARE, most, *size) for m in MECHANISMS for size in lexicons}
    calls = {name_of(each): Call(taught, (each, brain)) for each in grid}
    calls |= {f"size-{m}-{size[0]}": Call(grown, (each, brain)) for (m, size), each in growth.items()}
    if clauses:
        calls["clauses"] = Call(heard_clauses, (read_sentences(clauses, language, words), brain))
    found = over_seeds(run, calls, seeds)
    part1 = {each: found[name_of(each)] for each in grid}
    part2 = {key: found[f"size-{key[0]}-{key[1][0]}"] for key in growth}
    tables(run, part1, part2)
    run.picture("word_order.png", lambda: draw(part2))
    reached = {f"{m}-{size[0]}+{size[1]}": sentences_needed(parts) for (m, size), parts in part2.items()}
    return {
        "orders": {name_of(each): means_of(parts) for each, parts in part1.items() if not each.control},
        "controls": control_means(part1),
        "sentences_to_criterion": reached,
        "growth": {f"{m}-{size[0]}+{size[1]}": curve_of(parts) for (m, size), parts in part2.items()},
        "clauses": by_frame(found["clauses"]) if clauses else {},
        "met": _met(part1, part2, lexicons),
        "chance": {"say_two": 1 / 6, "say_one": 1 / 2, "understand_two": 1 / 2},
        "intervals_95": {name_of(each): intervals_of(parts) for each, parts in part1.items()},
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


def _met(part1: Mapping[Teaching, Any], part2: Mapping[Any, Any], sizes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return which criteria were met; ``None`` where the settings leave out what they need."""

    def of(frames: bool, share: float, orders: Sequence[str] = ORDERS) -> list[dict[str, float]]:
        found = [e for e in part1 if (e.mechanism, e.frames, e.share, e.control) == ("syntax", frames, share, "")]
        return [means_of(part1[each]) for each in found if each.order in orders]

    framed = [each for share in sorted({e.share for e in part1}) if share <= 0.5 for each in of(True, share)]
    low = of(False, 0.3)
    easy, hard = of(False, 0.7, ("SVO", "VSO")), of(False, 0.7, ("SOV", "VOS"))
    reached = {m: [sentences_needed(part2[m, size]) for size in sizes] for m in MECHANISMS}
    small = [means["understand_two"] for means in curve_of(part2["role", sizes[0]]).values()]
    first, last = reached["role"][0], reached["role"][-1]
    failed = control_means(part1).values()
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
