"""Why the most frequent verbs of real speech are taken for nouns, and frequent nouns for verbs: a search for the cause.

In speech to children, "have", "get" and "put" occur with hundreds of objects.  A brain that learns words (NEMO) puts
these verbs into the noun area.  The explanation tested here: what is seen and done fires throughout a sentence, so that
the assembly of "have" in the verb area also fires while each of its objects is heard.  The fibers from this assembly
back to phonology then learn the sounds of the objects as well as the verb's own.  Weights saturate, so that after many
sentences the sounds of frequent objects are re-activated as strongly as the verb's own.  In the noun area the same verb
occurs with a different thing each time, and its small assembly there re-activates only the verb's own sound.

Streams have frequencies as in speech: those of verbs fall with their rank to the power 1.2, those of nouns with .8, and
87 % of sentences begin with the verb.  Five changes are tested, one at a time:

- ``balanced``: every verb is heard equally often.
- ``apart``: what is seen or done fires only while its own word is heard.  If the explanation holds, partners' sounds
  vanish.  This is no cure: in development the noun area then also formed an assembly for the verb's sound, which no
  changing thing disturbed, and which re-activated the sound as well.
- ``counting``: the rule grows linearly and far below its limit, so that weights count how often two neurons fired
  together (`SaturatingHebbian`): the verb's own sound leads, as it came with each of its sentences.
- ``refraction``: thresholds of the lexical areas adapt (refraction equal to beta).
- ``competing``: after the first round of a word, the lexical area that sound and grounding drive less falls silent, so
  that only the other one learns what it fires back.  (Added after the other arms had been run, and developed on other
  seeds: neither the sounds of objects nor an assembly of the verb's sound in the noun area can then form.)

Success is stated in advance, as means over seeds.  The explanation holds if, for the verbs heard most (the first
quarter), the share of partners' sounds in what the verb area fires back is at least .3 as published, and at most half
of that with ``apart`` and with ``counting``.  A change cures it if these verbs are classified at least .95 and all
words at least as well as published.

Control: areas compete, and what is seen and done is that of other sentences (``shuffled``); all words within .15 of .5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Area, Hebbian, SaturatingHebbian, experiment
from brainsim.errors import ExperimentError
from brainsim.models.nemo import Lexicon, Sentence, WordLearner, read_clauses, read_lexicon
from brainsim.operations import most_driven
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

ARMS = {
    "published": "as published",
    "balanced": "every verb equally often",
    "apart": "each grounding with its word alone",
    "counting": "weights that count",
    "refraction": "thresholds that adapt",
    "competing": "lexical areas that compete",
    "shuffled": "control: they compete, groundings shuffled",
}
MEASURES = {
    "frequent_verbs": "frequent verbs, right class",
    "frequent_nouns": "frequent nouns, right class",
    "all_words": "all words, right class",
    "own_right": "own sound, fired by the verb area",
    "own_wrong": "own sound, fired by the noun area",
    "partners": "sounds of other words, fired by the verb area",
}
VERB_FIRST = 0.87
STEEP = {"verbs": 1.2, "nouns": 0.8}
BETA = 0.06


@dataclass(frozen=True)
class Speech:
    """Words, and sentences in the order in which they are heard; of one seed where they are made up."""

    lexicon: Lexicon
    clauses: Sequence[Sentence]
    count: int

    def stream(self, arm: str, seed: int) -> list[Sentence]:
        """Return what a brain of an arm hears."""
        rng = np.random.default_rng([seed, 18])
        heard = self._heard(arm, rng)
        if arm != "shuffled":
            return heard
        seen, done = rng.permutation(len(heard)), rng.permutation(len(heard))
        return [Sentence(s.words, heard[i].seen, heard[j].done) for s, i, j in zip(heard, seen, done, strict=True)]

    def _heard(self, arm: str, rng: np.random.Generator) -> list[Sentence]:
        if not self.clauses:
            return [self._made(arm, rng) for _ in range(self.count)]
        heard = [self.clauses[at % len(self.clauses)] for at in range(self.count)]
        if arm != "balanced":
            return heard
        by_verb: dict[str, list[Sentence]] = {}
        for sentence in heard:
            by_verb.setdefault(sentence.done, []).append(sentence)
        verbs = list(by_verb)
        drawn = [by_verb[verbs[at]] for at in rng.integers(len(verbs), size=self.count)]
        return [several[rng.integers(len(several))] for several in drawn]

    def _made(self, arm: str, rng: np.random.Generator) -> Sentence:
        verb = _drawn(self.lexicon.verbs, 0.0 if arm == "balanced" else STEEP["verbs"], rng)
        noun = _drawn(self.lexicon.nouns, STEEP["nouns"], rng)
        return Sentence((verb, noun) if rng.random() < VERB_FIRST else (noun, verb), noun, verb)


def _drawn(words: Sequence[str], steep: float, rng: np.random.Generator) -> str:
    chances = np.arange(1, len(words) + 1) ** -steep
    return words[rng.choice(len(words), p=chances / chances.sum())]


@experiment(quick={"n": 1000, "nouns": 12, "verbs": 4, "sentences": 60, "seeds": 2})
def frequent_verbs(
    run: Run,
    *,
    n: int = 2000,
    k: int = 30,
    p: float = 0.2,
    pattern_k: int = 30,
    w_max: float = 20.0,
    nouns: int = 30,
    verbs: int = 10,
    sentences: int = 800,
    arms: str = ",".join(ARMS),
    lexicon: Path | None = None,
    features: str = "",
    clauses: Path | None = None,
    most: int = 100,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Let brains hear frequent and rare words, as in speech to children.

    Parameters
    ----------
    n, k, p
        Neurons and winners of the lexical areas, and connection probability of all fibers.
    pattern_k
        Neurons that stand for a word in Phon, Visual or Motor.
    w_max
        Saturation weight as published; with ``counting`` it is 1000.
    nouns, verbs
        Words of made-up speech.
    sentences
        That a brain hears.
    arms
        Which brains are compared, with commas between them.
    lexicon, clauses
        Real words and clauses instead, as in the study of nouns and verbs; both or neither.
    features
        Rating columns of the lexicon to use, with commas between them; empty: all columns of numbers.  Groundings of
        words that are rated alike share up to half of their neurons.
    most
        In real speech, how often a word is heard at least to count as frequent; in made-up speech that is the first
        quarter of each class.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    chosen = arms.split(",")
    wrong = [arm for arm in chosen if arm not in ARMS]
    if wrong or (lexicon is None) != (clauses is None):
        given = f"arms={wrong[0]}" if wrong else "lexicon and clauses"
        raise ExperimentError(f"--set {given}: arms are among {', '.join(ARMS)}; lexicon and clauses come together")
    if lexicon is None or clauses is None:
        made_up = Lexicon(tuple(f"noun{i}" for i in range(nouns)), tuple(f"verb{i}" for i in range(verbs)))
        speech = Speech(made_up, (), sentences)
    else:
        speech = real_speech(lexicon, features, clauses, sentences)
    run.notes += speech.lexicon.notes
    size = {"n": n, "k": k, "p": p, "pattern_k": pattern_k}
    calls = {arm: Call(heard, (arm, speech, size, w_max, most)) for arm in chosen}
    found = over_seeds(run, calls, seeds)
    means = {arm: {m: fmean(scores(parts, m)) for m in MEASURES} for arm, parts in found.items()}
    rows = [[ARMS[arm], *(measured(scores(parts, m), bounded=True) for m in MEASURES)] for arm, parts in found.items()]
    write_table(run, "frequent_verbs.md", "Frequent words", ["", *MEASURES.values()], rows)
    run.picture("frequent_verbs.png", lambda: _draw(found))
    return {
        "means": means,
        "met": _met(means),
        "chance": {"frequent_verbs": 0.5, "frequent_nouns": 0.5, "all_words": 0.5},
        "intervals_95": {
            arm: {m: interval_95(scores(parts, m), bounded=True) for m in MEASURES} for arm, parts in found.items()
        },
        "by_seed": {f"brain={arm}": by_seed(parts) for arm, parts in found.items()},
    }


def real_speech(lexicon: Path, features: str, clauses: Path, count: int) -> Speech:
    """Return the words of a file that occur in its clauses, with the ratings asked for, and the clauses."""
    names = tuple(name.strip() for name in features.split(",") if name.strip())
    words = read_lexicon(lexicon, features=names, drop_homographs=True)
    sentences = read_clauses(clauses, words)
    return Speech(words.only([word for sentence in sentences for word in sentence.words]), sentences, count)


def heard(part: Part, arm: str, speech: Speech, size: Mapping[str, Any], w_max: float, most: int, seed: int) -> Any:
    """Let one brain hear the sentences; return how it knows the frequent words."""
    rule: Any = SaturatingHebbian(0.5, 1000.0) if arm == "counting" else Hebbian(BETA, w_max)
    adapts = {"refraction": BETA} if arm == "refraction" else {}
    learner = WordLearner(speech.lexicon, rule, seed=seed, **size, **adapts, **part.simulator)
    stream, hear = speech.stream(arm, seed), HEARING.get(arm, WordLearner.hear)
    with learner.sim:
        for sentence in stream:
            hear(learner, sentence)
        frequent = _frequent(speech, most, speech.stream("published", seed))
        verbs = [learner.listen(word).readback for word in frequent["verbs"]]
        return {
            "frequent_verbs": learner.test(frequent["verbs"]).classification,
            "frequent_nouns": learner.test(frequent["nouns"]).classification,
            "all_words": learner.test().classification,
            "own_right": fmean(each["Lex2"] for each in verbs),
            "own_wrong": fmean(each["Lex1"] for each in verbs),
            "partners": fmean(partners(learner, learner.lex2, word) for word in frequent["verbs"]),
        }


def hear_apart(learner: WordLearner, sentence: Sentence) -> None:
    """Learn from a sentence as `WordLearner.hear` does, but let each grounding fire only with its own word."""
    sim, phon, visual, motor = learner.sim, learner.phon, learner.visual, learner.motor
    senses = phon >> learner.lex1 | phon >> learner.lex2 | visual >> learner.lex1 | motor >> learner.lex2
    for word in sentence.words:
        sim.silence(visual, motor)
        sim.present(phon[word], visual[word] if word == sentence.seen else motor[word])
        sim.run(senses)
        sim.run(learner.brain.fibers, rounds=learner.tau)
    sim.silence(phon, visual, motor)


def hear_competing(learner: WordLearner, sentence: Sentence) -> None:
    """Learn from a sentence as `WordLearner.hear` does, but only in the lexical area that a word drives most."""
    sim, phon, lexical = learner.sim, learner.phon, (learner.lex1, learner.lex2)
    grounded = learner.visual >> learner.lex1 | learner.motor >> learner.lex2
    senses = phon >> learner.lex1 | phon >> learner.lex2 | grounded
    sim.present(learner.visual[sentence.seen], learner.motor[sentence.done])
    for word in sentence.words:
        sim.present(phon[word])
        sim.run(senses)
        winner = most_driven(sim, lexical, senses)
        losers = [lex for lex in lexical if lex is not winner]
        sim.silence(*losers)
        sim.run([fiber for fiber in learner.brain.fibers if fiber.target not in losers], rounds=learner.tau)
    sim.silence(phon, learner.visual, learner.motor)


HEARING = {"apart": hear_apart, "competing": hear_competing, "shuffled": hear_competing}


def partners(learner: WordLearner, lex: Area, word: str) -> float:
    """Return which share of the neurons that an area fires back in phonology belongs to the sounds of other words."""
    sim, phon = learner.sim, learner.phon
    with sim.frozen():
        sim.silence()
        sim.present(phon[word])
        sim.run(phon >> lex)
        sim.release(phon)
        sim.run(lex >> phon)
        fired = sim.assembly(phon)
    return 1.0 - len(np.intersect1d(fired.neurons, phon[word].neurons)) / len(fired) if len(fired) else 0.0


def _frequent(speech: Speech, most: int, stream: Sequence[Sentence]) -> dict[str, list[str]]:
    """Return the words of each class that are heard most in unbalanced speech."""
    times = Counter(word for sentence in stream for word in sentence.words)
    kinds = {"nouns": speech.lexicon.nouns, "verbs": speech.lexicon.verbs}
    if speech.clauses:
        often = {kind: [word for word in words if times[word] >= most] for kind, words in kinds.items()}
        if not all(often.values()):
            raise ExperimentError(f"--set most={most}: no noun or no verb is heard so often; lower it")
        return often
    return {kind: list(words[: max(1, len(words) // 4)]) for kind, words in kinds.items()}


def _met(means: Mapping[str, Mapping[str, float]]) -> dict[str, bool]:
    met = {}
    if "published" in means:
        base = means["published"]
        lower = [means[arm]["partners"] <= base["partners"] / 2 for arm in ("apart", "counting") if arm in means]
        if lower:
            met["explained"] = base["partners"] >= 0.3 and all(lower)
        for arm in means.keys() - {"published", "shuffled"}:
            each = means[arm]
            met[f"cured_{arm}"] = each["frequent_verbs"] >= 0.95 and each["all_words"] >= base["all_words"]
    if "shuffled" in means:
        met["control"] = abs(means["shuffled"]["all_words"] - 0.5) <= 0.15
    return dict(sorted(met.items()))


def _draw(found: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    figure = Figure(figsize=(9, 4), layout="constrained")
    ax, drawn = figure.subplots(), [each for each in MEASURES if each != "own_right"]  # what "partners" leaves
    for at, measure in enumerate(drawn):
        means = [fmean(scores(parts, measure)) for parts in found.values()]
        ax.bar(np.arange(len(found)) + (at - 2) / 6, means, 1 / 6, label=MEASURES[measure])
    ax.axhline(0.5, color="gray", lw=0.8, ls=":", label="chance of a class")
    ax.set_xticks(range(len(found)), [fill(ARMS[arm], 15) for arm in found], fontsize="small")
    ax.set_ylabel("share of words, or of a sound's neurons")
    figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    return figure
