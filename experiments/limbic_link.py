"""Does emotion change what assemblies learn?  An amygdala sways dopamine, thresholds and noise while words are learned.

A brain hears words.  Each activates its node in an `Amygdala`, whose edges have learned the emotion of other words:
joy from valence, safety from dominance, curiosity from arousal.  The words that are heard have no emotional input of
their own, so that what is felt comes from their neighbours.  Joy sets dopamine, which scales how much the synapses of a
lexical area learn; safety lowers the threshold of its neurons; curiosity adds noise to their drive.  The word forms an
assembly there.  Later half of the word's sound is presented, without emotion.

Measured, for each word: how much of its assembly half the sound recalls (recall), how many neurons fired in a round
while it formed (size), and how many fired in all these rounds together (support).  The score of a brain is the rank
correlation, over words, of each with the rating that should move it: recall with valence, size with dominance, support
with arousal.

Arms: all three links; each link alone; heard words have input as well (what is felt is what people said).  Controls:
dopamine, threshold and noise are constant at the mean that they have with all links; input shuffled among words.

Success is stated in advance, as means over seeds: with all links each correlation is at least .1 and its interval
excludes 0; in both controls it is below .1 in absolute value.  Each link alone moves its own measure (at least .1).
Whether emotion helps memory as a whole is left open: mean recall is reported beside that with constant dopamine.
Gains and sizes were set in a few trials on seed 1 of the made language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, FiberSet, Hebbian, Modulator, Simulator, experiment
from brainsim.areas import Amygdala, Phon, Sway
from brainsim.models.cascade import WordGraph, word_pairs
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import CORRELATION, interval_95
from emotional import material
from emotional.limbic import form, hear, mean_feeling, recalled_share

K = 50
TEACHING = 60  # rounds in which the weights of the amygdala learn
REST = {"dopamine": 1.0, "threshold": 11.0, "noise": 1.0}
SWING = {"dopamine": 0.5, "threshold": -2.0, "noise": 0.5}  # for an emotion of one standard deviation
MOST = {"dopamine": 8.0, "threshold": 50.0, "noise": 50.0}
MOVED_BY = {"recall": "valence", "size": "dominance", "support": "arousal"}
CRITERIA = {"moved": 0.1, "control": 0.1}
ARMS = {
    "all": "all three links",
    "joy": "joy → dopamine",
    "safety": "safety → threshold",
    "curiosity": "curiosity → noise",
    "told": "all links, heard words have input",
    "constant": "control: constant at the mean",
    "shuffled": "control: input shuffled",
}
Values = npt.NDArray[np.float64]


@experiment(quick={"dim": 32, "neighbours": 20, "n": 1500, "heard": 60, "seeds": 2})
def limbic_link(
    run: Run,
    *,
    text: str = "made",
    norms: Path | None = None,
    words: int = 60_000,
    dim: int = 128,
    neighbours: int = 100,
    n: int = 5000,
    p: float = 0.1,
    beta: float = 0.1,
    heard: int = 200,
    prepared: Path | None = None,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Let brains learn words while an amygdala sways them.

    Parameters
    ----------
    text
        Where vectors come from: made, installed, or names of packages and files with commas between them.
    norms
        CSV file with the columns word, valence, arousal and dominance; those of made text are made, too.
    words
        Most words of the vocabulary.
    dim
        Dimension of the vectors.
    neighbours
        Neighbours of a rated word in the graph of rated words.
    n
        Neurons of the lexical area.
    p
        Connection probability.
    beta
        Plasticity of the lexical area at a dopamine of 1.
    heard
        Words that a brain hears; at most half of the rated words.
    prepared
        The file vectors.npz of an earlier run with the same text, words, dim and neighbours; it and the graphs beside
        it are taken.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    about = material.prepare(run, text, words, dim, neighbours, prepared, ())
    known = material.rated(material.load(run.folder), material.norms_of(text, norms))
    calls = {arm: Call(learned, (arm, text, norms, neighbours, n, p, beta, heard)) for arm in ARMS}
    found = over_seeds(run, calls, seeds)
    _table(run, found)
    run.picture("limbic_link.png", lambda: _draw(found))
    moved = {arm: {name: fmean(_moved(parts, name)) for name in MOVED_BY} for arm, parts in found.items()}
    intervals = {
        arm: {name: interval_95(_moved(parts, name), bounded=CORRELATION) for name in MOVED_BY}
        for arm, parts in found.items()
    }
    own = {"joy": "recall", "safety": "size", "curiosity": "support"}
    return {
        "moved": moved,
        "recall": {arm: fmean(part["mean"]["recall"] for part in parts) for arm, parts in found.items()},
        "intervals_95": intervals,
        "criteria": CRITERIA,
        "met": {
            "all_links": all(
                moved["all"][name] >= CRITERIA["moved"] and (intervals["all"][name] or [0.0])[0] > 0.0
                for name in MOVED_BY
            ),
            "each_link": all(moved[arm][name] >= CRITERIA["moved"] for arm, name in own.items()),
            "controls": all(
                abs(moved[arm][name]) < CRITERIA["control"] for arm in ("constant", "shuffled") for name in MOVED_BY
            ),
        },
        "chance": {"moved": 0.0},
        "by_seed": {f"arm={arm}": by_seed(parts) for arm, parts in found.items()},
        "rated_words": len(known.nodes),
        **about,
    }


@dataclass(frozen=True)
class Plan:
    """The words that a brain hears, and the emotional input of its amygdala."""

    vectors: npt.NDArray[np.float32]
    inputs: Values
    heard: npt.NDArray[np.int64]
    ratings: Values


def _plan(words: material.Material, known: material.Rated, arm: str, heard: int, seed: int) -> Plan:
    rng, count = np.random.default_rng([seed, 11]), len(known.nodes)
    order = rng.permutation(count)
    told, untold = order[: count // 2], order[count // 2 :]
    chosen = untold[:heard]
    if arm == "told":
        told = np.union1d(told, chosen)
    inputs = np.zeros((count, 3))
    given = known.inputs[told] - known.inputs[told].mean(axis=0)
    inputs[told] = rng.permutation(given) if arm == "shuffled" else given
    return Plan(words.vectors[known.nodes], inputs, chosen, known.ratings[chosen])


def _taught(plan: Plan, graph: Any, part: Part, seed: int) -> Values:
    """Return the weights of the edges of an amygdala after learning from its input."""
    brain = Brain()
    dopamine = brain.add(Modulator("dopamine"))
    amygdala = brain.add(Amygdala(words=len(plan.vectors), dim=plan.vectors.shape[1], dopamine=dopamine, graph=graph))
    with Simulator(brain, seed, **part.simulator) as sim:
        sim.set_vectors(amygdala.words, plan.vectors)
        edges = sim.edges(amygdala.emotion)
        edges.set_input(plan.inputs)
        sim.present(Assembly(amygdala.words.name, range(amygdala.words.n)))
        sim.run((), learn=amygdala.emotion, rounds=TEACHING)
        return np.array(edges.weights)


def _spread(pairs: npt.NDArray[Any], weights: Values) -> tuple[float, ...]:
    """Return the standard deviation of each emotion over all words, the unit in which emotions are strong or weak."""
    ends, both = pairs.T.ravel(), np.concatenate([weights, weights])
    degrees = np.bincount(ends)
    return tuple(float(np.std(np.bincount(ends, each) / degrees)) for each in both.T)


def _sway(name: str, spread: float, *, linked: bool) -> Sway:
    return Sway(REST[name], SWING[name] / spread if linked else 0.0, most=MOST[name])


def learned(
    part: Part,
    arm: str,
    text: str,
    norms: Path | None,
    neighbours: int,
    n: int,
    p: float,
    beta: float,
    heard: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Let a brain learn words; return the correlations of its measures with the ratings, and their means."""
    words = material.load(part.folder)
    plan = _plan(words, material.rated(words, material.norms_of(text, norms)), arm, heard, seed)
    pairs = word_pairs("nearest", plan.vectors, neighbours, 0.1, seed)
    graph = WordGraph(pairs, len(plan.vectors))
    weights = _taught(plan, graph, part, seed)
    safety, curiosity, joy = _spread(pairs, weights)
    brain, every = Brain(), arm not in ("joy", "safety", "curiosity")
    names = [str(node) for node in plan.heard]
    phon, lex, dopamine = brain.add(Phon(names, K), Area("Lex", n, K), Modulator("dopamine"))
    amygdala = brain.add(
        Amygdala(
            words=len(plan.vectors),
            dim=plan.vectors.shape[1],
            dopamine=dopamine,
            graph=graph,
            joy=_sway("dopamine", joy, linked=every or arm == "joy"),
            safety=_sway("threshold", safety, linked=every or arm == "safety"),
            curiosity=_sway("noise", curiosity, linked=every or arm == "curiosity"),
        )
    )
    hears = amygdala.hears(phon, {name: int(name) for name in names})
    learns = FiberSet(brain.connect(source, lex, p, Hebbian(beta, 20), modulated_by=dopamine) for source in (phon, lex))
    with Simulator(brain, seed, **part.simulator) as sim:
        sim.edges(amygdala.emotion).replace(weights)
        felt = [hear(sim, amygdala, phon[name], hears) for name in names]
        if arm == "constant":
            felt = [mean_feeling(felt)] * len(felt)
        rng, formed = np.random.default_rng([seed, 12]), []
        for name, feeling in zip(names, felt, strict=True):
            formed.append(form(sim, feeling, dopamine, phon[name], lex, learns, rng))
        recalled = [
            recalled_share(sim, phon[name], lex, learns, whole) for name, (whole, *_) in zip(names, formed, strict=True)
        ]
    measures = {
        "recall": recalled,
        "size": [size for _, size, _ in formed],
        "support": [float(support) for *_, support in formed],
    }
    return {
        "moved": {name: _rank_correlation(measures[name], plan.ratings, scale) for name, scale in MOVED_BY.items()},
        "mean": {name: round(fmean(values), 4) for name, values in measures.items()},
        "felt": {
            name: round(fmean(getattr(each, name) for each in felt), 4) for name in ("dopamine", "threshold", "noise")
        },
    }


def _rank_correlation(values: Sequence[float], ratings: Values, scale: str) -> float:
    from scipy.stats import spearmanr

    if len(set(values)) < 2:
        return 0.0
    return round(float(spearmanr(values, ratings[:, material.SCALES.index(scale)]).statistic), 4)


def _moved(parts: Sequence[Any], name: str) -> list[float]:
    return [part["moved"][name] for part in parts]


def _table(run: Run, found: Mapping[str, Sequence[Any]]) -> None:
    rows = []
    for arm, parts in found.items():
        moved = [measured(_moved(parts, name), bounded=CORRELATION) for name in MOVED_BY]
        means = [
            measured([part["mean"][name] for part in parts], digits)
            for name, digits in zip(MOVED_BY, (2, 1, 1), strict=True)
        ]
        rows.append([ARMS[arm], *moved, *means])
    header = ["", *(f"{name} with {scale}" for name, scale in MOVED_BY.items()), *(f"mean {name}" for name in MOVED_BY)]
    write_table(run, "limbic_link.md", "Rank correlations over heard words", header, rows)


def _draw(found: Mapping[str, Sequence[Any]]) -> Figure:
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes, arms = figure.subplots(), list(found)[::-1]
    for at, (name, scale) in enumerate(MOVED_BY.items()):
        means = [fmean(_moved(found[arm], name)) for arm in arms]
        axes.barh(np.arange(len(arms)) + 0.27 * (1 - at), means, 0.27, label=f"{name} with {scale}")
    axes.axvline(0, color="0.6", lw=1)
    axes.set_yticks(range(len(arms)), [ARMS[arm] for arm in arms], fontsize=7)
    axes.set(xlabel="rank correlation over heard words")
    axes.legend(fontsize="x-small")
    return figure
