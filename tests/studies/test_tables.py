"""The tidy tables of a run: scores by condition, seed and test, and curves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas
import pytest
from test_runs import begun


def tables(folder: Path, metrics: dict[str, Any], **settings: Any) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Finish a run with these metrics and read its tables."""
    begun(folder, **settings).finish(metrics)
    return pandas.read_csv(folder / "scores.csv"), pandas.read_csv(folder / "curve.csv")


def test_scores_have_a_row_for_each_condition_seed_and_test(tmp_path: Path) -> None:
    scores, _ = tables(
        tmp_path / "out",
        {
            "by_seed": {"accuracy": [0.5, 1.0], "sentences": [20, None], "met": [True, False]},
            "controls": {"beta_zero": {"accuracy": 0.1, "by_seed": {"accuracy": [0.1, 0.1 + 0.2]}}},
        },
        seed=7,
    )
    assert list(scores.columns) == ["condition", "seed", "test", "value"]
    trained = scores[scores.condition == "trained"].pivot_table("value", "seed", "test", dropna=False)
    assert trained["accuracy"].to_dict() == {7: 0.5, 8: 1.0}
    assert trained["met"].to_dict() == {7: 1.0, 8: 0.0}
    assert scores[(scores.test == "sentences") & (scores.seed == 8)].value.isna().all()
    with (tmp_path / "out" / "scores.csv").open(newline="") as file:  # pandas may round the last bit
        written = [float(row["value"]) for row in csv.DictReader(file) if row["condition"] == "beta_zero"]
    assert written == [0.1, 0.1 + 0.2], "in full precision"


def test_swept_parameters_are_columns_and_other_names_are_part_of_the_test(tmp_path: Path) -> None:
    tables(
        tmp_path / "out",
        {
            "by_seed": {
                "p=0.1": {"beta=0.5": {"recall": {"first": [0.25]}}},
                "condition=reversed": {"recall": [1]},
                "seed=odd": [3],
            }
        },
    )
    assert (tmp_path / "out" / "scores.csv").read_text().splitlines() == [
        "condition,p,beta,seed,test,value",
        "trained,0.1,0.5,0,recall.first,0.25",
        "reversed,,,0,recall,1",
        "trained,,,0,seed=odd,3",  # the column `seed` has another meaning
    ]


def test_curves_have_a_column_for_the_step(tmp_path: Path) -> None:
    points = [[{"round": 1, "overlap": 0.5, "word": "dog"}, {"round": 3, "overlap": 1.0, "word": "cat"}]]
    _, curve = tables(tmp_path / "out", {"curve": {"trained": points, "beta_zero": {"n=10": {"A": points}}}})
    assert list(curve.columns) == ["condition", "n", "seed", "step", "test", "value"]
    assert curve.fillna(0).values.tolist() == [
        ["trained", 0, 0, 1, "overlap", 0.5],
        ["trained", 0, 0, 3, "overlap", 1.0],
        ["beta_zero", 10, 0, 1, "A.overlap", 0.5],
        ["beta_zero", 10, 0, 3, "A.overlap", 1.0],
    ]


def test_labels_with_special_characters_are_read_back(tmp_path: Path) -> None:
    odd = 'a "b", c\nd ✓'
    scores, _ = tables(tmp_path / "out", {"by_seed": {odd: [1]}})
    assert scores.test.tolist() == [odd]


@pytest.mark.parametrize("shape", [None, 3, "text", [1, 2], {"a": 1}, {"a": {"b": "c"}}, [{"x": 1}]])
def test_malformed_metrics_give_a_table_without_rows_and_a_note(shape: Any, tmp_path: Path) -> None:
    run = begun(tmp_path / "out")
    run.finish({"by_seed": shape, "curve": shape, "controls": shape})
    assert (tmp_path / "out" / "scores.csv").read_text() == "condition,seed,test,value\n"
    assert (tmp_path / "out" / "curve.csv").read_text() == "condition,seed,step,test,value\n"
    assert [note.split()[0] for note in run.notes] == ["scores.csv", "curve.csv"]


def test_metrics_without_scores_by_seed_give_tables_without_rows(tmp_path: Path) -> None:
    scores, curve = tables(tmp_path / "out", {"score": 1.0})
    assert (len(scores), len(curve)) == (0, 0)
