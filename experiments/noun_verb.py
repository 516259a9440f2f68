"""A brain learns nouns and verbs from grounded sentences; controls do not.

NEMO word learning (Mitropolsky & Papadimitriou 2023, 2025) on an exact random connectome.  A sentence is a noun and a
verb; while the brain hears the words it sees and does what they mean.  Afterwards each word is heard alone.  It counts
as a noun if Lex1 re-activates more of its sound pattern than Lex2 does.  The read-out uses firing alone, never labels.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from brainsim import Hebbian, SaturatingHebbian, experiment
from brainsim.errors import ExperimentError
from brainsim.models.nemo.clauses import read_clauses
from brainsim.models.nemo.learner import READBACK_CRITERION, Sentence, WordLearner, random_sentences
from brainsim.models.nemo.lexicon import Lexicon, english, read_lexicon
from brainsim.plots import Curve, learning_curve, overlap_heatmap, raster
from brainsim.simulate.dumps import read_assemblies, read_recordings, write_assemblies
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.settings import read_header
from brainsim.studies.statistics import COUNT, interval_95

CONDITIONS = ("trained", "beta_zero", "untrained", "shuffled_grounding")
RULES: Mapping[str, type[Hebbian] | type[SaturatingHebbian]] = {"hebbian": Hebbian, "saturating": SaturatingHebbian}
HEARD = " (heard)"
# Names in metrics.json of the scores that are fractions.
FRACTIONS = {
    "classification_accuracy": "classification",
    "classification_by_stability": "stability",
    "readback_right": "readback_right",
    "readback_wrong": "readback_wrong",
    "property_p": "property_p",
    "property_p_least": "property_p_least",
}
QUICK = 3  # nouns, and verbs
RANGES = {
    **dict.fromkeys(FRACTIONS, (0.0, 1.0)),
    **dict.fromkeys(("support", "sentences_per_second", "sentences_to_criterion"), COUNT),
}
LABELS = {
    "classification_accuracy": "words heard alone: right class, by readback",
    "classification_by_stability": "words heard alone: right class, by stability",
    "readback_right": "sound re-activated by the area of the word's class",
    "readback_wrong": "sound re-activated by the other area",
    "property_p": "sound re-activated by the meaning (property P), mean over words",
    "property_p_least": "sound re-activated by the meaning (property P), worst word",
    "support": "neurons of a lexical area that ever fired",
    "sentences_per_second": "sentences per second, in each process",
    "sentences_to_criterion": f"sentences until the worst word reaches {READBACK_CRITERION:g}",
}
MOST_PICTURED = 5
USUAL = 10  # words of a class, where neither their number nor a lexicon is given
MOST = 10_000_000
DUMP = "assemblies.h5"
TRAINING = "training.h5"


@dataclass(frozen=True)
class Study:
    """What is learned, from which sentences, by which brain."""

    lexicon: Lexicon
    clauses: Sequence[Sentence]
    rule: Hebbian | SaturatingHebbian
    brain: Mapping[str, Any]
    sentences: int
    test_every: int
    record: str

    def learner(self, condition: str, seed: int, simulator: Mapping[str, Any]) -> WordLearner:
        """Return an untrained brain; without plasticity for the control ``beta_zero``."""
        rule = replace(self.rule, beta=0.0) if condition == "beta_zero" else self.rule
        return WordLearner(self.lexicon, rule, seed=seed, **self.brain, **simulator)

    def stream(self, condition: str, seed: int) -> list[Sentence]:
        """Return the sentences of one seed: real clauses in their order, repeated, or uniformly random pairs.

        ``shuffled_grounding`` permutes the groundings of the sentences, each kind separately: what is seen and done
        occurs as often as before and is unrelated to the words.
        """
        if condition == "untrained":
            return []
        if self.clauses:
            heard = [self.clauses[i % len(self.clauses)] for i in range(self.sentences)]
        else:
            heard = random_sentences(self.lexicon, self.sentences, seed)
        if condition == "shuffled_grounding":
            rng = np.random.default_rng([seed, 1])
            seen, done = rng.permutation(len(heard)), rng.permutation(len(heard))
            heard = [Sentence(s.words, heard[i].seen, heard[j].done) for s, i, j in zip(heard, seen, done, strict=True)]
        return heard


@experiment(quick={"n": 10_000, "nouns": QUICK, "verbs": QUICK, "sentences": 60, "test_every": 20, "seeds": 2})
def noun_verb(
    run: Run,
    *,
    n: int = 100_000,
    k: int = 50,
    p: float = 0.05,
    rule: Literal["hebbian", "saturating"] = "hebbian",
    beta: float = 0.06,
    w_max: float = 1000.0,
    pattern_k: int = 100,
    tau: int = 2,
    nouns: int = 0,
    verbs: int = 0,
    lexicon: Path | None = None,
    features: str = "",
    shared: float = 0.5,
    drop_homographs: bool = False,
    clauses: Path | None = None,
    sentences: int = 300,
    test_every: int = 25,
    seeds: int = 5,
    controls: bool = True,
    record: Literal["tests", "training"] = "tests",
) -> Mapping[str, Any]:
    """Learn nouns and verbs from sentences.

    Parameters
    ----------
    n, k
        Neurons and winners of each of the two lexical areas.
    p
        Connection probability of all fibers.
    rule
        Plasticity rule; ``saturating`` steps become smaller towards ``w_max``.
    beta
        Plasticity: how much a synapse strengthens in a step, as a fraction of its weight.
    w_max
        Saturation weight of a synapse, in units of the initial weight.
    pattern_k
        Neurons that stand for a word in Phon, Visual or Motor.
    tau
        Rounds with recurrence and feedback after the first round of each word.
    nouns, verbs
        Words of this class to learn; 0: all of a ``lexicon`` given, 10 of the one that comes with brainsim.
    lexicon
        CSV file with the columns word and class (noun or verb), and ratings in further columns; empty: the lexicon of
        40 + 40 words that comes with brainsim.
    features
        Rating columns of the lexicon to use, with commas between them; empty: all columns of numbers.
    shared
        Largest fraction of a grounding that two words rated alike share, 0 to 1; without ratings groundings are
        disjoint.
    drop_homographs
        Leave out words that the lexicon has more than once, instead of refusing it.
    clauses
        Tab-separated file of real clauses (role, order, subj, verb, obj) to hear; empty: random pairs of a noun and a
        verb.
    sentences
        Sentences that a brain hears.
    test_every
        Sentences from one test to the next.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    controls
        Also run the brains that must fail: no plasticity, no training, shuffled groundings.
    record
        What is recorded of the first seed: a few words heard after learning (``tests``, in ``assemblies.h5``), or also
        the winners of all areas in all rounds of training (``training``, in ``training.h5``).
    """
    for name, value in (("sentences", sentences), ("test_every", test_every), ("seeds", seeds)):
        if not 1 <= value <= MOST:
            raise ExperimentError(f"--set {name}={value}: must be between 1 and {MOST}")
    if features and not lexicon:
        cure = "give a lexicon with columns of ratings: --set lexicon=FILE.csv"
        raise ExperimentError(f"--set features={features}: the built-in words have no ratings; {cure}")
    usual = None if lexicon else USUAL
    every = read_lexicon(lexicon, features=_split(features), drop_homographs=drop_homographs) if lexicon else english()
    if run.settings.quick and lexicon:  # which may have fewer words than `--quick` learns
        nouns = min(nouns, len(every.nouns)) if nouns == QUICK else nouns
        verbs = min(verbs, len(every.verbs)) if verbs == QUICK else verbs
    words = every.take(nouns or usual, verbs or usual)
    run.notes += [*every.notes, *(_only_some(every, words, quick=run.settings.quick) if lexicon else [])]
    for word in words.words:
        if word.endswith(HEARD):  # as the labels of what a word's sound fires do
            raise ExperimentError(f"--set lexicon={lexicon}: no word may end in {HEARD!r} (got {word!r}); rename it")
    study = Study(
        lexicon=words,
        clauses=read_clauses(clauses, words) if clauses else [],
        rule=RULES[rule](beta, w_max),
        brain={"n": n, "k": k, "p": p, "pattern_k": pattern_k, "tau": tau, "shared": shared},
        sentences=sentences,
        test_every=test_every,
        record=record,
    )
    results = _all_parts(run, study, CONDITIONS if controls else CONDITIONS[:1], range(run.seed, run.seed + seeds))
    run.picture("learning_curve.png", lambda: _learning_curve(results, len(words.words)))
    run.picture("raster.png", lambda: _raster(run.folder / DUMP))
    run.picture("overlap.png", lambda: _overlap(run.folder / DUMP, study))
    return _metrics(study, results)


def _only_some(every: Lexicon, taken: Lexicon, *, quick: bool) -> list[str]:
    """Return a line for the terminal if the brain learns only some words of a lexicon that was given."""
    if taken.words == every.words:
        return []
    nouns, verbs = f"{len(taken.nouns)} of {len(every.nouns)}", f"{len(taken.verbs)} of {len(every.verbs)}"
    why = " (--quick)" if quick else ""
    cure = "--set nouns=0 --set verbs=0 takes all"
    return [f"lexicon: only the first {nouns} nouns and {verbs} verbs are learned{why}; {cure}"]


def _split(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _all_parts(run: Run, study: Study, conditions: Sequence[str], seeds: range) -> dict[str, list[Any]]:
    keys = {(condition, seed): f"{condition}-{seed}" for condition in conditions for seed in seeds}
    results = run.parts(
        {key: Call(_learned, (study, condition, seed)) for (condition, seed), key in keys.items()},
        unit="sentences",
        steps={key: len(study.stream(condition, seed)) for (condition, seed), key in keys.items()},
        files={keys["trained", seeds[0]]: (DUMP, TRAINING) if study.record == "training" else (DUMP,)},
    )
    return {condition: [results[keys[condition, seed]] for seed in seeds] for condition in conditions}


def _learned(part: Part, study: Study, condition: str, seed: int) -> Any:
    """Train one brain and return its curve, its support and its speed; dump the assemblies of one."""
    learner, stream = study.learner(condition, seed, part.simulator), study.stream(condition, seed)
    with learner.sim as sim:
        notes = part.load(sim) or {"curve": [], "support": {"Lex1": [], "Lex2": []}, "timed": 0, "seconds": 0.0}
        support = {area: set(neurons) for area, neurons in notes["support"].items()}
        curve, speed = notes["curve"], Speed(notes["timed"], notes["seconds"])
        training = part.record(sim, to=TRAINING) if TRAINING in part.files else None
        if not curve:
            curve.append({"sentences": 0, **asdict(learner.test())})
        # For controls, which only have to fail, four tests are enough; this saves a third of the time.
        every = study.test_every if condition == "trained" else max(study.test_every, -(-len(stream) // 4))
        while (heard := curve[-1]["sentences"]) < len(stream):
            chunk = stream[heard : heard + every]
            recording = sim.record(learner.lex1, learner.lex2)
            for sentence in chunk:
                if training:
                    training.mark(" ".join(sentence.words))
                with speed.timed():
                    learner.hear(sentence)
                part.tick()
            recording.stop()
            for area, neurons in support.items():
                neurons.update(np.concatenate(recording.winners(area)).tolist())
            curve.append({"sentences": heard + len(chunk), **asdict(learner.test())})
            saved = {area: sorted(neurons) for area, neurons in support.items()}
            part.save(sim, {"curve": curve, "support": saved, "timed": speed.sentences, "seconds": speed.seconds})
        if DUMP in part.files:
            _dump(part, learner)
        return {
            "curve": curve,
            "support": {area: len(neurons) for area, neurons in support.items()},
            "sentences_per_second": speed.per_second(),
            "words": {word: _word_scores(learner, word) for word in study.lexicon.words} if study.clauses else {},
        }


class Speed:
    """Sentences a second while they are heard, without the first one in this process, which may compile."""

    def __init__(self, sentences: int, seconds: float) -> None:
        self.sentences, self.seconds = sentences, seconds
        self._first = True

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time a sentence."""
        started = time.perf_counter()
        yield
        if not self._first:
            self.sentences, self.seconds = self.sentences + 1, self.seconds + time.perf_counter() - started
        self._first = False

    def per_second(self) -> float | None:
        """Return how many sentences a second were heard, ``None`` if only first ones were."""
        return self.sentences / self.seconds if self.sentences else None


def _word_scores(learner: WordLearner, word: str) -> dict[str, float]:
    scores = learner.test([word])
    return {"classification": scores.classification, "readback": scores.readback_right, "property_p": scores.property_p}


def _dump(part: Part, learner: WordLearner) -> None:
    """Write each word's lexical assembly, fired by its meaning and by its sound, and a recording of some words."""
    lexicon, sim = learner.lexicon, learner.sim
    assemblies = [learner.name(word)[0] for word in lexicon.words]
    for area, words in ((learner.lex1, lexicon.nouns), (learner.lex2, lexicon.verbs)):
        for word in words:
            with sim.frozen():
                sim.silence()
                sim.present(learner.phon[word])
                sim.run(learner.phon >> area)
                assemblies.append(sim.assembly(area, word + HEARD))
    with sim.frozen():
        recording = sim.record(learner.phon, learner.lex1, learner.lex2)
        for word in lexicon.nouns[:MOST_PICTURED] + lexicon.verbs[:MOST_PICTURED]:
            recording.mark(word)
            sim.silence()
            sim.present(learner.phon[word])
            into_lex = learner.phon >> learner.lex1 | learner.phon >> learner.lex2
            sim.run(into_lex)
            sim.run(into_lex | learner.lex1 >> learner.lex1 | learner.lex2 >> learner.lex2, rounds=5)
    with part.file(DUMP) as path:
        write_assemblies(
            path,
            assemblies,
            {"words_heard": recording},
            about={
                "experiment": "noun_verb",
                "part": part.key,
                "seed": sim.seed,
                "parameters": read_header(part.folder)["parameters"],
            },
            descriptions={
                "assemblies": "assemblies/<area>/<word>: neurons that the word's meaning fires after training; "
                f"<word>{HEARD}: those that its sound fires in one round, without recurrence; no learning",
                "recordings/words_heard": "after training, without learning: each marked word's sound is presented for "
                "six rounds, from the second one on with recurrence",
            },
        )


def _learning_curve(results: Mapping[str, list[Any]], words: int) -> Figure:
    def curve(name: str, condition: str, measure: str) -> Curve:
        values = [[point[measure] for point in part["curve"]] for part in results[condition]]
        steps = [point["sentences"] for point in results[condition][0]["curve"]]
        if condition == "untrained":
            steps, values = [0, results["trained"][0]["curve"][-1]["sentences"]], [one * 2 for one in values]
        return Curve(name, steps, values, control=condition != "trained")

    others = [condition for condition in results if condition != "trained"]
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    learning_curve(
        [curve("class by re-activated sound", "trained", "classification")]
        + [curve("class by stability of the assembly", "trained", "stability")]
        + [curve(c.replace("_", " "), c, "classification") for c in others],
        chance=0.5,
        ylabel="share of words in the right class",
        ax=left,
    )
    learning_curve(
        [curve("meaning to sound (property P), mean", "trained", "property_p")]
        + [curve("meaning to sound, worst word", "trained", "property_p_least")]
        + [curve("sound to sound, through the wrong area", "trained", "readback_wrong")]
        + [curve(f"{c.replace('_', ' ')}, mean P", c, "property_p") for c in others],
        chance=1 / words,
        criterion=READBACK_CRITERION,
        ylabel="share of the sound that is re-activated",
        ax=right,
    )
    seeds = len(results["trained"])
    figure.suptitle(f"A brain learns {words} words from grounded sentences ({seeds} seeds; shaded: range)")
    return figure


def _raster(dump: Path) -> Figure:
    """Draw the raster of words heard after learning, from the dump alone."""
    assemblies, recording = read_assemblies(dump), read_recordings(dump)["words_heard"]
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    ax = raster(
        recording,
        [a for area in assemblies.values() for a in area.values() if HEARD not in str(a.label)],
        fade=True,
        ax=figure.subplots(),
    )
    ax.set_title(
        "Words heard alone after learning: in the area of its class a word fires its assembly; other firing is faded",
        fontsize="medium",
        pad=22,
    )
    return figure


def _overlap(dump: Path, study: Study) -> Figure:
    """Draw the overlaps of the assemblies of sounds and meanings, from the dump alone."""
    assemblies = read_assemblies(dump)
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    halves = ((study.lexicon.nouns, "Lex1", "nouns"), (study.lexicon.verbs, "Lex2", "verbs"))
    for ax, (words, area, name) in zip(figure.subplots(1, 2), halves, strict=True):
        senses = [assemblies[area][word] for word in words]
        sounds = [assemblies[area][word + HEARD] for word in words]
        overlap_heatmap(senses, sounds, chance=study.brain["k"] / study.brain["n"], ax=ax)
        ax.set_title(f"{name} in {area}")
        ax.set_xlabel("assembly that the sound fires")
        ax.set_ylabel("assembly that the meaning fires")
    figure.suptitle(
        "The sound and the meaning of a word fire the same assembly; assemblies of different words are disjoint"
    )
    return figure


def _metrics(study: Study, results: Mapping[str, list[Any]]) -> dict[str, Any]:
    parts = results["trained"]
    finals = [part["curve"][-1] for part in parts]
    criterion = [_first_criterion(part["curve"]) for part in parts]
    by_seed = {
        **{shown: [f[measure] for f in finals] for shown, measure in FRACTIONS.items()},
        "support": [fmean(part["support"].values()) for part in parts],
    }
    speeds = [part["sentences_per_second"] for part in parts]
    timed, reached = ([value for value in values if value is not None] for values in (speeds, criterion))
    return {
        **{name: round(fmean(values), 4) for name, values in by_seed.items()},
        "sentences_per_second": round(fmean(timed), 4) if timed else None,
        "sentences_to_criterion": fmean(reached) if len(reached) == len(criterion) else None,
        "criterion_tested_every": study.test_every,
        "sentences": study.sentences,
        "words": len(study.lexicon.words),
        "chance": {"classification": 0.5, "readback": 1 / len(study.lexicon.words)},
        "intervals_95": {
            **_intervals({**by_seed, "sentences_per_second": timed}),
            "sentences_to_criterion": interval_95(reached, bounded=COUNT) if len(reached) == len(criterion) else None,
        },
        "by_seed": {**by_seed, "sentences_per_second": speeds, "sentences_to_criterion": criterion},
        "controls": {name: _control(parts) for name, parts in results.items() if name != "trained"},
        "labels": LABELS,
        "ranges": RANGES,
        "lexicon": _about_words(study, parts),
        "curve": {name: [part["curve"] for part in parts] for name, parts in results.items()},
    }


def _first_criterion(curve: Sequence[Mapping[str, float]]) -> float | None:
    met = [point["sentences"] for point in curve if point["property_p_least"] >= READBACK_CRITERION]
    return met[0] if met else None


def _intervals(by_seed: Mapping[str, Sequence[float]]) -> dict[str, list[float] | None]:
    return {name: interval_95(values, bounded=RANGES[name]) for name, values in by_seed.items()}


def _control(parts: Sequence[Any]) -> dict[str, Any]:
    finals = [part["curve"][-1] for part in parts]
    by_seed = {shown: [f[measure] for f in finals] for shown, measure in FRACTIONS.items()}
    means = {shown: round(fmean(values), 4) for shown, values in by_seed.items()}
    return {**means, "intervals_95": _intervals(by_seed), "by_seed": by_seed}


def _about_words(study: Study, parts: Sequence[Any]) -> dict[str, Any]:
    """Report the words, those that were never heard, and the scores by how often words were heard."""
    about: dict[str, Any] = {
        "nouns": study.lexicon.nouns,
        "verbs": study.lexicon.verbs,
        "features": study.lexicon.feature_names,
        "dropped_columns": study.lexicon.dropped_columns,
        "skipped_classes": study.lexicon.skipped_classes,
        "left_out_homographs": study.lexicon.left_out,
    }
    if not study.clauses:
        return about
    times = Counter(word for sentence in study.stream("trained", 0) for word in sentence.words)
    bands = {"0": (0, 0), "1-4": (1, 4), "5-19": (5, 19), "20-99": (20, 99), "100+": (100, 10**9)}
    about["clauses"] = len(study.clauses)
    about["never_heard"] = [word for word in study.lexicon.words if not times[word]]
    about["by_times_heard"] = {
        band: {
            "words": len(chosen),
            **{
                m: round(fmean(part["words"][w][m] for part in parts for w in chosen), 3)
                for m in parts[0]["words"][chosen[0]]
            },
        }
        for band, (low, high) in bands.items()
        if (chosen := [word for word in study.lexicon.words if low <= times[word] <= high])
    }
    return about
