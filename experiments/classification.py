"""Learn to distinguish classes of stimuli from five examples each, and compare with the published accuracies.

Dabagia, Papadimitriou & Vempala, Assemblies of neurons learn to classify well-separated distributions, COLT 2022, with
the protocol of their code (github.com/mdabagia/learning-with-assemblies): n = 1000, k = 100, p = .1, weights normalized
at the start and after each class, five rounds with a fresh example each, and one round with the area's own synapses
closed for each test example.

Two tasks.  *Stimulus classes*: each class has a core of k input neurons that fire with probability r, all others with
k / n; an example belongs to the class whose assembly (what fired in the last round of learning) it drives more.
*Halfspaces*: positive examples have more of k given input neurons firing than negative ones, by a margin on both
sides; only positive examples are learned, and an example is positive if it drives more than half of the assembly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.operations import normalize
from brainsim.plots import Curve, learning_curve
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

# Read off the figures that the authors' code draws, which has 20 settings from .1 to 1 and from 0 to 9.
PUBLISHED = {
    "stimulus_classes": {0.38: 0.72, 0.48: 0.85, 0.57: 0.95, 0.67: 0.99, 0.76: 1.0},
    "halfspaces": {2.0: 0.50, 2.8: 0.63, 3.3: 0.87, 3.8: 0.98, 4.3: 1.0},
}
GRIDS = {"stimulus_classes": np.linspace(0.1, 1.0, 20), "halfspaces": np.linspace(0.0, 9.0, 20)}
BETA = {"stimulus_classes": 0.1, "halfspaces": 1.0}
CONDITIONS = ("trained", "beta_zero", "shuffled")
ROUNDS = 5
CHANCE = 0.5

Draw = Callable[[int], Assembly]


@experiment(quick={"seeds": 1, "tests": 30})
def classification(
    run: Run, *, n: int = 1000, k: int = 100, p: float = 0.1, tests: int = 250, seeds: int = 10
) -> Mapping[str, Any]:
    """Learn two classes from five examples each; ``tests`` examples of each class are classified.

    Parameters
    ----------
    n, k
        Neurons and winners of the area that learns.
    p
        Connection probability.
    tests
        Test examples of each class.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    calls = {
        (task, condition, setting): Call(TASKS[task], (n, k, p, _exact(task, setting), condition, tests))
        for task, settings in PUBLISHED.items()
        for condition in CONDITIONS
        for setting in settings
    }
    parts = over_seeds(run, calls, seeds)
    found = {
        task: {
            condition: {setting: parts[task, condition, setting] for setting in settings} for condition in CONDITIONS
        }
        for task, settings in PUBLISHED.items()
    }
    run.picture("accuracy.png", lambda: _draw(found))
    _tables(run, found)
    return _metrics(found)


def _exact(task: str, setting: float) -> float:
    """Return the setting of the authors' code that a rounded one stands for."""
    return float(min(GRIDS[task], key=lambda value: abs(value - setting)))


class World:
    """An input area, and an area that learns."""

    def __init__(self, n: int, k: int, p: float, beta: float, seed: int, **options: Any) -> None:
        self.brain, self.k = Brain(), k
        self.stimulus, self.area = self.brain.add(Area("Stimulus", n, k), Area("A", n, k))
        rule = Hebbian(beta)
        self.brain.connect(self.stimulus, self.area, p, rule)
        self.brain.connect(self.area, self.area, p, rule)
        self.sim = Simulator(self.brain, seed, **options)
        normalize(self.sim, self.brain.fibers)

    def learn(self, examples: Iterator[Assembly]) -> Assembly:
        """Form an assembly for a class, from an example a round, and return it."""
        self.sim.silence()
        for example in examples:
            self.sim.present(example)
            self.sim.run(self.brain.fibers)
        normalize(self.sim, self.brain.fibers)
        return self.sim.assembly(self.area)

    def responses(self, examples: Sequence[Assembly]) -> npt.NDArray[np.bool_]:
        """Return the assembly that each example alone activates: shape ``(examples, n)``."""
        fired = np.zeros((len(examples), self.area.n), np.bool_)
        with self.sim.frozen():
            for number, example in enumerate(examples):
                self.sim.present(example)
                self.sim.run(self.stimulus >> self.area)
                fired[number, self.sim.assembly(self.area).neurons] = True
        return fired


def stimulus_classes(
    part: Part, n: int, k: int, p: float, r: float, condition: str, tests: int, seed: int
) -> dict[str, float]:
    """Return the accuracy for two classes whose cores fire with probability ``r``."""
    rng = np.random.default_rng([seed, round(1000 * r)])
    chances = np.full((2, n), k / n)
    for number in range(2):
        chances[number, rng.choice(n, k, replace=False)] = r

    def example(number: int) -> Assembly:
        return Assembly("Stimulus", np.flatnonzero(rng.random(n) < chances[number]))

    # Shuffled: each example is drawn from either class, whatever it is given for.
    drawn = rng.integers(0, 2, (2, ROUNDS)) if condition == "shuffled" else np.repeat([[0], [1]], ROUNDS, axis=1)
    world = World(n, k, p, BETA["stimulus_classes"] * (condition != "beta_zero"), seed, **part.simulator)
    with world.sim:
        assemblies = [world.learn(example(number) for number in row) for row in drawn]
        heard = np.stack([world.responses([example(number) for _ in range(tests)]) for number in range(2)])
    shared = np.stack([heard[:, :, assembly.neurons].sum(axis=2) for assembly in assemblies], axis=2)
    own = np.stack([shared[0, :, 0] - shared[0, :, 1], shared[1, :, 1] - shared[1, :, 0]])
    return {"accuracy": float((own > 0).mean() + 0.5 * (own == 0).mean())}  # a tie is a guess


def halfspaces(
    part: Part, n: int, k: int, p: float, margin: float, condition: str, tests: int, seed: int
) -> dict[str, float]:
    """Return the accuracy for two sides of a hyperplane, from which examples have the distance ``margin``."""
    rng = np.random.default_rng([seed, round(1000 * margin)])
    middle = k / n * np.sqrt(k)
    counts = {
        True: min(k, int(np.ceil((middle + margin) * np.sqrt(k)))),
        False: max(0, int(np.floor((middle - margin) * np.sqrt(k)))),
    }

    def example(positive: bool) -> Assembly:
        others = k + np.flatnonzero(rng.random(n - k) < k / n)
        return Assembly("Stimulus", np.concatenate([rng.choice(k, counts[positive], replace=False), others]))

    world = World(n, k, p, BETA["halfspaces"] * (condition != "beta_zero"), seed, **part.simulator)
    given = rng.permutation([True, False] * ROUNDS)[:ROUNDS] if condition == "shuffled" else [True] * ROUNDS
    learned = [example(bool(positive)) for positive in given]
    with world.sim:
        world.learn(iter(learned))
        own = world.responses(learned)
        heard = {side: world.responses([example(side) for _ in range(tests)]) for side in (True, False)}
    assembly = _most_frequent(own, k)
    shared = {side: fired[:, assembly].sum(axis=1) for side, fired in heard.items()}
    return {
        "accuracy": _above_half(assembly, heard, k),
        # As published: the assembly is read off the positive test examples themselves, that is, with their labels.
        "accuracy_labels_seen": _above_half(_most_frequent(heard[True], k), heard, k),
        # How often a positive example drives more of the assembly than a negative one, without a criterion of one half.
        "ranked": float(
            (shared[True][:, None] > shared[False]).mean() + 0.5 * (shared[True][:, None] == shared[False]).mean()
        ),
    }


def _most_frequent(fired: npt.NDArray[np.bool_], k: int) -> npt.NDArray[np.int64]:
    return np.argsort(-fired.sum(axis=0), kind="stable")[:k]


def _above_half(assembly: npt.NDArray[np.int64], heard: Mapping[bool, npt.NDArray[np.bool_]], k: int) -> float:
    taken = {side: (fired[:, assembly].sum(axis=1) > k / 2).mean() for side, fired in heard.items()}
    return float((taken[True] + 1 - taken[False]) / 2)


TASKS: dict[str, Callable[..., dict[str, float]]] = {"stimulus_classes": stimulus_classes, "halfspaces": halfspaces}

Found = Mapping[str, Mapping[str, Mapping[float, Sequence[Mapping[str, float]]]]]


def _tables(run: Run, found: Found) -> None:
    for task, setting in (("stimulus_classes", "r"), ("halfspaces", "margin")):
        header = [setting, "published", "trained", "control: beta = 0", "control: shuffled"]
        if task == "halfspaces":
            header += [f"ranked right, {condition}" for condition in CONDITIONS]
        rows: list[list[Any]] = []
        for value, published in PUBLISHED[task].items():
            row = [measured(scores(found[task][c][value], "accuracy"), bounded=True) for c in CONDITIONS]
            if task == "halfspaces":
                row += [measured(scores(found[task][c][value], "ranked"), bounded=True) for c in CONDITIONS]
                row.insert(1, measured(scores(found[task]["trained"][value], "accuracy_labels_seen"), bounded=True))
            rows.append([value, f"{published:.2f}", *row])
        if task == "halfspaces":
            header.insert(3, "trained, assembly read off the tests")
        write_table(run, f"{task}.md", f"Accuracy, {task.replace('_', ' ')}, chance .5", header, rows)


def _metrics(found: Found) -> dict[str, Any]:
    def by_setting(task: str, condition: str, name: str = "accuracy") -> dict[str, float]:
        return {str(value): round(fmean(scores(parts, name)), 4) for value, parts in found[task][condition].items()}

    def seeds(condition: str) -> dict[str, Any]:
        return {
            task: {f"setting={value}": by_seed(parts) for value, parts in found[task][condition].items()}
            for task in found
        }

    return {
        "accuracy": {task: by_setting(task, "trained") for task in found},
        "intervals_95": {
            task: {
                str(v): interval_95(scores(parts, "accuracy"), bounded=True)
                for v, parts in found[task]["trained"].items()
            }
            for task in found
        },
        "accuracy_labels_seen": {"halfspaces": by_setting("halfspaces", "trained", "accuracy_labels_seen")},
        "ranked": {"halfspaces": by_setting("halfspaces", "trained", "ranked")},
        "by_seed": seeds("trained"),
        "controls": {
            c: {
                **{task: by_setting(task, c) for task in found},
                "ranked": {"halfspaces": by_setting("halfspaces", c, "ranked")},
                "by_seed": seeds(c),
            }
            for c in CONDITIONS[1:]
        },
        "published": {task: {str(v): score for v, score in settings.items()} for task, settings in PUBLISHED.items()},
        "chance": CHANCE,
    }


def _draw(found: Found) -> Figure:
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    labels = {"stimulus_classes": "firing probability of the core, r", "halfspaces": "margin"}
    for ax, (task, by_condition) in zip(figure.subplots(1, 2), found.items(), strict=True):
        settings = list(PUBLISHED[task])
        curves = [
            Curve(
                c,
                settings,
                np.transpose([scores(parts, "accuracy") for parts in by_setting.values()]),
                control=c != "trained",
            )
            for c, by_setting in by_condition.items()
        ]
        learning_curve(curves, chance=CHANCE, xlabel=labels[task], ylabel="accuracy", ax=ax)
        ax.plot(settings, list(PUBLISHED[task].values()), "o", color="tab:orange", label="published")
        ax.legend(frameon=False, fontsize="small")
        ax.set_title(task.replace("_", " "))
    return figure
