"""Experiments on networks: missing controls are errors, and the baseline has the expected loss."""

from __future__ import annotations

import importlib.util
import math
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from brainsim.errors import ExperimentError
from checkout import ROOT

sys.path.append(str(ROOT / "experiments"))  # as `brainsim run` does

from modulated.registers import read_registers


def study(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"study_{name}", ROOT / "experiments" / f"{name}.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def complete_parts(module: ModuleType) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of a run in which no control is missing."""
    ablations = dict.fromkeys(module.ABLATIONS, 1.0)
    routes = dict.fromkeys(module.ROUTES, 1.0)
    arms = {arm: [{"loss": 1.0, "ablations": dict(ablations)}] for arm in module.ARMS}
    return {**arms, **{f"routing-{surface}": [dict(routes)] for surface in module.SURFACES}}


def test_a_missing_control_fails_the_experiment() -> None:
    module = study("geometric_lm")
    module._check(complete_parts(module))
    for arm in ("plain", "longer", "constant"):
        with pytest.raises(ExperimentError, match=f"the controls {arm} are missing"):
            module._check({**complete_parts(module), arm: []})
    for name in ("identity", "mean", "shuffled"):
        found = complete_parts(module)
        del found["modulated"][0]["ablations"][name]
        with pytest.raises(ExperimentError, match=f"the controls {name} are missing"):
            module._check(found)
    for name in ("histogram", "shuffled_labels"):
        found = complete_parts(module)
        del found["routing-letters"][0][name]
        with pytest.raises(ExperimentError, match=f"the controls {name} are missing"):
            module._check(found)


def test_texts_without_registers_are_refused(tmp_path: Any) -> None:
    with pytest.raises(ExperimentError, match="no such file"):
        read_registers(str(tmp_path / "absent.tsv"), 10)
    for content, message in (("a\tb\nc\td\n", "must have the columns"), ("", "must have the columns")):
        (tmp_path / "texts.tsv").write_text(content)
        with pytest.raises(ExperimentError, match=message):
            read_registers(str(tmp_path / "texts.tsv"), 10)
    (tmp_path / "texts.tsv").write_text("genre\tsplit\ttext\na\ttrain\tone\na\ttest\ttwo\n")
    with pytest.raises(ExperimentError, match="must have two genres"):
        read_registers(str(tmp_path / "texts.tsv"), 10)
    assert {len(each) for each in read_registers(None, 10)["test"].values()} == {10}


def test_the_n_gram_baseline_has_the_expected_loss() -> None:
    """Random letters cost log 4 nats; 3-grams predict a sequence with a rule of three letters, 2-grams do not."""
    gram_loss = study("char_lm").gram_loss
    letters = "".join(np.random.default_rng(0).choice(list("abcd"), 6000))
    assert gram_loss(letters[:5000], letters[5000:], 2) == pytest.approx(math.log(4), abs=0.02)
    word = "aabb" * 1500  # what follows a letter depends on the one before it
    assert gram_loss(word[:5000], word[5000:], 2) == pytest.approx(math.log(2), abs=0.02)
    assert gram_loss(word[:5000], word[5000:], 3) < 0.01


def test_a_gain_must_be_large_and_its_interval_above_0() -> None:
    gains_enough = study("coordinate_decoding").gains_enough
    assert gains_enough([0.010, 0.011, 0.012])
    assert not gains_enough([0.035, 0.022, -0.036])  # .007 in the mean, and the interval contains 0
    assert not gains_enough([0.002, 0.002, 0.0021])  # above 0, but too small
    assert not gains_enough([0.5])
