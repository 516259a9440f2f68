"""Damaged files are refused by name or read unchanged, and the harness recognises each kind of failure.

`python tests/support/fuzz.py --count 2000` tries more of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fuzz import FAILURES, Fuzz, Trial, Worker, run, table

SEALED = ("state", "dump", "history", "run folder")


def outcomes(folder: Path, count: int, backend: str, kinds: tuple[str, ...] = ()) -> list[str]:
    done = run(folder, count, seed=1, jobs=2, backend=backend, kinds=kinds)
    assert len(done) == count
    failed = [
        (trial.number, outcome, trial.kind, trial.damage, text) for trial, outcome, text in done if outcome in FAILURES
    ]
    assert not failed
    return [outcome for _, outcome, _ in done]


def test_damaged_files_are_refused_by_name_or_read_unchanged(tmp_path: Path) -> None:
    found = outcomes(tmp_path, 150, "reference", SEALED)
    assert found.count("refused") > 100


@pytest.mark.slow
def test_damaged_files_of_all_kinds_are_refused_or_read_unchanged_on_the_cpu(tmp_path: Path) -> None:
    assert outcomes(tmp_path, 500, "cpu").count("refused") > 300


STUB = """
import json, os, sys, time
for line in sys.stdin:
    kind, path, backend = json.loads(line)
    if kind == "crash":
        os.abort()
    if kind == "hang":
        time.sleep(60)
    print(json.dumps({"is": "refused", "text": path}), flush=True)
"""


def test_a_reader_that_crashes_or_hangs_is_reported_and_replaced(tmp_path: Path) -> None:
    script = tmp_path / "stub.py"
    script.write_text(STUB)
    worker = Worker("reference", script, seconds=1.5)
    try:
        replies = [worker.ask(kind, tmp_path)["is"] for kind in ("state", "crash", "state", "hang", "state")]
    finally:
        worker.end()
    assert replies == ["refused", "CRASH", "refused", "HANG", "refused"]


def judged(reply: dict[str, Any], *, kind: str = "state", exact: bool = True) -> str:
    return Trial(0, kind, "", Path(), exact).judge({"is": "loaded", "raw": None, **reply}, ["a", "b"])[0]


def test_content_that_is_read_is_compared_with_the_original() -> None:
    assert judged({"content": ["a", "b"]}) == "same"
    assert judged({"content": ["a", "c"]}) == judged({"content": ["a"]}) == "SILENT"
    assert judged({"content": ["a"]}, kind="open history") == "same"
    assert judged({"content": ["b"]}, kind="open history") == "SILENT"
    assert judged({"content": ["a", "c"], "raw": ["a", "c"]}, exact=False) == "valid"
    assert judged({"content": ["a", "c"], "raw": ["a", "c", "d"]}, exact=False) == "SILENT"  # something is skipped
    assert judged({"is": "TRACEBACK"}) == "TRACEBACK"


def test_a_trial_is_drawn_from_its_number(tmp_path: Path) -> None:
    drawn = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        fuzz = Fuzz(folder, seed=3, kinds=("history",))
        trials = [fuzz.trial(number) for number in range(5)]
        drawn.append([trial.damage for trial in trials])
        assert len({trial.path.read_bytes() for trial in trials}) == 5
    assert drawn[0] == drawn[1]
    assert "tried" in table("damage", [(damage, "same") for damage in drawn[0]])
