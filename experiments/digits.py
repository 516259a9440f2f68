"""Test assemblies formed from five examples of each digit as features, against pixels and an untrained projection.

The protocol is that of Dabagia, Papadimitriou & Vempala, Assemblies of neurons learn to classify well-separated
distributions, COLT 2022 (github.com/mdabagia/learning-with-assemblies): an image fires its brightest pixels after
smoothing; each digit in turn is shown for five rounds, an example a round, to a normalized area open to itself, whose
winners refract from then on; then every image fires the area for one round by itself.  What fires is read out in three
ways: by the digit whose k most frequent neurons it overlaps with most, over its five examples, or over the whole
training set (the authors take them from the test set); and by a linear read-out (ridge regression) that is fitted to
the training set.  The control is the same area without learning, read out in the same ways from the same examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, experiment
from brainsim.errors import ExperimentError
from brainsim.operations import normalize, refract
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

CLASSES = 10
ROUNDS = 5
CONDITIONS = ("trained", "untrained", "shuffled")
ROWS = {
    "five_examples": "most frequent neurons of a digit's five examples that it overlaps with most, {}",
    "training_set": "most frequent neurons of a digit in the training set that it overlaps with most, {}",
    "linear": "linear read-out of what fires, {}",
}

Images = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@experiment(quick={"n": 1000, "k": 100, "most": 400, "seeds": 1})
def digits(
    run: Run,
    *,
    images: Path | None = None,
    n: int = 2000,
    k: int = 200,
    p: float = 0.1,
    beta: float = 1.0,
    held_out: float = 0.2,
    most: int = 5000,
    seeds: int = 10,
) -> Mapping[str, Any]:
    """Learn ten digits: scikit-learn's own, or those of a CSV file of pixels with the label last (``images``).

    Parameters
    ----------
    images
        CSV file of pixels with the label last; empty: the digits of scikit-learn.
    n, k
        Neurons and winners of the area that learns.
    p
        Connection probability.
    beta
        Plasticity: how much a synapse strengthens in a step, as a fraction of its weight.
    held_out
        Fraction of the images that is for tests.
    most
        Most images to use; more are sampled.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    if find_spec("sklearn") is None:
        raise ExperimentError("digits: needs scikit-learn, which is not installed; pip install scikit-learn")
    pixels, labels = read_images(images)
    if len(labels) > most:
        chosen = np.random.default_rng(run.seed).permutation(len(labels))[:most]
        pixels, labels = pixels[chosen], labels[chosen]
    fired = brightest(pixels)
    calls = {c: Call(learned, (fired, labels, n, k, p, beta, held_out, c)) for c in CONDITIONS}
    found = over_seeds(run, {**calls, "pixels": Call(read_pixels, (pixels, fired, labels, held_out))}, seeds)
    run.picture("accuracy.png", lambda: _draw(found))
    _table(run, found, len(labels))
    return _metrics(found, len(labels))


def read_images(path: Path | None) -> tuple[Images, Labels]:
    """Return images, shape ``(images, side, side)``, and their labels."""
    if path:
        if not Path(path).is_file():
            raise ExperimentError(f"--set images={path}: no such file; give a CSV of pixels with the label last")
        table = np.loadtxt(path, delimiter=",")
        side = round((table.shape[1] - 1) ** 0.5)
        if side**2 != table.shape[1] - 1:
            raise ExperimentError(
                f"--set images={path}: each line must have the pixels of a square image and the label "
                f"(got {table.shape[1]} columns)"
            )
        return table[:, :-1].reshape(-1, side, side), table[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits

    bundle = load_digits()
    return np.kron(bundle.images, np.ones((3, 3))), bundle.target.astype(np.int64)  # 8 x 8 pixels are few to fire


def brightest(images: Images) -> npt.NDArray[np.bool_]:
    """Return which pixels fire: the brightest after smoothing, one in 7.84 (100 of 784), shape ``(images, pixels)``."""
    smooth = uniform_filter(images, (0, 3, 3), mode="constant").reshape(len(images), -1)
    count = round(smooth.shape[1] / 7.84)
    fired = np.zeros(smooth.shape, np.bool_)
    np.put_along_axis(fired, np.argsort(-smooth, axis=1, kind="stable")[:, :count], True, axis=1)
    return fired


def split(labels: Labels, held_out: float, seed: int) -> tuple[Labels, Labels]:
    """Return which images are for training and which for tests, at random."""
    order = np.random.default_rng([seed, 1]).permutation(len(labels))
    tests = round(held_out * len(labels))
    return order[tests:], order[:tests]


def learned(
    part: Part,
    fired: npt.NDArray[np.bool_],
    labels: Labels,
    n: int,
    k: int,
    p: float,
    beta: float,
    held_out: float,
    condition: str,
    seed: int,
) -> dict[str, float]:
    """Return the test accuracies of both read-outs of an area that has learned, or of one that has not."""
    train, tests = split(labels, held_out, seed)
    rng = np.random.default_rng([seed, 2])
    names = rng.permutation(labels[train]) if condition == "shuffled" else labels[train]
    shown = [rng.choice(train[names == digit], ROUNDS, replace=False) for digit in range(CLASSES)]
    brain = Brain()
    pixels, area = brain.add(Area("Pixels", fired.shape[1], int(fired[0].sum())), Area("A", n, k))
    brain.connect(pixels, area, p, Hebbian(0.0 if condition == "untrained" else beta))
    brain.connect(area, area, p, Hebbian(0.0 if condition == "untrained" else beta))
    with Simulator(brain, seed, **part.simulator) as sim:
        normalize(sim, brain.fibers)
        for digit in range(CLASSES):
            sim.silence()
            for example in shown[digit]:
                sim.present(Assembly("Pixels", np.flatnonzero(fired[example])))
                sim.run(brain.fibers)
            if condition != "untrained":  # an area that does not learn needs no refraction
                refract(sim, sim.assembly(area))
            normalize(sim, brain.fibers)
        sim.set_thresholds(area, 0.0)
        features = responses(sim, fired)
    few = np.stack([_most_frequent(features[shown[digit]], k) for digit in range(CLASSES)])
    all_ = np.stack([_most_frequent(features[train[names == digit]], k) for digit in range(CLASSES)])
    return {
        "five_examples": _nearest(features[tests], few, labels[tests]),
        "training_set": _nearest(features[tests], all_, labels[tests]),
        "linear": linear(features, labels, train, tests),
    }


def responses(sim: Simulator, fired: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the assembly that each image alone activates: shape ``(images, n)``."""
    pixels, area = sim.brain["Pixels"], sim.brain["A"]
    heard = np.zeros((len(fired), area.n), np.bool_)
    with sim.frozen():
        for number, image in enumerate(fired):
            sim.present(Assembly("Pixels", np.flatnonzero(image)))
            sim.run(pixels >> area)
            heard[number, sim.assembly(area).neurons] = True
    return heard


def _most_frequent(fired: npt.NDArray[np.bool_], k: int) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(fired.shape[1], np.bool_)
    chosen[np.argsort(-fired.sum(axis=0), kind="stable")[:k]] = True
    return chosen


def _nearest(features: npt.NDArray[np.bool_], own: npt.ArrayLike, labels: Labels) -> float:
    shared = features.astype(np.float32) @ np.asarray(own, np.float32).T
    best = shared == shared.max(axis=1, keepdims=True)
    return float((best[np.arange(len(labels)), labels] / best.sum(axis=1)).mean())  # a tie is a guess


def linear(features: npt.ArrayLike, labels: Labels, train: Labels, tests: Labels) -> float:
    """Return the test accuracy of ridge regression onto the ten classes, on features of unit variance."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    given = np.asarray(features, np.float64)
    reader = make_pipeline(StandardScaler(), RidgeClassifier(alpha=float(len(train))))
    return float(reader.fit(given[train], labels[train]).score(given[tests], labels[tests]))


def read_pixels(
    _: Part, images: Images, fired: npt.NDArray[np.bool_], labels: Labels, held_out: float, seed: int
) -> dict[str, float]:
    """Return the test accuracies of linear read-outs of the grey pixels and of those that fire, and of their means."""
    train, tests = split(labels, held_out, seed)
    flat, rng = images.reshape(len(images), -1), np.random.default_rng([seed, 2])
    shown = [rng.choice(train[labels[train] == digit], ROUNDS, replace=False) for digit in range(CLASSES)]
    means = np.stack([fired[examples].mean(axis=0) for examples in shown])
    return {
        "grey": linear(flat, labels, train, tests),
        "fired": linear(fired, labels, train, tests),
        "five_examples": _nearest(fired[tests], means / np.linalg.norm(means, axis=1, keepdims=True), labels[tests]),
    }


Found = Mapping[str, Sequence[Mapping[str, float]]]


def _lines(found: Found) -> dict[str, list[float]]:
    lines = {
        f"{name}_{condition}" if condition != "trained" else name: scores(found[condition], name)
        for name in ROWS
        for condition in CONDITIONS
    }
    pixels = {"pixels": "grey", "pixels_fired": "fired", "pixels_five_examples": "five_examples"}
    return {**lines, **{line: scores(found["pixels"], name) for line, name in pixels.items()}}


def _table(run: Run, found: Found, count: int) -> None:
    rows = [
        [text.format(condition), measured(scores(found[condition], name), 3, bounded=True)]
        for name, text in ROWS.items()
        for condition in CONDITIONS
    ]
    rows += [
        [text, measured(scores(found["pixels"], name), 3, bounded=True)]
        for name, text in (
            ("grey", "linear read-out of the grey pixels"),
            ("fired", "linear read-out of the pixels that fire"),
            ("five_examples", "mean of a digit's five examples, in pixels, that it is most similar to"),
        )
    ]
    write_table(run, "accuracy.md", f"Test accuracy, {count} images, chance .1", ["", "accuracy"], rows)


def _metrics(found: Found, count: int) -> dict[str, Any]:
    lines = _lines(found)
    controls = {name for name in lines if name.endswith(("_untrained", "_shuffled"))}
    return {
        "accuracy": {name: round(fmean(values), 4) for name, values in lines.items() if name not in controls},
        "intervals_95": {name: interval_95(values, bounded=True) for name, values in lines.items()},
        "controls": {
            condition: {
                "accuracy": {name: round(fmean(scores(found[condition], name)), 4) for name in ROWS},
                "by_seed": by_seed(found[condition]),
            }
            for condition in CONDITIONS[1:]
        },
        "by_seed": {**by_seed(found["trained"]), "condition=pixels": by_seed(found["pixels"])},
        "images": count,
        "chance": 1 / CLASSES,
    }


def _draw(found: Found) -> Figure:
    lines = _lines(found)
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    ax = figure.subplots()
    for number, (name, values) in enumerate(lines.items()):
        shade = "tab:blue" if name in ROWS else "tab:orange" if name.startswith("pixels") else "0.6"
        ax.barh(number, fmean(values), color=shade)
        ax.plot(values, [number] * len(values), ".", color="black", ms=4)
    ax.set_yticks(range(len(lines)), [name.replace("_", ", ") for name in lines])
    ax.axvline(1 / CLASSES, color="tab:red", lw=1)
    ax.set_xlabel("test accuracy (chance .1)")
    ax.set_xlim(0, 1)
    ax.invert_yaxis()
    return figure
