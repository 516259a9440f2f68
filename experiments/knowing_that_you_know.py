"""Know whether a cue is known: which signal distinguishes stored cues from new ones and lures, and how reliably.

A hippocampus stores episodes.  It is tested with cues of equal size: *known* ones, parts of an episode; *degraded*
ones, of which three neurons in ten are replaced; *lures*, of which four in ten are of an episode and the others are
not; and *novel* ones.  Three signals of `recall` are compared: the read-back of the cue, the drive before completion,
and how little completion changed the first winners (a control: novel cues are completed to some pattern, too).

The area under the ROC curve (AUROC) says how often a known cue has the larger signal than a novel cue or a lure.  An
answer is right if it has three quarters of the neurons of the episode that the cue was made from, and never for a novel
cue.  The calibration error compares how often answers are right with the read-back itself, and with the share of right
answers that half of the cues had at such a read-back, for the other half.  The abstention curve gives the share of
right answers among those that are given, from the surest on.

Success is stated in advance, as means over seeds: with 100 and 400 episodes and half a cue, the read-back has an
AUROC of at least .99 against novel cues and lures; with the threshold of .5 at least .95 of known cues are taken for
known, and at most .05 of novel ones, at 100, 400 and 800 episodes.  The fitted calibration error at 400 is at most .15.
Controls: without learning the AUROC is between .4 and .6; at 800 episodes the change under completion is no signal (at
most .7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.areas import Hippocampus
from brainsim.operations import Recall, recall, store
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Neurons = npt.NDArray[np.int64]

KINDS = ("known", "degraded", "lure", "novel")
SIGNALS = {
    "read_back": "read-back of the cue",
    "drive": "drive before completion",
    "unchanged": "control: unchanged by completion",
}
AGAINST = ("novel", "lure")
RIGHT = 0.75  # of an episode's neurons
THRESHOLD = 0.5
BINS = 5
CRITERIA = {"auroc": 0.99, "known": 0.95, "novel": 0.05, "calibration_error": 0.15, "chance": (0.4, 0.6), "change": 0.7}


@experiment(quick={"n_dg": 4000, "n_ca3": 2000, "loads": "10,40", "probes": 10, "seeds": 2, "n_ec": 500})
def knowing_that_you_know(
    run: Run,
    *,
    n_ec: int = 1000,
    n_dg: int = 20_000,
    n_ca3: int = 10_000,
    loads: str = "100,400,800",
    cue: float = 0.5,
    probes: int = 40,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Ask at each of ``loads`` with ``probes`` cues of each kind; the last load is judged as near to capacity.

    Parameters
    ----------
    n_ec, n_dg, n_ca3
        Neurons of the areas; CA1 has as many as CA3.
    loads
        How many episodes are stored when cues are presented, with commas between the numbers.
    cue
        Size of a cue, as a part of an episode.
    probes
        Cues of each kind.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    every = [int(each) for each in loads.split(",")]
    sizes = {"n_ec": n_ec, "n_dg": n_dg, "n_ca3": n_ca3, "n_ca1": n_ca3}
    calls = {name: Call(asked, (name, sizes, every, cue, probes)) for name in ("learned", "beta_zero")}
    found = over_seeds(run, calls, seeds)
    seen = {load: [part[str(load)] for part in found["learned"]] for load in every}
    zero = {load: [part[str(load)] for part in found["beta_zero"]] for load in every}
    _table(run, seen, zero)
    run.picture("knowing.png", lambda: _draw(seen))
    means = {load: {name: fmean(scores(parts, name)) for name in _names(parts)} for load, parts in seen.items()}
    nothing = fmean(fmean(scores(parts, "read_back_novel")) for parts in zero.values())
    judged, last = every[:-1], every[-1]
    return {
        "roc_auc": {
            str(load): {f"{signal}_{other}": each[f"{signal}_{other}"] for signal in SIGNALS for other in AGAINST}
            for load, each in means.items()
        },
        "taken_for_known": {str(load): {kind: each[f"taken_{kind}"] for kind in KINDS} for load, each in means.items()},
        "calibration_error": {
            str(load): {"fitted": each["calibration_error"], "read_back": each["calibration_error_raw"]}
            for load, each in means.items()
        },
        "controls": {"beta_zero": nothing, "unchanged": means[last]["unchanged_novel"]},
        "criteria": CRITERIA,
        "met": {
            "auroc": all(
                means[load][f"read_back_{other}"] >= CRITERIA["auroc"] for load in judged for other in AGAINST
            ),
            "threshold": all(
                each["taken_known"] >= CRITERIA["known"] and each["taken_novel"] <= CRITERIA["novel"]
                for each in means.values()
            ),
            "calibration_error": means[judged[-1]]["calibration_error"] <= CRITERIA["calibration_error"],
            "beta_zero": CRITERIA["chance"][0] <= nothing <= CRITERIA["chance"][1],
            "change": means[last]["unchanged_novel"] <= CRITERIA["change"],
        },
        "chance": {"roc_auc": 0.5},
        "intervals_95": {
            str(load): {name: interval_95(scores(parts, name), bounded=True) for name in _names(parts)}
            for load, parts in seen.items()
        },
        "by_seed": {f"episodes={load}": by_seed(parts) for load, parts in seen.items()},
    }


def _names(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    return [name for name, value in parts[0].items() if isinstance(value, float)]


def asked(
    part: Part, name: str, sizes: Mapping[str, int], loads: Sequence[int], cue: float, probes: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Store episodes, and return at each load how well signals distinguish cues."""
    rng, brain = np.random.default_rng([seed, 15]), Brain()
    memory = brain.add(Hippocampus(**sizes, plasticity=Hebbian(0.0, 9.0) if name == "beta_zero" else None))
    entry, episodes, seen = memory.entry, [], {}
    with Simulator(brain, seed, **part.simulator) as sim:
        for load in loads:
            while len(episodes) < load:
                episodes.append(rng.choice(entry.n, entry.k, replace=False))
                store(sim, memory, Assembly(entry.name, episodes[-1]))
            answers = {}
            for kind in KINDS:
                chosen = [episodes[at] for at in rng.choice(load, min(probes, load), replace=False)]
                cues = [_cue(kind, each, cue, entry.n, rng) for each in chosen]
                answers[kind] = [
                    (recall(sim, memory, Assembly(entry.name, shown)), own)
                    for shown, own in zip(cues, chosen, strict=True)
                ]
            seen[str(load)] = _scored(answers)
    return seen


def _cue(kind: str, episode: Neurons, size: float, n: int, rng: np.random.Generator) -> Neurons:
    """Return a cue of a kind, made from an episode."""
    count = round(size * len(episode))
    own = round(count * {"known": 1.0, "degraded": 0.7, "lure": 0.4, "novel": 0.0}[kind])
    others = rng.choice(np.setdiff1d(np.arange(n), episode), count - own, replace=False)
    return np.concatenate([rng.choice(episode, own, replace=False), others])


def _scored(answers: Mapping[str, Sequence[tuple[Recall, Neurons]]]) -> dict[str, Any]:
    signals = {
        "read_back": lambda each: each.read_back,
        "drive": lambda each: each.drive,
        "unchanged": lambda each: each.first.overlap(each.completed),
    }
    values = {
        signal: {kind: [look(each) for each, _ in asked] for kind, asked in answers.items()}
        for signal, look in signals.items()
    }
    known = {
        f"{signal}_{other}": auroc(each["known"], each[other]) for signal, each in values.items() for other in AGAINST
    }
    taken = {f"taken_{kind}": fmean(float(value >= THRESHOLD) for value in values["read_back"][kind]) for kind in KINDS}
    pairs = [
        (each.read_back, float(kind != "novel" and _right(each, own)))
        for kind, asked in answers.items()
        for each, own in asked
    ]
    return {
        **known,
        **taken,
        "calibration_error": _calibration_error(pairs, fitted=True),
        "calibration_error_raw": _calibration_error(pairs, fitted=False),
        "abstention": _abstention(pairs),
    }


def _right(answer: Recall, episode: Neurons) -> bool:
    return len(np.intersect1d(answer.answer.neurons, episode)) >= RIGHT * len(episode)


def auroc(larger: Sequence[float], smaller: Sequence[float]) -> float:
    """Return how often a value of the first kind exceeds one of the second; ties count half."""
    first, second = np.asarray(larger)[:, None], np.asarray(smaller)[None]
    return float((first > second).mean() + 0.5 * (first == second).mean())


def _calibration_error(pairs: Sequence[tuple[float, float]], *, fitted: bool) -> float:
    """Return the difference between confidence and right answers in bins of read-back, weighted by their cues.

    Every other cue is used for the fit, in the order of the tests: an order by the answers would make both halves
    equal.
    """
    read_back, right = np.transpose(pairs)
    bins = np.minimum((read_back * BINS).astype(int), BINS - 1)
    fits = np.arange(len(bins)) % 2 == 0
    tested = ~fits if fitted else np.full(len(bins), True)
    total = 0.0
    for each in np.unique(bins[tested]):
        there, known = tested & (bins == each), fits & (bins == each)
        sure = (right[known].mean() if known.any() else 0.5) if fitted else read_back[there].mean()
        total += there.sum() * abs(sure - right[there].mean())
    return float(total / tested.sum())


def _abstention(pairs: Sequence[tuple[float, float]]) -> list[list[float]]:
    """Return the share of cues that are answered, from the surest on, and the share of right answers among them."""
    read_back, right = np.transpose(pairs)
    _, which = np.unique(-read_back, return_inverse=True)  # 0 for the surest
    means = np.bincount(which, right) / np.bincount(which)
    hits = means[np.sort(which)]  # cues with the same read-back have no order: each counts as their mean
    shares = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    places = np.unique(np.linspace(1, len(hits), 20).round().astype(int))
    return [[float(at / len(hits)), float(shares[at - 1])] for at in places]


def _table(run: Run, seen: Mapping[int, Sequence[Any]], zero: Mapping[int, Sequence[Any]]) -> None:
    names = [f"{signal}_{other}" for signal in SIGNALS for other in AGAINST]
    header = ["episodes", *(f"{SIGNALS[signal]}: known against {other}" for signal in SIGNALS for other in AGAINST)]
    rows = [
        [f"{load}{title}", *(measured(scores(parts, name), bounded=True) for name in names)]
        for title, every in (("", seen), (" (nothing learns)", zero))
        for load, parts in every.items()
    ]
    write_table(run, "auroc.md", "AUROC", header, rows)
    names = [*(f"taken_{kind}" for kind in KINDS), "calibration_error", "calibration_error_raw"]
    rows = [[load, *(measured(scores(parts, name), bounded=True) for name in names)] for load, parts in seen.items()]
    write_table(
        run, "known.md", "Cues taken for known", ["episodes", *KINDS, "calibration error", "of the read-back"], rows
    )


def _draw(seen: Mapping[int, Sequence[Any]]) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    signals, curve = figure.subplots(1, 2)
    for at, signal in enumerate(SIGNALS):
        for style, other in zip(("-", "--"), AGAINST, strict=True):
            means = [fmean(scores(parts, f"{signal}_{other}")) for parts in seen.values()]
            signals.plot(list(seen), means, f"o{style}", color=f"C{at}", label=f"{SIGNALS[signal]}, against {other}")
    signals.axhline(0.5, color="0.6", lw=1, ls=":", label="chance 0.5")
    signals.set(xlabel="episodes stored", ylabel="area under the ROC curve", ylim=(0, 1.03))
    signals.set_title("Stored cues are distinguished from others", fontsize="medium")
    signals.legend(fontsize="xx-small")
    for at, (load, parts) in enumerate(seen.items()):
        for number, part in enumerate(parts):
            answered, right = np.transpose(part["abstention"])
            curve.plot(answered, right, color=f"C{at}", alpha=0.5, label=None if number else f"{load} episodes")
    curve.set(xlabel="share of cues answered, the surest first", ylabel="share of right answers", ylim=(0, 1.03))
    curve.set_title("Answers to the surest cues are right", fontsize="medium")
    curve.legend(fontsize="x-small")
    return figure
