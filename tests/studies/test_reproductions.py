"""Reproductions of published results in their quick form, and the published method they are compared with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from brainsim.errors import ExperimentError
from brainsim.models.lazy import LazyProjection
from brainsim.studies.comparison import measured
from brainsim.studies.experiment import load_experiment
from brainsim.studies.run import Run
from brainsim.studies.settings import Settings
from checkout import ROOT


def quick(name: str, folder: Path, **changed: Any) -> tuple[dict[str, Any], Path]:
    """Run an experiment in its quick form and return its metrics, as they are on disk, and its folder."""
    path = ROOT / "experiments" / f"{name}.py"
    experiment = load_experiment(path)
    parameters = {**experiment.parameters(quick=True), **changed}
    settings = Settings.of_file(path, seed=0, quick=True, parameters=parameters, backend="cpu", threads=1)
    run = Run(folder / name, settings)
    run.begin(resume=False)
    run.finish(experiment(run, **parameters))
    check_tables(run.folder)
    return json.loads((run.folder / "metrics.json").read_text()), run.folder


def check_tables(folder: Path) -> None:
    """Check that the tables have no row twice."""
    scores = pandas.read_csv(folder / "scores.csv")
    assert len(scores)
    names = [name for name in scores.columns if name != "value"]
    assert not scores.duplicated(names).any()
    curve = pandas.read_csv(folder / "curve.csv")
    assert not curve.duplicated([name for name in curve.columns if name != "value"]).any()


def test_projection(tmp_path: Path) -> None:
    metrics, folder = quick("projection", tmp_path)
    support, lazy = metrics["support_over_k"], metrics["lazy"]["support_over_k"]
    assert set(support) == {"0.25", "0.1", "0.075", "0.05", "0.03"}
    assert 1 < support["0.25"] < support["0.05"] < metrics["controls"]["beta_zero"]["support_over_k"]
    assert all(lazy[beta] > 1.1 * support[beta] for beta in support)
    assert all(metrics["overlap_last"][beta] > 0.95 for beta in support)
    assert metrics["controls"]["beta_zero"]["overlap_last"] < 0.8
    table = (folder / "support.md").read_text()
    assert sum(line.startswith("|") for line in table.splitlines()) == 8
    assert "| 0 (control) |" in table
    assert (folder / "support.png").read_bytes().startswith(b"\x89PNG")
    by_rounds = np.mean(metrics["by_rounds"]["exact"], axis=0)
    assert by_rounds[[0, 1, 2, 4, 9]] == pytest.approx([1, 1.61, 2.08, 2.60, 3.0], abs=0.35)


def test_association(tmp_path: Path) -> None:
    metrics, folder = quick("association", tmp_path)
    control, chance = metrics["controls"]["beta_zero"], metrics["chance"]["overlap"]
    assert metrics["overlap_by_rounds"]["20"] > metrics["overlap_by_rounds"]["10"] > 5 * chance
    assert max(control["association"].values()) < 3 * chance
    assert metrics["completion_by_rounds"]["30"] > 0.9
    assert max(value for key, value in control["completion"].items() if key != "density") < 0.15
    assert metrics["half_cue"] > 0.9
    assert control["half_cue"]["25"] < 0.15
    assert metrics["density"] > 1.3 * metrics["chance"]["density"]
    for name, value in metrics["links"].items():
        assert value > 0.6
        assert value > 2 * control["links"][name]
    for name in ("association", "completion", "half_cue", "links"):
        assert (folder / f"{name}.md").read_text().startswith("# ")


@pytest.mark.slow
def test_classification(tmp_path: Path) -> None:
    metrics, folder = quick("classification", tmp_path)
    accuracy, controls = metrics["accuracy"], metrics["controls"]
    assert set(accuracy) == {"stimulus_classes", "halfspaces"}
    assert accuracy["stimulus_classes"]["0.76"] > 0.95 > 0.85 > accuracy["stimulus_classes"]["0.38"]
    assert accuracy["halfspaces"]["4.3"] > 0.95 > 0.7 > accuracy["halfspaces"]["2.8"]
    assert accuracy["halfspaces"]["2.0"] == 0.5
    assert metrics["ranked"]["halfspaces"]["2.8"] > 0.95 > controls["beta_zero"]["ranked"]["halfspaces"]["2.8"] > 0.7
    assert controls["shuffled"]["halfspaces"]["4.3"] < 0.9
    assert controls["beta_zero"]["stimulus_classes"]["0.48"] < accuracy["stimulus_classes"]["0.48"]
    assert (folder / "halfspaces.md").read_text().count("\n| ") == 6


@pytest.mark.slow
def test_digits(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    metrics, folder = quick("digits", tmp_path)
    assert metrics["images"] == 400
    assert 0.25 < metrics["accuracy"]["five_examples"] < metrics["accuracy"]["linear"]
    assert metrics["controls"]["shuffled"]["accuracy"]["training_set"] < 0.4
    assert min(metrics["accuracy"][name] for name in ("linear", "pixels")) > 0.7
    assert set(metrics["controls"]["untrained"]["accuracy"]) == {"five_examples", "training_set", "linear"}
    assert "chance .1" in (folder / "accuracy.md").read_text()


def test_digits_are_read_from_a_file(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 10
    images = np.zeros((100, 20, 20))
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 3, 3:15] = 1.0  # bars at ten heights
    noisy = images.reshape(100, -1) + rng.normal(0, 0.1, (100, 400))
    np.savetxt(tmp_path / "bars.csv", np.column_stack([noisy, labels]), delimiter=",")
    metrics, _ = quick("digits", tmp_path, images=str(tmp_path / "bars.csv"), n=500, k=50)
    assert metrics["accuracy"]["training_set"] > 0.7
    np.savetxt(tmp_path / "odd.csv", np.ones((3, 12)), delimiter=",")
    for name, message in (("odd.csv", "pixels of a square image and the label"), ("none.csv", "no such file")):
        with pytest.raises(ExperimentError, match=message):
            quick("digits", tmp_path / f"of {name}", images=str(tmp_path / name))


@pytest.mark.slow
def test_sequences(tmp_path: Path) -> None:
    metrics, folder = quick("sequences", tmp_path)
    simple, scaffold = (metrics["recall_last"][kind] for kind in ("simple", "scaffold"))
    assert simple["8"] > 0.8
    assert simple["4"] < 0.3 < 0.8 < scaffold["5"]
    denser = metrics["by_p"]["0.4"]["recall_last"]
    assert denser["simple"]["6"] > 0.8 > 0.3 > denser["simple"]["2"]
    control = metrics["controls"]["beta_zero"]["0.2"]["recall_last"]
    assert max(control["simple"].values()) < 0.15
    assert max(metrics["by_p"]["0.4"]["shared"]["scaffold"].values()) < 0.2, "the elements of a sequence are distinct"
    assert (folder / "recall.png").read_bytes().startswith(b"\x89PNG")


def test_ties(tmp_path: Path) -> None:
    metrics, folder = quick("ties", tmp_path, n=4000, k=60, p=0.02, stimuli=12, seeds=3)
    law, index, fixed, random = (metrics["first_winners"][rule] for rule in ("law", "index", "fixed", "random"))
    assert abs(law["overlap"] - 1) < 0.15 < 0.2 < min(index["overlap"], fixed["overlap"]) - 1
    assert abs(law["lower_half"] - 0.5) < 0.05 < 0.2 < index["lower_half"] - 0.5
    assert law["repeated"] == index["repeated"] == 1 > 0.8 > random["repeated"]
    assert law["similar"] > random["similar"] + 0.05
    formed = metrics["formed"]
    assert formed["trained"]["support"] < 0.6 * formed["beta_zero"]["support"]
    assert formed["beta_zero"]["settled"] == 0 < formed["trained"]["settled"]
    assert (folder / "first_winners.md").read_text().count("\n|") == 6
    assert (folder / "ties.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_finite_state_machine(tmp_path: Path) -> None:
    metrics, _ = quick("finite_state_machine", tmp_path)
    assert metrics["correct"]["0.4"] == metrics["exact_states"]["0.4"] == 1.0
    assert metrics["correct"]["0.1"] < 0.7
    for control in metrics["controls"].values():
        assert max(control["correct"].values()) < 0.5
        assert max(control["nearest"].values()) < 0.9
    assert metrics["nearest"]["0.4"] == 1.0


@pytest.mark.slow
def test_markov_chain(tmp_path: Path) -> None:
    metrics, folder = quick("markov_chain", tmp_path)
    assert metrics["max_error"] < 0.17 < min(control["max_error"] for control in metrics["controls"].values())
    assert np.sum(metrics["sampled"], axis=1) == pytest.approx([1, 1, 1], abs=1e-3)
    assert metrics["coin"]["heads"] == pytest.approx(0.5, abs=0.2)
    assert "| chance: 1/3 each | 0.267 |" in (folder / "errors.md").read_text()


class TestLazyEngine:
    """The published lazy method: its first round follows the law, later rounds do not."""

    def test_the_first_round_follows_the_law(self) -> None:
        engine = LazyProjection(10_000, 100, 0.01, 0.05, seed=1)
        engine.step()
        assert engine.support == len(engine.winners) == 100
        # The 100 best of 10 000 binomial(100, .01) drives have 4 or more synapses each.
        assert (engine._stimulus > 0).sum(axis=0).min() >= 4

    def test_the_support_is_that_of_the_published_engine(self) -> None:
        supports = []
        for seed in range(3):
            engine = LazyProjection(10_000, 100, 0.01, 0.05, seed)
            for _ in range(40):
                engine.step()
            supports.append(engine.support / 100)
        assert np.mean(supports) == pytest.approx(3.7, abs=0.35)  # the law gives 3.03


def test_means_are_written_with_their_interval() -> None:
    assert measured([1.0]) == "1.00"
    assert measured([1.0, 1.2, 1.1]) == "1.10 [0.85, 1.35]"
    assert measured([0.9, 1.0], 1, bounded=True) == "0.9 [0.3, 1.0]"
