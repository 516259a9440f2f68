"""Store many sentences as trees of assemblies in one brain, and read each back from its root alone.

A sentence is a subject and a verb phrase, which is a verb and an object: ``(Sent, Subj, (VP, Verb, Obj))``.  Sentences
share words, and the reverse of each sentence is stored, too (dog bites cat, cat bites dog).  An area of phrases has a
refraction equal to the plasticity of its fibers, no recurrent fiber, and fibers back to the parts that learn ten times
as fast (`add_phrase`).  Each of these properties is left out in an arm of its own.  The arm ``merge`` is the published
operation: no refraction, a recurrent fiber, the same plasticity for all fibers, ten rounds.

A sentence counts as read if, in each of the three areas, what fires is nearest to the right word and holds at least
half of its neurons.  Controls: nothing learns; and each sentence is compared with what the root of another one
restores.

Success is stated in advance, as means over seeds.  At least .95 of 50 sentences are read.  At most .05 are read with
the published ``merge``, with nothing learned, and from another root.  Two roots share at most .02 of their neurons,
those of ``merge`` at least .5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.models.language import add_phrase, merge_tree, read_tree
from brainsim.operations import read_out
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Words = tuple[str, str, str]  # subject, verb, object
Seen = dict[str, dict[str, float]]  # load, measure

SLOTS = ("Subj", "Verb", "Obj")
BETA, W_MAX = 0.1, 1000.0
ROOTS = 30  # roots that are compared pair by pair
CRITERIA = {"read": 0.95, "controls": 0.05, "roots": 0.02, "roots_of_merge": 0.5}


@dataclass(frozen=True)
class Arm:
    """How areas of phrases are declared, and how many rounds merging takes."""

    title: str
    beta: float = BETA
    back: float = 1.0
    refraction: float = BETA
    recurrent: bool = False
    rounds: int = 6


ARMS = {
    "stored": Arm("refraction = beta, strong back fibers, no recurrence"),
    "no_refraction": Arm("no refraction", refraction=0.0),
    "double_refraction": Arm("refraction = 2 beta", refraction=2 * BETA),
    "weak_back": Arm("back fibers as fast as forward ones", back=BETA),
    "recurrent": Arm("with recurrence", recurrent=True),
    "merge": Arm("merge as published", back=BETA, refraction=0.0, recurrent=True, rounds=10),
    "beta_zero": Arm("control: nothing learns", beta=0.0, back=0.0, refraction=0.0),
}
MEASURES = {
    "read": "sentences read",
    "words": "words read",
    "without_thresholds": "sentences read, thresholds at 0",
    "other_root": "control: from another root",
    "roots": "neurons that two roots share",
}


@experiment(
    quick={"n": 2000, "loads": "10,20", "load": 10, "nouns": 5, "verbs": 3, "probes": 10, "seeds": 2},
)
def phrases(
    run: Run,
    *,
    n: int = 10_000,
    k: int = 50,
    p: float = 0.1,
    nouns: int = 10,
    verbs: int = 6,
    loads: str = "20,50,100,200,400",
    load: int = 50,
    probes: int = 50,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Store up to the last of ``loads`` sentences, and compare all arms at ``load``, which is among them.

    Parameters
    ----------
    n, k
        Neurons and winners of each area.
    p
        Connection probability of all fibers.
    nouns, verbs
        Words of the language.
    loads
        How many sentences are stored when some are read, with commas between the numbers; all even.
    load
        How many sentences the arms store that are compared.
    probes
        Sentences that are read at each load: a random part of those stored.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    every = [int(each) for each in loads.split(",")]
    sizes = {"n": n, "k": k, "p": p, "nouns": nouns, "verbs": verbs}
    calls = {name: Call(stored, (name, sizes, every if name == "stored" else [load], probes)) for name in ARMS}
    seen: dict[str, list[Seen]] = over_seeds(run, calls, seeds)
    _tables(run, seen, load)
    run.picture("phrases.png", lambda: _draw(seen, load))
    at = {name: [part[str(load)] for part in parts] for name, parts in seen.items()}
    return {
        "sentences": {
            name: {each: fmean(part[each]["read"] for part in parts) for each in parts[0]}
            for name, parts in seen.items()
        },
        "intervals_95": {name: interval_95(scores(parts, "read"), bounded=True) for name, parts in at.items()},
        "roots_share": {name: fmean(scores(at[name], "roots")) for name in ("stored", "merge")},
        "other_root": fmean(scores(at["stored"], "other_root")),
        "chance": {"word": (2 / nouns + 1 / verbs) / 3, "sentence": 1 / (nouns * (nouns - 1) * verbs)},
        "criteria": CRITERIA,
        "met": _met(at),
        "by_seed": {
            f"arm={name}": {f"sentences={at}": by_seed([part[at] for part in parts]) for at in parts[0]}
            for name, parts in seen.items()
        },
    }


def stored(part: Part, name: str, sizes: Mapping[str, Any], loads: Sequence[int], probes: int, seed: int) -> Seen:
    """Store sentences in one brain, and return at each load what is read."""
    arm, rng = ARMS[name], np.random.default_rng([seed, 1])
    sentences, brain, seen = _sentences(sizes["nouns"], sizes["verbs"], max(loads), rng), _brain(arm, **sizes), {}
    roots: list[Assembly] = []
    with Simulator(brain, seed, **part.simulator) as sim:
        for load in loads:
            roots += [merge_tree(sim, _tree(brain, each), arm.rounds) for each in sentences[len(roots) : load]]
            seen[str(load)] = _measured(sim, roots, sentences[:load], probes, rng)
    return seen


def _sentences(nouns: int, verbs: int, count: int, rng: np.random.Generator) -> list[Words]:
    """Return different sentences, each followed by its reverse."""
    every = [(one, verb, other) for one, other in combinations(range(nouns), 2) for verb in range(verbs)]
    chosen = [every[at] for at in rng.choice(len(every), count // 2, replace=False)]
    pairs = [((one, verb, other), (other, verb, one)) for one, verb, other in chosen]
    return [(f"noun{s}", f"verb{v}", f"noun{o}") for pair in pairs for s, v, o in pair]


def _brain(arm: Arm, n: int, k: int, p: float, nouns: int, verbs: int) -> Brain:
    """Return a brain with areas of words and of phrases."""
    brain = Brain()
    for name, word, count in zip(SLOTS, ("noun", "verb", "noun"), (nouns, verbs, nouns), strict=True):
        brain.add(Area(name, n, k, {f"{word}{at}": range(at * k, (at + 1) * k) for at in range(count)}))
    subj, verb, obj = (brain[name] for name in SLOTS)
    if arm == ARMS["stored"]:
        vp = add_phrase(brain, "VP", verb, obj, n=n, k=k, p=p, beta=BETA, back=arm.back, w_max=W_MAX)
        add_phrase(brain, "Sent", subj, vp, n=n, k=k, p=p, beta=BETA, back=arm.back, w_max=W_MAX)
    else:
        vp = _phrase(brain, arm, (verb, obj), Area("VP", n, k, refraction=arm.refraction), p)
        _phrase(brain, arm, (subj, vp), Area("Sent", n, k, refraction=arm.refraction), p)
    return brain


def _phrase(brain: Brain, arm: Arm, parts: tuple[Area, Area], area: Area, p: float) -> Area:
    """Declare an area of phrases in another way than `add_phrase` does."""
    brain.add(area)
    for part in parts:
        brain.connect(part, area, p, Hebbian(arm.beta, W_MAX))
        brain.connect(area, part, p, Hebbian(arm.back, W_MAX))
    if arm.recurrent:
        brain.connect(area, area, p, Hebbian(arm.beta, W_MAX))
    return area


def _tree(brain: Brain, words: Words) -> tuple[Any, ...]:
    subj, verb, obj = (brain[name][word] for name, word in zip(SLOTS, words, strict=True))
    return ("Sent", subj, ("VP", verb, obj))


def _measured(
    sim: Simulator, roots: Sequence[Assembly], sentences: Sequence[Words], probes: int, rng: np.random.Generator
) -> dict[str, float]:
    """Return how well some sentences are read from their roots, and how many neurons two roots share."""
    asked = rng.choice(len(roots), min(probes, len(roots)), replace=False)
    read = [_read(sim, roots[at]) for at in asked]
    with sim.frozen():
        for area in ("VP", "Sent"):
            sim.set_thresholds(area, 0)
        fresh = [_read(sim, roots[at]) for at in asked]
    right = [sentences[at] for at in asked]
    pairs = list(combinations(roots[:ROOTS], 2))
    return {
        "read": _share(read, right),
        "words": fmean(a == b for one, other in zip(read, right, strict=True) for a, b in zip(one, other, strict=True)),
        "without_thresholds": _share(fresh, right),
        "other_root": _share(read[1:] + read[:1], right),
        "roots": fmean(one.overlap(other) for one, other in pairs),
    }


def _read(sim: Simulator, root: Assembly) -> tuple[str | None, ...]:
    """Return the words that fire when a root does, ``None`` where none is at least half right."""
    fired = read_tree(sim, root, ("Sent", "Subj", ("VP", "Verb", "Obj")))
    return tuple(read_out(fired[name], sim.brain[name].patterns).label for name in SLOTS)


def _share(read: Sequence[tuple[str | None, ...]], right: Sequence[Words]) -> float:
    return fmean(one == other for one, other in zip(read, right, strict=True))


def _met(at: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, bool]:
    read = {name: fmean(scores(parts, "read")) for name, parts in at.items()}
    most = CRITERIA["controls"]
    return {
        "read": read["stored"] >= CRITERIA["read"],
        "merge": read["merge"] <= most,
        "beta_zero": read["beta_zero"] <= most,
        "other_root": fmean(scores(at["stored"], "other_root")) <= most,
        "roots": fmean(scores(at["stored"], "roots")) <= CRITERIA["roots"],
        "roots_of_merge": fmean(scores(at["merge"], "roots")) >= CRITERIA["roots_of_merge"],
    }


def _tables(run: Run, seen: Mapping[str, Sequence[Seen]], load: int) -> None:
    rows = [
        [name, *(measured([part[name][each] for part in seen["stored"]], bounded=True) for each in MEASURES)]
        for name in seen["stored"][0]
    ]
    write_table(run, "by_load.md", "Sentences stored at once", ["sentences", *MEASURES.values()], rows)
    rows = [
        [ARMS[name].title, *(measured([part[str(load)][each] for part in parts], bounded=True) for each in MEASURES)]
        for name, parts in seen.items()
    ]
    write_table(run, "by_arm.md", f"{load} sentences", ["", *MEASURES.values()], rows)


def _draw(seen: Mapping[str, Sequence[Seen]], load: int) -> Figure:
    figure = Figure(figsize=(11, 4), layout="constrained")
    by_load, by_arm = figure.subplots(1, 2, width_ratios=(1, 1.4))
    loads = list(seen["stored"][0])
    for at, name in enumerate(("read", "without_thresholds", "other_root")):
        values = [[part[each][name] for each in loads] for part in seen["stored"]]
        places = [int(each) for each in loads]
        by_load.plot(places, np.transpose(values), color=f"C{at}", alpha=0.25, lw=1)
        by_load.plot(places, np.mean(values, axis=0), "o-", color=f"C{at}", label=MEASURES[name])
    by_load.set(xscale="log", xlabel="sentences stored", ylabel="share of sentences read", ylim=(-0.03, 1.03))
    by_load.set_title("by the number of sentences stored")
    by_load.set_xticks([int(each) for each in loads], loads)
    by_load.minorticks_off()
    by_load.legend(fontsize="small")
    for at, parts in enumerate(seen.values()):
        values = [part[str(load)]["read"] for part in parts]
        by_arm.barh(at, fmean(values), color=f"C{at}", alpha=0.6)
        by_arm.plot(values, [at] * len(values), "k.", ms=4)
    by_arm.set_yticks(range(len(seen)), [ARMS[name].title for name in seen])
    by_arm.set(xlabel="share of sentences read", xlim=(0, 1.03), title=f"{load} sentences, by kind of area")
    by_arm.invert_yaxis()
    return figure
