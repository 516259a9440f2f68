"""Store episodes in one presentation each, and recall them from a part: capacity, size of the cue, and role of CA3.

An episode is a random assembly of the entorhinal cortex (EC).  `store` presents it once; `recall` answers to a cue, a
part of it, with an assembly of ECout, where no cue is presented.  One memory stores more and more episodes, and at each
load some of them are recalled.  Two densities of the plastic fibers are compared (p = .2 and p = .4), and controls
with p = .2: nothing learns; the recurrent fiber of CA3 does not learn; there is no CA3, and EC drives CA1 through a
plastic fiber, as Neher, Cheng & Wiskott (PLOS Computational Biology 2015) propose.

Success is stated in advance, as means over seeds: from half a cue at p = .2 and 400 episodes, .985 of CA3 and .91 of
ECout are right; at p = .4 and 800 episodes, .94 of ECout.  Controls at 400 episodes: with beta = 0 at most .07;
without recurrent plasticity at most .45 from a 20 % cue; without CA3 at least .1 less than with it from a 20 % cue.
For each load, the prediction of `Hippocampus.expected_recall` is reported, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Cycle, Hebbian, Phase, Region, Simulator, experiment
from brainsim.areas import Hippocampus
from brainsim.operations import recall, store
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import COUNT, crossing, interval_95

Neurons = npt.NDArray[np.int64]
Seen = dict[str, dict[str, dict[str, float]]]  # load, cue, measure

K = 50  # neurons of an episode
ONE_SHOT, NEVER = Hebbian(8.0, 9.0), Hebbian(0.0, 9.0)
DENSE = 0.4
CUES = (0.2, 0.3, 0.5, 0.7, 1.0)
JUDGED = (0.2, 0.5)  # the cues for which capacities are given
LEVEL = 0.9  # of right neurons, at which episodes count as recalled
CRITERIA = {"completed": 0.985, "answer": 0.91, "dense": 0.94, "beta_zero": 0.07, "recurrent_zero": 0.45, "gain": 0.1}
CONTROLS = {"beta_zero": 0.5, "recurrent_zero": 0.2, "no_ca3": 0.2}  # and the cue with which each is judged
MEASURES = {"first": "CA3, first winners", "completed": "CA3, completed", "answer": "ECout"}


@dataclass(frozen=True)
class Sizes:
    """Neurons of the areas, and the density of the plastic fibers."""

    n_ec: int
    n_dg: int
    n_ca3: int
    n_ca1: int
    p: float

    def hippocampus(self, **changed: Any) -> Hippocampus:
        """Return a hippocampus of these sizes, except what is changed."""
        return Hippocampus(**{**asdict(self), **changed})


class WithoutCA3(Region):
    """A hippocampus without CA3: a plastic fiber leads from EC to CA1, whose neurons a fixed one chooses."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__("WithoutCA3")
        self.entry, self.attractor, self.exit = self.add(
            Area("EC", sizes.n_ec, K), Area("CA1", sizes.n_ca1, 100), Area("ECout", sizes.n_ec, K)
        )
        chooses = self.connect(self.entry, self.attractor, 0.1, label="fixed")
        cued = self.connect(self.entry, self.attractor, sizes.p, ONE_SHOT)
        back = self.connect(self.attractor, self.exit, sizes.p, ONE_SHOT)
        self.encoding = Cycle(choose=Phase(1, chooses, learn=()), imprint=Phase(1, chooses, learn=cued | back))
        answer = Phase(1, back, learn=())
        self.retrieval, self.replaying = Cycle(cue=Phase(1, cued, learn=()), answer=answer), Cycle(answer=answer)


@dataclass(frozen=True)
class Arm:
    """A memory that is compared."""

    title: str
    region: Callable[[Sizes], Hippocampus | WithoutCA3]


ARMS = {
    "whole": Arm("hippocampus, p = .2", Sizes.hippocampus),
    "dense": Arm("hippocampus, p = .4", lambda sizes: sizes.hippocampus(p=DENSE)),
    "recurrent_zero": Arm("control: CA3 → CA3 does not learn", lambda sizes: sizes.hippocampus(recurrent=NEVER)),
    "no_ca3": Arm("control: no CA3", WithoutCA3),
    "beta_zero": Arm("control: nothing learns", lambda sizes: sizes.hippocampus(plasticity=NEVER)),
}
SMALL = {"n_ec": 500, "n_dg": 4000, "n_ca3": 2000, "n_ca1": 2000}


@experiment(quick={**SMALL, "loads": "20,60", "load": 20, "dense_load": 60, "probes": 10, "seeds": 2})
def one_shot_memory(
    run: Run,
    *,
    n_ec: int = 1000,
    n_dg: int = 20_000,
    n_ca3: int = 10_000,
    n_ca1: int = 10_000,
    p: float = 0.2,
    loads: str = "100,200,400,600,800,1000,1200,1600",
    load: int = 400,
    dense_load: int = 800,
    probes: int = 40,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Store up to the last of ``loads`` episodes, and judge at ``load`` and ``dense_load``, which are among them.

    Parameters
    ----------
    n_ec, n_dg, n_ca3, n_ca1
        Neurons of the areas.
    p
        Connection probability of the plastic fibers.
    loads
        How many episodes are stored when some are recalled, with commas between the numbers.
    load
        The load at which the hippocampus and the controls are judged.
    dense_load
        The load at which the denser hippocampus is judged.
    probes
        Episodes that are recalled at each load.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    sizes, every = Sizes(n_ec, n_dg, n_ca3, n_ca1, p), [int(each) for each in loads.split(",")]
    seen = over_seeds(run, {name: Call(remembered, (name, asdict(sizes), every, probes)) for name in ARMS}, seeds)
    expected = {name: _expected(ARMS[name].region(sizes), every, seeds) for name in ("whole", "dense")}
    _by_load(run, seen, expected)
    _by_cue(run, seen, load)
    run.picture("one_shot_memory.png", lambda: _draw(seen, expected, load))
    return {
        **_metrics(seen, expected, load, dense_load),
        "chance": {"completed": 100 / n_ca3, "answer": K / n_ec},
        "by_seed": {f"memory={name}": _by_seed(parts) for name, parts in seen.items()},
        "formula": {name: ARMS[name].region(sizes).capacity() for name in ("whole", "dense")},
    }


def remembered(part: Part, name: str, sizes: Mapping[str, Any], loads: Sequence[int], probes: int, seed: int) -> Seen:
    """Store episodes, and return what is recalled at each load from each cue."""
    rng = np.random.default_rng([seed, 1])
    episodes = [rng.choice(sizes["n_ec"], K, replace=False) for _ in range(max(loads))]
    memory, brain, seen = ARMS[name].region(Sizes(**sizes)), Brain(), {}
    brain.add(memory)
    stored: list[Assembly] = []
    with Simulator(brain, seed, **part.simulator) as sim:
        for load in loads:
            stored += [store(sim, memory, Assembly(memory.entry.name, each)) for each in episodes[len(stored) : load]]
            asked = rng.choice(load, min(probes, load), replace=False)
            seen[str(load)] = {
                str(cue): _recalled(sim, memory, [(episodes[at], stored[at]) for at in asked], cue, rng) for cue in CUES
            }
    return seen


def _recalled(
    sim: Simulator,
    memory: Hippocampus | WithoutCA3,
    pairs: Sequence[tuple[Neurons, Assembly]],
    cue: float,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return the mean share of right neurons that fire when parts of some episodes are presented."""
    seen = {name: list[float]() for name in (*MEASURES, "read_back")}
    for episode, assembly in pairs:
        part = rng.choice(episode, round(cue * K), replace=False)
        found = recall(sim, memory, Assembly(memory.entry.name, part))
        seen["first"].append(found.first.overlap(assembly))
        seen["completed"].append(found.completed.overlap(assembly))
        seen["answer"].append(float(np.isin(episode, found.answer.neurons).mean()))
        seen["read_back"].append(found.read_back)
    return {name: fmean(values) for name, values in seen.items()}


def _expected(memory: Any, loads: Sequence[int], seeds: int) -> Seen:
    """Return the predicted recall at each load from a fifth and from half a cue, from samples of the drives."""

    def mean(load: int, cue: float) -> dict[str, float]:
        samples = [memory.expected_recall(load, cue, seed=seed) for seed in range(seeds)]
        return {name: fmean(getattr(each, name) for each in samples) for name in MEASURES}

    return {str(load): {str(cue): mean(load, cue) for cue in JUDGED} for load in loads}


def capacity(seen: Seen, name: str, cue: float) -> float | None:
    """Return the load at which a measure falls below `LEVEL`: ``None`` if it does not, 0 at the first load."""
    return crossing({0: LEVEL, **{int(load): cues[str(cue)][name] for load, cues in seen.items()}}, LEVEL)


def _mean(parts: Sequence[Seen], load: int | str, cue: float, name: str) -> float:
    return fmean(_values(parts, load, cue, name))


def _values(parts: Sequence[Seen], load: int | str, cue: float, name: str) -> list[float]:
    return [part[str(load)][str(cue)][name] for part in parts]


def _by_seed(parts: Sequence[Seen]) -> dict[str, Any]:
    return {
        f"episodes={load}": {f"cue={cue}": by_seed([part[load][cue] for part in parts]) for cue in cues}
        for load, cues in parts[0].items()
    }


def _metrics(
    seen: Mapping[str, Sequence[Seen]], expected: Mapping[str, Seen], load: int, dense_load: int
) -> dict[str, Any]:
    whole = {name: _mean(seen["whole"], load, 0.5, name) for name in (*MEASURES, "read_back")}
    dense = _mean(seen["dense"], dense_load, 0.5, "answer")
    controls = {arm: _mean(seen[arm], load, cue, "answer") for arm, cue in CONTROLS.items()}
    fifth = _mean(seen["whole"], load, 0.2, "answer")
    found = [capacity(part, "answer", 0.5) for part in seen["whole"]]
    return {
        "recall_from_half_cue": whole,
        "recall_from_fifth_of_cue": fifth,
        "dense_recall_from_half_cue": dense,
        "controls": controls,
        "capacity": {
            arm: {
                name: {str(cue): [capacity(part, name, cue) for part in seen[arm]] for cue in JUDGED}
                for name in ("completed", "answer")
            }
            for arm in ("whole", "dense", "recurrent_zero", "no_ca3")
        },
        "expected_capacity": {
            arm: {name: {str(cue): capacity(each, name, cue) for cue in JUDGED} for name in ("completed", "answer")}
            for arm, each in expected.items()
        },
        "intervals_95": {
            **{name: interval_95(_values(seen["whole"], load, 0.5, name), bounded=True) for name in MEASURES},
            "dense": interval_95(_values(seen["dense"], dense_load, 0.5, "answer"), bounded=True),
            "capacity": interval_95([each for each in found if each is not None], bounded=COUNT),
        },
        "criteria": CRITERIA,
        "met": {
            **{name: whole[name] >= CRITERIA[name] for name in ("completed", "answer")},
            "dense": dense >= CRITERIA["dense"],
            **{arm: controls[arm] <= CRITERIA[arm] for arm in ("beta_zero", "recurrent_zero")},
            "gain": fifth - controls["no_ca3"] >= CRITERIA["gain"],
        },
    }


def _by_load(run: Run, seen: Mapping[str, Sequence[Seen]], expected: Mapping[str, Seen]) -> None:
    rows = [
        [
            load,
            *(cell for arm in expected for name in MEASURES for cell in _beside(seen[arm], expected[arm], load, name)),
        ]
        for load in expected["whole"]
    ]
    header = ["episodes"]
    for arm in expected:
        for title in MEASURES.values():
            header += [f"{ARMS[arm].title}: {title}", "expected"]
    write_table(run, "by_load.md", "Right neurons from half a cue", header, rows)


def _beside(parts: Sequence[Seen], expected: Seen, load: str, name: str) -> tuple[str, str]:
    return measured(_values(parts, load, 0.5, name), bounded=True), f"{expected[load]['0.5'][name]:.2f}"


def _by_cue(run: Run, seen: Mapping[str, Sequence[Seen]], load: int) -> None:
    rows = [
        [arm.title, *(measured(_values(seen[name], load, cue, "answer"), bounded=True) for cue in CUES)]
        for name, arm in ARMS.items()
    ]
    header = ["", *(f"cue {cue:.0%}" for cue in CUES)]
    write_table(run, "by_cue.md", f"Right neurons of ECout with {load} episodes", header, rows)


def _draw(seen: Mapping[str, Sequence[Seen]], expected: Mapping[str, Seen], load: int) -> Figure:
    figure = Figure(figsize=(11, 4.0), layout="constrained")
    *by_load, by_cue = figure.subplots(1, 3, sharey=True)
    loads = [int(each) for each in expected["whole"]]
    for axes, name in zip(by_load, ("completed", "answer"), strict=True):
        for at, (arm, parts) in enumerate(seen.items()):
            if (arm, name) != ("no_ca3", "completed"):  # it has none
                _line(axes, at, arm, loads, [[part[str(each)]["0.5"][name] for each in loads] for part in parts])
        for at, arm in enumerate(expected):
            values = [expected[arm][str(each)]["0.5"][name] for each in loads]
            axes.plot(loads, values, ":", color=f"C{at}", label="expected, without a simulation" if not at else None)
        axes.set(xlabel="episodes stored", title=f"{MEASURES[name]}, from half a cue")
    for at, (arm, parts) in enumerate(seen.items()):
        _line(by_cue, at, arm, CUES, [[part[str(load)][str(cue)]["answer"] for cue in CUES] for part in parts])
    by_cue.set(xlabel="part of an episode presented", title=f"ECout, {load} episodes stored")
    by_load[0].set(ylabel="share of right neurons", ylim=(-0.03, 1.03))
    figure.legend(*by_load[1].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
    return figure


def _line(axes: Any, at: int, arm: str, places: Sequence[float], values: Sequence[Sequence[float]]) -> None:
    style = "s--" if arm in CONTROLS else "o-"
    axes.plot(places, np.transpose(values), color=f"C{at}", alpha=0.25, lw=1)
    axes.plot(places, np.mean(values, axis=0), style, ms=4, color=f"C{at}", label=ARMS[arm].title)
