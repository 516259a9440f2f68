"""Quick forms of the studies of regions: correction, routing, memory and rewards."""

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


@pytest.mark.slow
def test_thalamic_routing(tmp_path: Path) -> None:
    metrics, folder = quick("thalamic_routing", tmp_path)
    few, many = (each["chosen=4"] for each in metrics["by_items"].values())
    assert many["cue=0.6"]["channels"] > 0.99
    assert many["cue=0.3"]["neurons"] < many["cue=0.3"]["channels"], "without channels, some of the right relays lose"
    assert many["cue=0.6"]["gated"] > 0.95
    assert max(many["cue=0.6"]["random_gate"], many["cue=0.6"]["no_gate"]) < many["cue=0.6"]["gated"] / 2
    slopes = {name: each["chosen=4"] for name, each in metrics["events_exponent"].items()}
    assert slopes == pytest.approx({"matching": 1.0, "transmitting": 0.0, "ungated": 1.0}, abs=0.02)
    assert few["cue=0.6"]["ungated"] > 10 * few["cue=0.6"]["transmitting"]
    assert (folder / "thalamic_routing.md").read_text().count("\n|") == 2 + 4
    assert (folder / "thalamic_routing.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_opponent_striatum(tmp_path: Path) -> None:
    metrics, folder = quick("opponent_striatum", tmp_path)
    assert all(abs(metrics["controls"][name] - metrics["chance"][name]) < 0.08 for name in metrics["chance"])
    assert all(metrics["reward"][way]["mean"] > metrics["reward"]["off"]["mean"] + 0.02 for way in ("one", "opponent"))
    assert (folder / "opponent_striatum.md").read_text().count("\n|") == 2 + 4
    assert (folder / "opponent_striatum.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_delayed_reward(tmp_path: Path) -> None:
    metrics, folder = quick("delayed_reward", tmp_path)
    right = metrics["right"]
    assert right["trace"] > 0.7
    assert right["decaying"] > right["no_trace"] + 0.2
    assert max(right["no_trace"], right["shuffled"]) < 0.6
    assert (folder / "delayed_reward.md").read_text().count("\n|") == 2 + 4
    assert (folder / "delayed_reward.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_one_shot_memory(tmp_path: Path) -> None:
    metrics, folder = quick("one_shot_memory", tmp_path)
    half, controls = metrics["recall_from_half_cue"], metrics["controls"]
    assert half["completed"] > 0.95
    assert half["answer"] > 0.9
    assert half["first"] < 0.9, "CA3 completes the pattern after the first round"
    assert metrics["recall_from_fifth_of_cue"] > max(controls["no_ca3"], controls["recurrent_zero"]) + 0.05
    assert controls["beta_zero"] < 3 * metrics["chance"]["answer"]
    capacity = metrics["capacity"]["whole"]["answer"]["0.5"]
    assert all(20 < each < metrics["formula"]["whole"] / 2 for each in capacity)
    assert metrics["expected_capacity"]["whole"]["answer"]["0.5"] == pytest.approx(sum(capacity) / 2, rel=0.5)
    assert (folder / "by_load.md").read_text().count("\n|") == 2 + 2
    assert (folder / "by_cue.md").read_text().count("\n|") == 2 + 5
    assert (folder / "one_shot_memory.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_pattern_separation(tmp_path: Path) -> None:
    metrics, folder = quick("pattern_separation", tmp_path)
    alike = {name: each["0.6"] for name, each in metrics["recall"].items()}
    assert alike["dg"]["shared_ca3"] < alike["direct"]["shared_ca3"] / 1.5
    assert alike["dg"]["half"] > alike["direct"]["half"] + 0.1
    assert metrics["recall"]["direct"]["0.0"]["half"] > 0.85, "unrelated episodes need no dentate gyrus"
    assert (folder / "separation.md").read_text().count("\n|") == 2 + 9
    assert (folder / "pattern_separation.png").read_bytes().startswith(b"\x89PNG")


def test_one_shot_scale(tmp_path: Path) -> None:
    metrics, folder = quick("one_shot_scale", tmp_path)
    first, *_, last = metrics["by_load"].values()
    assert first["answer"] > 0.95
    assert first["stored_mb"] < last["stored_mb"]
    for load, each in metrics["expected"].items():
        assert metrics["by_load"][load]["answer"] == pytest.approx(each["answer"], abs=0.15)
    assert (folder / "scale.md").read_text().count("\n|") == 2 + 3
    assert (folder / "one_shot_scale.png").read_bytes().startswith(b"\x89PNG")


def test_memory_areas(tmp_path: Path) -> None:
    metrics, folder = quick("memory_areas", tmp_path)
    assert metrics["distinct_at_last_load"]["refracted-30"] > 0.9
    assert max(metrics["controls"].values()) < 0.4
    assert metrics["distinct"]["refracted-30"] > 2 * metrics["distinct"]["no_refraction-30"]
    assert metrics["completed_to_nine_tenths"]["no_recurrence-30"] == [0.0, 0.0]
    assert (folder / "memory_areas.md").read_text().count("\n|") == 2 + 8
    assert (folder / "memory_areas.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_reward_learning(tmp_path: Path) -> None:
    metrics, folder = quick("reward_learning", tmp_path)
    error, off = metrics["task"]["error"], metrics["task"]["off"]
    assert min(error["acquired"], error["reversed"]) > 0.85 > 0.5 > max(off["acquired"], off["reversed"])
    assert metrics["task"]["reward"]["reversed"] < 0.5, "without a prediction error the brain does not unlearn"
    assert abs(error["extinct"]) < 0.2 < metrics["task"]["reward"]["extinct"]
    assert metrics["reward"]["error"] > metrics["reward"]["off"]
    assert len(metrics["reward_of_algorithms"]) == 3
    assert (folder / "task.md").read_text().count("\n|") == 2 + 5
    assert (folder / "bandit.md").read_text().count("\n|") == 2 + 8
    assert (folder / "reward_learning.png").read_bytes().startswith(b"\x89PNG")


def test_forgetting(tmp_path: Path) -> None:
    metrics, folder = quick("forgetting", tmp_path, epochs=2)
    assert metrics["retention"]["depression"]["replay"] > metrics["retention"]["depression"]["shuffled"] + 0.3
    assert metrics["retention"]["none"]["none"] > 0.8, "without depression nothing is forgotten"
    assert metrics["retention"]["depression"]["naive"] > 3 * metrics["chance"]["retention"]
    assert (folder / "lists.md").read_text().count("\n|") == 2 + 10
    assert (folder / "forgetting.png").read_bytes().startswith(b"\x89PNG")


def test_theta_phases(tmp_path: Path) -> None:
    metrics, folder = quick("theta_phases", tmp_path)
    recalled = metrics["recall_from_half_cue"]
    assert recalled["phases"]["completed"] > 0.95
    assert recalled["phases"]["answer"] > 0.9 > recalled["mossy-1"]["answer"] + 0.5
    assert recalled["mossy-100"]["answer"] > 0.8
    assert (folder / "phases.md").read_text().count("\n|") == 2 + 5
    assert (folder / "theta_phases.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_knowing_that_you_know(tmp_path: Path) -> None:
    metrics, folder = quick("knowing_that_you_know", tmp_path)
    assert all(each["read_back_novel"] > 0.95 and each["read_back_lure"] > 0.95 for each in metrics["roc_auc"].values())
    assert all(each["known"] > 0.9 > 0.1 > each["novel"] for each in metrics["taken_for_known"].values())
    assert 0.2 < metrics["controls"]["beta_zero"] < 0.8
    assert (folder / "auroc.md").read_text().count("\n|") == 2 + 4
    assert (folder / "known.md").read_text().count("\n|") == 2 + 2
    assert (folder / "knowing.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_persistent_memory(tmp_path: Path) -> None:
    metrics, folder = quick("persistent_memory", tmp_path)
    retention = metrics["retention"]
    assert min(retention["first_after_second"], retention["second"]) > 0.9
    assert retention["control"] < 3 * metrics["chance"]["retention"]
    assert all(metrics["facts"].values())
    assert (folder / "persistent.md").read_text().count("\n|") == 2 + 9
    assert (folder / "persistent_memory.png").read_bytes().startswith(b"\x89PNG")


def test_rules(tmp_path: Path) -> None:
    metrics, folder = quick("rules", tmp_path)
    changes = {int(lag): change for lag, change in metrics["window"].items()}
    assert [lag for lag, change in changes.items() if change > 0] == [1]
    assert [lag for lag, change in changes.items() if change < 0] == [0]
    assert metrics["met"]["growth"]
    assert metrics["met"]["reward"]
    assert metrics["busiest_tenth"]["refraction"] < metrics["busiest_tenth"]["none"] - 0.05
    assert metrics["busiest_tenth"]["none"] < metrics["busiest_tenth"]["learns"], (
        "with learning, earlier winners win again"
    )
    assert (folder / "window.md").read_text().count("\n|") == 2 + 9
    assert (folder / "rules.png").read_bytes().startswith(b"\x89PNG")
