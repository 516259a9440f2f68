"""Compare saturating rules: which of them keep words distinct, and for how long.

In the papers weights grow without bound; synapses cannot.  This study trains the noun/verb brain with rules that
saturate, and follows property P: the share of a word's sound that its meaning re-activates.  With the multiplicative
rule words stay distinct until the *wrong* synapses reach the cap, too.  A right synapse is strengthened whenever its
word is heard.  A wrong synapse, between neurons of a noun and of a verb, is strengthened only when the two words
occur together, which is W times rarer with W words in a class.  `horizon` predicts the time from this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import log
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from brainsim import Hebbian, Plasticity, SaturatingHebbian, experiment
from brainsim.models.nemo.learner import READBACK_CRITERION, WordLearner, random_sentences
from brainsim.models.nemo.lexicon import english
from brainsim.plots import Curve, learning_curve
from brainsim.studies.comparison import by_seed, over_seeds
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run

CONTROL = "no plasticity"
RULES: Mapping[str, Plasticity] = {
    "multiplicative .06, cap 32767": Hebbian(0.06),
    "multiplicative .06, cap 1000": Hebbian(0.06, 1000),
    "multiplicative .06, cap 100": Hebbian(0.06, 100),
    "multiplicative .06, cap 20": Hebbian(0.06, 20),
    "multiplicative .06, cap 10": Hebbian(0.06, 10),
    "additive .1, w_max 10": SaturatingHebbian(0.1, 10),
    "additive .3, w_max 20": SaturatingHebbian(0.3, 20),
    "additive 1, w_max 1000": SaturatingHebbian(1.0, 1000),
    CONTROL: Hebbian(0.0),
}
ROUNDS_PER_WORD = 3


def horizon(rule: Plasticity, words: int) -> float | None:
    """Return the predicted number of sentences until wrong synapses reach the cap, with ``words`` words in a class."""
    if not isinstance(rule, Hebbian) or rule.beta == 0:
        return None
    return words**2 * log(rule.w_max) / log(1 + rule.beta) / ROUNDS_PER_WORD


@experiment(quick={"n": 10_000, "words": 2, "sentences": 40, "test_every": 20, "seeds": 1})
def saturation(
    run: Run, *, n: int = 100_000, words: int = 5, sentences: int = 800, test_every: int = 50, seeds: int = 5
) -> Mapping[str, Any]:
    """Compare rules on ``words`` nouns and ``words`` verbs.

    Parameters
    ----------
    n
        Neurons of each of the two lexical areas.
    words
        Nouns, and as many verbs.
    sentences
        Sentences that a brain hears.
    test_every
        Sentences from one test to the next.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    calls = {
        str(number): Call(_learned, (rule, n, words, sentences, test_every))
        for number, rule in enumerate(RULES.values())
    }
    curves = dict(zip(RULES, over_seeds(run, calls, seeds, "sentences", steps=sentences).values(), strict=True))
    run.picture("saturation.png", lambda: _draw(curves, words))
    return {
        "rules": {name: _summary(RULES[name], curve, words) for name, curve in curves.items()},
        "by_seed": {f"condition={name}": _ends(each) for name, each in curves.items()},
        "curve": curves,
    }


def _ends(curves: list[list[dict[str, float]]]) -> dict[str, Any]:
    """Return the scores of each seed after the last sentence."""
    return by_seed([{name: value for name, value in curve[-1].items() if name != "sentences"} for curve in curves])


def _learned(
    part: Part, rule: Plasticity, n: int, words: int, sentences: int, test_every: int, seed: int
) -> list[dict[str, float]]:
    """Return the learning curve of a brain."""
    lexicon = english().take(words, words)
    learner = WordLearner(lexicon, rule, n=n, seed=seed, **part.simulator)
    heard, curve = random_sentences(lexicon, sentences, seed), []
    with learner.sim:
        for start in range(0, sentences, test_every):
            for sentence in heard[start : start + test_every]:
                learner.hear(sentence)
                part.tick()
            curve.append({"sentences": min(start + test_every, sentences), **asdict(learner.test())})
    return curve


def _summary(rule: Plasticity, curves: list[list[dict[str, float]]], words: int) -> dict[str, Any]:
    mean = [fmean(curve[at]["property_p"] for curve in curves) for at in range(len(curves[0]))]
    steps = [point["sentences"] for point in curves[0]]
    above = [step for step, value in zip(steps, mean, strict=True) if value >= READBACK_CRITERION]
    names = ("property_p", "property_p_least", "classification", "readback_wrong")
    return {
        "best_property_p": round(max(mean), 3),
        "mean_above_criterion": [above[0], above[-1]] if above else None,
        "foretold_horizon": horizon(rule, words),
        "end": {name: round(fmean(curve[-1][name] for curve in curves), 3) for name in names},
    }


def _draw(curves: Mapping[str, list[list[dict[str, float]]]], words: int) -> Figure:
    figure = Figure(figsize=(8, 6), layout="constrained")
    lines = [
        Curve(
            name,
            [p["sentences"] for p in seeds[0]],
            [[p["property_p"] for p in curve] for curve in seeds],
            control=name == CONTROL,
        )
        for name, seeds in curves.items()
    ]
    ax = learning_curve(
        lines,
        chance=1 / (2 * words),
        criterion=READBACK_CRITERION,
        ylabel="share of the sound that the meaning re-activates",
        ax=figure.subplots(),
    )
    ax.set_title(f"How well meanings re-activate words: {words} nouns and {words} verbs, rules that saturate")
    return figure
