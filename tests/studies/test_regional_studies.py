"""Studies of what regions need, in their quick form: correction, routing and late rewards."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_reproductions import quick


def test_correction(tmp_path: Path) -> None:
    metrics, folder = quick("correction", tmp_path)
    none, rules = metrics["arms"]["none"], {arm: metrics["arms"][arm] for arm in ("reversed", "stdp", "heterosynaptic")}
    assert none["right"] < 0.6, "without weakening, right and wrong tie"
    assert all(rule["right"] > 0.85 > 0.2 > rule["wrong"] for rule in rules.values())
    assert rules["stdp"]["same_target"] > rules["reversed"]["same_target"] + 0.05
    assert rules["stdp"]["other_target"] > rules["heterosynaptic"]["other_target"] + 0.1
    assert all(each["wrong_before"] > 0.85 for each in metrics["arms"].values())
    assert rules["stdp"]["stored"] == none["stored"], "weakening stores nothing"
    assert (folder / "correction.md").read_text().count("\n|") == 2 + 9
    assert (folder / "correction.png").read_bytes().startswith(b"\x89PNG")


def test_routing(tmp_path: Path) -> None:
    metrics, folder = quick("routing", tmp_path)
    few, many = metrics["by_items"].values()
    assert many["channels"] > 0.99
    assert many["relays"] < 0.9, "one by one, some of the right relays lose"
    assert many["gated"] > 0.95
    assert many["random_gate"] < many["gated"] / 2
    assert many["ungated"] < many["gated"] / 2
    assert metrics["slopes"]["choose"] == pytest.approx(1.0, abs=0.05)
    assert metrics["slopes"]["transmit"] == pytest.approx(0.0, abs=0.05)
    assert few["ungated_events"] > 10 * few["transmit"]
    assert metrics["slopes"]["ungated_events"] == pytest.approx(1.0, abs=0.05)
    assert (folder / "routing.md").read_text().count("\n|") == 2 + 9
    assert (folder / "routing.png").read_bytes().startswith(b"\x89PNG")


def test_delayed_reward(tmp_path: Path) -> None:
    metrics, folder = quick("delayed_reward", tmp_path)
    right = metrics["right"]
    assert right["trace"] > 0.7
    assert right["decaying"] > right["no_trace"] + 0.2
    assert max(right["no_trace"], right["shuffled"]) < 0.6
    assert (folder / "delayed_reward.md").read_text().count("\n|") == 2 + 4
    assert (folder / "delayed_reward.png").read_bytes().startswith(b"\x89PNG")
